import { Cell, maxKeyWords, type PendingKind, slotHeaderWords, slotWords } from "./pending-slot.ts";

/** Inference's side: read only. */
export class PendingView {
  readonly capacity: number;
  readonly #cells: Int32Array;

  constructor(memory: SharedArrayBuffer, capacity: number) {
    this.capacity = capacity;
    this.#cells = new Int32Array(memory, 0, capacity * slotWords);
  }

  /** 0 when the slot is free or its question was withdrawn. */
  version(slot: number): number {
    return Atomics.load(this.#cells, slot * slotWords + Cell.version) >>> 0;
  }

  /** Instruments now in that state. */
  waiting(slot: number): number {
    return this.#cells[slot * slotWords + Cell.waiting] as number;
  }

  /** ms since the run's base at which the state was last entered. */
  lastSeenMs(slot: number): number {
    return (this.#cells[slot * slotWords + Cell.lastSeen] as number) >>> 0;
  }

  firstSeenMs(slot: number): number {
    return (this.#cells[slot * slotWords + Cell.firstSeen] as number) >>> 0;
  }

  kind(slot: number): PendingKind {
    return this.#cells[slot * slotWords + Cell.kind] as PendingKind;
  }

  /** The state's index in a finite space. */
  index(slot: number): number {
    return this.#cells[slot * slotWords + Cell.index] as number;
  }

  /**
   * Copies the key; false when the slot changed hands meanwhile (`version` is what the caller saw).
   */
  readKey(slot: number, version: number, out: Uint32Array): boolean {
    const at = slot * slotWords + slotHeaderWords;
    for (let word = 0; word < out.length && word < maxKeyWords; word++) {
      out[word] = this.#cells[at + word] as number;
    }
    return this.version(slot) === version;
  }
}
