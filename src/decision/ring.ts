/**
 * A ring of fixed-size records in shared memory: one writing thread, one reading thread, no lock.
 *
 * Invariant: head and tail only grow (mod 2^32); head − tail is the number of unread records and
 * never exceeds the capacity. The writer publishes a record by storing head after its words; the
 * reader gives the slot back by storing tail after it has copied them.
 *
 * Memory: [head, 15 words of padding, tail, dropped, 14 words of padding, records…], so that the two
 * threads' words lie on cache lines of their own.
 */
const headAt = 0;
const tailAt = 16;
const droppedAt = 1;
const recordsAt = 32;

export function ringBytes(capacity: number, recordWords: number): number {
  return (recordsAt + capacity * recordWords) * 4;
}

export class Ring {
  readonly capacity: number;
  readonly recordWords: number;
  readonly #state: Int32Array;
  readonly #records: Uint32Array;
  readonly #mask: number;

  /** `capacity` is a power of two; `memory` has at least `ringBytes(capacity, recordWords)`. */
  constructor(memory: SharedArrayBuffer, capacity: number, recordWords: number) {
    if ((capacity & (capacity - 1)) !== 0) throw new Error("ring capacity must be a power of two");
    this.capacity = capacity;
    this.recordWords = recordWords;
    this.#mask = capacity - 1;
    this.#state = new Int32Array(memory, 0, recordsAt);
    this.#records = new Uint32Array(memory, recordsAt * 4, capacity * recordWords);
  }

  /** Copies `recordWords` words from `source[at]`; false when full, and then the drop is counted. */
  push(source: Uint32Array, at: number): boolean {
    const state = this.#state;
    const head = state[headAt] as number;
    if (((head - Atomics.load(state, tailAt)) | 0) >= this.capacity) {
      state[droppedAt] = ((state[droppedAt] as number) + 1) | 0;
      return false;
    }
    const words = this.recordWords;
    const to = (head & this.#mask) * words;
    const records = this.#records;
    for (let word = 0; word < words; word++) records[to + word] = source[at + word] as number;
    Atomics.store(state, headAt, (head + 1) | 0);
    return true;
  }

  /** Copies the oldest unread record to `target[at]`; false when there is none. */
  shift(target: Uint32Array, at: number): boolean {
    const state = this.#state;
    const tail = state[tailAt] as number;
    if (Atomics.load(state, headAt) === tail) return false;
    const words = this.recordWords;
    const from = (tail & this.#mask) * words;
    const records = this.#records;
    for (let word = 0; word < words; word++) target[at + word] = records[from + word] as number;
    Atomics.store(state, tailAt, (tail + 1) | 0);
    return true;
  }

  /** Unread records. */
  get length(): number {
    return (Atomics.load(this.#state, headAt) - Atomics.load(this.#state, tailAt)) | 0;
  }

  /** Records that found the ring full, since it was made (mod 2^32). */
  get dropped(): number {
    return (this.#state[droppedAt] as number) >>> 0;
  }
}
