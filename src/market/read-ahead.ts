/**
 * Reads the places of a datagram's orders before its first message is applied, so that their cache
 * misses overlap.
 *
 * A read that misses holds up everything behind it once a few hundred instructions wait, so it is a
 * loop that does nothing but read which has dozens of misses under way at a time. Reading each place
 * where its message is decoded was slower than not reading ahead at all, and so, where all fits into
 * the cache, was reading the levels as well, which gained nothing on a whole market.
 */
import { ORDER_TAG, type OrderTable } from "./order.ts";

/** Most orders that are read at once: those of a datagram, mostly. */
const NOTED_MAX = 64;

export class ReadAhead {
  /** Orders noted and not yet read. */
  count = 0;
  /** Where what was read goes, in sight of others, or the compiler might not read it. */
  sink = 0;
  private readonly orders: OrderTable;
  private readonly slots = new Int32Array(NOTED_MAX);

  constructor(orders: OrderTable) {
    this.orders = orders;
  }

  note(refHi: number, refLo: number): void {
    this.slots[this.count++] = this.orders.homeOf(refHi, refLo);
    if (this.count === NOTED_MAX) this.read();
  }

  /** Reads what was noted, and forgets it. */
  read(): void {
    const { slots, count } = this;
    const { words } = this.orders;
    let sum = 0;
    for (let i = 0; i < count; i++) sum ^= words[(slots[i]! << 3) + ORDER_TAG]!;
    this.sink = sum;
    this.count = 0;
  }
}
