/**
 * What a feed thread that was started again takes over from the one before, out of shared memory:
 * its instruments in their old order, the count of its signals, and what it had said last.
 *
 * The order matters beyond this thread: instruments are known by number in keys of the decision
 * table and to inference, and a number that changed its symbol would hand one symbol the answers of
 * another. Books are not taken over: everything is held until the feed has healed them.
 */
import type { Decision } from "../decision/signal.ts";
import { assert } from "../error.ts";
import { Metric, metricSpecs } from "../telemetry/metric.ts";
import type { FeedCore } from "./feed-core.ts";

/** Before the first datagram. Whoever stood at BUY or SELL hears HOLD. */
export function resumeFeed(core: FeedCore, counters: Uint32Array, nowNs: number): void {
  const { publication, instruments, emitter } = core;
  const known = publication.count;
  emitter.sequence = signalsEmitted(counters);
  for (let instrument = 0; instrument < known; instrument++) {
    const before = publication.read(instrument);
    assert(before !== undefined, `instrument ${instrument} of ${known} was never published`);
    const now = instruments.symbol(instrument);
    assert(now === before.symbol, `instrument ${instrument} (${before.symbol}) has become ${now}`);
    emitter.resume(instrument, before.decision as Decision);
  }
  core.engine.resume(nowNs);
}

const { cells } = metricSpecs.find(({ id, kind, thread }) => {
  return thread === "feed" && kind === "counter" && id === Metric.feed.signals;
})!;

/** Signals of all lives of the thread in this run: the counters outlive it. */
function signalsEmitted(counters: Uint32Array): number {
  const { signals } = Metric.feed;
  return counters.subarray(signals, signals + cells).reduce((sum, value) => sum + value, 0);
}
