/**
 * What is known of a host's speed: a moving mean for the expected wait, and the 95th percentile of
 * the last answers for hedging. Fixed memory; the percentile is worked out only when it is asked
 * for after new answers.
 */
const samplesMax = 128;
/** Weight of the newest answer: the mean follows a change within about ten answers. */
const gain = 0.2;
/** Fewer answers than this say nothing about a tail. */
const samplesForTail = 20;

export class LatencyEstimate {
  readonly #samples = new Float64Array(samplesMax);
  #count = 0;
  #meanMs = 0;
  #p95Ms = Infinity;
  #isOld = false;

  add(latencyMs: number): void {
    this.#meanMs = this.#count === 0 ? latencyMs : this.#meanMs + gain * (latencyMs - this.#meanMs);
    this.#samples[this.#count % samplesMax] = latencyMs;
    this.#count++;
    this.#isOld = true;
  }

  /** 0 before the first answer: an unknown host is worth a question. */
  get meanMs(): number {
    return this.#meanMs;
  }

  /** Infinity until enough is known. */
  get p95Ms(): number {
    if (!this.#isOld) return this.#p95Ms;
    this.#isOld = false;
    if (this.#count >= samplesForTail) {
      const known = this.#samples.slice(0, Math.min(this.#count, samplesMax)).toSorted();
      this.#p95Ms = known[Math.ceil(known.length * 0.95) - 1]!;
    }
    return this.#p95Ms;
  }
}
