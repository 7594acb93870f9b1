/**
 * The records of one feed's instruments (layout.ts): best prices, last trade, trading state, flags and
 * faults, the price levels behind them, and the list of touched instruments. The events here need no
 * order of its own: levels, quotes, trades, trading states. What orders do to them is in book.ts.
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
  LAST_PRICE,
  LAST_SIZE,
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

export interface LevelLimits {
  /** Price levels of all books together, in blocks of 8, 16, 32, … (24 bytes a level). */
  readonly levels: number;
  /** Most levels on one side of one book. */
  readonly levelsPerSide: number;
}

export class BookRecords {
  /** Instruments with an event since `clearTouched`, each once: `touched[0, touchedCount)`. */
  readonly touched: Uint32Array;
  touchedCount = 0;
  /** By `BookCount`. */
  readonly counts = new Uint32Array(16);
  readonly instruments: InstrumentTable;
  readonly ladders: Ladders;
  /** The feed's index in the instrument table. */
  readonly feed: number;
  /** Records of all instruments (layout.ts), for those who read a lot. */
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  /** Market time of the events that come, ns since the feed's midnight. */
  protected now = 0;

  /** `allocate`: where the memory of levels and records comes from. */
  constructor(
    instruments: InstrumentTable,
    feed: number,
    limits: LevelLimits,
    allocate: Allocate = onHeap,
  ) {
    this.instruments = instruments;
    this.feed = feed;
    this.touched = new Uint32Array(instruments.capacity);
    this.ladders = new Ladders(instruments.tickSize, limits.levels, limits.levelsPerSide, allocate);
    this.words = this.ladders.words;
    this.doubles = this.ladders.doubles;
  }

  /** Bytes of the records and levels of so many instruments. */
  static recordBytes(instruments: number, limits: LevelLimits): number {
    return instruments * (RECORD_BYTES + 4) + limits.levels * LEVEL_BYTES;
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

  protected changed(instrument: number, side: number): void {
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

  protected printed(instrument: number, side: number, size: number, price: number): void {
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

  protected fill(instrument: number, count: number): void {
    this.counts[count]!++;
    this.flag(instrument, FLAG_FULL);
  }

  protected flag(instrument: number, flag: number): void {
    if (instrument >= 0) {
      this.words[instrument * WORDS + FLAGS]! |= flag;
      this.touch(instrument);
      return;
    }
    for (let i = 0; i < this.instruments.count; i++) {
      if (this.instruments.feed[i] === this.feed) this.words[i * WORDS + FLAGS]! |= flag;
    }
  }

  protected forget(instrument: number): void {
    const doubles = instrument * DOUBLES;
    this.words[instrument * WORDS + FLAGS] = 0;
    this.doubles.fill(0, doubles + BID_PRICE, doubles + ASK_SIZE + 1);
    this.doubles[doubles + BOUGHT] = 0;
    this.doubles[doubles + SOLD] = 0;
    this.touch(instrument);
  }
}
