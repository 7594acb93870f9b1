/** A feed thread that is started again, on the shared memory of the life before it. */
import { describe, expect, test } from "bun:test";
import { Decision, readSignal, type Signal, Source } from "../../src/decision/signal.ts";
import { Metric } from "../../src/telemetry/metric.ts";
import { createFeedCore } from "../../src/thread/feed-core.ts";
import { Publication, publicationBytes } from "../../src/thread/publication.ts";
import { openSignals } from "../../src/thread/shared.ts";
import { Sent, type SignalBatch, UdpSink } from "../../src/thread/sink.ts";
import { EngineRig, moreBid, said } from "../support/engine-rig.ts";

/** Two symbols that stand at BUY. */
function standing(): EngineRig {
  const rig = new EngineRig();
  rig.answer(moreBid, Decision.buy);
  expect(said(rig.books(["AAA", 200, 100], ["BBB", 200, 100]))).toEqual([
    "AAA BUY l1",
    "BBB BUY l1",
  ]);
  return rig;
}

/** The life before is gone, and the next one begins; what it says by itself. */
function again(rig: EngineRig): Signal[] {
  createFeedCore(rig.plan, rig.shared, [], () => rig.nowNs);
  return rig.signals();
}

function lastWords(signals: readonly Signal[]): Record<string, string> {
  return Object.fromEntries(signals.map(({ symbol, signal }) => [symbol, signal]));
}

describe("whatStoodBecomesHold", () => {
  test("afterACrash", () => {
    expect(lastWords(again(standing()))).toEqual({ AAA: "HOLD", BBB: "HOLD" });
  });

  test("alsoWhenEverythingWasPutOnHoldBetweenTheTwoLives", () => {
    const rig = standing();
    rig.control.writeHeld(true, []);
    expect(lastWords(again(rig))).toEqual({ AAA: "HOLD", BBB: "HOLD" });
  });

  test("alsoOfOneSymbolThatWasPutOnHoldBetweenTheTwoLives", () => {
    const rig = standing();
    rig.control.writeHeld(false, ["BBB"]);
    expect(lastWords(again(rig))).toEqual({ AAA: "HOLD", BBB: "HOLD" });
  });
});

test("aSignalThatLeftJustBeforeTheCrashIsFollowedByHold", () => {
  const rig = new EngineRig();
  rig.answer(moreBid, Decision.buy);
  rig.books(["AAA", 100, 200], ["BBB", 100, 200]);
  // It is on the wire, and nothing else of it is noted anywhere.
  const left: Signal[] = [];
  class CrashingSink extends UdpSink {
    override send({ words }: SignalBatch): void {
      left.push(readSignal(words.slice(), 0));
      throw new Error("the thread crashes");
    }
  }
  const nowhere = { send: () => Sent.taken, close() {} };
  const sink = new CrashingSink(nowhere, { encoding: "binary", heartbeatNs: 0 }, rig.core.counters);
  rig.core.sinks.replace([openSignals(rig.shared.signalsOps, rig.plan.limits)], [sink]);
  expect(() => rig.book("BBB", 200, 100)).toThrow("the thread crashes");
  expect([said(left), left[0]!.seq]).toEqual([["BBB BUY l1"], 1]);
  const [hold, ...rest] = again(rig);
  expect(rest).toEqual([]);
  expect(hold).toMatchObject({ seq: 2, symbol: "BBB", signal: "HOLD", source: "stale" });
});

test("aHoldIsInForceInTheNextLifeFromItsFirstDatagram", () => {
  const rig = standing();
  rig.hold("BBB");
  const core = createFeedCore(rig.plan, rig.shared, [], () => rig.nowNs);
  expect([core.engine.isHeld(0), core.engine.isHeld(1)]).toEqual([false, true]);
});

test("aRecordThatTheLifeBeforeLeftOpenIsWrittenAndReadAgain", () => {
  const memory = new SharedArrayBuffer(publicationBytes(1));
  const [before, next] = [new Publication(memory, 1), new Publication(memory, 1)];
  before.end(before.begin(0));
  before.begin(0);
  expect(next.read(0)).toBeUndefined();
  next.end(next.begin(0));
  expect(next.read(0)).toBeDefined();
});

test("whatIsCountedOnceASecondIsCountedAtTheEndAsWell", () => {
  const rig = new EngineRig({ flags: { "limit.symbols": "1" } });
  rig.poll();
  rig.books(["AAA", 200, 100], ["BBB", 200, 100]);
  rig.core.stop(rig.nowNs);
  expect(rig.board.counters[Metric.feed.instrumentsRefused]).toBeGreaterThan(0);
});

test("theCountOfSignalsGoesOnAfterACounterHasWrapped", () => {
  const rig = standing();
  // As after four thousand million signals of one kind: a counter has 32 bits, the count has 53.
  const cell = Metric.feed.signals + (Source.l1 - 1) * 4 + Decision.buy;
  rig.board.counters[cell] = 1;
  rig.core.emitter.sequence = 2 ** 32 + 5;
  const [last] = rig.book("AAA", 100, 200);
  expect(last!.seq).toBe(2 ** 32 + 6);
  expect(again(rig).map(({ seq }) => seq)).toEqual([2 ** 32 + 7]);
});
