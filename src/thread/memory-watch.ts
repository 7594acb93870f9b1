/**
 * The supervisor's eye on the process's resident memory: past the threshold every thread is asked to
 * collect its garbage, past the limit the operator is told, once for each time.
 */
import type { LogLevel } from "./log.ts";

export interface MemoryLimits {
  limitMb: number;
  /** Share of the limit. */
  gcThreshold: number;
}

export interface MemoryWatchOptions {
  /** As they are now: they may be reloaded. */
  limits(): MemoryLimits;
  residentBytes(): number;
  /** Asks every thread for a collection. */
  collect(): void;
  log(level: LogLevel, text: string): void;
}

const mebibyte = 1024 ** 2;
/** A collection that did not help is not asked for again before this. */
const demandEveryMs = 10_000;
/** The warning is said again after memory has been below this share of the limit. */
const calmShare = 0.95;

export class MemoryWatch {
  readonly #options: MemoryWatchOptions;
  #demandedMs = Number.NEGATIVE_INFINITY;
  #above = false;

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
  }

  /** Once a second; `nowMs` is monotonic. */
  check(nowMs: number): void {
    const { limits, residentBytes, collect, log } = this.#options;
    const { limitMb, gcThreshold } = limits();
    const resident = residentBytes() / mebibyte;
    if (resident > limitMb * gcThreshold && nowMs - this.#demandedMs >= demandEveryMs) {
      this.#demandedMs = nowMs;
      collect();
    }
    if (resident > limitMb && !this.#above) {
      this.#above = true;
      log(
        "warn",
        `resident memory is ${resident.toFixed(0)} MiB, above memory.limitMb = ${limitMb}: lower the capacities in [limit], or raise it (hftedge config print --memory)`,
      );
    } else if (resident < limitMb * calmShare) this.#above = false;
  }
}
