import { beforeEach, describe, expect, test } from "bun:test";
import { FeedCount, feedCountSize } from "../../src/feed/count.ts";
import { type DatagramDecoder, Verdict } from "../../src/feed/decoder.ts";
import { Side } from "../../src/feed/event.ts";
import { type FormatOptions, formats } from "../../src/feed/format.ts";
import { random } from "../support/random.ts";
import { scaled, testSeed } from "../support/scale.ts";
import { EventLog } from "./event-log.ts";
import { testOptions } from "./format-options.ts";

const base = Number(testOptions.baseEpochNs / 1_000_000_000n);

let log: EventLog;
let counters: Uint32Array;
let decoder: DatagramDecoder;

function open(options: Partial<FormatOptions> = {}): void {
  log = new EventLog();
  counters = new Uint32Array(feedCountSize);
  decoder = formats.tick.create(log, counters, { ...testOptions, ...options });
}

beforeEach(() => open());

function send(text: string): number {
  const bytes = Buffer.from(text);
  return decoder.decode(bytes, bytes.length, 0, 0);
}

function tick(fields: Record<string, unknown> = {}): string {
  return JSON.stringify({
    symbol: "AAPL",
    timestamp: base * 1000 + 1,
    price: 320.14,
    volume: 100,
    ...fields,
  });
}

function nested(depth: number): string {
  return tick().replace("{", `{"x":${"[".repeat(depth)}${"]".repeat(depth)},`);
}

/** What a tick with this timestamp literal said the time was. */
function timeOf(literal: string, timestampUnit: FormatOptions["timestampUnit"]): number {
  open({ timestampUnit });
  send(`{"symbol":"A","timestamp":${literal},"price":1,"volume":1}`);
  return log.lastTime;
}

/** What a tick with this price literal said the price was. */
function priceOf(literal: string, priceDecimals = 4): unknown {
  open({ priceDecimals });
  send(`{"symbol":"A","timestamp":0,"price":${literal},"volume":1}`.replace(":0,", `:${base}000,`));
  return log.events[0]?.[4];
}

describe("tick", () => {
  test("theFourRequiredFieldsMakeATrade", () => {
    expect(send(tick())).toBe(Verdict.applied);
    expect(log.events).toEqual([["trade", 0, Side.unknown, 100, 3_201_400]]);
    expect(log.symbols).toEqual(["AAPL"]);
    expect(log.lastTime).toBe(1_000_000);
    expect(decoder.sentNs).toBe(1_000_000);
    expect(decoder.sequence).toBe(1);
  });

  test("bestPricesMakeAQuoteBeforeTheTrade", () => {
    send(tick({ bid: 320.13, bidSize: 200, ask: 320.15, askSize: 300 }));
    expect(log.events).toEqual([
      ["quote", 0, 3_201_300, 200, 3_201_500, 300],
      ["trade", 0, Side.unknown, 100, 3_201_400],
    ]);
  });

  test("sizesThatAreAbsentAreNotTheNumberZeroAndAnAbsentSideIsEmpty", () => {
    send(tick({ bid: 320.13, ask: 320.15 }));
    send(tick({ bid: 320.13, ask: null }));
    send(tick({ ask: 320.15, askSize: 7 }));
    expect(log.events.filter(([name]) => name === "quote")).toEqual([
      ["quote", 0, 3_201_300, Number.NaN, 3_201_500, Number.NaN],
      ["quote", 0, 3_201_300, Number.NaN, 0, 0],
      ["quote", 0, 0, 0, 3_201_500, 7],
    ]);
  });

  test("anyOrderWhiteSpaceAndUnknownFields", () => {
    const verdict =
      send(`\r\n { "volume" : 100 ,\t"x": {"a":[1,{"b":"}\\""},true,false,null,-1.5e-7]},
      "price":320.14,"y":"\\u00e9\\n","timestamp":${base}001, "symbol"\n:"AAPL","z":[] } \r\n`);
    expect(verdict).toBe(Verdict.applied);
    expect(log.events).toEqual([["trade", 0, Side.unknown, 100, 3_201_400]]);
  });

  test("escapesInNamesAndSymbolsAreUndone", () => {
    send(`{"s\\u0079mbol":"BRK\\/\\u0041","timestamp":${base}000,"price":1,"volume":1}`);
    expect(log.symbols).toEqual(["BRK/A"]);
  });

  test("numbersMayBeStrings", () => {
    send(tick({ price: "320.14", timestamp: `${base}001`, volume: "1e2", bid: "320.1" }));
    expect(log.events.at(-1)).toEqual(["trade", 0, Side.unknown, 100, 3_201_400]);
    expect(send(tick({ price: "320.14 " }))).toBe(Verdict.bad);
    expect(counters[FeedCount.badField]).toBe(1);
  });

  test("theLastOfTwoFieldsOfOneNameCounts", () => {
    send(`{"price":1,"symbol":"A","timestamp":${base}000,"volume":1,"price":2}`);
    expect(log.events[0]?.[4]).toBe(20_000);
    expect(send(`{"symbol":"A","timestamp":1,"price":1,"volume":1,"price":null}`)).toBe(
      Verdict.bad,
    );
  });

  test("severalLinesAreSeveralTicks", () => {
    expect(send(`${tick()}\n${tick({ symbol: "MSFT" })}\r\n\n${tick()}`)).toBe(Verdict.applied);
    expect(log.symbols).toEqual(["AAPL", "MSFT"]);
    expect(counters[FeedCount.messages]).toBe(3);
    expect(decoder.sequence).toBe(3);
  });

  test("badLineLosesOnlyItself", () => {
    expect(send(`${tick()}\n{"symbol":"A",\n${tick()}\nnonsense\n{}\n${tick()}`)).toBe(
      Verdict.applied,
    );
    expect(counters[FeedCount.messages]).toBe(2 + 1);
    expect(counters[FeedCount.badJson]).toBe(2);
    expect(counters[FeedCount.badField]).toBe(1);
  });

  test("whiteSpaceIsAHeartbeat", () => {
    expect(send("")).toBe(Verdict.heartbeat);
    expect(send("\n")).toBe(Verdict.heartbeat);
    expect(counters[FeedCount.heartbeats]).toBe(2);
  });

  test("truncatedAtEveryLength", () => {
    const whole = tick({ bid: 320.13, extra: { deep: [1, "two", null] } });
    for (let length = 1; length < whole.length; length++) {
      expect(send(whole.slice(0, length))).toBe(Verdict.bad);
    }
    expect(counters[FeedCount.badJson]).toBe(whole.length - 1);
    expect(log.events).toEqual([]);
  });

  test("missingAndMistypedFieldsAreCounted", () => {
    for (const name of ["symbol", "timestamp", "price", "volume"]) {
      expect(send(tick({ [name]: undefined }))).toBe(Verdict.bad);
      expect(send(tick({ [name]: null }))).toBe(Verdict.bad);
      expect(send(tick({ [name]: [1] }))).toBe(Verdict.bad);
      expect(send(tick({ [name]: true }))).toBe(Verdict.bad);
    }
    expect(send(tick({ symbol: 5 }))).toBe(Verdict.bad);
    expect(counters[FeedCount.badField]).toBe(17);
  });

  test("impossibleValuesAreCounted", () => {
    const bad = [
      { price: 0 },
      { price: -1 },
      { price: 1e300 },
      { volume: -1 },
      { volume: -0.1 },
      { bid: -5 },
      { bid: 1, bidSize: -5 },
      { ask: 1, askSize: 1e300 },
    ];
    const badTimes = [{ timestamp: -1 }, { timestamp: 1 }, { timestamp: 1e300 }];
    for (const fields of [...bad, ...badTimes]) expect(send(tick(fields))).toBe(Verdict.bad);
    expect(counters[FeedCount.badTime]).toBe(badTimes.length);
    expect(counters[FeedCount.badValue]).toBe(bad.length);
    expect(log.events).toEqual([]);
  });

  test("symbolsThatAreNoneAreCounted", () => {
    for (const symbol of ["", " A", "A ", "A\u0001", "A\u00e9", "ABCDEFGHIJKLMNOPQ"]) {
      expect(send(tick({ symbol }))).toBe(Verdict.bad);
    }
    expect(counters[FeedCount.badSymbol]).toBe(6);
    expect(send(tick({ symbol: "ABCDEFGHIJKLMNOP" }))).toBe(Verdict.applied);
  });

  test("nestingIsBounded", () => {
    expect(send(nested(64))).toBe(Verdict.applied);
    expect(send(nested(65))).toBe(Verdict.bad);
    expect(send(nested(100_000))).toBe(Verdict.bad);
  });

  test("notFollowedIsPassedOver", () => {
    log = new EventLog(["MSFT"]);
    decoder = formats.tick.create(log, counters, testOptions);
    send(tick());
    expect(log.events).toEqual([]);
    expect(counters[FeedCount.unfollowed]).toBe(1);
  });
});

describe("exact numbers", () => {
  test("epochNanosecondsKeepTheirLastDigit", () => {
    expect(timeOf(`${base}000000001`, "ns")).toBe(1);
    expect(timeOf(`${base + 50_000}123456789`, "ns")).toBe(50_000_123_456_789);
    expect(timeOf(`"${base + 1}999999999"`, "ns")).toBe(1_999_999_999);
  });

  test("everyUnitTakesFractions", () => {
    expect(timeOf(`${base}.000000001`, "s")).toBe(1);
    expect(timeOf(`${base}.0000000019`, "s")).toBe(1);
    expect(timeOf(`${base}001.5`, "ms")).toBe(1_500_000);
    expect(timeOf(`${base}000001.25`, "us")).toBe(1_250);
    expect(timeOf(`${base}e3`, "ms")).toBe(0);
    expect(timeOf(`${base / 1000}e6`, "ms")).toBe(0);
  });

  test("timeBeforeTheBaseIsNegative", () => {
    expect(timeOf(`${base - 1}999`, "ms")).toBe(-1_000_000);
  });

  test("pricesAreRoundedHalfAwayFromZero", () => {
    expect(priceOf("320.14")).toBe(3_201_400);
    expect(priceOf("320.14005")).toBe(3_201_401);
    expect(priceOf("320.140049999999999999999")).toBe(3_201_400);
    expect(priceOf("320.14000000000004")).toBe(3_201_400);
    expect(priceOf("0.00005")).toBe(1);
    expect(priceOf("1e-4")).toBe(1);
    expect(priceOf("3.2014E+2")).toBe(3_201_400);
    expect(priceOf("1.5", 0)).toBe(2);
    expect(priceOf("0.00001")).toBeUndefined();
    expect(priceOf("61234.56789012", 8)).toBe(6_123_456_789_012);
    expect(priceOf("900719925474.0991")).toBe(Number.MAX_SAFE_INTEGER);
    expect(priceOf("900719925474.0992")).toBeUndefined();
    expect(priceOf(`1${"0".repeat(400)}`)).toBeUndefined();
    expect(priceOf("1e999999999999")).toBeUndefined();
    expect(priceOf("1e-999999999999")).toBeUndefined();
  });

  test("anyDecimalIsScaledAsExactArithmeticSays", () => {
    const rng = random(testSeed("decimals"));
    const digits = (length: number): string =>
      Array.from({ length }, () => String(rng.int(10))).join("");
    for (let i = 0; i < scaled(20_000); i++) {
      const whole = `${1 + rng.int(9)}${digits(rng.int(12))}`;
      const part = rng.int(4) === 0 ? "" : digits(1 + rng.int(18));
      const exponent = rng.int(4) === 0 ? rng.int(13) - 6 : 0;
      const decimals = rng.int(9);
      const literal = `${whole}${part && `.${part}`}${exponent === 0 ? "" : `e${exponent}`}`;
      const shift = exponent + decimals - part.length;
      const all = BigInt(whole + part) * 10n ** BigInt(Math.max(0, shift));
      const divisor = 10n ** BigInt(Math.max(0, -shift));
      const exact = (2n * all + divisor) / (2n * divisor);
      const fits = exact > 0n && exact <= BigInt(Number.MAX_SAFE_INTEGER);
      expect(priceOf(literal, decimals), literal).toBe(fits ? Number(exact) : undefined);
    }
  });

  test("sizeAboveZeroIsNeverRoundedToZero", () => {
    send(tick({ volume: 0.0012 }));
    expect(log.events[0]?.[3]).toBe(1);
    open({ sizeDecimals: 8 });
    send(tick({ volume: 0.0012 }));
    expect(log.events[0]?.[3]).toBe(120_000);
  });

  test("volumeZeroIsNoTrade", () => {
    expect(send(tick({ volume: 0, bid: 1, ask: 2 }))).toBe(Verdict.applied);
    expect(log.events.map(([name]) => name)).toEqual(["quote"]);
  });
});
