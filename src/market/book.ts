/**
 * The books of one feed: order-based (ITCH), level-based (DEEP) and quote-based (TOPS, tick) events
 * in, best prices, faults and a list of touched instruments out. Everything is allocated when it is
 * made. It implements `MarketEvents` of the feed's side by shape: sides are 0 bid, 1 ask, 2 unknown,
 * trading states 0 trading and anything else not.
 *
 * An instrument of -1 (not followed) is ignored by every event. Events about orders are here, the
 * others in book-record.ts.
 */
import { type Allocate, onHeap } from "./allocate.ts";
import { BookRecords, type LevelLimits } from "./book-record.ts";
import { BookCount } from "./fault.ts";
import type { InstrumentTable } from "./instrument.ts";
import {
  BID_PRICE,
  DOUBLES,
  FLAG_PARTIAL,
  FLAGS,
  GENERATION,
  LIVE_ORDERS,
  TRADES,
  TRADING_STATE,
  WORDS,
} from "./layout.ts";
import { ORDER_GENERATION, ORDER_PRICE, ORDER_SIZE, ORDER_TAG, OrderTable } from "./order.ts";
import { ReadAhead } from "./read-ahead.ts";

/** Slots that each add looks through while orders of a cleared book are still in the table. */
const SWEEP_SLOTS = 8;

export interface BookLimits extends LevelLimits {
  /** Most live orders (32 bytes a slot, at most 0.6 of the slots used). */
  readonly orders: number;
}

export class BookSet extends BookRecords {
  readonly orders: OrderTable;
  private readonly ahead: ReadAhead;
  /** Orders in the table whose book was cleared since. */
  private staleOrders = 0;
  private sweepAt = 0;

  /** `allocate`: where the memory of orders, levels and records comes from. */
  constructor(
    instruments: InstrumentTable,
    feed: number,
    limits: BookLimits,
    allocate: Allocate = onHeap,
  ) {
    super(instruments, feed, limits, allocate);
    this.orders = new OrderTable(limits.orders, allocate);
    this.ahead = new ReadAhead(this.orders);
  }

  static bytes(instruments: number, limits: BookLimits): number {
    return BookRecords.recordBytes(instruments, limits) + OrderTable.bytes(limits.orders);
  }

  instrument(bytes: Uint8Array, offset: number, length: number): number {
    return this.instruments.lookup(this.feed, bytes, offset, length);
  }

  time(marketNs: number): void {
    this.now = marketNs;
    if (this.ahead.count !== 0) this.ahead.read();
  }

  /** Notes an order that is about to be looked up; the next `time` reads all that were noted. */
  prefetch(_instrument: number, refHi: number, refLo: number): void {
    this.ahead.note(refHi, refLo);
  }

  /** Whose the live order is, -1 when it is not known. */
  instrumentOf(refHi: number, refLo: number): number {
    const slot = this.orders.find(refHi, refLo);
    if (slot < 0) return -1;
    const owner = (this.orders.words[(slot << 3) + ORDER_TAG]! - 1) >>> 1;
    return this.isStale(slot, owner) ? -1 : owner;
  }

  addOrder(
    instrument: number,
    refHi: number,
    refLo: number,
    side: number,
    size: number,
    price: number,
  ): void {
    if (instrument < 0) return;
    if (!(size > 0) || side > 1) {
      this.counts[BookCount.badValues]!++;
      return;
    }
    if (this.staleOrders !== 0) this.sweep();
    this.place(instrument, refHi, refLo, side, size, price);
    this.changed(instrument, side);
  }

  executeOrder(
    instrument: number,
    refHi: number,
    refLo: number,
    size: number,
    printable: boolean,
  ): void {
    if (instrument < 0) return;
    const slot = this.find(instrument, refHi, refLo);
    if (slot < 0) return;
    const price = this.orders.doubles[(slot << 2) + ORDER_PRICE]!;
    const side = this.shrink(slot, size);
    if (printable) this.printed(instrument, side, size, price);
    this.changed(instrument, side);
  }

  executeOrderAt(
    instrument: number,
    refHi: number,
    refLo: number,
    size: number,
    price: number,
    printable: boolean,
  ): void {
    if (instrument < 0) return;
    const slot = this.find(instrument, refHi, refLo);
    if (slot < 0) return;
    const side = this.shrink(slot, size);
    if (printable) this.printed(instrument, side, size, price);
    this.changed(instrument, side);
  }

  /** An order that grows is put in anew at its price; the book knows no place in a queue. */
  resizeOrder(instrument: number, refHi: number, refLo: number, size: number): void {
    if (instrument < 0) return;
    if (!(size > 0)) {
      this.counts[BookCount.badValues]!++;
      return;
    }
    const slot = this.find(instrument, refHi, refLo);
    if (slot < 0) return;
    const before = this.orders.doubles[(slot << 2) + ORDER_SIZE]!;
    if (size === before) return;
    if (size < before) {
      this.changed(instrument, this.shrink(slot, before - size));
      return;
    }
    const price = this.orders.doubles[(slot << 2) + ORDER_PRICE]!;
    const side = this.drop(slot);
    this.place(instrument, refHi, refLo, side, size, price);
    this.changed(instrument, side);
  }

  cancelOrder(instrument: number, refHi: number, refLo: number, size: number): void {
    if (instrument < 0) return;
    const slot = this.find(instrument, refHi, refLo);
    if (slot >= 0) this.changed(instrument, this.shrink(slot, size));
  }

  deleteOrder(instrument: number, refHi: number, refLo: number): void {
    if (instrument < 0) return;
    const slot = this.find(instrument, refHi, refLo);
    if (slot >= 0) this.changed(instrument, this.drop(slot));
  }

  /** The new order stands on the old one's side; an unknown old one leaves no side to stand on. */
  replaceOrder(
    instrument: number,
    oldHi: number,
    oldLo: number,
    newHi: number,
    newLo: number,
    size: number,
    price: number,
  ): void {
    if (instrument < 0) return;
    const slot = this.find(instrument, oldHi, oldLo);
    if (slot < 0) return;
    const isResized = size > 0 && this.orders.doubles[(slot << 2) + ORDER_PRICE] === price;
    if (isResized && this.resize(slot, newHi, newLo, size)) return;
    const side = this.drop(slot);
    if (size > 0) this.place(instrument, newHi, newLo, side, size, price);
    else this.counts[BookCount.badValues]!++;
    this.changed(instrument, side);
  }

  /**
   * Replaces an order by another one of its own price: its level stays where it is, which would else
   * go and come again where it is alone. False, with nothing changed, where the reference is taken.
   */
  private resize(slot: number, newHi: number, newLo: number, size: number): boolean {
    const { orders } = this;
    if (orders.find(newHi, newLo) >= 0) return false;
    const tag = orders.words[(slot << 3) + ORDER_TAG]!;
    const instrument = (tag - 1) >>> 1;
    const side = (tag - 1) & 1;
    const price = orders.doubles[(slot << 2) + ORDER_PRICE]!;
    const before = orders.doubles[(slot << 2) + ORDER_SIZE]!;
    if (!this.ladders.resize(instrument, side, price, before, size)) return false;
    const generation = this.words[instrument * WORDS + GENERATION]!;
    orders.remove(slot);
    orders.insert(newHi, newLo, tag, generation, size, price);
    this.changed(instrument, side);
    return true;
  }

  /**
   * Forgets one book, or all of them for -1: levels, orders, what was partial or full. The trading
   * state and the last trade stay: a halt is not lifted by forgetting the book.
   */
  clear(instrument: number): void {
    if (instrument >= 0) {
      const at = instrument * WORDS;
      // Nothing was told since it was last forgotten: a stream of nothing but damage, which clears
      // every book with each datagram, must not have them all evaluated each time.
      if (this.words[at + FLAGS] === 0) return;
      this.staleOrders += this.words[at + LIVE_ORDERS]!;
      this.words[at + LIVE_ORDERS] = 0;
      this.words[at + GENERATION]!++;
      this.ladders.release(instrument);
      this.forget(instrument);
      return;
    }
    this.orders.clear();
    this.staleOrders = 0;
    this.ladders.pool.clear();
    for (let i = 0; i < this.instruments.count; i++) {
      if (this.instruments.feed[i] !== this.feed) continue;
      const at = i * WORDS;
      if (this.words[at + FLAGS] === 0) continue;
      this.words.fill(0, at, at + FLAGS);
      this.words[at + LIVE_ORDERS] = 0;
      this.words[at + GENERATION]!++;
      this.forget(i);
    }
  }

  /** Forgets everything of an instrument that is not followed any more. */
  unfollow(instrument: number): void {
    this.clear(instrument);
    this.words[instrument * WORDS + TRADING_STATE] = 0;
    const doubles = instrument * DOUBLES;
    this.doubles.fill(0, doubles + BID_PRICE, doubles + TRADES + 1);
  }

  private place(
    instrument: number,
    refHi: number,
    refLo: number,
    side: number,
    size: number,
    price: number,
  ): void {
    const record = instrument * WORDS;
    const generation = this.words[record + GENERATION]!;
    const tag = 1 + instrument * 2 + side;
    let slot = this.orders.insert(refHi, refLo, tag, generation, size, price);
    if (slot === -2) {
      this.dropDuplicate(instrument, refHi, refLo);
      slot = this.orders.insert(refHi, refLo, tag, generation, size, price);
    }
    if (slot === -1) {
      this.fill(instrument, BookCount.ordersFull);
      return;
    }
    this.words[record + LIVE_ORDERS]!++;
    if (!this.ladders.add(instrument, side, price, size))
      this.fill(instrument, BookCount.levelsFull);
  }

  /** A live order has its reference taken by a new one: a message between the two is missing. */
  private dropDuplicate(instrument: number, refHi: number, refLo: number): void {
    const slot = this.orders.find(refHi, refLo);
    const owner = (this.orders.words[(slot << 3) + ORDER_TAG]! - 1) >>> 1;
    if (this.isStale(slot, owner)) {
      this.removeStale(slot);
      return;
    }
    this.counts[BookCount.duplicateOrders]!++;
    this.changed(owner, this.drop(slot));
    this.flag(owner, FLAG_PARTIAL);
    this.flag(instrument, FLAG_PARTIAL);
  }

  /** The slot of a live order of this instrument, or -1, counted, with the book partial. */
  private find(instrument: number, refHi: number, refLo: number): number {
    const slot = this.orders.find(refHi, refLo);
    if (slot >= 0) {
      const at = slot << 3;
      const owner = (this.orders.words[at + ORDER_TAG]! - 1) >>> 1;
      if (!this.isStale(slot, owner)) {
        if (owner === instrument) return slot;
        this.counts[BookCount.mismatches]!++;
        this.flag(owner, FLAG_PARTIAL);
        this.flag(instrument, FLAG_PARTIAL);
        return -1;
      }
      this.removeStale(slot);
    }
    this.counts[BookCount.orphans]!++;
    this.flag(instrument, FLAG_PARTIAL);
    return -1;
  }

  /** Takes size from an order, which goes when nothing is left; gives its side back. */
  private shrink(slot: number, size: number): number {
    const at = (slot << 2) + ORDER_SIZE;
    const left = this.orders.doubles[at]! - size;
    if (!(left > 0)) {
      if (left !== 0) {
        this.counts[BookCount.overfills]!++;
        this.flag((this.orders.words[(slot << 3) + ORDER_TAG]! - 1) >>> 1, FLAG_PARTIAL);
      }
      return this.drop(slot);
    }
    const tag = this.orders.words[(slot << 3) + ORDER_TAG]! - 1;
    this.orders.doubles[at] = left;
    this.reduce(tag >>> 1, tag & 1, this.orders.doubles[(slot << 2) + ORDER_PRICE]!, size, 0);
    return tag & 1;
  }

  /** Takes a whole order out; gives its side back. */
  private drop(slot: number): number {
    const tag = this.orders.words[(slot << 3) + ORDER_TAG]! - 1;
    const instrument = tag >>> 1;
    const size = this.orders.doubles[(slot << 2) + ORDER_SIZE]!;
    const price = this.orders.doubles[(slot << 2) + ORDER_PRICE]!;
    this.orders.remove(slot);
    this.words[instrument * WORDS + LIVE_ORDERS]!--;
    this.reduce(instrument, tag & 1, price, size, 1);
    return tag & 1;
  }

  private reduce(
    instrument: number,
    side: number,
    price: number,
    size: number,
    orders: number,
  ): void {
    if (!this.ladders.reduce(instrument, side, price, size, orders)) {
      this.counts[BookCount.unknownLevels]!++;
      this.flag(instrument, FLAG_PARTIAL);
    }
  }

  private isStale(slot: number, owner: number): boolean {
    return (
      this.staleOrders !== 0 &&
      this.orders.words[(slot << 3) + ORDER_GENERATION]! !== this.words[owner * WORDS + GENERATION]!
    );
  }

  private removeStale(slot: number): void {
    this.orders.remove(slot);
    this.staleOrders--;
  }

  /** Frees orders of cleared books a few at a time, so that clearing a book costs no long pause. */
  private sweep(): void {
    const slots = this.orders.slots;
    for (let i = 0; i < SWEEP_SLOTS && this.staleOrders !== 0; i++) {
      const slot = this.sweepAt;
      const tag = this.orders.words[(slot << 3) + ORDER_TAG]!;
      if (tag !== 0 && this.isStale(slot, (tag - 1) >>> 1)) this.removeStale(slot);
      else this.sweepAt = slot + 1 === slots ? 0 : slot + 1;
    }
  }
}
