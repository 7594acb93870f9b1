/**
 * Books as one would write them first: Maps of objects, and arrays sorted anew when somebody asks.
 * The real ones are compared with these, in tests for truth and in benchmarks for speed.
 */
import { Side, type MarketEvents } from "../../src/feed/event.ts";

export interface NaiveOrder {
  instrument: number;
  side: number;
  size: number;
  price: number;
}

export interface NaiveLevel {
  price: number;
  size: number;
  orders: number;
}

export class NaiveBooks implements MarketEvents {
  readonly symbols = new Map<string, number>();
  readonly orders = new Map<string, NaiveOrder>();
  /** Instrument → [bids, asks], each price → level. */
  readonly books = new Map<number, [Map<number, NaiveLevel>, Map<number, NaiveLevel>]>();
  readonly partial = new Set<number>();
  orphans = 0;
  bought = 0;
  sold = 0;

  instrument(bytes: Uint8Array, offset: number, length: number): number {
    const symbol = String.fromCharCode(...bytes.subarray(offset, offset + length)).trim();
    const known = this.symbols.get(symbol);
    if (known !== undefined) return known;
    this.symbols.set(symbol, this.symbols.size);
    return this.symbols.size - 1;
  }

  time(): void {}
  prefetch(): void {}
  instrumentOf(refHi: number, refLo: number): number {
    return this.orders.get(`${refHi}:${refLo}`)?.instrument ?? -1;
  }

  sides(instrument: number): [Map<number, NaiveLevel>, Map<number, NaiveLevel>] {
    let book = this.books.get(instrument);
    if (book === undefined) this.books.set(instrument, (book = [new Map(), new Map()]));
    return book;
  }

  /** Best first. */
  levels(instrument: number, side: number): NaiveLevel[] {
    const sign = side === Side.bid ? -1 : 1;
    const levels = [...this.sides(instrument)[side as 0 | 1].values()];
    return levels.toSorted((a, b) => sign * (a.price - b.price));
  }

  addOrder(
    instrument: number,
    hi: number,
    lo: number,
    side: number,
    size: number,
    price: number,
  ): void {
    const key = `${hi}:${lo}`;
    const known = this.orders.get(key);
    if (known !== undefined) {
      this.partial.add(known.instrument).add(instrument);
      this.drop(key, known);
    }
    this.orders.set(key, { instrument, side, size, price });
    const levels = this.sides(instrument)[side as 0 | 1];
    const level = levels.get(price);
    if (level === undefined) levels.set(price, { price, size, orders: 1 });
    else {
      level.size += size;
      level.orders++;
    }
  }

  executeOrder(i: number, hi: number, lo: number, size: number, printable: boolean): void {
    this.take(i, hi, lo, size, printable);
  }

  executeOrderAt(
    i: number,
    hi: number,
    lo: number,
    size: number,
    _price: number,
    printable: boolean,
  ): void {
    this.take(i, hi, lo, size, printable);
  }

  resizeOrder(instrument: number, hi: number, lo: number, size: number): void {
    const order = this.find(instrument, hi, lo);
    if (order === undefined) return;
    this.drop(`${hi}:${lo}`, order);
    this.addOrder(instrument, hi, lo, order.side, size, order.price);
  }

  cancelOrder(i: number, hi: number, lo: number, size: number): void {
    this.take(i, hi, lo, size, false);
  }

  deleteOrder(instrument: number, hi: number, lo: number): void {
    const order = this.find(instrument, hi, lo);
    if (order !== undefined) this.drop(`${hi}:${lo}`, order);
  }

  replaceOrder(
    instrument: number,
    hi: number,
    lo: number,
    newHi: number,
    newLo: number,
    size: number,
    price: number,
  ): void {
    const order = this.find(instrument, hi, lo);
    if (order === undefined) return;
    this.drop(`${hi}:${lo}`, order);
    this.addOrder(instrument, newHi, newLo, order.side, size, price);
  }

  setLevel(instrument: number, side: number, price: number, size: number): void {
    const levels = this.sides(instrument)[side as 0 | 1];
    if (size === 0) levels.delete(price);
    else levels.set(price, { price, size, orders: 0 });
  }

  quote(): void {}
  trade(): void {}
  tradingState(): void {}

  markPartial(instrument: number): void {
    this.partial.add(instrument);
  }

  clear(instrument: number): void {
    if (instrument === -1) {
      this.orders.clear();
      this.books.clear();
      this.partial.clear();
      return;
    }
    this.books.delete(instrument);
    this.partial.delete(instrument);
    for (const [key, order] of this.orders) {
      if (order.instrument === instrument) this.orders.delete(key);
    }
  }

  private find(instrument: number, hi: number, lo: number): NaiveOrder | undefined {
    const order = this.orders.get(`${hi}:${lo}`);
    if (order?.instrument === instrument) return order;
    if (order === undefined) this.orphans++;
    else this.partial.add(order.instrument);
    this.partial.add(instrument);
    return undefined;
  }

  private take(i: number, hi: number, lo: number, size: number, printable: boolean): void {
    const order = this.find(i, hi, lo);
    if (order === undefined) return;
    if (printable && order.side === Side.bid) this.sold += size;
    if (printable && order.side === Side.ask) this.bought += size;
    if (size > order.size) this.partial.add(order.instrument);
    if (size >= order.size) {
      this.drop(`${hi}:${lo}`, order);
      return;
    }
    order.size -= size;
    this.sides(order.instrument)[order.side as 0 | 1].get(order.price)!.size -= size;
  }

  private drop(key: string, order: NaiveOrder): void {
    this.orders.delete(key);
    const levels = this.sides(order.instrument)[order.side as 0 | 1];
    const level = levels.get(order.price)!;
    level.size -= order.size;
    level.orders--;
    if (level.orders === 0) levels.delete(order.price);
  }
}
