import type { MarketEvents } from "../src/feed/event.ts";

/** Takes every event and adds it up, so that nothing of the decoding can be left out. */
export class NullMarket implements MarketEvents {
  sum = 0;
  now = 0;
  readonly #symbols = new Map<number, number>();

  instrument(bytes: Uint8Array, offset: number, length: number): number {
    let key = 0;
    for (let i = 0; i < length; i++) key = (Math.imul(key, 31) + bytes[offset + i]!) | 0;
    const known = this.#symbols.get(key);
    if (known !== undefined) return known;
    this.#symbols.set(key, this.#symbols.size);
    return this.#symbols.size - 1;
  }
  time(marketNs: number): void {
    this.now = marketNs;
  }
  instrumentOf(): number {
    return 0;
  }
  prefetch(_i: number, _hi: number, lo: number): void {
    this.#add(lo);
  }
  addOrder(i: number, hi: number, lo: number, side: number, size: number, price: number): void {
    this.#add(i + hi + lo + side + size + price);
  }
  executeOrder(i: number, hi: number, lo: number, size: number): void {
    this.#add(i + hi + lo + size);
  }
  executeOrderAt(i: number, hi: number, lo: number, size: number, price: number): void {
    this.#add(i + hi + lo + size + price);
  }
  resizeOrder(i: number, hi: number, lo: number, size: number): void {
    this.#add(i + hi + lo + size);
  }
  cancelOrder(i: number, hi: number, lo: number, size: number): void {
    this.#add(i + hi + lo + size);
  }
  deleteOrder(i: number, hi: number, lo: number): void {
    this.#add(i + hi + lo);
  }
  replaceOrder(
    i: number,
    oldHi: number,
    oldLo: number,
    newHi: number,
    newLo: number,
    size: number,
    price: number,
  ): void {
    this.#add(i + oldHi + oldLo + newHi + newLo + size + price);
  }
  setLevel(i: number, side: number, price: number, size: number): void {
    this.#add(i + side + price + size);
  }
  quote(i: number, bid: number, bidSize: number, ask: number, askSize: number): void {
    this.#add(i + bid + bidSize + ask + askSize);
  }
  trade(i: number, side: number, size: number, price: number): void {
    this.#add(i + side + size + price);
  }
  tradingState(i: number, state: number): void {
    this.#add(i + state);
  }
  clear(i: number): void {
    this.#add(i);
  }
  markPartial(i: number): void {
    this.#add(i);
  }

  #add(value: number): void {
    this.sum = (this.sum + value) | 0;
  }
}
