/** A feed thread that was started again, on what the one before left in shared memory. */
import { expect, test } from "bun:test";
import { readSignal, type Signal } from "../../src/decision/signal.ts";
import { createFeedCore } from "../../src/thread/feed-core.ts";
import { type SignalBatch, UdpSink } from "../../src/thread/sink.ts";
import { openSignals } from "../../src/thread/shared.ts";
import { EngineRig, moreBid } from "../support/engine-rig.ts";

function secondLife(rig: EngineRig): Signal[] {
  createFeedCore(rig.plan, rig.shared, [], () => rig.nowNs);
  return rig.signals();
}

function words(signals: readonly Signal[]): string[] {
  return signals.map(({ seq, symbol, signal, source }) => `${seq} ${symbol} ${signal} ${source}`);
}

test("whatStoodBecomesHold", () => {
  const rig = new EngineRig();
  rig.answer(moreBid, 1);
  expect(words(rig.book("AAA", 200, 100))).toEqual(["1 AAA BUY l1"]);
  expect(words(secondLife(rig))).toEqual(["2 AAA HOLD stale"]);
});

test("aSignalThatLeftJustBeforeTheCrashIsFollowedByHold", () => {
  const rig = new EngineRig();
  rig.answer(moreBid, 1);
  rig.book("AAA", 100, 200);
  rig.book("BBB", 100, 200);
  // It is on the wire, and nothing else of it is noted anywhere.
  const left: Signal[] = [];
  class CrashingSink extends UdpSink {
    override send({ words }: SignalBatch): void {
      left.push(readSignal(words.slice(), 0));
      throw new Error("the thread crashes");
    }
  }
  const nowhere = { send: () => true, close() {} };
  const sink = new CrashingSink(nowhere, { encoding: "binary", heartbeatNs: 0 }, rig.core.counters);
  rig.core.sinks.replace([openSignals(rig.shared.signalsOps, rig.plan.limits)], [sink]);
  expect(() => rig.book("BBB", 200, 100)).toThrow("the thread crashes");
  expect(words(left)).toEqual(["1 BBB BUY l1"]);
  expect(words(secondLife(rig))).toEqual(["2 BBB HOLD stale"]);
});

test("aHoldThatCameBetweenTwoLivesIsHeardOfWhatStood", () => {
  const rig = new EngineRig();
  rig.answer(moreBid, 1);
  rig.book("AAA", 200, 100);
  rig.control.writeHeld(false, ["AAA"]);
  const [hold, ...rest] = secondLife(rig);
  expect(rest).toEqual([]);
  expect(hold).toMatchObject({ seq: 2, symbol: "AAA", signal: "HOLD" });
});
