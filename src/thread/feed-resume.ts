/**
 * What a feed thread that was started again takes over from the one before, out of shared memory:
 * its instruments in their old order, the count of its signals, and what it had said last.
 *
 * The order matters beyond this thread: instruments are known by number in keys of the decision
 * table and to inference, and a number that changed its symbol would hand one symbol the answers of
 * another. Books are not taken over: everything is held until the feed has healed them.
 */
import type { Emitter } from "../decision/emitter.ts";
import type { Engine } from "../decision/engine.ts";
import { Decision } from "../decision/signal.ts";
import { assert } from "../error.ts";
import type { InstrumentTable } from "../market/instrument.ts";
import type { Publication } from "./publication.ts";

export interface ResumeParts {
  publication: Publication;
  instruments: InstrumentTable;
  emitter: Emitter;
  engine: Engine;
}

/**
 * Before anything else is decided, because that would be published over what was said last. Whoever
 * stood at BUY or SELL hears HOLD. Nothing happens in a first life.
 */
export function resumeFeed(parts: ResumeParts, nowNs: number): void {
  const { publication, instruments, emitter, engine } = parts;
  const known = publication.count;
  if (known === 0) return;
  const { announced, signals } = publication;
  // Whatever was said of it left under the next number, which must not be used twice.
  emitter.sequence = announced < 0 ? signals : signals + 1;
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
