import { describe, expect, test } from "bun:test";
import { FeedCount, feedCountSize } from "../../src/feed/count.ts";
import { Side, TradingState } from "../../src/feed/event.ts";
import { Itch50 } from "../../src/feed/itch50.ts";
import {
  encodeAdd,
  encodeCancel,
  encodeCross,
  encodeDelete,
  encodeDirectory,
  encodeExecuted,
  encodeExecutedAt,
  encodeReplace,
  encodeSystemEvent,
  encodeTrade,
  encodeTradingAction,
  stockBytes,
} from "../../src/feed/itch50-encode.ts";
import { EventLog } from "./event-log.ts";

const apple = stockBytes("AAPL");
const noon = 43_200_000_000_123;

/** An 'h' message: an operational halt on one market of the group. */
const operational =
  (market: string, action: string) =>
  (out: Buffer, at: number): number => {
    encodeTradingAction(out, at, 13, noon, apple, "T");
    out[at] = "h".charCodeAt(0);
    out.write(market + action, at + 19, "latin1");
    return 21;
  };

const executedAt = (out: Buffer, at: number): number =>
  encodeExecutedAt(out, at, 13, noon, 0, 1, 1, 1, true, 1);

/** One decoder with what it said, and a way to hand it messages one at a time. */
class Bench {
  readonly log: EventLog;
  readonly counters = new Uint32Array(feedCountSize);
  readonly itch: Itch50;
  readonly bytes = Buffer.alloc(128);

  constructor(followed: readonly string[] = []) {
    this.log = new EventLog(followed);
    this.itch = new Itch50(this.log, this.counters);
  }

  /** Writes one message with `encode` and decodes it; whether it was usable. */
  send(encode: (out: Buffer, at: number) => number): boolean {
    const length = encode(this.bytes, 2);
    return this.sendRaw(length);
  }

  sendRaw(length: number): boolean {
    this.bytes.writeUInt16BE(length, 0);
    return this.itch.block(this.bytes, 0, 1, 0);
  }
}

const add = (out: Buffer, at: number): number =>
  encodeAdd(out, at, 13, noon, 7, 9, Side.ask, 300, apple, 3_201_400);

describe("ITCH 5.0", () => {
  test("everyOrderMessageBecomesItsEvent", () => {
    const bench = new Bench();
    const { log } = bench;
    bench.send(add);
    bench.send((o, at) => encodeAdd(o, at, 13, noon, 0, 1, Side.bid, 100, apple, 3_201_300));
    bench.send((o, at) => encodeExecuted(o, at, 13, noon, 7, 9, 50, 1));
    bench.send((o, at) => encodeExecutedAt(o, at, 13, noon, 7, 9, 25, 2, false, 3_200_000));
    bench.send((o, at) => encodeCancel(o, at, 13, noon, 7, 9, 5));
    bench.send((o, at) => encodeReplace(o, at, 13, noon, 7, 9, 0xffffffff, 0xfffffffe, 10, 2));
    bench.send((o, at) => encodeDelete(o, at, 13, noon, 0xffffffff, 0xfffffffe));
    bench.send((o, at) => encodeTrade(o, at, 13, noon, 77, apple, 3_201_350, 3));
    bench.send((o, at) => encodeCross(o, at, 13, noon, 5_000_000_000, apple, 3_201_360, 4, "O"));
    expect(log.events).toEqual([
      ["addOrder", 0, 7, 9, Side.ask, 300, 3_201_400],
      ["addOrder", 0, 0, 1, Side.bid, 100, 3_201_300],
      ["executeOrder", 0, 7, 9, 50, true],
      ["executeOrderAt", 0, 7, 9, 25, 3_200_000, false],
      ["cancelOrder", 0, 7, 9, 5],
      ["replaceOrder", 0, 7, 9, 0xffffffff, 0xfffffffe, 10, 2],
      ["deleteOrder", 0, 0xffffffff, 0xfffffffe],
      ["trade", 0, Side.unknown, 77, 3_201_350],
      ["trade", 0, Side.unknown, 5_000_000_000, 3_201_360],
    ]);
    expect(log.symbols).toEqual(["AAPL"]);
    expect(log.lastTime).toBe(noon);
    expect(bench.itch.timeNs).toBe(noon);
  });

  test("theLongerAddCarriesTheSameOrder", () => {
    const bench = new Bench();
    bench.send((out, at) => {
      add(out, at);
      out[at] = "F".charCodeAt(0);
      out.write("GSCO", at + 36, "latin1");
      return 40;
    });
    expect(bench.log.events).toEqual([["addOrder", 0, 7, 9, Side.ask, 300, 3_201_400]]);
  });

  test("crossWithoutExecutionIsNoTrade", () => {
    const bench = new Bench();
    expect(bench.send((o, at) => encodeCross(o, at, 13, noon, 0, apple, 0, 4, "O"))).toBe(true);
    expect(bench.log.events).toEqual([]);
  });

  test("directoryMapsAndRemapsALocate", () => {
    const bench = new Bench();
    bench.send((o, at) => encodeDirectory(o, at, 13, noon, apple));
    bench.send((o, at) => encodeDirectory(o, at, 13, noon, stockBytes("MSFT")));
    bench.send((o, at) => encodeDelete(o, at, 13, noon, 0, 1));
    expect(bench.log.symbols).toEqual(["AAPL", "MSFT"]);
    expect(bench.log.events).toEqual([["deleteOrder", 1, 0, 1]]);
  });

  test("joinWithoutDirectoryMapsByTheFirstMessageThatNamesTheStock", () => {
    const bench = new Bench();
    bench.send((o, at) => encodeDelete(o, at, 13, noon, 0, 1));
    expect(bench.counters[FeedCount.unmapped]).toBe(1);
    bench.send((o, at) => encodeTrade(o, at, 13, noon, 1, apple, 1, 1));
    bench.send((o, at) => encodeDelete(o, at, 13, noon, 0, 1));
    expect(bench.log.events).toEqual([
      ["trade", 0, Side.unknown, 1, 1],
      ["deleteOrder", 0, 0, 1],
    ]);
  });

  test("notFollowedIsPassedOver", () => {
    const bench = new Bench(["MSFT"]);
    bench.send(add);
    bench.send((o, at) => encodeDelete(o, at, 13, noon, 7, 9));
    expect(bench.log.events).toEqual([]);
    expect(bench.log.times).toBe(0);
    expect(bench.counters[FeedCount.unfollowed]).toBe(2);
  });

  test("startOfMessagesForgetsTheLocatesOfYesterday", () => {
    const bench = new Bench();
    bench.send(add);
    bench.send((o, at) => encodeSystemEvent(o, at, 1, "O"));
    bench.send((o, at) => encodeDelete(o, at, 13, noon, 7, 9));
    expect(bench.counters[FeedCount.unmapped]).toBe(1);
  });

  test("haltStopsAndReleaseResumes", () => {
    const bench = new Bench();
    for (const state of ["H", "Q", "P", "T"] as const) {
      bench.send((o, at) => encodeTradingAction(o, at, 13, noon, apple, state));
    }
    expect(bench.log.events.map((event) => event[2])).toEqual([
      TradingState.halted,
      TradingState.quotationOnly,
      TradingState.paused,
      TradingState.trading,
    ]);
  });

  test("operationalHaltOutlastsARegularResume", () => {
    const bench = new Bench();
    bench.send(operational("Q", "H"));
    bench.send((o, at) => encodeTradingAction(o, at, 13, noon, apple, "T"));
    bench.send(operational("B", "T"));
    bench.send(operational("Q", "T"));
    expect(bench.log.events.map((event) => event[2])).toEqual([
      TradingState.halted,
      TradingState.halted,
      TradingState.trading,
    ]);
  });

  test("prefetchNamesWhatWillBeLookedUpAndNothingElse", () => {
    const bench = new Bench();
    const named: number[][] = [];
    bench.log.prefetch = (...place: number[]) => {
      named.push(place);
    };
    bench.send(add);
    const fetch = (encode: (out: Buffer, at: number) => number, cut = 0): void => {
      bench.bytes.writeUInt16BE(encode(bench.bytes, 2) - cut, 0);
      bench.itch.prefetch(bench.bytes, 0, 1);
    };
    fetch(add);
    fetch((o, at) => encodeReplace(o, at, 13, noon, 1, 2, 3, 4, 5, 6));
    fetch((o, at) => encodeTrade(o, at, 13, noon, 1, apple, 1, 1));
    fetch((o, at) => encodeDelete(o, at, 14, noon, 8, 8));
    fetch(add, 1);
    expect(named).toEqual([
      [0, 7, 9],
      [0, 1, 2],
      [0, 3, 4],
    ]);
  });

  test("unknownTypeIsPassedOverAsTheSpecificationAsks", () => {
    const bench = new Bench();
    bench.bytes[2] = "z".charCodeAt(0);
    expect(bench.sendRaw(30)).toBe(true);
    expect(bench.counters[FeedCount.unknownTypes]).toBe(1);
  });

  test("everyWrongLengthOfAKnownTypeIsCounted", () => {
    const bench = new Bench();
    add(bench.bytes, 2);
    for (let length = 0; length < 60; length++) {
      if (length !== 36) expect(bench.sendRaw(length)).toBe(false);
    }
    expect(bench.counters[FeedCount.badLength]).toBe(59);
    expect(bench.log.events).toEqual([]);
  });

  test("impossibleValuesAreCountedAndNotApplied", () => {
    const bench = new Bench();
    bench.send(add);
    const spoil = (encode: (out: Buffer, at: number) => number, at: number, ...raw: number[]) =>
      bench.send((out, start) => {
        const length = encode(out, start);
        out.set(raw, start + at);
        return length;
      });
    expect(spoil(add, 19, 0x58)).toBe(false);
    expect(spoil(add, 20, 0, 0, 0, 0)).toBe(false);
    expect(spoil(add, 32, 0, 0, 0, 0)).toBe(false);
    expect(spoil(add, 5, 0xff, 0xff)).toBe(false);
    expect(spoil(executedAt, 31, 0x5a)).toBe(false);
    expect(bench.send((o, at) => encodeExecuted(o, at, 13, noon, 0, 1, 0, 1))).toBe(false);
    expect(bench.send((o, at) => encodeCancel(o, at, 13, noon, 0, 1, 0))).toBe(false);
    expect(bench.send((o, at) => encodeReplace(o, at, 13, noon, 0, 1, 0, 2, 0, 1))).toBe(false);
    expect(bench.counters[FeedCount.badValue]).toBe(8);
    expect(bench.log.events).toHaveLength(1);
  });

  test("symbolThatIsNoSymbolIsCounted", () => {
    const bench = new Bench();
    for (const stock of ["", " AAPL", "AA PL", "A\u0001", "A\u00e9"]) {
      bench.send((o, at) => encodeDirectory(o, at, 13, noon, stockBytes(stock)));
    }
    expect(bench.counters[FeedCount.badSymbol]).toBe(5);
    expect(bench.log.symbols).toEqual([]);
  });
});
