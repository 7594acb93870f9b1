import { beforeEach, describe, expect, test } from "bun:test";
import type { Arbiter } from "../../src/feed/arbiter.ts";
import type { RecoveryOptions } from "../../src/feed/recovery.ts";
import { FeedCount, feedCountSize } from "../../src/feed/count.ts";
import { Verdict } from "../../src/feed/decoder.ts";
import { Side } from "../../src/feed/event.ts";
import { GapEnd } from "../../src/feed/gap.ts";
import { Itch50 } from "../../src/feed/itch50.ts";
import { encodeAdd, stockBytes } from "../../src/feed/itch50-encode.ts";
import { LineCount } from "../../src/feed/line.ts";
import { MoldUdp64 } from "../../src/feed/moldudp64.ts";
import { MoldUdp64Packer } from "../../src/feed/moldudp64-encode.ts";
import { EventLog } from "./event-log.ts";

const stock = stockBytes("AAPL");
const us = 1_000;
const ms = 1_000_000;
/** Lines: the two redundant ones, and the one of answers to requests. */
const [a, b, answers] = [0, 1, 2];

const options: RecoveryOptions = {
  lines: 2,
  holdNs: 100 * us,
  holdDatagrams: 8,
  reorderDatagrams: 16,
  reorderBytes: 1400,
  requests: 3,
  requestTimeoutNs: 1 * ms,
  requestMessages: 10,
  requestGapMessages: 1_000,
  giveUpNs: 20 * ms,
  gapRecords: 8,
};

let log: EventLog;
let counters: Uint32Array;
let packer: MoldUdp64Packer;
let decoder: MoldUdp64;
let arbiter: Arbiter;

function open(changed: Partial<RecoveryOptions> = {}): void {
  log = new EventLog();
  counters = new Uint32Array(feedCountSize);
  packer = new MoldUdp64Packer("000000001A", 1400);
  const itch = new Itch50(log, counters);
  const recovery = { ...options, ...changed };
  decoder = new MoldUdp64(itch, counters, 1_000_000, recovery, false, () => log.clear(-1));
  arbiter = decoder.arbiter;
}

beforeEach(() => open());

/** A datagram with messages [first, first + count): orders whose reference is their sequence. */
function send(first: number, count: number, line: number, nowNs: number): number {
  packer.begin(first);
  for (let ref = first; ref < first + count; ref++) {
    const { bytes, at } = packer;
    packer.end(encodeAdd(bytes, at, 1, first, 0, ref, Side.bid, 100, stock, 10_000));
  }
  return decoder.decode(packer.bytes, packer.length, line, nowNs);
}

function heartbeat(next: number, line: number, nowNs: number): number {
  packer.heartbeat(next);
  return decoder.decode(packer.bytes, packer.length, line, nowNs);
}

/** The sequences applied so far, in order. */
function applied(): unknown[] {
  return log.events.filter(([name]) => name === "addOrder").map((event) => event[3]);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** Sequence and count of the request that is due, if any. */
function requested(): [number, number] | undefined {
  const request = decoder.takeRequest();
  if (request === undefined) return undefined;
  expect(request.toString("latin1", 0, 10)).toBe("000000001A");
  return [Number(request.readBigUInt64BE(10)), request.readUInt16BE(18)];
}

describe("two lines", () => {
  test("firstComeFirstServed", () => {
    expect(send(1, 2, a, 0)).toBe(Verdict.applied);
    expect(send(1, 2, b, 10 * us)).toBe(Verdict.duplicate);
    expect(send(3, 2, b, 20 * us)).toBe(Verdict.applied);
    expect(send(3, 2, a, 25 * us)).toBe(Verdict.duplicate);
    expect(applied()).toEqual([1, 2, 3, 4]);
    const { lines } = arbiter;
    expect([lines.count(a, LineCount.wins), lines.count(b, LineCount.wins)]).toEqual([1, 1]);
    expect(lines.count(a, LineCount.duplicates)).toBe(1);
    expect([lines.behindNs[a], lines.behindNs[b]]).toEqual([5 * us, 10 * us]);
    expect(lines.behindNsMax[b]).toBe(10 * us);
    expect(lines.behindCount[b]).toBe(1);
  });

  test("theOtherLineFillsAGap", () => {
    send(1, 2, a, 0);
    send(1, 2, b, 1);
    expect(send(5, 2, a, 10 * us)).toBe(Verdict.held | Verdict.gap);
    expect(applied()).toEqual([1, 2]);
    expect(send(3, 2, b, 30 * us)).toBe(Verdict.applied | Verdict.recovered);
    expect(applied()).toEqual(range(1, 7));
    expect(decoder.sequence).toBe(6);
    expect(send(5, 2, b, 40 * us)).toBe(Verdict.duplicate);
    expect(counters[FeedCount.lostMessages]).toBe(0);
    expect(arbiter.gaps.read(0)).toEqual({
      channel: 0,
      from: 3,
      to: 5,
      end: GapEnd.line,
      seenNs: 10 * us,
      lastedNs: 20 * us,
    });
    expect(arbiter.lines.count(a, LineCount.lost)).toBe(2);
    expect(arbiter.lines.count(b, LineCount.lost)).toBe(0);
    expect(decoder.deadlineNs).toBe(Number.POSITIVE_INFINITY);
  });

  test("reorderedOnOneLineIsLateAndNotLost", () => {
    send(1, 1, a, 0);
    expect(send(3, 1, a, 1)).toBe(Verdict.held | Verdict.gap);
    expect(send(4, 1, a, 2)).toBe(Verdict.held);
    expect(send(2, 1, a, 3)).toBe(Verdict.applied | Verdict.recovered);
    expect(applied()).toEqual([1, 2, 3, 4]);
    expect(arbiter.lines.count(a, LineCount.late)).toBe(1);
    expect(arbiter.lines.count(a, LineCount.lost)).toBe(0);
  });

  test("lateInTheMiddleOfARangeIsTakenOffExactly", () => {
    send(1, 1, a, 0);
    send(12, 1, a, 1);
    expect(arbiter.lines.count(a, LineCount.lost)).toBe(10);
    send(5, 2, a, 2);
    send(5, 2, a, 3);
    expect(arbiter.lines.count(a, LineCount.lost)).toBe(8);
    send(2, 3, a, 4);
    send(7, 4, a, 5);
    expect(arbiter.lines.count(a, LineCount.lost)).toBe(1);
  });

  test("keptTwiceIsADuplicate", () => {
    send(1, 1, a, 0);
    send(3, 1, a, 1);
    expect(send(3, 1, b, 2)).toBe(Verdict.held | Verdict.duplicate);
    send(2, 1, b, 3);
    expect(applied()).toEqual([1, 2, 3]);
  });

  test("severalGapsAtOnceEndOneAfterTheOther", () => {
    send(1, 1, a, 0);
    send(3, 1, a, 1);
    send(5, 1, a, 2);
    expect(send(2, 1, b, 3)).toBe(Verdict.applied | Verdict.held);
    expect(applied()).toEqual([1, 2, 3]);
    expect(send(4, 1, b, 4)).toBe(Verdict.applied | Verdict.recovered);
    expect(applied()).toEqual(range(1, 6));
    expect(arbiter.gaps.ended).toBe(2);
  });

  test("heartbeatThatLagsDoesNotSplitAGap", () => {
    send(1, 1, a, 0);
    send(10, 1, a, 1);
    expect(heartbeat(5, b, 2)).toBe(Verdict.heartbeat | Verdict.held);
    decoder.poll(1 * ms);
    expect(requested()).toEqual([2, 8]);
    send(2, 8, answers, 2 * ms);
    expect(counters[FeedCount.gaps]).toBe(1);
    expect(arbiter.gaps.read(0)).toMatchObject({ from: 2, to: 10 });
  });

  test("whatWonBeforeANewSessionSaysNothingOfDelayInIt", () => {
    send(1, 1, a, 0);
    send(2, 1, a, 1);
    packer.setSession("000000002A");
    send(1, 2, a, 3_600_000 * ms);
    // The other line packs differently: none of its datagrams began where the winner did.
    expect(send(2, 1, b, 3_600_000 * ms + 5 * us)).toBe(Verdict.duplicate);
    expect(arbiter.lines.behindCount[b]).toBe(0);
    expect(arbiter.lines.behindNsMax[b]).toBe(0);
  });

  test("linesThatPackDifferentlyOverlap", () => {
    send(1, 2, a, 0);
    expect(send(6, 3, a, 1)).toBe(Verdict.held | Verdict.gap);
    expect(send(2, 6, b, 2)).toBe(Verdict.applied | Verdict.recovered);
    expect(applied()).toEqual(range(1, 9));
  });
});

test("lineLaggingBehindASessionChangeKeepsItsCounts", () => {
  send(1, 5, a, 0);
  send(1, 2, b, 1);
  packer.setSession("000000002A");
  send(1, 1, a, 2);
  packer.setSession("000000001A");
  send(3, 3, b, 3);
  packer.setSession("000000002A");
  expect(send(1, 1, b, 4)).toBe(Verdict.duplicate);
  send(2, 1, b, 5);
  expect(arbiter.lines.count(b, LineCount.late)).toBe(0);
  expect(arbiter.lines.count(b, LineCount.lost)).toBe(0);
  expect(applied()).toEqual([1, 2, 3, 4, 5, 1, 2]);
});

describe("retransmission", () => {
  test("isAskedForWhenTheHoldIsOver", () => {
    send(1, 2, a, 0);
    send(5, 2, a, 10 * us);
    expect(decoder.deadlineNs).toBe(110 * us);
    expect(decoder.poll(109 * us)).toBe(0);
    expect(requested()).toBeUndefined();
    expect(decoder.poll(110 * us)).toBe(Verdict.held);
    expect(requested()).toEqual([3, 2]);
    expect(requested()).toBeUndefined();
    expect(send(3, 2, answers, 300 * us)).toBe(Verdict.applied | Verdict.recovered);
    expect(applied()).toEqual(range(1, 7));
    expect(arbiter.gaps.read(0)?.end).toBe(GapEnd.retransmission);
  });

  test("isAskedForAfterEnoughDatagramsWithoutWaitingForTheTime", () => {
    send(1, 1, a, 0);
    for (let i = 0; i <= options.holdDatagrams; i++) send(3 + i, 1, a, 1 + i);
    expect(requested()).toEqual([2, 1]);
  });

  test("lostTailSeenByHeartbeatIsAskedFor", () => {
    send(1, 1, a, 0);
    expect(heartbeat(4, a, 1)).toBe(Verdict.heartbeat | Verdict.held | Verdict.gap);
    decoder.poll(1 * ms);
    expect(requested()).toEqual([2, 2]);
    expect(send(2, 2, answers, 2 * ms)).toBe(Verdict.applied | Verdict.recovered);
  });

  test("backsOffAndGivesUp", () => {
    send(1, 2, a, 0);
    send(5, 2, a, 0);
    decoder.poll(100 * us);
    expect(decoder.deadlineNs).toBe(100 * us + 1 * ms);
    decoder.poll(decoder.deadlineNs);
    expect(decoder.deadlineNs).toBe(100 * us + 3 * ms);
    decoder.poll(decoder.deadlineNs);
    expect(decoder.deadlineNs).toBe(100 * us + 7 * ms);
    expect(counters[FeedCount.requests]).toBe(3);
    expect(decoder.poll(decoder.deadlineNs)).toBe(
      Verdict.applied | Verdict.gap | Verdict.broken | Verdict.recovered,
    );
    expect(applied()).toEqual([1, 2, 5, 6]);
    expect(counters[FeedCount.lostMessages]).toBe(2);
    expect(arbiter.gaps.read(0)).toMatchObject({ from: 3, to: 5, end: GapEnd.lost });
    expect(decoder.deadlineNs).toBe(Number.POSITIVE_INFINITY);
  });

  test("isOverWhenTheTimeIsUpWhateverWasAskedFor", () => {
    open({ requests: 100, giveUpNs: 2 * ms });
    send(1, 1, a, 0);
    send(3, 1, a, 0);
    let verdict = 0;
    for (let nowNs = 0; nowNs <= 2 * ms; nowNs += 50 * us) verdict |= decoder.poll(nowNs);
    expect(verdict & Verdict.broken).toBe(Verdict.broken);
    expect(applied()).toEqual([1, 3]);
  });

  test("largeGapIsAskedForPieceByPiece", () => {
    send(1, 1, a, 0);
    send(30, 1, a, 0);
    decoder.poll(100 * us);
    expect(requested()).toEqual([2, 10]);
    send(2, 6, answers, 200 * us);
    expect(requested()).toEqual([8, 10]);
    send(8, 10, answers, 300 * us);
    expect(requested()).toEqual([18, 10]);
    send(18, 10, answers, 400 * us);
    expect(requested()).toEqual([28, 2]);
    expect(send(28, 2, answers, 500 * us)).toBe(Verdict.applied | Verdict.recovered);
    expect(applied()).toEqual(range(1, 31));
  });

  test("gapTooLargeToAskForIsGivenUp", () => {
    send(1, 1, a, 0);
    send(2_000, 1, a, 0);
    expect(decoder.poll(100 * us) & Verdict.broken).toBe(Verdict.broken);
    expect(counters[FeedCount.requests]).toBe(0);
    expect(counters[FeedCount.lostMessages]).toBe(1_998);
  });

  test("partlyAnsweredGapLosesOnlyTheRest", () => {
    send(1, 1, a, 0);
    send(10, 1, a, 0);
    decoder.poll(100 * us);
    send(2, 3, answers, 200 * us);
    for (let i = 0; i < 4; i++) decoder.poll(decoder.deadlineNs);
    expect(applied()).toEqual([1, 2, 3, 4, 10]);
    expect(counters[FeedCount.lostMessages]).toBe(5);
    expect(arbiter.gaps.read(0)).toMatchObject({ from: 2, to: 5, end: GapEnd.retransmission });
    expect(arbiter.gaps.read(1)).toMatchObject({ from: 5, to: 10, end: GapEnd.lost });
  });

  test("withoutAServerTheHoldIsTheEnd", () => {
    open({ requests: 0 });
    send(1, 1, a, 0);
    send(3, 1, a, 0);
    expect(decoder.poll(100 * us)).toBe(
      Verdict.applied | Verdict.gap | Verdict.broken | Verdict.recovered,
    );
    expect(requested()).toBeUndefined();
    expect(applied()).toEqual([1, 3]);
  });
});

describe("bounds", () => {
  test("noRoomGivesUpTheOldestGapAndLosesNothingElse", () => {
    open({ holdDatagrams: 1_000 });
    send(1, 1, a, 0);
    for (let i = 0; i < 16; i++) send(3 + 2 * i, 1, a, 1);
    const verdict = send(35, 1, a, 2);
    expect(verdict & (Verdict.gap | Verdict.broken)).toBe(Verdict.gap | Verdict.broken);
    expect(counters[FeedCount.reorderFull]).toBe(1);
    expect(counters[FeedCount.lostMessages]).toBe(1);
    expect(applied()).toEqual([1, 3]);
    for (let ref = 4; ref < 36; ref += 2) send(ref, 1, b, 3);
    expect(applied()).toEqual([1, ...range(3, 36)]);
  });

  test("datagramTooLargeToKeepIsAppliedAtTheCostOfTheGap", () => {
    open({ reorderBytes: 50 });
    send(1, 1, a, 0);
    const verdict = send(3, 5, a, 1);
    expect(verdict).toBe(Verdict.applied | Verdict.gap | Verdict.broken | Verdict.recovered);
    expect(applied()).toEqual([1, 3, 4, 5, 6, 7]);
  });

  test("gapRecordsAreARing", () => {
    open({ requests: 0 });
    for (let i = 0; i < 20; i++) {
      send(1 + 2 * i, 1, a, i * ms);
      decoder.poll(i * ms + 500 * us);
    }
    expect(arbiter.gaps.ended).toBe(19);
    expect(arbiter.gaps.read(10)).toBeUndefined();
    expect(arbiter.gaps.read(11)).toMatchObject({ from: 24, to: 25 });
    expect(arbiter.gaps.read(19)).toBeUndefined();
  });
});

test("whatFollowsABelievedJumpIsBelievedToo", () => {
  const far = 2_000_000;
  send(1, 1, a, 0);
  expect(send(far, 1, a, 1)).toBe(Verdict.bad);
  expect(send(far + 1, 1, a, 2)).toBe(Verdict.held | Verdict.gap);
  expect(send(far + 1, 1, b, 3)).toBe(Verdict.held | Verdict.duplicate);
  expect(send(far + 2, 1, a, 4)).toBe(Verdict.held);
  expect(send(far + 4, 1, a, 5)).toBe(Verdict.held);
  expect(counters[FeedCount.badSequence]).toBe(1);
  // The jump is too large to be asked for; the one message behind it is not.
  decoder.poll(1 * ms);
  expect(applied()).toEqual([1, far + 1, far + 2]);
  expect(requested()).toBeUndefined();
  decoder.poll(1 * ms);
  expect(requested()).toEqual([far + 3, 1]);
});

describe("a channel that lost messages", () => {
  test("staysBrokenWhenLaterGapsAreFilled", () => {
    open({ requests: 0 });
    send(1, 1, a, 0);
    send(3, 1, a, 0);
    decoder.poll(1 * ms);
    expect(send(5, 1, a, 2 * ms)).toBe(Verdict.gap | Verdict.held | Verdict.broken);
    expect(send(4, 1, a, 2 * ms)).toBe(Verdict.applied | Verdict.recovered | Verdict.broken);
  });

  test("isWholeAgainInANewSession", () => {
    open({ requests: 0 });
    send(1, 1, a, 0);
    send(3, 1, a, 0);
    decoder.poll(1 * ms);
    packer.setSession("000000002A");
    expect(send(1, 1, a, 2 * ms)).toBe(Verdict.applied | Verdict.sessionChange | Verdict.cleared);
    expect(send(2, 1, a, 3 * ms)).toBe(Verdict.applied);
  });

  test("newSessionDropsWhatWasKeptOfTheOldOne", () => {
    send(1, 1, a, 0);
    send(3, 1, a, 0);
    packer.setSession("000000002A");
    send(1, 1, a, 1);
    send(2, 1, a, 2);
    expect(applied()).toEqual([1, 1, 2]);
    expect(arbiter.gaps.read(0)?.end).toBe(GapEnd.superseded);
    expect(decoder.deadlineNs).toBe(Number.POSITIVE_INFINITY);
  });

  test("newSessionInItsMiddleIsAskedForFromItsBeginning", () => {
    send(1, 1, a, 0);
    packer.setSession("000000001A");
    packer.setSession("B");
    const verdict = send(4, 1, a, 1);
    expect(verdict & Verdict.held).toBe(Verdict.held);
    expect(verdict & Verdict.sessionChange).toBe(Verdict.sessionChange);
    expect(send(1, 3, b, 2) & Verdict.recovered).toBe(Verdict.recovered);
    expect(applied()).toEqual([1, 1, 2, 3, 4]);
  });
});

test("lateCopyOfTheFirstDatagramIsNoRestart", () => {
  open({ requests: 0 });
  heartbeat(1, a, 0);
  send(2, 1, a, 1);
  decoder.poll(1 * ms);
  expect(send(1, 1, b, 2 * ms)).toBe(Verdict.duplicate | Verdict.broken);
  expect(applied()).toEqual([2]);
});

describe("snapshot", () => {
  test("takesThePlaceOfWhatWasLost", () => {
    open({ requests: 0 });
    send(1, 1, a, 0);
    send(5, 1, a, 0);
    decoder.poll(1 * ms);
    arbiter.beginSnapshot(0);
    expect(log.events.at(-1)).toEqual(["clear", -1]);
    expect(send(6, 1, a, 2 * ms)).toBe(Verdict.held | Verdict.broken);
    expect(send(7, 1, a, 2 * ms)).toBe(Verdict.held | Verdict.broken);
    expect(send(8, 1, b, 2 * ms)).toBe(Verdict.held | Verdict.broken);
    expect(arbiter.endSnapshot(0, 7, 3 * ms)).toBe(
      Verdict.applied | Verdict.recovered | Verdict.cleared,
    );
    expect(applied()).toEqual([1, 5, 7, 8]);
    expect(arbiter.gaps.read(1)).toMatchObject({ from: 2, to: 7, end: GapEnd.snapshot });
    expect(send(9, 1, a, 4 * ms)).toBe(Verdict.applied);
  });

  test("gapBehindTheSnapshotIsAGapLikeAnyOther", () => {
    send(1, 1, a, 0);
    arbiter.beginSnapshot(0);
    send(9, 1, a, 1);
    expect(arbiter.endSnapshot(0, 5, 2) & Verdict.held).toBe(Verdict.held);
    expect(send(5, 4, b, 3)).toBe(Verdict.applied | Verdict.recovered);
    expect(applied()).toEqual([1, ...range(5, 10)]);
  });

  test("keepsTheNewestWhenThereIsNoRoom", () => {
    send(1, 1, a, 0);
    arbiter.beginSnapshot(0);
    for (let i = 0; i < 20; i++) send(2 + i, 1, a, 1);
    arbiter.endSnapshot(0, 15, 2);
    expect(applied()).toEqual([1, ...range(15, 22)]);
  });

  test("brokenOffLeavesTheChannelBroken", () => {
    send(1, 1, a, 0);
    arbiter.beginSnapshot(0);
    send(2, 1, a, 1);
    send(3, 1, a, 1);
    expect(arbiter.abortSnapshot(0, 2)).toBe(
      Verdict.gap | Verdict.broken | Verdict.applied | Verdict.recovered,
    );
    expect(applied()).toEqual([1, 2, 3]);
    expect(send(4, 1, a, 3)).toBe(Verdict.applied);
  });

  test("olderThanWhatWasKnownIsNotWholeUntilTheRestCame", () => {
    send(1, 10, a, 0);
    arbiter.beginSnapshot(0);
    // The feed is quiet, and the server was not told of the last three messages yet.
    const verdict = arbiter.endSnapshot(0, 8, 1 * ms);
    expect(verdict).toBe(Verdict.cleared | Verdict.held);
    decoder.poll(2 * ms);
    expect(requested()).toEqual([8, 3]);
    expect(send(8, 3, answers, 3 * ms)).toBe(Verdict.applied | Verdict.recovered);
    expect(applied()).toEqual([...range(1, 11), 8, 9, 10]);
  });

  test("takesThePlaceOfAGapThatStillWaited", () => {
    send(1, 1, a, 0);
    send(5, 1, a, 1 * us);
    arbiter.beginSnapshot(0);
    expect(arbiter.isBroken(0)).toBe(true);
    expect(arbiter.endSnapshot(0, 5, 1 * ms)).toBe(
      Verdict.applied | Verdict.recovered | Verdict.cleared,
    );
    expect(arbiter.gaps.ended).toBe(1);
    expect(arbiter.gaps.read(0)).toMatchObject({
      from: 2,
      to: 5,
      end: GapEnd.snapshot,
      seenNs: 1 * us,
    });
    expect(counters[FeedCount.lostMessages]).toBe(0);
  });

  test("brokenOffCountsWhatItGaveUp", () => {
    send(1, 1, a, 0);
    send(5, 1, a, 1 * us);
    arbiter.beginSnapshot(0);
    arbiter.abortSnapshot(0, 1 * ms);
    expect(applied()).toEqual([1, 5]);
    expect(counters[FeedCount.lostMessages]).toBe(3);
    expect(arbiter.gaps.read(0)).toMatchObject({ from: 2, to: 5, end: GapEnd.lost });
    expect(arbiter.isBroken(0)).toBe(true);
  });

  test("supersededByANewSessionIsNoGap", () => {
    send(1, 3, a, 0);
    arbiter.beginSnapshot(0);
    packer.setSession("000000002A");
    send(1, 1, a, 5 * ms);
    expect(arbiter.isReplacing(0)).toBe(false);
    expect(arbiter.gaps.ended).toBe(0);
    expect(send(2, 1, a, 6 * ms)).toBe(Verdict.applied);
  });

  test("datagramTooLongToKeepDrivesOutNoneThatIsKept", () => {
    open({ reorderBytes: 50 });
    send(1, 1, a, 0);
    arbiter.beginSnapshot(0);
    send(2, 1, a, 1);
    send(3, 5, a, 2);
    arbiter.endSnapshot(0, 2, 3);
    expect(applied()).toEqual([1, 2]);
    expect(counters[FeedCount.reorderFull]).toBe(1);
    // What found no room is missing, and known to be.
    decoder.poll(1 * ms);
    expect(requested()).toEqual([3, 5]);
  });
});
