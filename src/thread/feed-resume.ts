/**
 * What a feed thread that was started again takes over from the one before, out of shared memory:
 * its instruments in their old order, the count of its signals, and what it had said last.
 *
 * The order matters beyond this thread: instruments are known by number in keys of the decision
 * table and to inference, and a number that changed its symbol would hand one symbol the answers of
 * another. Books are not taken over: everything is held until the feed has healed them.
 */
import { Decision } from "../decision/signal.ts";
import type { Emitter } from "../decision/emitter.ts";
import type { Engine } from "../decision/engine.ts";
import { assert } from "../error.ts";
import type { InstrumentTable } from "../market/instrument.ts";
import { Metric, metricSpecs } from "../telemetry/metric.ts";
import type { Publication } from "./publication.ts";

/**
 * Before anything else is decided, and so before holds that came in between: they would find nothing
 * that stands. Whoever stood at BUY or SELL hears HOLD. In a first life there is nobody.
 */
export function resumeFeed(
  publication: Publication,
  instruments: InstrumentTable,
  emitter: Emitter,
  engine: Engine,
  counters: Uint32Array,
  nowNs: number,
): void {
  const known = publication.count;
  const { announced } = publication;
  emitter.sequence = signalsEmitted(counters);
  for (let instrument = 0; instrument < known; instrument++) {
    const before = publication.read(instrument);
    assert(before !== undefined, `instrument ${instrument} of ${known} was never published`);
    const now = instruments.symbol(instrument);
    assert(now === before.symbol, `instrument ${instrument} (${before.symbol}) has become ${now}`);
    // Of whom something may have been said that is not shown, the worst is taken for said.
    const said = instrument === announced ? Decision.buy : (before.decision as Decision);
    emitter.resume(instrument, said);
  }
  engine.resume(nowNs);
}

const { cells } = metricSpecs.find(({ id, kind, thread }) => {
  return thread === "feed" && kind === "counter" && id === Metric.feed.signals;
})!;

/** Signals of all lives of the thread in this run: the counters outlive it. */
function signalsEmitted(counters: Uint32Array): number {
  const { signals } = Metric.feed;
  return counters.subarray(signals, signals + cells).reduce((sum, value) => sum + value, 0);
}
