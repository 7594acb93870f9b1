/**
 * Hashes of keys → slots: open addressing, at most half full, with deletion that shifts back, so that
 * it never has to be cleaned up. Whose key it is the caller compares.
 */
export class SlotIndex {
  /** Slot + 1; 0 is empty. */
  readonly #buckets: Int32Array;
  readonly #mask: number;
  /** The hash that a slot was added with; 0 for a slot that was not, so a hash is never 0. */
  readonly #hash: Uint32Array;

  constructor(slots: number) {
    let buckets = 2;
    while (buckets < slots * 2) buckets *= 2;
    this.#buckets = new Int32Array(buckets);
    this.#mask = buckets - 1;
    this.#hash = new Uint32Array(slots);
  }

  /** The bucket where the search for a hash begins; `next` goes on until `slotAt` is -1. */
  first(hash: number): number {
    return (hash >>> 1) & this.#mask;
  }

  next(bucket: number): number {
    return (bucket + 1) & this.#mask;
  }

  /** The slot in the bucket, -1 for none. */
  slotAt(bucket: number): number {
    return (this.#buckets[bucket] as number) - 1;
  }

  /** Whether the slot was added with this hash. */
  has(slot: number, hash: number): boolean {
    return this.#hash[slot] === (hash | 1) >>> 0;
  }

  isUsed(slot: number): boolean {
    return this.#hash[slot] !== 0;
  }

  add(slot: number, hash: number): void {
    this.#hash[slot] = hash | 1;
    let bucket = this.first(hash);
    while (this.#buckets[bucket] !== 0) bucket = this.next(bucket);
    this.#buckets[bucket] = slot + 1;
  }

  /** The slot must have been added. */
  remove(slot: number): void {
    const buckets = this.#buckets;
    const mask = this.#mask;
    let hole = this.first(this.#hash[slot] as number);
    while (buckets[hole] !== slot + 1) hole = (hole + 1) & mask;
    // Closes the hole: an entry further on moves back unless its home lies behind the hole.
    for (let probe = (hole + 1) & mask; buckets[probe] !== 0; probe = (probe + 1) & mask) {
      const home = this.first(this.#hash[(buckets[probe] as number) - 1] as number);
      if (((probe - home) & mask) >= ((probe - hole) & mask)) {
        buckets[hole] = buckets[probe] as number;
        hole = probe;
      }
    }
    buckets[hole] = 0;
    this.#hash[slot] = 0;
  }
}
