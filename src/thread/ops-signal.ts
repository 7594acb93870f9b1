/**
 * Signals on their way out of the ring: changes of a decision to the history and
 * every signal to the streams. Decoding costs microseconds, so what nobody wants is not decoded.
 */
import type { Ring } from "../decision/ring.ts";
import {
  Field,
  readSignal,
  type Signal,
  SignalFlag,
  signalJson,
  signalWords,
} from "../decision/signal.ts";
import type { Hub } from "../http/hub.ts";
import type { NewSignal } from "../store/batch.ts";
import { LastDecision } from "./last-decision.ts";

export interface SignalTapOptions {
  ring: Ring;
  hub: Hub;
  /** Where changes of a decision go: bounded each second by the receiver. */
  keep(signal: NewSignal): void;
  /** Symbols whose last decision is remembered. */
  symbolsMax: number;
}

/** Newest signals, one a symbol, that are kept for who looks now. */
const newestMax = 32;
/** Records taken in one turn: what stays waits in the ring for the next. */
const turnMax = 65_536;

export class SignalTap {
  readonly #options: SignalTapOptions;
  readonly #record = new Uint32Array(signalWords);
  readonly #last: LastDecision;
  /** By symbol, oldest first. */
  readonly #newest = new Map<string, Signal>();
  taken = 0;

  constructor(options: SignalTapOptions) {
    this.#options = options;
    this.#last = new LastDecision(options.symbolsMax);
  }

  /** Takes what the ring holds; returns how many. */
  drain(nowMs: number): number {
    const { ring } = this.#options;
    let count = 0;
    while (count < turnMax && ring.shift(this.#record, 0)) {
      count++;
      this.#take(nowMs);
    }
    this.taken += count;
    return count;
  }

  /** Newest first. */
  newest(): Signal[] {
    return [...this.#newest.values()].toReversed();
  }

  #take(nowMs: number): void {
    const { hub, keep } = this.#options;
    const changed = this.#changes();
    if (!changed && hub.size === 0) return;
    const signal = readSignal(this.#record);
    if (changed) {
      this.#remember(signal);
      keep(rowOf(signal));
    }
    if (hub.size > 0) {
      const { seq, symbol } = signal;
      const event = { event: "signal", id: String(seq), data: signalJson(signal), subject: symbol };
      hub.publish(event, nowMs);
    }
  }

  /** Whether the decision differs from the symbol's last one: a HOLD that becomes stale is news. */
  #changes(): boolean {
    const record = this.#record;
    if (((record[Field.lengthFlags]! >>> 16) & SignalFlag.refresh) !== 0) return false;
    return this.#last.take(record);
  }

  #remember(signal: Signal): void {
    this.#newest.delete(signal.symbol);
    this.#newest.set(signal.symbol, signal);
    if (this.#newest.size <= newestMax) return;
    const oldest = this.#newest.keys().next();
    if (oldest.done !== true) this.#newest.delete(oldest.value);
  }
}

export function rowOf(signal: Signal): NewSignal {
  const { kind: _k, run: _r, sampled: _s, refresh: _f, revalidating: _v, ...fields } = signal;
  // Epoch ns without their last six digits are epoch ms.
  return { ...fields, atMs: Number(signal.emitTime.slice(0, -6)) };
}
