/**
 * A circuit breaker for one host, with its own clock: time comes in as a parameter.
 *
 * closed: questions go through; `failuresMax` failures in a row open it.
 * open: nothing goes through for a while, which doubles each time up to `openMsMax`.
 * half-open: one question goes through as a probe; it closes or opens the breaker again.
 */
export const BreakerState = { closed: "closed", open: "open", halfOpen: "half-open" } as const;
export type BreakerState = (typeof BreakerState)[keyof typeof BreakerState];

export interface BreakerLimits {
  failuresMax: number;
  openMs: number;
  openMsMax: number;
}

export class Breaker {
  readonly #limits: BreakerLimits;
  #failures = 0;
  /** Times it opened since it was last closed. */
  #opened = 0;
  #openUntilMs = 0;
  #probing = false;
  /** Times it opened in all. */
  openings = 0;

  constructor(limits: BreakerLimits) {
    this.#limits = limits;
  }

  state(nowMs: number): BreakerState {
    if (this.#opened === 0) return BreakerState.closed;
    return nowMs < this.#openUntilMs ? BreakerState.open : BreakerState.halfOpen;
  }

  /** Whether a question may be sent now. */
  allows(nowMs: number): boolean {
    const state = this.state(nowMs);
    return state === BreakerState.closed || (state === BreakerState.halfOpen && !this.#probing);
  }

  /** A question is sent. Only after `allows`. */
  sent(nowMs: number): void {
    if (this.state(nowMs) === BreakerState.halfOpen) this.#probing = true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#opened = 0;
    this.#probing = false;
  }

  failed(nowMs: number): void {
    this.#probing = false;
    this.#failures++;
    const isOpen = this.#opened > 0;
    // A question that was sent before the breaker opened says nothing new.
    if (isOpen && nowMs < this.#openUntilMs) return;
    if (!isOpen && this.#failures < this.#limits.failuresMax) return;
    const { openMs, openMsMax } = this.#limits;
    this.#openUntilMs = nowMs + Math.min(openMsMax, openMs * 2 ** Math.min(this.#opened, 30));
    this.#opened++;
    this.openings++;
  }

  /** Neither: the question says nothing about the host's health. */
  released(): void {
    this.#probing = false;
  }
}
