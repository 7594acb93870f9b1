/**
 * The price levels of each instrument and side: a sorted array with the best level at its END, where
 * most changes happen, so that most inserts and removals move little. Both sides use one code: a bid
 * is kept under its price and an ask under its negated price, so that the best key is the largest.
 */
import { type Allocate, onHeap } from "./allocate.ts";
import {
  BID_PRICE,
  BID_SIZE,
  CLASS,
  COUNT,
  DOUBLES,
  OFFSET,
  RECORD_BYTES,
  SIDE_WORDS,
  WORDS,
} from "./layout.ts";
import { LEVEL_DOUBLES, LevelPool, SMALLEST_BLOCK } from "./level.ts";

/** So many levels are looked at one by one before the search halves the rest. */
const LINEAR = 8;
/** Up to so many levels a loop moves them faster than a call of copyWithin. */
const SHORT_MOVE = 12;

export class Ladders {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly pool: LevelPool;
  private readonly levels: Float64Array;
  private readonly tickSize: Float64Array;

  /** `tickSize`: by instrument, in price units; what it says makes the search fast, never wrong. */
  constructor(
    tickSize: Float64Array,
    levels: number,
    levelsPerSide: number,
    allocate: Allocate = onHeap,
  ) {
    this.tickSize = tickSize;
    const memory = allocate(tickSize.length * RECORD_BYTES);
    this.words = new Int32Array(memory);
    this.doubles = new Float64Array(memory);
    this.pool = new LevelPool(levels, levelsPerSide, allocate);
    this.levels = this.pool.levels;
  }

  /** Adds one order's size to its level, which is made when it is new. False: there was no room. */
  add(instrument: number, side: number, price: number, size: number): boolean {
    const key = side === 0 ? price : -price;
    const at = this.search(instrument, side, key);
    if (at < 0) return this.insert(instrument, side, ~at, key, size, 1);
    const levels = this.levels;
    levels[at + 1] = levels[at + 1]! + size;
    levels[at + 2] = levels[at + 2]! + 1;
    return true;
  }

  /**
   * Takes size and orders (0 or 1) from a level, which goes when nothing is left of it. False: there
   * is no such level, which means that the book has lost something.
   */
  reduce(instrument: number, side: number, price: number, size: number, orders: number): boolean {
    const at = this.search(instrument, side, side === 0 ? price : -price);
    if (at < 0) return false;
    const levels = this.levels;
    const left = levels[at + 1]! - size;
    if (left > 0) {
      levels[at + 1] = left;
      levels[at + 2] = levels[at + 2]! - orders;
    } else {
      this.erase(instrument, side, at);
    }
    return true;
  }

  /** One order of a level has another size. False: there is no such level. */
  resize(instrument: number, side: number, price: number, before: number, size: number): boolean {
    const at = this.search(instrument, side, side === 0 ? price : -price);
    if (at < 0) return false;
    const levels = this.levels;
    const others = levels[at + 1]! - before;
    levels[at + 1] = others > 0 ? others + size : size;
    if (!(others > 0)) levels[at + 2] = 1;
    return true;
  }

  /** Sets a level's whole size; 0 removes it. 1: done, 0: the level to remove is not there, -1: no room. */
  set(instrument: number, side: number, price: number, size: number): number {
    const key = side === 0 ? price : -price;
    const at = this.search(instrument, side, key);
    if (at >= 0) {
      if (size > 0) this.levels[at + 1] = size;
      else this.erase(instrument, side, at);
      return 1;
    }
    if (!(size > 0)) return 0;
    return this.insert(instrument, side, ~at, key, size, 0) ? 1 : -1;
  }

  /** Copies the best level into the instrument's record; an empty side is price 0, size 0. */
  refresh(instrument: number, side: number): void {
    const at = instrument * WORDS + side * SIDE_WORDS;
    const count = this.words[at + COUNT]!;
    const best = instrument * DOUBLES + side * 2;
    if (count === 0) {
      this.doubles[best + BID_PRICE] = 0;
      this.doubles[best + BID_SIZE] = 0;
      return;
    }
    const level = (this.words[at + OFFSET]! + count - 1) * LEVEL_DOUBLES;
    const key = this.levels[level]!;
    this.doubles[best + BID_PRICE] = side === 0 ? key : -key;
    this.doubles[best + BID_SIZE] = this.levels[level + 1]!;
  }

  /** Gives the blocks of both sides back. */
  release(instrument: number): void {
    for (let side = 0; side < 2; side++) {
      const at = instrument * WORDS + side * SIDE_WORDS;
      const sizeClass = this.words[at + CLASS]!;
      if (sizeClass !== 0) this.pool.give(this.words[at + OFFSET]!, sizeClass - 1);
      this.words.fill(0, at, at + SIDE_WORDS);
    }
  }

  /**
   * The double index of the level with this key, or ~ of where it belongs.
   *
   * Near the best price every tick has its level, so a level mostly stands as many places behind the
   * best as its price is ticks away: one read, of the level itself, and no branch that depends on
   * how deep it is. Ticks without a level only move it towards the best.
   */
  private search(instrument: number, side: number, key: number): number {
    const at = instrument * WORDS + side * SIDE_WORDS;
    const levels = this.levels;
    const count = this.words[at + COUNT]!;
    const start = this.words[at + OFFSET]! * LEVEL_DOUBLES;
    const end = start + count * LEVEL_DOUBLES;
    const best = this.doubles[instrument * DOUBLES + BID_PRICE + side * 2]!;
    const behind = ((side === 0 ? best : -best) - key) / this.tickSize[instrument]!;
    // Better than the best, or no best price yet, or further away than there are levels.
    if (!(behind >= 0 && behind < count)) return this.searchAll(start, end, key);
    let level = end - (1 + (behind | 0)) * LEVEL_DOUBLES;
    let found = levels[level]!;
    if (found === key) return level;
    if (found > key) return this.searchAll(start, end, key);
    level += LEVEL_DOUBLES;
    const stop = Math.min(end, level + LINEAR * LEVEL_DOUBLES);
    while (level < stop) {
      found = levels[level]!;
      if (found >= key) return found === key ? level : ~level;
      level += LEVEL_DOUBLES;
    }
    return this.halve(level, end, key);
  }

  /** Without a guess: one by one from the best, and what is further away by halves. */
  private searchAll(start: number, end: number, key: number): number {
    const levels = this.levels;
    let level = end;
    const stop = Math.max(start, end - LINEAR * LEVEL_DOUBLES);
    while (level > stop) {
      const found = levels[level - LEVEL_DOUBLES]!;
      if (found <= key) return found === key ? level - LEVEL_DOUBLES : ~level;
      level -= LEVEL_DOUBLES;
    }
    return this.halve(start, level, key);
  }

  private halve(start: number, end: number, key: number): number {
    const levels = this.levels;
    let low = 0;
    let high = (end - start) / LEVEL_DOUBLES;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (levels[start + middle * LEVEL_DOUBLES]! < key) low = middle + 1;
      else high = middle;
    }
    const place = start + low * LEVEL_DOUBLES;
    return place < end && levels[place] === key ? place : ~place;
  }

  private insert(
    instrument: number,
    side: number,
    place: number,
    key: number,
    size: number,
    orders: number,
  ): boolean {
    const record = instrument * WORDS + side * SIDE_WORDS;
    const count = this.words[record + COUNT]!;
    const sizeClass = this.words[record + CLASS]!;
    let at = place;
    if (sizeClass === 0 || count === SMALLEST_BLOCK << (sizeClass - 1)) {
      const from = this.words[record + OFFSET]! * LEVEL_DOUBLES;
      if (!this.grow(record, count, sizeClass)) return false;
      at += this.words[record + OFFSET]! * LEVEL_DOUBLES - from;
    }
    const levels = this.levels;
    const end = (this.words[record + OFFSET]! + count) * LEVEL_DOUBLES;
    if (end - at > SHORT_MOVE * LEVEL_DOUBLES) {
      levels.copyWithin(at + LEVEL_DOUBLES, at, end);
    } else {
      for (let i = end - 1; i >= at; i--) levels[i + LEVEL_DOUBLES] = levels[i]!;
    }
    levels[at] = key;
    levels[at + 1] = size;
    levels[at + 2] = orders;
    this.words[record + COUNT] = count + 1;
    return true;
  }

  private erase(instrument: number, side: number, at: number): void {
    const record = instrument * WORDS + side * SIDE_WORDS;
    const levels = this.levels;
    const count = this.words[record + COUNT]!;
    const end = (this.words[record + OFFSET]! + count) * LEVEL_DOUBLES;
    if (end - at > SHORT_MOVE * LEVEL_DOUBLES) {
      levels.copyWithin(at, at + LEVEL_DOUBLES, end);
    } else {
      for (let i = at + LEVEL_DOUBLES; i < end; i++) levels[i - LEVEL_DOUBLES] = levels[i]!;
    }
    this.words[record + COUNT] = count - 1;
  }

  /** Moves a side to a block of the next class. */
  private grow(record: number, count: number, sizeClass: number): boolean {
    if (sizeClass > this.pool.largestClass) return false;
    const offset = this.pool.take(sizeClass);
    if (offset === -1) return false;
    const from = this.words[record + OFFSET]!;
    if (sizeClass !== 0) {
      this.levels.copyWithin(
        offset * LEVEL_DOUBLES,
        from * LEVEL_DOUBLES,
        (from + count) * LEVEL_DOUBLES,
      );
      this.pool.give(from, sizeClass - 1);
    }
    this.words[record + OFFSET] = offset;
    this.words[record + CLASS] = sizeClass + 1;
    return true;
  }
}
