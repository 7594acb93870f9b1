/** The clock of a sender: precise waits without a core that spins all the time. */

export interface Clock {
  /** ns from any fixed point; never goes back. */
  nowNs(): number;
  /** Resolves at this time or a little after; may resolve earlier, so ask again. */
  sleepUntil(ns: number): Promise<void>;
  /** Lets sockets and signals have their turn. */
  yield(): Promise<void>;
}

/** A timer is good to about a millisecond, a futex wait to about 80 µs; the rest is spun. */
const timerSlackNs = 2_000_000;
const waitSlackNs = 150_000;
/** No sleep is longer, so that a stop and the progress line are never far away. */
const sleepNsMax = 100_000_000;

export class SystemClock implements Clock {
  readonly #cell = new Int32Array(new SharedArrayBuffer(4));

  nowNs(): number {
    return Bun.nanoseconds();
  }

  async sleepUntil(ns: number): Promise<void> {
    const wait = Math.min(ns - this.nowNs(), sleepNsMax);
    if (wait > timerSlackNs) return Bun.sleep((wait - timerSlackNs) / 1e6);
    await this.yield();
    const rest = ns - this.nowNs();
    if (rest > waitSlackNs) Atomics.wait(this.#cell, 0, 0, (rest - waitSlackNs) / 1e6);
    while (this.nowNs() < ns) Atomics.pause();
  }

  yield(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }
}
