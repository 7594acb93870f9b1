/**
 * When something happens in the synthetic market, and to which instrument: a Hawkes process. Each
 * event raises the rate of those that follow, most for its own instrument and a little for all, and
 * the rise decays; that makes the bursts of a real feed. Sampled by Ogata's thinning, which is exact
 * because between events the rate only falls.
 *
 *     rate_i(t) = base_i + Σ (events before t) n · β · share_i · weight · e^(-β (t - t_event))
 *
 * n is the mean number of events that one event causes, so the whole rate is base / (1 - n).
 */
import type { Random } from "../replay/random.ts";

/** Mean number of events that one event causes. */
const branching = 0.7;
/** Share of an event's excitement that stays with its own instrument. */
const ownShare = 0.8;
/** The excitement dies away within about this many mean intervals. */
const memoryIntervals = 4;

export class Arrival {
  /** Virtual time of the last event in seconds. */
  seconds = 0;
  readonly #random: Random;
  readonly #base: Float64Array;
  readonly #excited: Float64Array;
  readonly #decay: number;
  #baseTotal = 0;
  #excitedTotal = 0;

  /** `rate` is events a second in the long run, `activity` how they are shared out. */
  constructor(random: Random, rate: number, activity: readonly number[]) {
    const sum = activity.reduce((a, b) => a + b, 0);
    this.#random = random;
    this.#base = Float64Array.from(activity, (a) => (rate * (1 - branching) * a) / sum);
    this.#excited = new Float64Array(activity.length);
    this.#baseTotal = rate * (1 - branching);
    this.#decay = rate / memoryIntervals;
  }

  /** Moves `seconds` to the next event and returns its instrument. */
  next(): number {
    for (;;) {
      const bound = this.#baseTotal + this.#excitedTotal;
      const step = this.#random.exponential(1 / bound);
      this.seconds += step;
      this.#fade(Math.exp(-this.#decay * step));
      const rate = this.#baseTotal + this.#excitedTotal;
      if (this.#random.next() * bound <= rate) return this.#choose(rate);
    }
  }

  /** Tells how exciting the last event was; the mean over all events must be 1. */
  excite(instrument: number, weight: number): void {
    const excited = this.#excited;
    const jump = branching * this.#decay * weight;
    const each = (jump * (1 - ownShare)) / excited.length;
    for (let i = 0; i < excited.length; i++) excited[i] = (excited[i] as number) + each;
    excited[instrument] = (excited[instrument] as number) + jump * ownShare;
    this.#excitedTotal += jump;
  }

  #fade(factor: number): void {
    const excited = this.#excited;
    let total = 0;
    for (let i = 0; i < excited.length; i++) {
      const left = (excited[i] as number) * factor;
      excited[i] = left;
      total += left;
    }
    this.#excitedTotal = total;
  }

  #choose(rate: number): number {
    let left = this.#random.next() * rate;
    const last = this.#base.length - 1;
    for (let i = 0; i < last; i++) {
      left -= (this.#base[i] as number) + (this.#excited[i] as number);
      if (left < 0) return i;
    }
    return last;
  }
}
