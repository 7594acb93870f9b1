/**
 * The memory of all price levels: one array of (key, size, orders) triples, handed out in blocks of
 * 8, 16, 32, … levels. A free block's first double links to the next free one of its class, so the
 * pool needs no memory of its own, and a block that nobody has is never touched.
 *
 * The triples are interleaved because a change at the top of a cold book then costs one or two cache
 * misses, not three.
 */
import { assert } from "../error.ts";
import { type Allocate, onHeap } from "./allocate.ts";

export const LEVEL_DOUBLES = 3;
export const LEVEL_BYTES = LEVEL_DOUBLES * 8;
export const SMALLEST_BLOCK = 8;

export class LevelPool {
  /** Levels in the whole pool. */
  readonly capacity: number;
  /** Levels in blocks that are handed out. */
  used = 0;
  readonly levels: Float64Array;
  readonly largestClass: number;
  private readonly free: Int32Array;
  private tail = 0;

  /** `largestBlock`: most levels that one side of one book may have, a power of two ≥ 8. */
  constructor(capacity: number, largestBlock: number, allocate: Allocate = onHeap) {
    assert(
      capacity >= SMALLEST_BLOCK && capacity <= 1 << 27,
      "a level pool holds 8 to 2^27 levels",
    );
    this.capacity = capacity;
    this.levels = new Float64Array(allocate(capacity * LEVEL_BYTES));
    this.largestClass = Math.ceil(
      Math.log2(Math.max(largestBlock, SMALLEST_BLOCK) / SMALLEST_BLOCK),
    );
    this.free = new Int32Array(this.largestClass + 1).fill(-1);
  }

  /** The offset in levels of a block of 8 << sizeClass levels, -1 when there is no room. */
  take(sizeClass: number): number {
    const size = SMALLEST_BLOCK << sizeClass;
    let offset = this.pop(sizeClass);
    if (offset === -1 && this.tail + size <= this.capacity) {
      offset = this.tail;
      this.tail += size;
    }
    if (offset === -1) offset = this.split(sizeClass);
    if (offset !== -1) this.used += size;
    return offset;
  }

  give(offset: number, sizeClass: number): void {
    this.used -= SMALLEST_BLOCK << sizeClass;
    this.push(offset, sizeClass);
  }

  /** Takes every block back at once. */
  clear(): void {
    this.free.fill(-1);
    this.tail = 0;
    this.used = 0;
  }

  private pop(sizeClass: number): number {
    const offset = this.free[sizeClass]!;
    if (offset !== -1) this.free[sizeClass] = this.levels[offset * LEVEL_DOUBLES]!;
    return offset;
  }

  private push(offset: number, sizeClass: number): void {
    this.levels[offset * LEVEL_DOUBLES] = this.free[sizeClass]!;
    this.free[sizeClass] = offset;
  }

  /** Cuts a larger free block. Halves are not joined again before `clear`: the pool is sized for it. */
  private split(sizeClass: number): number {
    let larger = sizeClass + 1;
    while (larger <= this.largestClass && this.free[larger] === -1) larger++;
    if (larger > this.largestClass) return -1;
    const offset = this.pop(larger);
    while (larger > sizeClass) {
      larger--;
      this.push(offset + (SMALLEST_BLOCK << larger), larger);
    }
    return offset;
  }
}
