/** Asks for a resource again and again while somebody looks at it. */
import { getJson, RefusedError } from "./api.ts";

export interface PollOptions<T> {
  /** Read for every request; "" for nothing to ask at the moment. */
  path(): string;
  everyMs: number;
  onData(data: T): void;
  /** In words; "" when it is well again. */
  onTrouble(words: string): void;
}

export class Poll<T> {
  readonly #options: PollOptions<T>;
  #request: AbortController | undefined;
  #asked = "";
  #nextMs = 0;
  #shown = false;

  constructor(options: PollOptions<T>) {
    this.#options = options;
  }

  /** Somebody looks: ask at once when there is something else to ask. */
  start(): void {
    this.#shown = true;
    if (this.#options.path() !== this.#asked) this.again();
  }

  stop(): void {
    this.#shown = false;
    this.#request?.abort();
    this.#request = undefined;
    this.#nextMs = 0;
  }

  /** Nobody looks for a while: what was asked last stays good for its time. */
  pause(): void {
    this.#shown = false;
  }

  again(): void {
    this.#nextMs = 0;
    this.tick();
  }

  /** Call it once a second at least. One request is under way at a time, and none when hidden. */
  tick(): void {
    const path = this.#options.path();
    if (path !== this.#asked) this.#nextMs = 0;
    if (!this.#shown || path === "" || document.hidden || performance.now() < this.#nextMs) return;
    void this.#ask(path);
  }

  async #ask(path: string): Promise<void> {
    const { everyMs, onData, onTrouble } = this.#options;
    this.#request?.abort();
    const own = new AbortController();
    this.#request = own;
    this.#asked = path;
    this.#nextMs = Infinity;
    try {
      const data = await getJson<T>(path, own.signal);
      if (own.signal.aborted) return;
      onData(data);
      onTrouble("");
    } catch (error) {
      if (own.signal.aborted) return;
      onTrouble(troubleWords(error));
    }
    // A little less than the interval, so that a tick a second does not miss every other one.
    this.#nextMs = performance.now() + everyMs - 200;
  }
}

export function troubleWords(error: unknown): string {
  if (error instanceof RefusedError) return `${error.message}. ${error.hint}`.trim();
  if (error instanceof DOMException && error.name === "TimeoutError") return "no answer in time";
  return "the server cannot be reached";
}
