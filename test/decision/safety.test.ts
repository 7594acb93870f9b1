/** "A standing BUY or SELL must never outlive its reason": each rule, in virtual time. */
import { describe, expect, test } from "bun:test";
import { Decision } from "../../src/decision/signal.ts";
import { RecorderCell, RecorderStat } from "../../src/telemetry/recorder.ts";
import { Stage } from "../../src/telemetry/stage.ts";
import { EngineRig, moreAsk, moreBid, Outcome, Reason, said } from "../support/engine-rig.ts";

const { buy, sell } = Decision;

/** A rig in which AAA stands at BUY. */
function standing(options?: ConstructorParameters<typeof EngineRig>[0]): EngineRig {
  const rig = new EngineRig(options);
  rig.answer(moreBid, buy);
  rig.answer(moreAsk, sell);
  expect(said(rig.book("AAA", 200, 100))).toEqual(["AAA BUY l1"]);
  return rig;
}

describe("misses", () => {
  test("missHoldsStandingBuy: HOLD pending at once, before anybody has been asked", () => {
    const rig = new EngineRig();
    rig.answer(moreBid, buy);
    rig.book("AAA", 200, 100);
    expect(said(rig.book("AAA", 100, 200))).toEqual(["AAA HOLD pending"]);
    expect(rig.question(moreAsk)).toBeDefined();
  });

  test("missOnHoldSaysNothing: HOLD is what a receiver assumes anyway", () => {
    const rig = new EngineRig();
    expect(said(rig.book("AAA", 200, 100))).toEqual([]);
    expect(rig.question(moreBid)).toBeDefined();
  });

  test("answerEvaluatesEveryoneInTheState, on their current book", () => {
    const rig = new EngineRig();
    rig.books(["AAA", 200, 100], ["BBB", 300, 100], ["CCC", 100, 300]);
    const question = rig.question(moreBid)!;
    expect(rig.waiting.waiting(question.slot)).toBe(2);
    // BBB leaves the state before the answer comes.
    rig.book("BBB", 100, 300);
    rig.answer(moreBid, buy);
    rig.reply(question, Outcome.answered);
    expect(said(rig.poll())).toEqual(["AAA BUY model"]);
    expect(rig.question(moreBid)).toBeUndefined();
  });

  test("oneQuestionForAState however many instruments enter it and however often", () => {
    const rig = new EngineRig();
    for (let i = 0; i < 50; i++) rig.book(`S${i}`, 200 + i, 100);
    for (let i = 0; i < 50; i++) rig.book(`S${i}`, 300 + i, 100);
    let questions = 0;
    for (let slot = 0; slot < rig.waiting.capacity; slot++) {
      if (rig.waiting.version(slot) !== 0) questions++;
    }
    expect(questions).toBe(1);
    expect(rig.waiting.waiting(rig.question(moreBid)!.slot)).toBe(50);
  });

  test("errorIsHoldAndNotCached: said with its reason, asked again after the retry time", () => {
    const rig = new EngineRig({ flags: { "signal.emit": "every" } });
    rig.book("AAA", 200, 100);
    const question = rig.question(moreBid)!;
    rig.reply(question, Outcome.error, Reason.unreachable);
    expect(said(rig.poll())).toEqual(["AAA HOLD error: model unreachable"]);
    expect(rig.question(moreBid)).toBeUndefined();
    expect(rig.table.peek(Uint32Array.of(moreBid), moreBid)).toBe(0);
    rig.wait(1100);
    const again = rig.question(moreBid)!;
    expect(again.version).not.toBe(question.version);
  });

  test("timeoutIsHoldWithItsOwnSource", () => {
    const rig = new EngineRig({ flags: { "signal.emit": "every" } });
    rig.book("AAA", 200, 100);
    rig.reply(rig.question(moreBid)!, Outcome.timeout, Reason.deadline);
    expect(said(rig.poll())).toEqual(["AAA HOLD timeout: deadline"]);
  });

  test("lateAnswerFillsTheTable: who still waits is found by the sweep, without a datagram", () => {
    const rig = new EngineRig();
    rig.book("AAA", 200, 100);
    const old = rig.question(moreBid)!;
    rig.reply(old, Outcome.timeout, Reason.deadline);
    expect(said(rig.poll())).toEqual([]);
    rig.answer(moreBid, buy);
    // The question was withdrawn, so its reply alone moves nothing; the table has the answer.
    rig.reply(old, Outcome.answered);
    expect(said(rig.wait(2))).toEqual(["AAA BUY model"]);
    expect(said(rig.book("AAA", 201, 100))).toEqual([]);
  });

  test("answerByWarmingReachesAFailedState without another datagram", () => {
    const rig = new EngineRig();
    rig.book("AAA", 200, 100);
    rig.reply(rig.question(moreBid)!, Outcome.error, Reason.unreachable);
    rig.poll();
    rig.answer(moreBid, buy);
    expect(said(rig.wait(40))).toEqual(["AAA BUY model"]);
  });

  test("answerThatIsGoneAgain: whoever waited for it is asked for anew, and not forgotten", () => {
    const rig = new EngineRig();
    rig.book("AAA", 200, 100);
    const question = rig.question(moreBid)!;
    // Another version takes over between the answer and the feed thread's look at it.
    rig.answer(moreBid, buy);
    rig.reply(question, Outcome.answered);
    rig.table.activate(7, 0);
    expect(said(rig.poll())).toEqual([]);
    const again = rig.question(moreBid)!;
    expect(again.version).not.toBe(question.version);
    rig.answer(moreBid, sell);
    rig.reply(again, Outcome.answered);
    expect(said(rig.poll())).toEqual(["AAA SELL model"]);
  });

  test("fullPendingTableHolds, counted, and the instrument is asked for later", () => {
    const rig = new EngineRig({
      flags: {
        "signal.emit": "every",
        "state.features": '[{"feature":"imbalance","edges":[0],"hysteresis":0}]',
        "state.symbolInKey": "always",
      },
    });
    for (let i = 0; i < 16; i++) rig.book(`S${i}`, 200, 100);
    expect(said(rig.book("LAST", 200, 100))).toEqual(["LAST HOLD pending: queue full"]);
  });
});

describe("answers", () => {
  test("newGenerationWithdrawsStandingBuy at once, without a datagram", () => {
    const rig = standing();
    rig.table.activate(7, 0);
    expect(said(rig.poll())).toEqual(["AAA HOLD pending"]);
  });

  test("newGenerationWithAnswersSwitchesWithoutAHole", () => {
    const rig = standing();
    const decidedAtS = rig.plan.baseSeconds + 10;
    rig.table.writeShadow(Uint32Array.of(moreBid), moreBid, sell, 7000, 2, decidedAtS);
    rig.table.activate(7, 0);
    expect(said(rig.poll())).toEqual(["AAA SELL l1"]);
  });

  test("agedAnswerServesUntilItsRenewal, whose question nobody takes back", () => {
    const rig = standing({
      feed: "format=itch50&silenceMs=60000",
      flags: { "inference.maxAgeS": "1", "signal.ttlMs": "60000" },
    });
    rig.wait(2500);
    expect(said(rig.book("AAA", 210, 100))).toEqual([]);
    const renewal = rig.question(moreBid)!;
    expect(said(rig.wait(100))).toEqual([]);
    expect(rig.question(moreBid)).toEqual(renewal);
    rig.answer(moreBid, sell);
    rig.reply(renewal, Outcome.answered);
    rig.poll();
    expect(rig.question(moreBid)).toBeUndefined();
    expect(said(rig.book("AAA", 220, 100))).toEqual(["AAA SELL l1"]);
  });

  test("answerThatIsTooOldIsSaidOnce, and not again while the question is under way", () => {
    const rig = standing({
      feed: "format=itch50&silenceMs=60000",
      flags: { "inference.maxStaleS": "2", "signal.ttlMs": "60000", "signal.emit": "every" },
    });
    rig.wait(3500);
    expect(said(rig.book("AAA", 210, 100))).toEqual(["AAA HOLD pending: answer too old"]);
    expect(said(rig.wait(100))).toEqual([]);
    const question = rig.question(moreBid)!;
    rig.answer(moreBid, buy);
    rig.reply(question, Outcome.answered);
    expect(said(rig.poll())).toEqual(["AAA BUY model"]);
  });

  test("ageOfAnAnswerOfMonthsAgo is the largest that the record can say, and no small one", () => {
    const rig = new EngineRig();
    const decidedAtS = rig.plan.baseSeconds - 60 * 86_400;
    rig.table.write(Uint32Array.of(moreBid), moreBid, buy, 8000, 1, decidedAtS);
    expect(rig.book("AAA", 200, 100)[0]!.ageMs).toBe(0xfffffffe);
  });

  test("lowConfidenceIsHold", () => {
    const rig = new EngineRig({ flags: { "signal.minConfidence": "0.9" } });
    rig.answer(moreBid, buy, 0.89);
    expect(said(rig.book("AAA", 200, 100))).toEqual([]);
    rig.answer(moreBid, buy, 0.9);
    expect(said(rig.book("AAA", 201, 100))).toEqual(["AAA BUY l1"]);
  });
});

describe("books that must not be believed", () => {
  test("gapHoldsWholeChannel: also instruments that the datagram does not touch", () => {
    const rig = standing();
    rig.book("BBB", 200, 100);
    rig.lose(3);
    expect(said(rig.book("CCC", 100, 100))).toEqual(["AAA HOLD stale: gap", "BBB HOLD stale: gap"]);
    // Neither their own next message nor anybody else's heals an order book.
    expect(said(rig.book("AAA", 300, 100))).toEqual([]);
    expect(said(rig.wait(100))).toEqual([]);
  });

  test("gapHoldsAtOnce also while the missing messages may still come, and what comes heals it", () => {
    const rig = standing({ feed: "format=itch50&holdUs=500" });
    const missing = rig.withhold(() => rig.book("BBB", 200, 100));
    expect(said(rig.book("CCC", 100, 200))).toEqual(["AAA HOLD stale: gap"]);
    rig.redeliver(missing);
    expect(said(rig.signals()).toSorted()).toEqual(["BBB BUY l1", "CCC SELL l1"]);
    expect(said(rig.book("AAA", 210, 100))).toEqual(["AAA BUY l1"]);
  });

  test("heartbeatExposesLostTail: a gap without a message after it", () => {
    const rig = standing();
    rig.lose(1);
    expect(said(rig.heartbeat())).toEqual(["AAA HOLD stale: gap"]);
  });

  test("newSessionHeals: its books begin empty and whole", () => {
    const rig = standing();
    rig.lose(1);
    rig.heartbeat();
    rig.newSession("NEXT");
    expect(said(rig.book("AAA", 200, 100))).toEqual(["AAA BUY l1"]);
  });

  test("sessionChangeHoldsWhatStood: the book of the old session is gone", () => {
    const rig = standing();
    rig.newSession("NEXT");
    expect(said(rig.book("BBB", 100, 200))).toContain("AAA HOLD stale: never seen");
  });

  test("joinedInMidSessionIsPartial, and used only where config says so", () => {
    const strict = new EngineRig();
    strict.answer(moreBid, buy);
    strict.sequence = 500;
    expect(said(strict.book("AAA", 200, 100))).toEqual([]);
    const lenient = new EngineRig({ feed: "format=itch50&partialBooks=true" });
    lenient.answer(moreBid, buy);
    lenient.sequence = 500;
    expect(said(lenient.book("AAA", 200, 100))).toEqual(["AAA BUY l1"]);
  });

  test("duplicateChangesNothing", () => {
    const rig = standing();
    rig.deliver();
    expect(rig.signals()).toEqual([]);
    expect(rig.core.books[0]!.bidSize(0)).toBe(200);
  });

  test("garbageChangesNothing, and is counted", () => {
    const rig = standing();
    expect(rig.raw(Buffer.from("not a datagram of ours"))).toEqual([]);
    expect(rig.raw(Buffer.alloc(0))).toEqual([]);
    expect(said(rig.book("AAA", 100, 200))).toEqual(["AAA SELL l1"]);
  });

  test("silentChannelHolds after feed.silenceMs, by the timer", () => {
    const rig = standing({ feed: "format=itch50&silenceMs=500" });
    expect(said(rig.wait(499))).toEqual([]);
    expect(said(rig.wait(3))).toEqual(["AAA HOLD stale: silent channel"]);
  });

  test("heartbeatsKeepAChannelAlive", () => {
    const rig = standing({
      feed: "format=itch50&silenceMs=500",
      flags: { "signal.ttlMs": "60000" },
    });
    for (let i = 0; i < 10; i++) {
      expect(said(rig.wait(400))).toEqual([]);
      expect(said(rig.heartbeat())).toEqual([]);
    }
  });

  test("silenceEndsWithTheNextDatagram: the sequence shows that nothing is missing", () => {
    const rig = standing({ feed: "format=itch50&silenceMs=500" });
    rig.wait(600);
    expect(said(rig.book("AAA", 210, 100))).toEqual(["AAA BUY l1"]);
  });

  test("haltHolds, and resumption is evaluated again", () => {
    const rig = standing();
    expect(said(rig.tradingState("AAA", "H"))).toEqual(["AAA HOLD stale: halted"]);
    expect(said(rig.book("AAA", 300, 100))).toEqual([]);
    expect(said(rig.tradingState("AAA", "T"))).toEqual(["AAA BUY l1"]);
  });

  test("crossedBookHolds", () => {
    const rig = standing();
    expect(said(rig.book("AAA", 200, 100, 100_200, 100_100))).toEqual([
      "AAA HOLD stale: crossed book",
    ]);
  });

  test("oneSidedBookHolds", () => {
    const rig = standing();
    expect(said(rig.book("AAA", 200, 0))).toEqual(["AAA HOLD stale: one-sided book"]);
  });

  test("endOfSessionHolds", () => {
    const rig = standing();
    expect(said(rig.endOfSession())).toEqual(["AAA HOLD stale: end of session"]);
    expect(said(rig.wait(10))).toEqual([]);
  });

  test("orderTableFullHolds: the book lacks what did not fit", () => {
    const full = new EngineRig({ flags: { "limit.orders": "1000", "limit.symbols": "600" } });
    full.answer(moreBid, buy);
    for (let i = 0; i < 500; i++) full.book(`S${i}`, 200, 100);
    full.signals();
    expect(said(full.book("LAST", 200, 100))).toEqual([]);
    expect(full.core.books[0]!.bookFault(full.core.instruments.find(0, "LAST"))).not.toBe(0);
  });
});

describe("time", () => {
  test("backlogIsLate: the book is updated, the decision is HOLD", () => {
    const rig = standing({ flags: { "signal.maxAgeMs": "100" } });
    rig.queuedNs = 101e6;
    expect(said(rig.book("AAA", 300, 100))).toEqual(["AAA HOLD late: backlog"]);
    expect(rig.core.books[0]!.bidSize(0)).toBe(300);
    rig.queuedNs = 99e6;
    expect(said(rig.book("AAA", 400, 100))).toEqual(["AAA BUY l1"]);
  });

  test("standingSignalIsRepeatedBeforeItsTimeToLiveEnds", () => {
    const rig = standing({
      flags: { "signal.ttlMs": "1000" },
      feed: "format=itch50&silenceMs=60000",
    });
    const repeated = rig.wait(600);
    expect(said(repeated)).toEqual(["AAA BUY l1"]);
    expect(repeated[0]).toMatchObject({ refresh: true, ttlMs: 1000 });
    expect(rig.wait(2000)).toHaveLength(4);
  });

  test("aSilentMarketRepeatsNothing: the channel must be alive for it", () => {
    const rig = standing({
      flags: { "signal.ttlMs": "1000" },
      feed: "format=itch50&silenceMs=300",
    });
    expect(said(rig.wait(5000))).toEqual(["AAA HOLD stale: silent channel"]);
  });

  test("shutdownIsHold: the last words take back what stands", () => {
    const rig = standing();
    rig.core.engine.stop(rig.nowNs);
    expect(said(rig.signals())).toEqual(["AAA HOLD stale: shutting down"]);
  });

  test("datagramAfterTheLastWordsDecidesNothing", () => {
    const rig = standing();
    rig.core.engine.stop(rig.nowNs);
    rig.signals();
    expect(said(rig.book("AAA", 300, 100))).toEqual([]);
    expect(said(rig.wait(10))).toEqual([]);
  });
});

describe("the operator", () => {
  test("holdForcesHoldAtOnce, release evaluates at once", () => {
    const rig = standing();
    expect(said(rig.hold("AAA"))).toEqual(["AAA HOLD held: operator"]);
    expect(said(rig.book("AAA", 300, 100))).toEqual([]);
    expect(said(rig.hold())).toEqual(["AAA BUY l1"]);
  });

  test("holdOfOneLeavesTheOthers", () => {
    const rig = standing();
    rig.book("BBB", 200, 100);
    expect(said(rig.hold("BBB"))).toEqual(["BBB HOLD held: operator"]);
    expect(said(rig.book("AAA", 100, 200))).toEqual(["AAA SELL l1"]);
  });

  test("holdAll holds everything, and what is first seen later", () => {
    const rig = standing();
    expect(said(rig.holdAll())).toEqual(["AAA HOLD held: operator"]);
    expect(said(rig.book("NEW", 200, 100))).toEqual([]);
    expect(said(rig.holdAll(false)).toSorted()).toEqual(["AAA BUY l1", "NEW BUY l1"]);
  });

  test("heldBeforeItIsSeen: the first datagram of a held symbol decides nothing", () => {
    const rig = new EngineRig();
    rig.answer(moreBid, buy);
    rig.hold("AAA");
    expect(said(rig.book("AAA", 200, 100))).toEqual([]);
  });

  test("changesAreRateLimited per symbol, HOLD always passes", () => {
    const rig = standing({ flags: { "signal.ratePerSymbol": "3" } });
    expect(said(rig.book("AAA", 100, 200))).toEqual(["AAA SELL l1"]);
    expect(said(rig.book("AAA", 200, 100))).toEqual(["AAA BUY l1"]);
    expect(said(rig.book("AAA", 100, 200))).toEqual(["AAA HOLD held: rate limit"]);
    expect(said(rig.book("AAA", 200, 100))).toEqual([]);
    expect(said(rig.book("BBB", 200, 100))).toEqual(["BBB BUY l1"]);
    rig.nowNs += 1e9;
    expect(said(rig.book("AAA", 200, 100))).toEqual(["AAA BUY l1"]);
  });
});

describe("the signal", () => {
  test("carries run, sequences, feed, time to live and the message that caused it", () => {
    const rig = standing();
    const [signal] = rig.book("AAA", 100, 200);
    expect(signal).toMatchObject({
      kind: "signal",
      seq: 2,
      feed: "rig",
      inputSeq: rig.sequence - 1,
      symbol: "AAA",
      signal: "SELL",
      confidence: 0.8,
      price: 10.005,
      ttlMs: 5000,
      state: "0",
      latencyNs: 10_000,
    });
    expect(BigInt(signal!.run.padStart(16, "0").replace(/^/, "0x"))).toBe(1_767_366_000_000n);
  });

  test("everyMode says each evaluation, stateMode each change of state", () => {
    const every = new EngineRig({ flags: { "signal.emit": "every" } });
    every.answer(moreBid, buy);
    expect(every.book("AAA", 200, 100)).toHaveLength(1);
    expect(every.book("AAA", 210, 100)).toHaveLength(1);
    const state = new EngineRig({ flags: { "signal.emit": "state" } });
    state.answer(moreBid, buy);
    state.answer(moreAsk, buy);
    expect(state.book("AAA", 200, 100)).toHaveLength(1);
    expect(state.book("AAA", 210, 100)).toHaveLength(0);
    expect(state.book("AAA", 100, 210)).toHaveLength(1);
  });

  test("oneDatagramIsOneBatch: an instrument that it touches often is evaluated once", () => {
    const rig = new EngineRig({ flags: { "signal.emit": "every" } });
    rig.answer(moreBid, buy);
    rig.answer(moreAsk, sell);
    expect(said(rig.books(["AAA", 200, 100], ["AAA", 100, 200], ["BBB", 200, 100]))).toEqual([
      "AAA SELL l1",
      "BBB BUY l1",
    ]);
  });
});

function networkCell(rig: EngineRig, cell: number): number {
  return rig.board.recorder(Stage.networkLatency).cells[cell]!;
}

describe("network_latency", () => {
  test("is from the sender's time to the kernel's", () => {
    const rig = standing();
    const before = networkCell(rig, RecorderCell.count);
    rig.book("AAA", 210, 100);
    expect(networkCell(rig, RecorderCell.count)).toBe(before + 1);
    expect(rig.board.recorder(Stage.networkLatency).stats[RecorderStat.sumNs]).toBeCloseTo(
      60_000,
      -4,
    );
  });

  test("below zero is counted: the clocks disagree", () => {
    const rig = new EngineRig();
    rig.senderBehindNs = -1e6;
    rig.book("AAA", 210, 100);
    expect(networkCell(rig, RecorderCell.negatives)).toBe(1);
  });

  test("of another day's capture says nothing and is not recorded", () => {
    const rig = new EngineRig();
    rig.senderBehindNs = 3600e9;
    rig.book("AAA", 210, 100);
    expect(networkCell(rig, RecorderCell.count)).toBe(0);
  });
});
