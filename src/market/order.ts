/**
 * Live orders by reference (a u64 in two u32 halves): open addressing, linear probing, and deletion
 * by backward shift, so that there are no tombstones and a look-up never grows slower with age.
 *
 * ```
 * slot, 32 bytes, two to a cache line
 * i32  0 ref lo  1 ref hi  2-3 size (f64 1)  4-5 price (f64 2)  6 tag  7 generation
 * tag = 1 + instrument × 2 + side; 0: the slot is empty
 * ```
 * Keys are compared as i32, which the compiler keeps in integer registers; a Uint32Array read above
 * 2^31 would become a double.
 *
 * Two million orders fit into no cache, but most messages are about orders that are a few thousand
 * messages old. So the hash keeps references that follow one another near each other (`home`). On a
 * whole market, runs taken in turn, blocks of 32 references took about a quarter off the time of a
 * message against a hash that scatters them; blocks of 8 were no different within the noise, and
 * collide less. An index apart from records that are used again at once was slower than this.
 */
import { assert } from "../error.ts";
import { type Allocate, onHeap } from "./allocate.ts";

export const SLOT_WORDS = 8;
const SLOT_BYTES = 32;
export const ORDER_SIZE = 1;
export const ORDER_PRICE = 2;
export const ORDER_TAG = 6;
export const ORDER_GENERATION = 7;

/** Slots for a number of orders: a power of two that keeps the load at or below 0.6. */
function slotsFor(orders: number): number {
  let slots = 16;
  while (slots * 0.6 < orders) slots *= 2;
  return slots;
}

export class OrderTable {
  /** Most orders that are held at once. */
  readonly capacity: number;
  count = 0;
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  private readonly slotMask: number;
  private readonly shift: number;

  constructor(capacity: number, allocate: Allocate = onHeap) {
    assert(capacity >= 1 && capacity <= 40_000_000, "an order table holds 1 to 40,000,000");
    this.capacity = capacity;
    const slots = slotsFor(capacity);
    const memory = allocate(slots * SLOT_BYTES);
    this.words = new Int32Array(memory);
    this.doubles = new Float64Array(memory);
    this.slotMask = slots - 1;
    this.shift = 32 - Math.log2(slots);
  }

  static bytes(capacity: number): number {
    return slotsFor(capacity) * SLOT_BYTES;
  }

  get slots(): number {
    return this.slotMask + 1;
  }

  /** The slot of a reference, -1 when it is not there. */
  find(refHi: number, refLo: number): number {
    const words = this.words;
    const hi = refHi | 0;
    const lo = refLo | 0;
    let slot = this.home(hi, lo);
    for (;;) {
      const at = slot << 3;
      if (words[at + ORDER_TAG] === 0) return -1;
      if (words[at] === lo && words[at + 1] === hi) return slot;
      slot = (slot + 1) & this.slotMask;
    }
  }

  /**
   * Puts a reference in and returns its slot; -1 when the table is full, and -2 when the reference
   * is there already (nothing is changed then).
   */
  insert(
    refHi: number,
    refLo: number,
    tag: number,
    generation: number,
    size: number,
    price: number,
  ): number {
    const words = this.words;
    const hi = refHi | 0;
    const lo = refLo | 0;
    let slot = this.home(hi, lo);
    for (;;) {
      const at = slot << 3;
      if (words[at + ORDER_TAG] === 0) break;
      if (words[at] === lo && words[at + 1] === hi) return -2;
      slot = (slot + 1) & this.slotMask;
    }
    if (this.count >= this.capacity) return -1;
    this.count++;
    const at = slot << 3;
    words[at] = lo;
    words[at + 1] = hi;
    words[at + ORDER_TAG] = tag;
    words[at + ORDER_GENERATION] = generation;
    const double = slot << 2;
    this.doubles[double + ORDER_SIZE] = size;
    this.doubles[double + ORDER_PRICE] = price;
    return slot;
  }

  /**
   * Empties a slot. Every later entry of the run that may legally stand in the hole (its home is not
   * between the hole, exclusive, and itself) is moved back into it, and the hole moves on.
   */
  remove(slot: number): void {
    const { words, slotMask } = this;
    this.count--;
    let hole = slot;
    let next = (slot + 1) & slotMask;
    for (;;) {
      const at = next << 3;
      if (words[at + ORDER_TAG] === 0) break;
      const home = this.home(words[at + 1]!, words[at]!);
      if (((next - home) & slotMask) >= ((next - hole) & slotMask)) {
        this.move(hole, next);
        hole = next;
      }
      next = (next + 1) & slotMask;
    }
    words[(hole << 3) + ORDER_TAG] = 0;
  }

  clear(): void {
    if (this.count !== 0) this.words.fill(0);
    this.count = 0;
  }

  /** Where a reference would stand in an empty table. */
  homeOf(refHi: number, refLo: number): number {
    return this.home(refHi | 0, refLo | 0);
  }

  /**
   * Bits 2 to 4 of a reference count within a block, which is spread over 16 slots; all other bits
   * say, hashed, where the block begins. The lowest two are among those because some venues count in
   * steps of four: a block is alike for steps of 1 and of 4, and no more than half full of its own.
   * Larger blocks keep more together and collide worse.
   */
  private home(hi: number, lo: number): number {
    let hash = (lo >>> 5) ^ Math.imul((lo & 3) + 1, 0x2c1b3c6d) ^ Math.imul(hi, 0x9e3779b1);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (((hash ^ (hash >>> 16)) >>> this.shift) + ((lo >>> 1) & 14)) & this.slotMask;
  }

  private move(to: number, from: number): void {
    const doubles = this.doubles;
    const words = this.words;
    words[to << 3] = words[from << 3]!;
    words[(to << 3) + 1] = words[(from << 3) + 1]!;
    doubles[(to << 2) + ORDER_SIZE] = doubles[(from << 2) + ORDER_SIZE]!;
    doubles[(to << 2) + ORDER_PRICE] = doubles[(from << 2) + ORDER_PRICE]!;
    words[(to << 3) + ORDER_TAG] = words[(from << 3) + ORDER_TAG]!;
    words[(to << 3) + ORDER_GENERATION] = words[(from << 3) + ORDER_GENERATION]!;
  }
}
