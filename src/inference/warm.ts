/**
 * Warming: asking about states before anybody is in them, in the slots that live questions leave
 * idle. Which states, and how far it has come; the asking itself is the engine's.
 *
 * It resumes by itself: a state that has an answer, from this run or an earlier one, is passed over.
 */
import type { TextState } from "./state-text.ts";

/** The states to warm, in order. `read` gives null for a place without a state. */
export interface WarmSource {
  readonly total: number;
  read(place: number): TextState | null;
}

export interface WarmProgress {
  done: number;
  failed: number;
  total: number;
  /** States a second since the start, without those that were there already. */
  ratePerS: number;
  /** Seconds until the end at this rate; null where unknown. */
  leftS: number | null;
  finished: boolean;
}

const attemptsMax = 3;
/** Failures kept for another try; beyond it a failure is final. */
const retriesMax = 1024;
/** Places looked at in one call: a bound on the time that passing over states takes. */
const placesAtOnce = 512;

export class Warmer {
  readonly #source: WarmSource;
  readonly #isAnswered: (state: TextState) => boolean;
  readonly #retries: TextState[] = [];
  readonly #attempts = new Map<string, number>();
  #place = 0;
  #outstanding = 0;
  #done = 0;
  #asked = 0;
  #failed = 0;
  #startMs = -1;

  constructor(source: WarmSource, isAnswered: (state: TextState) => boolean) {
    this.#source = source;
    this.#isAnswered = isAnswered;
  }

  /** The next state to ask about; null when there is none for now. */
  next(nowMs: number): TextState | null {
    if (this.#startMs < 0) this.#startMs = nowMs;
    for (let looked = 0; looked < placesAtOnce; looked++) {
      const state = this.#following();
      if (state === null) {
        if (this.#place >= this.#source.total) return null;
        continue;
      }
      if (this.#isAnswered(state)) {
        this.#done++;
        continue;
      }
      this.#outstanding++;
      return state;
    }
    return null;
  }

  #following(): TextState | null {
    if (this.#place < this.#source.total) {
      const state = this.#source.read(this.#place++);
      if (state === null) this.#done++;
      return state;
    }
    return this.#retries.shift() ?? null;
  }

  /** How the question about a state that `next` gave came out. */
  settle(state: TextState, ok: boolean): void {
    this.#outstanding--;
    if (ok) {
      this.#done++;
      this.#asked++;
      this.#attempts.delete(state.text);
      return;
    }
    const attempts = (this.#attempts.get(state.text) ?? 0) + 1;
    if (attempts < attemptsMax && this.#retries.length < retriesMax) {
      this.#attempts.set(state.text, attempts);
      this.#retries.push(state);
      return;
    }
    this.#attempts.delete(state.text);
    this.#failed++;
  }

  /** The question was never sent: the state comes again, and no attempt is counted. */
  release(state: TextState): void {
    this.#outstanding--;
    this.#retries.unshift(state);
  }

  progress(nowMs: number): WarmProgress {
    const { total } = this.#source;
    const finished = this.#place >= total && this.#outstanding === 0 && this.#retries.length === 0;
    const elapsedS = this.#startMs < 0 ? 0 : (nowMs - this.#startMs) / 1000;
    const ratePerS = elapsedS > 0 ? this.#asked / elapsedS : 0;
    const left = total - this.#done - this.#failed;
    const leftS = finished ? 0 : ratePerS > 0 ? left / ratePerS : null;
    return { done: this.#done, failed: this.#failed, total, ratePerS, leftS, finished };
  }
}
