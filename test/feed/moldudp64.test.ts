import { beforeEach, describe, expect, test } from "bun:test";
import { FeedCount, feedCountSize } from "../../src/feed/count.ts";
import { Verdict } from "../../src/feed/decoder.ts";
import { Side } from "../../src/feed/event.ts";
import { formats } from "../../src/feed/format.ts";
import { encodeAdd, encodeDelete, stockBytes } from "../../src/feed/itch50-encode.ts";
import { MoldUdp64Packer } from "../../src/feed/moldudp64-encode.ts";
import { EventLog } from "./event-log.ts";
import { testOptions } from "./format-options.ts";

const stock = stockBytes("AAPL");
const second = 1_000_000_000;
/** Without recovery a gap is final at once. */
const lost = Verdict.gap | Verdict.broken;

let log = new EventLog();
let counters = new Uint32Array(feedCountSize);
let packer = new MoldUdp64Packer("000000001A", 1400);
let decoder = create();

function create(): ReturnType<typeof formats.itch50.create> {
  return formats.itch50.create(log, counters, testOptions);
}

function decode(): number {
  return decoder.decode(packer.bytes, packer.length, 0, 0);
}

/** Sends adds with the sequences [first, first + count); the reference is the sequence. */
function send(first: number, count: number, timeNs = (first % 10_000) * second): number {
  packer.begin(first);
  for (let i = 0; i < count; i++) {
    const ref = (first + i) % 2 ** 32;
    const { bytes, at } = packer;
    packer.end(encodeAdd(bytes, at, 1, timeNs, 0, ref, Side.bid, 100, stock, 10_000));
  }
  return decode();
}

function heartbeat(next: number): number {
  packer.heartbeat(next);
  return decode();
}

/** The references of all orders added so far. */
function added(): unknown[] {
  return log.events.filter((event) => event[0] === "addOrder").map((event) => event[3]);
}

beforeEach(() => {
  log = new EventLog();
  counters = new Uint32Array(feedCountSize);
  packer = new MoldUdp64Packer("000000001A", 1400);
  decoder = create();
});

describe("MoldUDP64", () => {
  test("inSequence", () => {
    expect(send(1, 3)).toBe(Verdict.applied);
    expect(send(4, 2)).toBe(Verdict.applied);
    expect(added()).toEqual([1, 2, 3, 4, 5]);
    expect(decoder.sequence).toBe(5);
    expect(decoder.channel).toBe(0);
    expect(decoder.sentNs).toBe(4 * second);
    expect(counters[FeedCount.datagrams]).toBe(2);
    expect(counters[FeedCount.messages]).toBe(5);
    expect(counters[FeedCount.bytes]).toBe(2 * 20 + 5 * 38);
  });

  test("joinedInMidSession", () => {
    expect(send(500, 1)).toBe(Verdict.applied | Verdict.joined | Verdict.broken);
    expect(counters[FeedCount.gaps]).toBe(0);
    expect(send(501, 1)).toBe(Verdict.applied);
  });

  test("joinedByHeartbeat", () => {
    expect(heartbeat(500)).toBe(Verdict.heartbeat | Verdict.joined | Verdict.broken);
    expect(send(500, 1)).toBe(Verdict.applied);
  });

  test("heartbeatBeforeTheFirstMessage", () => {
    expect(heartbeat(1)).toBe(Verdict.heartbeat);
    expect(send(1, 1)).toBe(Verdict.applied);
  });

  test("gapIsReportedOnceAndItsDatagramApplied", () => {
    send(1, 2);
    expect(send(5, 1)).toBe(Verdict.applied | lost);
    expect(send(6, 1)).toBe(Verdict.applied);
    expect(added()).toEqual([1, 2, 5, 6]);
    expect(counters[FeedCount.gaps]).toBe(1);
    expect(counters[FeedCount.lostMessages]).toBe(2);
  });

  test("heartbeatExposesLostTail", () => {
    send(1, 2);
    expect(heartbeat(5)).toBe(Verdict.heartbeat | lost);
    expect(counters[FeedCount.lostMessages]).toBe(2);
    expect(heartbeat(5)).toBe(Verdict.heartbeat | Verdict.broken);
  });

  test("endOfSessionExposesLostTail", () => {
    send(1, 2);
    packer.endOfSession(4);
    expect(decode()).toBe(Verdict.heartbeat | lost | Verdict.endOfSession);
    expect(counters[FeedCount.endsOfSession]).toBe(1);
    expect(counters[FeedCount.lostMessages]).toBe(1);
  });

  test("duplicateIsNotAppliedTwice", () => {
    send(1, 3);
    expect(send(1, 3)).toBe(Verdict.duplicate);
    expect(send(2, 1)).toBe(Verdict.duplicate);
    expect(added()).toEqual([1, 2, 3]);
    expect(counters[FeedCount.duplicates]).toBe(2);
    expect(counters[FeedCount.messages]).toBe(3);
  });

  test("overlapAppliesOnlyTheNewTail", () => {
    send(1, 3);
    expect(send(2, 4)).toBe(Verdict.applied);
    expect(added()).toEqual([1, 2, 3, 4, 5]);
    expect(counters[FeedCount.overlaps]).toBe(1);
  });

  test("lateHeartbeatChangesNothing", () => {
    send(1, 3);
    expect(heartbeat(2)).toBe(Verdict.heartbeat);
    expect(send(4, 1)).toBe(Verdict.applied);
  });

  test("restartIsBelievedAtSequenceOneWithAdvancingTime", () => {
    send(1, 3, 5 * second);
    expect(send(1, 2, 6 * second)).toBe(Verdict.applied | Verdict.restart | Verdict.cleared);
    expect(log.events).toContainEqual(["clear", -1]);
    expect(send(3, 1, 7 * second)).toBe(Verdict.applied);
    expect(counters[FeedCount.restarts]).toBe(1);
  });

  test("restartIsNotBelievedAtAnotherSequenceOrAnEarlierTime", () => {
    send(1, 3, 5 * second);
    expect(send(2, 1, 6 * second)).toBe(Verdict.duplicate);
    expect(send(1, 2, 5 * second)).toBe(Verdict.duplicate);
    expect(log.events).not.toContainEqual(["clear", -1]);
  });

  test("timeThatCannotBeNeitherBringsARestartNorHidesOne", () => {
    const never = 100_000 * second;
    send(1, 3, 5 * second);
    expect(send(1, 1, never)).toBe(Verdict.duplicate);
    expect(send(4, 1, never)).toBe(Verdict.applied | Verdict.damaged | Verdict.broken);
    expect(send(1, 2, 6 * second)).toBe(Verdict.applied | Verdict.restart | Verdict.cleared);
  });

  test("newSessionClearsTheBooks", () => {
    send(1, 3);
    packer.setSession("000000002A");
    expect(send(1, 1)).toBe(Verdict.applied | Verdict.sessionChange | Verdict.cleared);
    expect(log.events).toContainEqual(["clear", -1]);
    expect(counters[FeedCount.sessionChanges]).toBe(1);
  });

  test("newSessionInItsMiddleIsAGap", () => {
    send(1, 3);
    packer.setSession("000000002A");
    expect(send(10, 1)).toBe(Verdict.applied | Verdict.sessionChange | Verdict.cleared | lost);
    expect(counters[FeedCount.lostMessages]).toBe(9);
  });

  test("lineLaggingBehindASessionChangeIsLate", () => {
    send(1, 3);
    packer.setSession("000000002A");
    send(1, 1);
    packer.setSession("000000001A");
    expect(send(2, 2)).toBe(Verdict.duplicate);
    packer.endOfSession(4);
    expect(decode()).toBe(Verdict.duplicate);
    packer.setSession("000000002A");
    expect(send(2, 1)).toBe(Verdict.applied);
    expect(counters[FeedCount.sessionChanges]).toBe(1);
  });

  test("wildJumpIsBelievedOnlyWhenConfirmed", () => {
    send(1, 3);
    expect(send(2 ** 40, 2)).toBe(Verdict.bad);
    expect(send(4, 1)).toBe(Verdict.applied);
    expect(send(2 ** 41, 2)).toBe(Verdict.bad);
    expect(send(2 ** 41 + 2, 2)).toBe(Verdict.applied | lost);
    expect(counters[FeedCount.badSequence]).toBe(2);
  });

  test("sequencesAboveThirtyTwoBitsAreExact", () => {
    const first = 2 ** 32 - 1;
    send(first, 3);
    expect(decoder.sequence).toBe(2 ** 32 + 1);
    expect(send(2 ** 32 + 2, 1)).toBe(Verdict.applied);
  });

  test("sequenceBeyondExactDoublesOrZeroIsRefused", () => {
    packer.begin(1);
    packer.bytes.writeUInt32BE(0x0020_0000, 10);
    expect(decode()).toBe(Verdict.bad);
    packer.begin(0);
    expect(decode()).toBe(Verdict.bad);
    expect(counters[FeedCount.badSequence]).toBe(2);
  });

  test("truncatedAtEveryLength", () => {
    send(1, 1);
    packer.begin(2);
    for (let ref = 2; ref < 6; ref++) {
      packer.end(encodeDelete(packer.bytes, packer.at, 1, second, 0, ref));
    }
    const whole = packer.length;
    for (let length = 0; length < whole; length++) {
      expect(decoder.decode(packer.bytes, length, 0, 0)).toBe(Verdict.bad);
    }
    expect(counters[FeedCount.badTruncated]).toBe(whole);
    expect(decode()).toBe(Verdict.applied);
  });

  test("trailingBytesAreCountedAndTheMessagesApplied", () => {
    packer.begin(1);
    packer.end(encodeDelete(packer.bytes, packer.at, 1, second, 0, 1));
    expect(decoder.decode(packer.bytes, packer.length + 6, 0, 0)).toBe(Verdict.applied);
    expect(counters[FeedCount.trailingBytes]).toBe(1);
  });

  test("unusableMessageDamagesItsChannelButNotItsNeighbours", () => {
    packer.begin(1);
    const { bytes } = packer;
    packer.end(encodeAdd(bytes, packer.at, 1, second, 0, 1, Side.bid, 0, stock, 10_000));
    packer.end(encodeAdd(bytes, packer.at, 1, second, 0, 2, Side.bid, 5, stock, 10_000));
    expect(decode()).toBe(Verdict.applied | Verdict.damaged | Verdict.broken);
    expect(added()).toEqual([2]);
    expect(send(3, 1)).toBe(Verdict.applied);
  });
});
