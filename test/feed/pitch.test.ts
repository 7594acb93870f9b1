import { beforeEach, describe, expect, test } from "bun:test";
import { FeedCount, feedCountSize } from "../../src/feed/count.ts";
import { type DatagramDecoder, Verdict } from "../../src/feed/decoder.ts";
import { Side, TradingState } from "../../src/feed/event.ts";
import { formats } from "../../src/feed/format.ts";
import { BookSet } from "../../src/market/book.ts";
import { BookFault } from "../../src/market/fault.ts";
import { InstrumentTable } from "../../src/market/instrument.ts";
import { EventLog } from "./event-log.ts";
import { testOptions } from "./format-options.ts";
import {
  encodePitchUnit,
  pitchAdd,
  pitchChange,
  pitchClear,
  pitchEnd,
  pitchStatus,
  pitchTime,
  pitchTrade,
} from "./pitch-encode.ts";

const id = 0x0001_0002_0000_0003n;
const [hi, lo] = [0x0001_0002, 3];

let log: EventLog;
let counters: Uint32Array;
let decoder: DatagramDecoder;

beforeEach(() => {
  log = new EventLog();
  counters = new Uint32Array(feedCountSize);
  decoder = formats.pitch.create(log, counters, testOptions);
});

function send(sequence: number, messages: readonly Buffer[], unit = 1): number {
  const datagram = encodePitchUnit(unit, sequence, messages);
  return decoder.decode(datagram, datagram.length, 0, 0);
}

const add = (symbol = "AAPL"): Buffer => pitchAdd("long", 5, id, "B", 100, symbol, 1_700_000);

describe("PITCH messages", () => {
  test("everyFormOfAnAdd", () => {
    send(1, [
      pitchTime(34_200),
      pitchAdd("long", 7, id, "B", 70_000, "AAPL", 5_400_000_000),
      pitchAdd("short", 8, id, "S", 200, "AAPL", 17_001),
      pitchAdd("expanded", 9, id, "S", 300, "ABCDEFGH", 1_700_200),
    ]);
    expect(log.events).toEqual([
      ["addOrder", 0, hi, lo, Side.bid, 70_000, 5_400_000_000],
      ["addOrder", 0, hi, lo, Side.ask, 200, 1_700_100],
      ["addOrder", 1, hi, lo, Side.ask, 300, 1_700_200],
    ]);
    expect(log.symbols).toEqual(["AAPL", "ABCDEFGH"]);
    expect(log.lastTime).toBe(34_200_000_000_009);
  });

  test("everyChangeOfAnOrder", () => {
    send(1, [
      pitchChange(0x23, 1, id, 10),
      pitchChange(0x24, 1, id, 11, 1_700_050),
      pitchChange(0x25, 1, id, 100_000),
      pitchChange(0x26, 1, id, 13),
      pitchChange(0x27, 1, id, 14, 5_400_000_000),
      pitchChange(0x28, 1, id, 15, 17_001),
      pitchChange(0x29, 1, id),
    ]);
    expect(log.events).toEqual([
      ["executeOrder", 0, hi, lo, 10, true],
      ["resizeOrder", 0, hi, lo, 11],
      ["executeOrderAt", 0, hi, lo, 11, 1_700_050, true],
      ["cancelOrder", 0, hi, lo, 100_000],
      ["cancelOrder", 0, hi, lo, 13],
      ["replaceOrder", 0, hi, lo, hi, lo, 14, 5_400_000_000],
      ["replaceOrder", 0, hi, lo, hi, lo, 15, 1_700_100],
      ["deleteOrder", 0, hi, lo],
    ]);
  });

  test("everyFormOfATrade", () => {
    send(1, [
      pitchTrade("long", 1, 70_000, "AAPL", 1_700_000),
      pitchTrade("short", 1, 50, "AAPL", 17_000),
      pitchTrade("expanded", 1, 60, "AAPL", 1_700_000),
    ]);
    expect(log.events.map((event) => event.slice(2))).toEqual([
      [Side.unknown, 70_000, 1_700_000],
      [Side.unknown, 50, 1_700_000],
      [Side.unknown, 60, 1_700_000],
    ]);
  });

  test("tradingStatus", () => {
    for (const [i, status] of [..."THSQA"].entries()) send(1 + i, [pitchStatus(1, "AAPL", status)]);
    expect(log.events.map((event) => event[2])).toEqual([
      TradingState.trading,
      TradingState.halted,
      TradingState.halted,
      TradingState.quotationOnly,
      TradingState.quotationOnly,
    ]);
  });

  test("unitClearForgetsTheBooksOfItsUnitAlone", () => {
    send(1, [add("AAPL")], 1);
    send(1, [add("MSFT")], 2);
    send(2, [pitchClear()], 2);
    expect(log.events.at(-1)).toEqual(["clear", 1]);
    expect(log.events.filter(([name]) => name === "clear")).toHaveLength(1);
  });

  test("longerThanKnownIsReadAndShorterCounted", () => {
    const longer = Buffer.concat([add(), Buffer.alloc(3)]);
    longer[0] = longer.length;
    expect(send(1, [longer])).toBe(Verdict.applied);
    const shorter = Buffer.from(add().subarray(0, 33));
    shorter[0] = 33;
    expect(send(2, [shorter])).toBe(Verdict.applied | Verdict.damaged | Verdict.broken);
    expect(counters[FeedCount.badLength]).toBe(1);
    const unknown = Buffer.from([4, 0xee, 0, 0]);
    expect(send(3, [unknown])).toBe(Verdict.applied);
    expect(counters[FeedCount.unknownTypes]).toBe(1);
  });

  test("impossibleValuesAreCounted", () => {
    const bad = [
      pitchAdd("long", 1_000_000_000, id, "B", 1, "A", 1),
      pitchAdd("long", 1, id, "X" as "B", 1, "A", 1),
      pitchAdd("long", 1, id, "B", 0, "A", 1),
      pitchAdd("long", 1, id, "B", 1, "A", 0),
      pitchAdd("long", 1, id, "B", 1, "A", 2 ** 53),
      pitchChange(0x23, 1, id, 0),
      pitchChange(0x27, 1, id, 1, 0),
      pitchStatus(1, "A", "?"),
      pitchTime(90_000),
    ];
    for (const [i, message] of bad.entries()) send(1 + i, [message]);
    expect(counters[FeedCount.badValue]).toBe(bad.length);
    expect(log.events).toEqual([]);
  });

  test("ordersOfOthersArePassedOver", () => {
    log.instrumentOf = () => -1;
    send(1, [pitchChange(0x29, 1, id)]);
    expect(log.events).toEqual([]);
    expect(counters[FeedCount.unmapped]).toBe(1);
  });
});

describe("PITCH units", () => {
  test("theSequenceRunsPerUnit", () => {
    expect(send(1, [add(), add()], 1)).toBe(Verdict.applied);
    expect(send(1, [add()], 2)).toBe(Verdict.applied);
    expect(send(3, [add()], 1)).toBe(Verdict.applied);
    expect(send(5, [add()], 2)).toBe(Verdict.applied | Verdict.gap | Verdict.broken);
    expect(counters[FeedCount.lostMessages]).toBe(3);
  });

  test("heartbeatExposesLostTail", () => {
    send(1, [add()]);
    expect(send(2, [])).toBe(Verdict.heartbeat);
    expect(send(4, [])).toBe(Verdict.heartbeat | Verdict.gap | Verdict.broken);
  });

  test("unsequencedIsASignOfLife", () => {
    expect(send(0, [add()])).toBe(Verdict.heartbeat);
    expect(counters[FeedCount.unsequenced]).toBe(1);
    expect(log.events).toEqual([]);
  });

  test("aNewDayBeginsAtOneAfterTheEndOfSession", () => {
    send(1, [add()]);
    expect(send(1, [add()])).toBe(Verdict.duplicate);
    send(2, [pitchEnd()]);
    expect(send(1, [add()])).toBe(Verdict.applied | Verdict.sessionChange | Verdict.cleared);
    expect(send(2, [add()])).toBe(Verdict.applied);
  });

  test("truncatedAtEveryLength", () => {
    const datagram = encodePitchUnit(1, 1, [add(), add()]);
    for (let length = 0; length < datagram.length; length++) {
      expect(decoder.decode(datagram, length, 0, 0)).toBe(Verdict.bad);
    }
    expect(counters[FeedCount.badTruncated]).toBe(datagram.length);
  });

  test("messageWithoutLengthDoesNotStandStill", () => {
    const datagram = encodePitchUnit(1, 1, [add(), add()]);
    datagram[8] = 0;
    expect(decoder.decode(datagram, datagram.length, 0, 0)).toBe(Verdict.bad);
  });

  test("moreUnitsThanTheTableHolds", () => {
    for (let unit = 1; unit <= 4; unit++) send(1, [add()], unit);
    expect(send(1, [add()], 5)).toBe(Verdict.bad);
    expect(counters[FeedCount.badChannel]).toBe(1);
  });

  test("executionThatLeavesMoreThanWasShown", () => {
    const table = new InstrumentTable(4, [{ priceDecimals: 4, tickSize: 100 }]);
    const books = new BookSet(table, 0, { orders: 100, levels: 100, levelsPerSide: 10 });
    decoder = formats.pitch.create(books, counters, { ...testOptions, instruments: 4 });
    const executed = pitchChange(0x24, 1, 1n, 80, 1_700_000);
    for (const [i, left] of [30, 0].entries()) {
      executed.writeUInt32LE(left, 18);
      send(1 + 2 * i, [pitchAdd("short", 1, 1n, "B", 100, "AAPL", 17_000), executed]);
      expect(books.bidSize(0)).toBe(left);
      books.clear(0);
    }
    expect(books.bookFault(0)).not.toBe(BookFault.partial);
  });

  test("buildsABook", () => {
    const table = new InstrumentTable(4, [{ priceDecimals: 4, tickSize: 100 }]);
    const books = new BookSet(table, 0, { orders: 100, levels: 100, levelsPerSide: 10 });
    decoder = formats.pitch.create(books, counters, { ...testOptions, instruments: 4 });
    send(1, [
      pitchTime(34_200),
      pitchAdd("short", 1, 1n, "B", 100, "AAPL", 17_000),
      pitchAdd("short", 1, 2n, "S", 100, "AAPL", 17_002),
      pitchAdd("long", 1, 3n, "S", 100, "AAPL", 1_700_100),
      pitchChange(0x23, 2, 3n, 100),
      pitchChange(0x28, 3, 1n, 50, 17_001),
    ]);
    expect(books.bidPrice(0)).toBe(1_700_100);
    expect(books.bidSize(0)).toBe(50);
    expect(books.askPrice(0)).toBe(1_700_200);
    expect(books.bookFault(0)).toBe(BookFault.ok);
  });
});
