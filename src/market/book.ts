/**
 * The books of one feed: order-based (ITCH), level-based (DEEP) and quote-based (TOPS, tick) events
 * in, best prices, faults and a list of touched instruments out. Everything is allocated when it is
 * made. It implements `MarketEvents` of the feed's side by shape: sides are 0 bid, 1 ask, 2 unknown,
 * trading states 0 trading and anything else not.
 *
 * An instrument of -1 (not followed) is ignored by every event.
 */
import { type Allocate, onHeap } from "./allocate.ts";
import { BookCount, BookFault } from "./fault.ts";
import type { InstrumentTable } from "./instrument.ts";
import { Ladders } from "./ladder.ts";
import {
  ASK_PRICE,
  ASK_SIZE,
  BID_PRICE,
  BID_SIZE,
  BOUGHT,
  COUNT,
  DOUBLES,
  FLAG_FULL,
  FLAG_OPEN,
  FLAG_PARTIAL,
  FLAG_QUOTED,
  FLAG_TRADED,
  FLAGS,
  GENERATION,
  LAST_PRICE,
  LAST_SIZE,
  LIVE_ORDERS,
  MARKET_NS,
  OFFSET,
  RECORD_BYTES,
  REPLACED,
  SIDE_WORDS,
  SOLD,
  TOUCHED,
  TRADES,
  TRADING_STATE,
  WORDS,
} from "./layout.ts";
import { LEVEL_BYTES, LEVEL_DOUBLES } from "./level.ts";
import { ORDER_GENERATION, ORDER_PRICE, ORDER_SIZE, ORDER_TAG, OrderTable } from "./order.ts";
import { ReadAhead } from "./read-ahead.ts";

/** Slots that each add looks through while orders of a cleared book are still in the table. */
const SWEEP_SLOTS = 8;

export interface BookLimits {
  /** Most live orders (32 bytes a slot, at most 0.6 of the slots used). */
  readonly orders: number;
  /** Price levels of all books together, in blocks of 8, 16, 32, … (24 bytes a level). */
  readonly levels: number;
  /** Most levels on one side of one book. */
  readonly levelsPerSide: number;
}

export class BookSet {
  /** Instruments with an event since `clearTouched`, each once: `touched[0, touchedCount)`. */
  readonly touched: Uint32Array;
  touchedCount = 0;
  /** By `BookCount`. */
  readonly counts = new Uint32Array(16);
  readonly instruments: InstrumentTable;
  readonly orders: OrderTable;
  readonly ladders: Ladders;
  /** The feed's index in the instrument table. */
  readonly feed: number;
  /** Records of all instruments (layout.ts), for those who read a lot. */
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  private readonly ahead: ReadAhead;
  private now = 0;
  private staleOrders = 0;
  private sweepAt = 0;

  /** `allocate`: where the memory of orders, levels and records comes from. */
  constructor(
    instruments: InstrumentTable,
    feed: number,
    limits: BookLimits,
    allocate: Allocate = onHeap,
  ) {
    this.instruments = instruments;
    this.feed = feed;
    this.touched = new Uint32Array(instruments.capacity);
    this.orders = new OrderTable(limits.orders, allocate);
    this.ladders = new Ladders(instruments.tickSize, limits.levels, limits.levelsPerSide, allocate);
    this.ahead = new ReadAhead(this.orders);
    this.words = this.ladders.words;
    this.doubles = this.ladders.doubles;
  }

  static bytes(instruments: number, limits: BookLimits): number {
    const levels = limits.levels * LEVEL_BYTES;
    return instruments * (RECORD_BYTES + 4) + OrderTable.bytes(limits.orders) + levels;
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
    const side = this.drop(slot);
    if (size > 0) this.place(instrument, newHi, newLo, side, size, price);
    else this.counts[BookCount.badValues]!++;
    this.changed(instrument, side);
  }

  setLevel(instrument: number, side: number, price: number, size: number, complete: boolean): void {
    if (instrument < 0) return;
    if (side > 1) {
      this.counts[BookCount.badValues]!++;
      return;
    }
    const done = this.ladders.set(instrument, side, price, size);
    if (done === 0) this.counts[BookCount.unknownLevels]!++;
    else if (done === -1) this.fill(instrument, BookCount.levelsFull);
    const flags = instrument * WORDS + FLAGS;
    if (!complete) {
      this.words[flags] = this.words[flags]! | FLAG_OPEN;
      return;
    }
    this.words[flags] = (this.words[flags]! | FLAG_QUOTED) & ~FLAG_OPEN;
    this.ladders.refresh(instrument, 0);
    this.ladders.refresh(instrument, 1);
    this.touch(instrument);
  }

  /** A size that is NaN stands for "there, but how much is not said". */
  quote(
    instrument: number,
    bidPrice: number,
    bidSize: number,
    askPrice: number,
    askSize: number,
  ): void {
    if (instrument < 0) return;
    const at = instrument * DOUBLES;
    const doubles = this.doubles;
    doubles[at + BID_PRICE] = bidSize === 0 ? 0 : bidPrice;
    doubles[at + BID_SIZE] = bidSize;
    doubles[at + ASK_PRICE] = askSize === 0 ? 0 : askPrice;
    doubles[at + ASK_SIZE] = askSize;
    this.words[instrument * WORDS + FLAGS]! |= FLAG_QUOTED;
    this.words[instrument * WORDS + REPLACED] = 1;
    this.touch(instrument);
  }

  trade(instrument: number, side: number, size: number, price: number): void {
    if (instrument < 0) return;
    this.printed(instrument, side === 2 ? this.restingSide(instrument, price) : side, size, price);
    this.touch(instrument);
  }

  tradingState(instrument: number, state: number): void {
    if (instrument < 0) return;
    this.words[instrument * WORDS + TRADING_STATE] = state;
    this.touch(instrument);
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

  isPartial(instrument: number): boolean {
    return (this.words[instrument * WORDS + FLAGS]! & FLAG_PARTIAL) !== 0;
  }

  /** Somebody knows that messages are missing from this book (from all, for -1). */
  markPartial(instrument: number): void {
    this.flag(instrument, FLAG_PARTIAL);
  }

  /** Empties the list of touched instruments. */
  clearTouched(): void {
    const { touched, words } = this;
    for (let i = 0; i < this.touchedCount; i++) {
      const at = touched[i]! * WORDS;
      words[at + TOUCHED] = 0;
      words[at + REPLACED] = 0;
    }
    this.touchedCount = 0;
  }

  /** Whether both sides were told whole since `clearTouched`: what was wrong before is right now. */
  wasReplaced(instrument: number): boolean {
    return this.words[instrument * WORDS + REPLACED] !== 0;
  }

  bookFault(instrument: number): BookFault {
    const flags = this.words[instrument * WORDS + FLAGS]!;
    if ((flags & FLAG_FULL) !== 0) return BookFault.full;
    if (this.words[instrument * WORDS + TRADING_STATE] !== 0) return BookFault.halted;
    if ((flags & FLAG_QUOTED) === 0) {
      return (flags & FLAG_TRADED) === 0 ? BookFault.neverSeen : BookFault.noQuote;
    }
    const at = instrument * DOUBLES;
    const noBid = this.doubles[at + BID_SIZE] === 0;
    const noAsk = this.doubles[at + ASK_SIZE] === 0;
    if (noBid || noAsk) return noBid && noAsk ? BookFault.empty : BookFault.oneSided;
    const spread = this.doubles[at + ASK_PRICE]! - this.doubles[at + BID_PRICE]!;
    if (spread < 0) return BookFault.crossed;
    if ((flags & FLAG_PARTIAL) !== 0) return BookFault.partial;
    return spread === 0 ? BookFault.locked : BookFault.ok;
  }

  /** Best bid in scaled price units; 0 when that side is empty. */
  bidPrice(instrument: number): number {
    return this.doubles[instrument * DOUBLES + BID_PRICE]!;
  }

  bidSize(instrument: number): number {
    return this.doubles[instrument * DOUBLES + BID_SIZE]!;
  }

  askPrice(instrument: number): number {
    return this.doubles[instrument * DOUBLES + ASK_PRICE]!;
  }

  askSize(instrument: number): number {
    return this.doubles[instrument * DOUBLES + ASK_SIZE]!;
  }

  lastPrice(instrument: number): number {
    return this.doubles[instrument * DOUBLES + LAST_PRICE]!;
  }

  lastSize(instrument: number): number {
    return this.doubles[instrument * DOUBLES + LAST_SIZE]!;
  }

  /** Market time of the last event: ns since the feed's midnight. */
  marketNs(instrument: number): number {
    return this.doubles[instrument * DOUBLES + MARKET_NS]!;
  }

  levelCount(instrument: number, side: number): number {
    return this.words[instrument * WORDS + side * SIDE_WORDS + COUNT]!;
  }

  /** One level, 0 being the best, as [price, size, orders] into `out`. */
  readLevel(instrument: number, side: number, depth: number, out: Float64Array): void {
    const at = instrument * WORDS + side * SIDE_WORDS;
    const index = this.words[at + OFFSET]! + this.words[at + COUNT]! - 1 - depth;
    const levels = this.ladders.pool.levels;
    const key = levels[index * LEVEL_DOUBLES]!;
    out[0] = side === 0 ? key : -key;
    out[1] = levels[index * LEVEL_DOUBLES + 1]!;
    out[2] = levels[index * LEVEL_DOUBLES + 2]!;
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

  private changed(instrument: number, side: number): void {
    this.words[instrument * WORDS + FLAGS]! |= FLAG_QUOTED;
    this.ladders.refresh(instrument, side);
    this.touch(instrument);
  }

  private touch(instrument: number): void {
    const at = instrument * WORDS;
    this.doubles[instrument * DOUBLES + MARKET_NS] = this.now;
    if (this.words[at + TOUCHED] !== 0 || (this.words[at + FLAGS]! & FLAG_OPEN) !== 0) return;
    this.words[at + TOUCHED] = 1;
    this.touched[this.touchedCount++] = instrument;
  }

  private printed(instrument: number, side: number, size: number, price: number): void {
    const at = instrument * DOUBLES;
    const doubles = this.doubles;
    doubles[at + LAST_PRICE] = price;
    doubles[at + LAST_SIZE] = size;
    doubles[at + TRADES]!++;
    // A resting bid was hit by a seller, a resting ask was lifted by a buyer.
    if (side === 0) doubles[at + SOLD]! += size;
    else if (side === 1) doubles[at + BOUGHT]! += size;
    this.words[instrument * WORDS + FLAGS]! |= FLAG_TRADED;
    this.counts[BookCount.trades]!++;
  }

  /**
   * Whose order rested, where the feed does not say: above the mid a buyer lifted an ask, below it a
   * seller hit a bid, and at the mid or without quotes the last trade's price decides (after Lee and
   * Ready 1991). 2: cannot be told.
   */
  private restingSide(instrument: number, price: number): number {
    const at = instrument * DOUBLES;
    const doubles = this.doubles;
    if (doubles[at + BID_SIZE] !== 0 && doubles[at + ASK_SIZE] !== 0) {
      const twice = doubles[at + BID_PRICE]! + doubles[at + ASK_PRICE]!;
      if (price * 2 > twice) return 1;
      if (price * 2 < twice) return 0;
    }
    if (doubles[at + TRADES] === 0) return 2;
    const last = doubles[at + LAST_PRICE]!;
    if (price > last) return 1;
    return price < last ? 0 : 2;
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

  private fill(instrument: number, count: number): void {
    this.counts[count]!++;
    this.flag(instrument, FLAG_FULL);
  }

  private flag(instrument: number, flag: number): void {
    if (instrument >= 0) {
      this.words[instrument * WORDS + FLAGS]! |= flag;
      this.touch(instrument);
      return;
    }
    for (let i = 0; i < this.instruments.count; i++) {
      if (this.instruments.feed[i] === this.feed) this.words[i * WORDS + FLAGS]! |= flag;
    }
  }

  private forget(instrument: number): void {
    const doubles = instrument * DOUBLES;
    this.words[instrument * WORDS + FLAGS] = 0;
    this.doubles.fill(0, doubles + BID_PRICE, doubles + ASK_SIZE + 1);
    this.doubles[doubles + BOUGHT] = 0;
    this.doubles[doubles + SOLD] = 0;
    this.touch(instrument);
  }
}
