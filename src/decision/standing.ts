/**
 * The instruments whose last signal is a BUY or a SELL, oldest emission first: a doubly linked list
 * over preallocated arrays. Its head is always the next to be repeated before its time to live runs
 * out, and walking it finds everyone who must be told HOLD when a channel goes stale.
 */
export class Standing {
  count = 0;
  head = -1;
  #tail = -1;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #member: Uint8Array;

  constructor(instruments: number) {
    this.#next = new Int32Array(instruments).fill(-1);
    this.#previous = new Int32Array(instruments).fill(-1);
    this.#member = new Uint8Array(instruments);
  }

  has(instrument: number): boolean {
    return this.#member[instrument] !== 0;
  }

  /** The one emitted after `instrument`, -1 at the end. */
  following(instrument: number): number {
    return this.#next[instrument] as number;
  }

  /** Puts the instrument last: it has just emitted. */
  touch(instrument: number): void {
    this.remove(instrument);
    this.#member[instrument] = 1;
    this.#previous[instrument] = this.#tail;
    this.#next[instrument] = -1;
    if (this.#tail >= 0) this.#next[this.#tail] = instrument;
    else this.head = instrument;
    this.#tail = instrument;
    this.count++;
  }

  remove(instrument: number): void {
    if (this.#member[instrument] === 0) return;
    const next = this.#next[instrument] as number;
    const previous = this.#previous[instrument] as number;
    if (previous >= 0) this.#next[previous] = next;
    else this.head = next;
    if (next >= 0) this.#previous[next] = previous;
    else this.#tail = previous;
    this.#member[instrument] = 0;
    this.count--;
  }
}
