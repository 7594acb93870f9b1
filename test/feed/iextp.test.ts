import { beforeEach, describe, expect, test } from "bun:test";
import { FeedCount, feedCountSize } from "../../src/feed/count.ts";
import { type DatagramDecoder, Verdict } from "../../src/feed/decoder.ts";
import { Side, TradingState } from "../../src/feed/event.ts";
import { formats } from "../../src/feed/format.ts";
import { EventLog } from "./event-log.ts";
import { testOptions } from "./format-options.ts";
import {
  encodeIexTp,
  iexAdmin,
  type IexHeader,
  iexLevel,
  iexQuote,
  iexStatus,
  iexTrade,
} from "./iex-encode.ts";

const base = testOptions.baseEpochNs;
const at = (ns: number): bigint => base + BigInt(ns);

let log: EventLog;
let counters: Uint32Array;
let decoder: DatagramDecoder;

beforeEach(() => {
  log = new EventLog();
  counters = new Uint32Array(feedCountSize);
  decoder = formats.iex.create(log, counters, testOptions);
});

function decode(datagram: Buffer): number {
  return decoder.decode(datagram, datagram.length, 0, 0);
}

function send(
  sequence: number,
  messages: readonly Buffer[],
  header: Partial<IexHeader> = {},
): number {
  return decode(encodeIexTp({ sequence, sentNs: at(sequence), ...header }, messages));
}

const level = (symbol = "AAPL"): Buffer => iexLevel("8", symbol, 100, 1_700_000n, at(5));

describe("DEEP and TOPS messages", () => {
  test("levelsCarrySideSizePriceAndCompleteness", () => {
    send(1, [
      iexLevel("8", "AAPL", 300, 1_702_500n, at(34_200_000_000_001), 0),
      iexLevel("5", "AAPL", 0, 1_702_600n, at(34_200_000_000_002), 1),
    ]);
    expect(log.events).toEqual([
      ["setLevel", 0, Side.bid, 1_702_500, 300, false],
      ["setLevel", 0, Side.ask, 1_702_600, 0, true],
    ]);
    expect(log.lastTime).toBe(34_200_000_000_002);
  });

  test("priceAboveThirtyTwoBitsIsExact", () => {
    send(1, [iexQuote("BRK.A", 1, 5_400_000_000n, 5_400_123_456n, 2, at(1))]);
    expect(log.events).toEqual([["quote", 0, 5_400_000_000, 1, 5_400_123_456, 2]]);
  });

  test("quoteWithAnEmptySideHasNoSizeThere", () => {
    send(1, [iexQuote("ZVZZT", 0, 0n, 10_000n, 5, at(1))]);
    expect(log.events).toEqual([["quote", 0, 0, 0, 10_000, 5]]);
  });

  test("tradeIsATradeAndABreakIsCounted", () => {
    send(1, [
      iexTrade("T", "AAPL", 50, 1_702_500n, at(1)),
      iexTrade("B", "AAPL", 50, 1_702_500n, at(2)),
    ]);
    expect(log.events).toEqual([["trade", 0, Side.unknown, 50, 1_702_500]]);
    expect(counters[FeedCount.tradeBreaks]).toBe(1);
  });

  test("haltAndOperationalHaltCombine", () => {
    send(1, [
      iexStatus("H", "H", "AAPL", at(1)),
      iexStatus("O", "O", "AAPL", at(1)),
      iexStatus("H", "T", "AAPL", at(1)),
      iexStatus("O", "N", "AAPL", at(1)),
      iexStatus("H", "P", "AAPL", at(1)),
      iexStatus("H", "O", "AAPL", at(1)),
    ]);
    expect(log.events.map((event) => event[2])).toEqual([
      TradingState.halted,
      TradingState.halted,
      TradingState.halted,
      TradingState.trading,
      TradingState.paused,
      TradingState.quotationOnly,
    ]);
  });

  test("administrativeMessagesChangeNoBook", () => {
    const lengths = { S: 10, D: 31, P: 19, E: 18, I: 18, X: 26, A: 80 };
    const messages = Object.entries(lengths).map(([type, n]) => iexAdmin(type, n, "AAPL", at(1)));
    expect(send(1, messages)).toBe(Verdict.applied);
    expect(log.events).toEqual([]);
    expect(counters[FeedCount.messages]).toBe(7);
  });

  test("timeBeforeTheBaseIsNegative", () => {
    send(1, [iexLevel("8", "AAPL", 1, 1n, base - 4_000_000_001n)]);
    expect(log.lastTime).toBe(-4_000_000_001);
  });

  test("timeTooFarFromTheBaseToBeExactIsCounted", () => {
    expect(send(1, [iexLevel("8", "AAPL", 1, 1n, 1n)])).toBe(
      Verdict.applied | Verdict.damaged | Verdict.cleared,
    );
    expect(counters[FeedCount.badTime]).toBe(1);
    expect(decoder.strayNs).toBe(1);
  });

  test("grownMessageIsReadAsFarAsItIsKnown", () => {
    expect(send(1, [Buffer.concat([level(), Buffer.alloc(6)])])).toBe(Verdict.applied);
    expect(log.events).toHaveLength(1);
  });

  test("shortMessageOfAKnownTypeIsCounted", () => {
    for (let length = 1; length < 30; length++) {
      send(length, [level().subarray(0, length)]);
    }
    expect(counters[FeedCount.badLength]).toBe(29);
    expect(log.events.filter(([name]) => name === "setLevel")).toEqual([]);
  });

  test("impossiblePricesAreCounted", () => {
    for (const price of [0n, -1n, 2n ** 53n]) {
      send(1, [iexLevel("5", "AAPL", 1, price, at(1))]);
      decoder = formats.iex.create(log, counters, testOptions);
    }
    expect(counters[FeedCount.badValue]).toBe(3);
  });

  test("quoteOfASizeWithoutAPriceIsCounted", () => {
    send(1, [iexQuote("AAPL", 100, 0n, 1_700_000n, 5, at(1))]);
    send(2, [iexQuote("AAPL", 5, 1_700_000n, 0n, 100, at(1))]);
    send(3, [iexQuote("AAPL", 5, 1_700_000n, -1n, 0, at(1))]);
    expect(counters[FeedCount.badValue]).toBe(3);
    expect(log.events.filter(([name]) => name === "quote")).toEqual([]);
  });

  test("symbolThatIsNoneIsCounted", () => {
    send(1, [level("")]);
    expect(counters[FeedCount.badSymbol]).toBe(1);
  });

  test("notFollowedIsPassedOver", () => {
    log = new EventLog(["MSFT"]);
    decoder = formats.iex.create(log, counters, testOptions);
    send(1, [level()]);
    expect(log.events).toEqual([]);
    expect(counters[FeedCount.unfollowed]).toBe(1);
  });
});

describe("IEX-TP", () => {
  test("inSequence", () => {
    expect(send(1, [level(), level()])).toBe(Verdict.applied);
    expect(send(3, [level()])).toBe(Verdict.applied);
    expect(decoder.sequence).toBe(3);
    expect(decoder.sentNs).toBe(3);
  });

  test("joinInMidSessionIsNoReasonForDistrustBecauseLevelsAreToldAnew", () => {
    expect(send(500, [level()])).toBe(Verdict.applied);
  });

  test("heartbeatExposesLostTail", () => {
    send(1, [level()]);
    expect(send(4, [])).toBe(Verdict.heartbeat | Verdict.gap | Verdict.cleared);
    expect(counters[FeedCount.lostMessages]).toBe(2);
  });

  test("gapClearsTheChannelsBooks", () => {
    send(1, [level()]);
    expect(send(3, [level()])).toBe(Verdict.applied | Verdict.gap | Verdict.cleared);
    expect(log.events.map(([name]) => name)).toEqual(["setLevel", "clear", "setLevel"]);
  });

  test("gapOfOneChannelLeavesTheOthersAlone", () => {
    send(1, [level("AAPL")], { channel: 1 });
    send(1, [level("MSFT")], { channel: 2 });
    expect(decoder.channel).toBe(1);
    expect(send(5, [], { channel: 2 })).toBe(Verdict.heartbeat | Verdict.gap | Verdict.cleared);
    expect(log.events.at(-1)).toEqual(["clear", 1]);
    expect(send(2, [level("AAPL")], { channel: 1 })).toBe(Verdict.applied);
    expect(decoder.channel).toBe(0);
  });

  test("backwardResetIsBelievedAtSequenceOneWithAdvancingSendTime", () => {
    send(1, [level(), level()], { sentNs: at(100) });
    expect(send(1, [level()], { sentNs: at(100) })).toBe(Verdict.duplicate);
    expect(send(2, [level()], { sentNs: at(200) })).toBe(Verdict.duplicate);
    expect(send(1, [level()], { sentNs: at(300) })).toBe(
      Verdict.applied | Verdict.restart | Verdict.cleared,
    );
    expect(send(2, [level()], { sentNs: at(301) })).toBe(Verdict.applied);
    expect(counters[FeedCount.restarts]).toBe(1);
  });

  test("lineLaggingBehindAResetIsLate", () => {
    send(1, [level(), level()], { sentNs: at(100) });
    send(1, [level()], { sentNs: at(300) });
    expect(send(9, [level()], { sentNs: at(200) })).toBe(Verdict.duplicate);
    expect(send(2, [level()], { sentNs: at(301) })).toBe(Verdict.applied);
  });

  test("backwardResetByHeartbeat", () => {
    send(1, [level(), level()]);
    expect(send(1, [], { sentNs: at(300) })).toBe(
      Verdict.heartbeat | Verdict.restart | Verdict.cleared,
    );
    expect(send(1, [level()], { sentNs: at(301) })).toBe(Verdict.applied);
  });

  test("sessionChange", () => {
    send(1, [level()]);
    expect(send(1, [level()], { session: 78 })).toBe(
      Verdict.applied | Verdict.sessionChange | Verdict.cleared,
    );
    expect(send(2, [level()], { session: 78 })).toBe(Verdict.applied);
  });

  test("moreChannelsThanTheTableHolds", () => {
    for (let channel = 1; channel <= 4; channel++) send(1, [level()], { channel });
    expect(send(1, [level()], { channel: 5 })).toBe(Verdict.bad);
    expect(counters[FeedCount.badChannel]).toBe(1);
  });

  test("topsAndDeepOfOneChannelNumberAreTwoChannels", () => {
    expect(send(1, [level()], { protocol: 0x8004 })).toBe(Verdict.applied);
    expect(send(1, [level()], { protocol: 0x8003 })).toBe(Verdict.applied | Verdict.shared);
    expect(send(2, [level()], { protocol: 0x8003 })).toBe(Verdict.applied);
  });

  test("anotherProtocolOrVersionIsRefused", () => {
    expect(send(1, [level()], { protocol: 0x8005 })).toBe(Verdict.bad);
    const datagram = encodeIexTp({ sequence: 1, sentNs: at(1) }, [level()]);
    datagram[0] = 2;
    expect(decode(datagram)).toBe(Verdict.bad);
    expect(counters[FeedCount.badVersion]).toBe(2);
  });

  test("truncatedAtEveryLength", () => {
    const datagram = encodeIexTp({ sequence: 1, sentNs: at(1) }, [level(), level()]);
    for (let length = 0; length < datagram.length; length++) {
      expect(decoder.decode(datagram, length, 0, 0)).toBe(Verdict.bad);
    }
    expect(counters[FeedCount.badTruncated]).toBe(datagram.length);
    expect(decode(datagram)).toBe(Verdict.applied);
  });

  test("messagesBeyondThePayloadAreRefused", () => {
    const datagram = encodeIexTp({ sequence: 1, sentNs: at(1) }, [level(), level()]);
    datagram.writeUInt16LE(3, 14);
    expect(decode(datagram)).toBe(Verdict.bad);
    datagram.writeUInt16LE(1, 14);
    expect(decode(datagram)).toBe(Verdict.applied);
    expect(counters[FeedCount.trailingBytes]).toBe(1);
  });

  test("sequenceThatCannotBeIsRefused", () => {
    expect(send(0, [level()])).toBe(Verdict.bad);
    expect(send(-1, [level()])).toBe(Verdict.bad);
    expect(counters[FeedCount.badSequence]).toBe(2);
  });
});
