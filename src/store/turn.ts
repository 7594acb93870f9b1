/**
 * Long reading in turns. A query is a generator that yields whenever it could be interrupted; the
 * thread that also keeps the history, alerts and heartbeats runs it for a few milliseconds at a
 * time, so that nobody's question about last year holds up this second.
 */
import { EdgeError } from "../error.ts";

export type Turns<T> = Generator<undefined, T, undefined>;

/** Runs it to its end: for callers that have nothing else to do. */
export function atOnce<T>(turns: Turns<T>): T {
  for (;;) {
    const { done, value } = turns.next();
    if (done === true) return value;
  }
}

export interface TurnOptions {
  /** Milliseconds of work between two returns to the event loop. */
  turnMs: number;
  /** Queries begun and not ended: they take turns, and each holds memory. */
  activeMax: number;
  /** Queries waiting to begin; further ones are refused. */
  waitingMax: number;
  /** Monotonic ms. */
  clockMs(): number;
  /** Calls back after the event loop has looked at timers and sockets. */
  later(callback: () => void): void;
}

interface Job {
  /** True when it is done, with whatever result. */
  step(): boolean;
}

export class TurnQueue {
  readonly #options: TurnOptions;
  readonly #active: Job[] = [];
  readonly #waiting: Job[] = [];
  #scheduled = false;

  constructor(options: TurnOptions) {
    this.#options = options;
  }

  /** Queries that are not done. */
  get size(): number {
    return this.#active.length + this.#waiting.length;
  }

  /** Rejects with EdgeError QUERIES_FULL, and with whatever the query throws. */
  run<T>(turns: Turns<T>): Promise<T> {
    const { activeMax, waitingMax } = this.#options;
    if (this.#waiting.length >= waitingMax) {
      const error = new EdgeError(
        "QUERIES_FULL",
        `${this.size} queries of the history are under way`,
        "Ask again in a moment, for shorter ranges or wider steps.",
      );
      return Promise.reject(error);
    }
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const step = (): boolean => {
      try {
        const { done, value } = turns.next();
        if (done === true) resolve(value);
        return done === true;
      } catch (error) {
        reject(error as Error);
        return true;
      }
    };
    if (this.#active.length < activeMax) this.#active.push({ step });
    else this.#waiting.push({ step });
    this.#schedule();
    return promise;
  }

  #schedule(): void {
    if (this.#scheduled || this.#active.length === 0) return;
    this.#scheduled = true;
    this.#options.later(() => {
      this.#scheduled = false;
      this.#turn();
      this.#schedule();
    });
  }

  /** One turn: the first query for as long as it may, and the next ones with what is left of it. */
  #turn(): void {
    const { turnMs, clockMs } = this.#options;
    const endMs = clockMs() + turnMs;
    for (;;) {
      const job = this.#active.shift();
      if (job === undefined) return;
      let done = false;
      do done = job.step();
      while (!done && clockMs() < endMs);
      if (!done) {
        this.#active.push(job);
        return;
      }
      const next = this.#waiting.shift();
      if (next !== undefined) this.#active.push(next);
      if (clockMs() >= endMs) return;
    }
  }
}
