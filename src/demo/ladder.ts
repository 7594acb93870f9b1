/**
 * The live orders of one instrument of the synthetic market, both sides sorted best first and, at one
 * price, oldest first: index 0 is what a marketable order meets. Small and fixed, so that a sorted
 * array beats any tree.
 */
import { assert } from "../error.ts";
import { Side } from "../feed/event.ts";

export const ordersPerSideMax = 64;

export type BookSide = typeof Side.bid | typeof Side.ask;

export class Ladder {
  readonly #count = new Int32Array(2);
  readonly #price = new Int32Array(2 * ordersPerSideMax);
  readonly #shares = new Int32Array(2 * ordersPerSideMax);
  readonly #reference = new Float64Array(2 * ordersPerSideMax);

  count(side: BookSide): number {
    return this.#count[side] as number;
  }

  /** Price in ticks of the order at this place; index 0 is the best. */
  price(side: BookSide, index: number): number {
    return this.#price[side * ordersPerSideMax + index] as number;
  }

  shares(side: BookSide, index: number): number {
    return this.#shares[side * ordersPerSideMax + index] as number;
  }

  reference(side: BookSide, index: number): number {
    return this.#reference[side * ordersPerSideMax + index] as number;
  }

  /** Takes an order in behind all of its price. */
  insert(side: BookSide, reference: number, shares: number, price: number): void {
    const count = this.count(side);
    assert(count < ordersPerSideMax, "a full side takes no order");
    const base = side * ordersPerSideMax;
    let at = count;
    while (at > 0 && this.#isBetter(side, price, this.price(side, at - 1))) at -= 1;
    this.#shift(base + at, base + at + 1, count - at);
    this.#price[base + at] = price;
    this.#shares[base + at] = shares;
    this.#reference[base + at] = reference;
    this.#count[side] = count + 1;
  }

  /** Takes shares off an order, and the order out when none are left. */
  reduce(side: BookSide, index: number, shares: number): void {
    const at = side * ordersPerSideMax + index;
    const left = (this.#shares[at] as number) - shares;
    assert(left >= 0, "no more than all shares can go");
    if (left === 0) this.remove(side, index);
    else this.#shares[at] = left;
  }

  remove(side: BookSide, index: number): void {
    const base = side * ordersPerSideMax;
    const count = this.count(side) - 1;
    this.#shift(base + index + 1, base + index, count - index);
    this.#count[side] = count;
  }

  #isBetter(side: BookSide, price: number, than: number): boolean {
    return side === Side.bid ? price > than : price < than;
  }

  #shift(from: number, to: number, count: number): void {
    if (count === 0) return;
    this.#price.copyWithin(to, from, from + count);
    this.#shares.copyWithin(to, from, from + count);
    this.#reference.copyWithin(to, from, from + count);
  }
}
