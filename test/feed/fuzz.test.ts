/**
 * A million random and mutated datagrams of each format: nothing throws, each is counted as good or
 * as bad by reason, and whatever reaches the market is well formed.
 */
import { describe, expect, test } from "bun:test";
import type { RecoveryOptions } from "../../src/feed/recovery.ts";
import { FeedCount, feedCountSize } from "../../src/feed/count.ts";
import { type DatagramDecoder, Verdict } from "../../src/feed/decoder.ts";
import { type MarketEvents, Side } from "../../src/feed/event.ts";
import { type FormatName, formats } from "../../src/feed/format.ts";
import {
  encodeAdd,
  encodeCancel,
  encodeCross,
  encodeDelete,
  encodeDirectory,
  encodeExecuted,
  encodeExecutedAt,
  encodeReplace,
  encodeTrade,
  encodeTradingAction,
  stockBytes,
} from "../../src/feed/itch50-encode.ts";
import { MoldUdp64Packer } from "../../src/feed/moldudp64-encode.ts";
import { type Random, random } from "../support/random.ts";
import { scaled, testSeed } from "../support/scale.ts";
import { testOptions } from "./format-options.ts";
import { encodeIexTp, iexAdmin, iexLevel, iexQuote, iexStatus, iexTrade } from "./iex-encode.ts";
import {
  encodePitchUnit,
  pitchAdd,
  pitchChange,
  pitchClear,
  pitchStatus,
  pitchTime,
  pitchTrade,
} from "./pitch-encode.ts";

const instruments = 64;

/** Counts the events that no decoder may ever give. */
class Checker implements MarketEvents {
  wrong = 0;
  events = 0;
  #next = 0;
  #check(instrument: number, right: boolean): void {
    this.events++;
    if (!right || !(instrument >= 0 && instrument < instruments)) this.wrong++;
  }
  instrument(_bytes: Uint8Array, offset: number, length: number): number {
    if (offset < 0 || length < 1 || length > 16) this.wrong++;
    this.#next = (this.#next + 1) % (instruments + 4);
    return this.#next < instruments ? this.#next : -1;
  }
  time(marketNs: number): void {
    if (!(Math.abs(marketNs) <= Number.MAX_SAFE_INTEGER)) this.wrong++;
  }
  instrumentOf(_hi: number, lo: number): number {
    return (lo % (instruments + 4)) - 4;
  }
  prefetch(): void {}
  addOrder(i: number, hi: number, lo: number, side: number, size: number, price: number): void {
    this.#check(i, isU32(hi) && isU32(lo) && side < 2 && isCount(size) && isCount(price));
  }
  executeOrder(i: number, hi: number, lo: number, size: number): void {
    this.#check(i, isU32(hi) && isU32(lo) && isCount(size));
  }
  executeOrderAt(i: number, hi: number, lo: number, size: number, price: number): void {
    this.#check(i, isU32(hi) && isU32(lo) && isCount(size) && price >= 0);
  }
  resizeOrder(i: number, hi: number, lo: number, size: number): void {
    this.executeOrder(i, hi, lo, size);
  }
  cancelOrder(i: number, hi: number, lo: number, size: number): void {
    this.executeOrder(i, hi, lo, size);
  }
  deleteOrder(i: number, hi: number, lo: number): void {
    this.#check(i, isU32(hi) && isU32(lo));
  }
  replaceOrder(
    i: number,
    oldHi: number,
    oldLo: number,
    hi: number,
    lo: number,
    size: number,
    price: number,
  ): void {
    this.#check(i, isU32(oldHi) && isU32(oldLo) && isU32(hi) && isU32(lo));
    this.#check(i, isCount(size) && isCount(price));
  }
  setLevel(i: number, side: number, price: number, size: number, complete: boolean): void {
    this.#check(i, side < 2 && isCount(price) && size >= 0 && typeof complete === "boolean");
  }
  quote(i: number, bid: number, bidSize: number, ask: number, askSize: number): void {
    this.#check(i, bid >= 0 && ask >= 0 && !(bidSize < 0) && !(askSize < 0));
  }
  trade(i: number, side: number, size: number, price: number): void {
    this.#check(i, side <= Side.unknown && isCount(size) && price >= 0);
  }
  tradingState(i: number, state: number): void {
    this.#check(i, state >= 0 && state <= 3);
  }
  clear(instrument: number): void {
    if (instrument < -1) this.wrong++;
  }
  markPartial(instrument: number): void {
    if (instrument < -1) this.wrong++;
  }
}

function isU32(value: number): boolean {
  return value >>> 0 === value;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

const stock = stockBytes("AAPL");
const noon = 43_200_000_000_000;

function itchSamples(): Buffer[] {
  const packer = new MoldUdp64Packer("SESSION", 1400);
  const whole: Buffer[] = [];
  const writers: ((out: Buffer, at: number) => number)[] = [
    (o, at) => encodeDirectory(o, at, 1, noon, stock),
    (o, at) => encodeTradingAction(o, at, 1, noon, stock, "T"),
    (o, at) => encodeAdd(o, at, 1, noon, 0, 1, Side.bid, 100, stock, 10_000),
    (o, at) => encodeExecuted(o, at, 1, noon, 0, 1, 10, 1),
    (o, at) => encodeExecutedAt(o, at, 1, noon, 0, 1, 10, 1, true, 10_000),
    (o, at) => encodeCancel(o, at, 1, noon, 0, 1, 10),
    (o, at) => encodeReplace(o, at, 1, noon, 0, 1, 0, 2, 10, 10_000),
    (o, at) => encodeDelete(o, at, 1, noon, 0, 2),
    (o, at) => encodeTrade(o, at, 1, noon, 10, stock, 10_000, 1),
    (o, at) => encodeCross(o, at, 1, noon, 10, stock, 10_000, 1, "O"),
  ];
  packer.begin(1);
  for (const writer of writers) packer.end(writer(packer.bytes, packer.at));
  whole.push(Buffer.from(packer.bytes.subarray(0, packer.length)));
  for (const writer of writers) {
    packer.begin(packer.next);
    packer.end(writer(packer.bytes, packer.at));
    whole.push(Buffer.from(packer.bytes.subarray(0, packer.length)));
  }
  packer.heartbeat(packer.next);
  whole.push(Buffer.from(packer.bytes.subarray(0, packer.length)));
  packer.endOfSession(packer.next);
  whole.push(Buffer.from(packer.bytes.subarray(0, packer.length)));
  return whole;
}

function iexSamples(): Buffer[] {
  const ns = testOptions.baseEpochNs + 5n;
  const messages = [
    iexLevel("8", "AAPL", 100, 1_700_000n, ns),
    iexLevel("5", "AAPL", 0, 1_700_000n, ns, 0),
    iexQuote("AAPL", 100, 1_700_000n, 1_700_100n, 100, ns),
    iexTrade("T", "AAPL", 100, 1_700_000n, ns),
    iexTrade("B", "AAPL", 100, 1_700_000n, ns),
    iexStatus("H", "T", "AAPL", ns),
    iexStatus("O", "N", "AAPL", ns),
    iexAdmin("A", 80, "AAPL", ns),
    iexAdmin("S", 10, "", ns),
  ];
  return [
    encodeIexTp({ sequence: 1, sentNs: ns }, messages),
    ...messages.map((one, i) => encodeIexTp({ sequence: 10 + i, sentNs: ns }, [one])),
    encodeIexTp({ sequence: 19, sentNs: ns }, []),
  ];
}

function pitchSamples(): Buffer[] {
  const messages = [
    pitchTime(34_200),
    pitchAdd("long", 1, 9n, "B", 100, "AAPL", 1_700_000),
    pitchAdd("short", 1, 9n, "S", 100, "AAPL", 17_000),
    pitchAdd("expanded", 1, 9n, "S", 100, "AAPL", 1_700_000),
    pitchChange(0x23, 1, 9n, 10),
    pitchChange(0x24, 1, 9n, 10, 1_700_000),
    pitchChange(0x25, 1, 9n, 10),
    pitchChange(0x28, 1, 9n, 10, 17_000),
    pitchChange(0x29, 1, 9n),
    pitchTrade("short", 1, 10, "AAPL", 17_000),
    pitchStatus(1, "AAPL", "T"),
    pitchClear(),
  ];
  return [
    encodePitchUnit(1, 1, messages),
    ...messages.map((one, i) => encodePitchUnit(1, 20 + i, [one])),
    encodePitchUnit(1, 40, []),
  ];
}

function tickSamples(): Buffer[] {
  const timestamp = Number(testOptions.baseEpochNs / 1_000_000n);
  const plain = { symbol: "AAPL", timestamp, price: 320.14, volume: 100 };
  return [
    plain,
    { ...plain, bid: 320.13, ask: 320.15, bidSize: 1, askSize: 2 },
    { ...plain, extra: { a: [1, 'x\\"y', null, true, false, -1.5e-7], b: {} } },
    { ...plain, price: "320.14", symbol: "BRK\u002fA" },
  ]
    .map((fields) => Buffer.from(JSON.stringify(fields)))
    .flatMap((line, _, all) => [line, Buffer.concat([line, Buffer.from("\n"), all[0]!])]);
}

/** Writes the sequence into a datagram, so that most of them are not mere duplicates. */
type Stamp = (out: Buffer, sequence: number) => void;

/** Puts a broken copy of a sample, or noise, into `out` and returns its length. */
function mutate(
  rng: Random,
  samples: readonly Buffer[],
  out: Buffer,
  stamp: Stamp,
  sequence: number,
): number {
  const kind = rng.int(16);
  if (kind === 0) {
    const length = rng.int(200);
    for (let i = 0; i < length; i++) out[i] = rng.int(256);
    return length;
  }
  const sample = samples[rng.int(samples.length)]!;
  sample.copy(out);
  if (rng.int(4) > 0) stamp(out, sequence);
  let { length } = sample;
  if (kind < 4) length = rng.int(length + 1);
  if (kind === 4) for (const stop = length + rng.int(40); length < stop; length++) out[length] = 1;
  if (length === 0) return 0;
  for (let flips = rng.int(4); flips > 0; flips--) {
    const at = rng.int(length);
    const how = rng.int(3);
    if (how === 0) out[at] = rng.int(256);
    else if (how === 1) out[at]! ^= 1 << rng.int(8);
    else out[at] = rng.int(2) * 255;
  }
  return length;
}

function sum(counters: Uint32Array, from: number, to: number): number {
  let total = 0;
  for (let i = from; i < to; i++) total += counters[i]!;
  return total;
}

const known = Object.values(Verdict).reduce((all, bit) => all | bit, 0);

const recovery: RecoveryOptions = {
  lines: 2,
  holdNs: 3_000,
  holdDatagrams: 4,
  reorderDatagrams: 8,
  reorderBytes: 400,
  requests: 2,
  requestTimeoutNs: 2_000,
  requestMessages: 100,
  requestGapMessages: 1_000,
  giveUpNs: 20_000,
  gapRecords: 16,
};

function fuzz(
  format: FormatName,
  samples: readonly Buffer[],
  datagrams: number,
  stamp: Stamp,
): void {
  const seed = testSeed(`fuzz ${format}`);
  const rng = random(seed);
  const out = Buffer.alloc(4096);
  const checker = new Checker();
  const options = { ...testOptions, instruments };
  let decoder: DatagramDecoder | undefined;
  let counters = new Uint32Array(feedCountSize);
  let good = 0;
  let uncounted = 0;
  let unknown = 0;
  for (let i = 0; i < datagrams; i++) {
    if (decoder === undefined || i % 5_000 === 0) {
      counters = new Uint32Array(feedCountSize);
      // Every other one keeps what comes early, waits and asks.
      const armed = i % 10_000 === 0 ? { ...options, recovery } : options;
      decoder = formats[format].create(checker, counters, armed);
    }
    const nowNs = i * 1_000;
    const ahead = rng.int(8) === 0 ? rng.int(4) : 0;
    const length = mutate(rng, samples, out, stamp, decoder.sequence + 1 + ahead);
    const before = sum(counters, FeedCount.badTruncated, feedCountSize);
    const verdict = decoder.decode(out, length, rng.int(3), nowNs) | decoder.poll(nowNs);
    const request = decoder.takeRequest();
    if (request !== undefined && request.readUInt16BE(18) === 0) checker.wrong++;
    const reasons = sum(counters, FeedCount.badTruncated, feedCountSize) - before;
    const bad = (verdict & Verdict.bad) !== 0;
    if (!bad) good++;
    if (bad && reasons === 0) uncounted++;
    if ((verdict & Verdict.damaged) !== 0 && reasons === 0) uncounted++;
    if (verdict === 0 || (verdict & ~known) !== 0) unknown++;
  }
  expect({ wrong: checker.wrong, uncounted, unknown }).toEqual({
    wrong: 0,
    uncounted: 0,
    unknown: 0,
  });
  console.log(`${format}: ${good} good, ${datagrams - good} bad, ${checker.events} events`);
  expect(good).toBeGreaterThan(datagrams / 10);
  expect(good).toBeLessThan(datagrams);
  expect(checker.events).toBeGreaterThan(datagrams / 10);
}

describe("random and mutated datagrams", () => {
  const datagrams = scaled(1_000_000);
  const patienceMs = 60_000 * Math.max(1, scaled(1));
  test(
    `itch50: ${datagrams}`,
    () =>
      fuzz("itch50", itchSamples(), datagrams, (out, sequence) => {
        out.writeBigUInt64BE(BigInt(sequence), 10);
      }),
    patienceMs,
  );
  test(
    `iex: ${datagrams}`,
    () =>
      fuzz("iex", iexSamples(), datagrams, (out, sequence) => {
        out.writeBigUInt64LE(BigInt(sequence), 24);
      }),
    patienceMs,
  );
  test(
    `pitch: ${datagrams}`,
    () =>
      fuzz("pitch", pitchSamples(), datagrams, (out, sequence) => {
        out.writeUInt32LE(sequence % 2 ** 32, 4);
      }),
    patienceMs,
  );
  test(`tick: ${datagrams}`, () => fuzz("tick", tickSamples(), datagrams, () => {}), patienceMs);
});

/** Whether `JSON.parse` finds an object in it. */
function parses(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

describe("tick beside JSON.parse", () => {
  test("takesALineAsJsonExactlyWhenJsonParseDoes", () => {
    const rng = random(testSeed("tick beside JSON.parse"));
    const samples = tickSamples().filter((sample) => !sample.includes("\n"));
    const alphabet = Buffer.from('{}[]",:.0123456789eE+-tfnu\\/ \tabsymolprice');
    const counters = new Uint32Array(feedCountSize);
    const decoder = formats.tick.create(new Checker(), counters, testOptions);
    let agreed = 0;
    for (let i = 0; i < scaled(200_000); i++) {
      const line = Buffer.from(samples[rng.int(samples.length)]!);
      for (let n = 1 + rng.int(2); n > 0; n--) {
        line[rng.int(line.length)] = alphabet[rng.int(alphabet.length)]!;
      }
      const before = counters[FeedCount.badJson]!;
      decoder.decode(line, line.length, 0, 0);
      const taken = counters[FeedCount.badJson] === before;
      const text = line.toString("latin1");
      if (taken !== parses(text)) throw new Error(`taken ${taken}: ${text}`);
      if (taken) agreed++;
    }
    expect(agreed).toBeGreaterThan(scaled(200_000) / 10);
  });
});
