/**
 * Symbols to dense indices, without making a string for a message: a symbol's bytes are four
 * little-endian u32 words (zero padded), looked up together with the feed in an open-addressing
 * table. An instrument is a symbol ON a feed: two venues' books of one symbol are two instruments.
 *
 * slot: w0 w1 w2 w3 | feed | index + 1 | - | -   (8 words, half a cache line; 0 in word 5: empty,
 * below 0: dormant, known as -(index + 1) but not followed)
 *
 * An index is never given to another symbol: keys of the decision table and other threads know
 * instruments by it. So a symbol that is not followed any more keeps its place, and `capacity`
 * bounds the symbols that were ever followed.
 */
import { assert } from "../error.ts";

const SYMBOL_BYTES_MAX = 16;
const SLOT_WORDS = 8;

/** How one feed's prices are to be read, and which of its symbols are followed. */
export interface FeedInstruments {
  /** Symbols to follow, at most 16 printable ASCII characters each; undefined follows all. */
  readonly symbols?: readonly string[] | undefined;
  /** Decimals of a scaled price: 4 means that 3201400 is 320.14. */
  readonly priceDecimals: number;
  /** Tick in scaled price units, > 0: 100 is 0.01 with four decimals. */
  readonly tickSize: number;
  /** Tick of single symbols, in scaled price units. */
  readonly tickSizes?: Readonly<Record<string, number>> | undefined;
}

/** Slots for a number of instruments: a power of two, at most half of them used. */
function slotsFor(instruments: number): number {
  let slots = 16;
  while (slots < instruments * 2) slots *= 2;
  return slots;
}

export class InstrumentTable {
  readonly capacity: number;
  /** Instruments registered so far; indices run from 0 to `count` - 1. */
  count = 0;
  /** Look-ups of a symbol that its feed does not follow. */
  filtered = 0;
  /** Look-ups of a new symbol that found no room. */
  full = 0;
  /** Look-ups of bytes that are no symbol: empty, too long, not printable ASCII. */
  bad = 0;
  /** Tick per instrument in scaled price units. */
  readonly tickSize: Float64Array;
  /** 10^priceDecimals per instrument: scaled price / priceScale = price in the currency. */
  readonly priceScale: Float64Array;
  /** Index of the feed per instrument. */
  readonly feed: Uint16Array;
  /** 1 for an instrument that its feed does not follow at present: no look-up finds it. */
  readonly dormant: Uint8Array;
  private readonly symbols: string[] = [];
  private readonly slots: Int32Array;
  /** Where the instrument's slot begins. */
  private readonly slotAt: Int32Array;
  private readonly slotMask: number;
  private readonly feeds: readonly FeedInstruments[];
  private readonly follows: Uint8Array;
  private readonly scratch = new Int32Array(4);

  /**
   * Symbols that a feed names are registered at once, so their indices follow the lists' order.
   * `known` come before them: the instruments of another table, in its order.
   */
  constructor(
    capacity: number,
    feeds: readonly FeedInstruments[],
    known: readonly { feed: number; symbol: string }[] = [],
  ) {
    assert(capacity >= 1 && capacity <= 1 << 20, "an instrument table holds 1 to 1,048,576");
    this.capacity = capacity;
    this.tickSize = new Float64Array(capacity);
    this.priceScale = new Float64Array(capacity);
    this.feed = new Uint16Array(capacity);
    this.dormant = new Uint8Array(capacity);
    this.slotAt = new Int32Array(capacity);
    const slots = slotsFor(capacity);
    this.slots = new Int32Array(slots * SLOT_WORDS);
    this.slotMask = slots * SLOT_WORDS - 1;
    this.feeds = feeds;
    this.follows = new Uint8Array(feeds.length).fill(1);
    for (const { tickSize } of feeds) assert(tickSize > 0, "a tick is greater than zero");
    for (const { feed, symbol } of known) this.enlist(feed, symbol);
    for (const [feed, { symbols }] of feeds.entries()) {
      const wanted = symbols === undefined ? undefined : new Uint8Array(capacity);
      for (const symbol of symbols ?? []) {
        const instrument = this.enlist(feed, symbol);
        if (instrument >= 0) wanted![instrument] = 1;
        else this.full++;
      }
      this.follow(feed, wanted);
    }
  }

  /**
   * The dense index of the symbol in `bytes[offset, offset + length)`, registered when it is new and
   * its feed follows all symbols; -1 when it is filtered, when the table is full, and for bytes that
   * are no symbol (each counted). Padding with spaces or zeros on the right is ignored.
   */
  lookup(feed: number, bytes: Uint8Array, offset: number, length: number): number {
    let end = offset + length;
    while (end > offset) {
      const byte = bytes[end - 1]!;
      if (byte !== 0x20 && byte !== 0) break;
      end--;
    }
    const size = end - offset;
    if (size === 0 || size > SYMBOL_BYTES_MAX) {
      this.bad++;
      return -1;
    }
    let w0 = 0;
    let w1 = 0;
    let w2 = 0;
    let w3 = 0;
    for (let i = 0; i < size; i++) {
      const byte = bytes[offset + i]!;
      if (byte < 0x20 || byte > 0x7e) {
        this.bad++;
        return -1;
      }
      const shifted = byte << ((i & 3) << 3);
      if (i < 4) w0 |= shifted;
      else if (i < 8) w1 |= shifted;
      else if (i < 12) w2 |= shifted;
      else w3 |= shifted;
    }
    const slots = this.slots;
    let at = this.home(w0, w1, w2, w3, feed);
    for (;;) {
      const index = slots[at + 5]!;
      if (index === 0) break;
      if (
        slots[at] === w0 &&
        slots[at + 1] === w1 &&
        slots[at + 2] === w2 &&
        slots[at + 3] === w3 &&
        slots[at + 4] === feed
      ) {
        if (index > 0) return index - 1;
        this.filtered++;
        return -1;
      }
      at = (at + SLOT_WORDS) & this.slotMask;
    }
    return this.register(at, feed, w0, w1, w2, w3);
  }

  /**
   * The index of a symbol of 1 to 16 printable ASCII characters, which becomes a dormant instrument
   * when it is new; -1 when there is no room. Not for the hot path.
   */
  enlist(feed: number, symbol: string): number {
    const at = this.seek(feed, symbol);
    const known = this.slots[at + 5]!;
    if (known !== 0) return Math.abs(known) - 1;
    if (this.count === this.capacity) return -1;
    const index = this.add(at, feed);
    this.setDormant(index, true);
    return index;
  }

  /** Whether the symbol is an instrument already, dormant or not. Not for the hot path. */
  knows(feed: number, symbol: string): boolean {
    return this.slots[this.seek(feed, symbol) + 5] !== 0;
  }

  /**
   * From now on the feed follows the instruments that are 1 in `wanted`, and no others, not even new
   * ones; undefined stands for all.
   */
  follow(feed: number, wanted: Uint8Array | undefined): void {
    this.follows[feed] = wanted === undefined ? 1 : 0;
    for (let i = 0; i < this.count; i++) {
      if (this.feed[i] === feed) this.setDormant(i, wanted !== undefined && wanted[i] !== 1);
    }
  }

  /** The symbol's text, made once at registration. */
  symbol(instrument: number): string {
    const text = this.symbols[instrument];
    assert(text !== undefined, "no such instrument");
    return text;
  }

  /** The index of a symbol on a feed without registering it, -1 when unknown. Not for the hot path. */
  find(feed: number, symbol: string): number {
    for (let i = 0; i < this.count; i++) {
      if (this.feed[i] === feed && this.symbols[i] === symbol) return i;
    }
    return -1;
  }

  static bytes(capacity: number): number {
    return slotsFor(capacity) * SLOT_WORDS * 4 + capacity * 23;
  }

  private home(w0: number, w1: number, w2: number, w3: number, feed: number): number {
    let hash = Math.imul(w0 ^ Math.imul(w1, 0x85ebca6b), 0x9e3779b1);
    hash = Math.imul(hash ^ (hash >>> 15) ^ w2 ^ Math.imul(w3 + feed, 0xc2b2ae35), 0x27d4eb2f);
    return ((hash ^ (hash >>> 13)) * SLOT_WORDS) & this.slotMask;
  }

  /** The slot that a symbol has, or would get; its words are in `scratch` afterwards. */
  private seek(feed: number, symbol: string): number {
    assert(/^[\x20-\x7e]{1,16}$/.test(symbol), "a symbol has 1 to 16 printable characters");
    const { scratch, slots } = this;
    scratch.fill(0);
    for (let i = 0; i < symbol.length; i++) {
      scratch[i >> 2]! |= symbol.charCodeAt(i) << ((i & 3) << 3);
    }
    const w0 = scratch[0]!;
    const w1 = scratch[1]!;
    const w2 = scratch[2]!;
    const w3 = scratch[3]!;
    let at = this.home(w0, w1, w2, w3, feed);
    for (; slots[at + 5] !== 0; at = (at + SLOT_WORDS) & this.slotMask) {
      const same =
        slots[at] === w0 && slots[at + 1] === w1 && slots[at + 2] === w2 && slots[at + 3] === w3;
      if (same && slots[at + 4] === feed) break;
    }
    return at;
  }

  private register(
    at: number,
    feed: number,
    w0: number,
    w1: number,
    w2: number,
    w3: number,
  ): number {
    if (this.follows[feed] === 0) {
      this.filtered++;
      return -1;
    }
    if (this.count === this.capacity) {
      this.full++;
      return -1;
    }
    const { scratch } = this;
    scratch[0] = w0;
    scratch[1] = w1;
    scratch[2] = w2;
    scratch[3] = w3;
    return this.add(at, feed);
  }

  /** Makes the symbol whose words are in `scratch` an instrument, with its slot at `at`. */
  private add(at: number, feed: number): number {
    const index = this.count++;
    const { slots, scratch } = this;
    slots.set(scratch, at);
    slots[at + 4] = feed;
    slots[at + 5] = index + 1;
    this.slotAt[index] = at;
    let text = "";
    for (let i = 0; i < SYMBOL_BYTES_MAX; i++) {
      const byte = (scratch[i >> 2]! >>> ((i & 3) << 3)) & 0xff;
      if (byte === 0) break;
      text += String.fromCharCode(byte);
    }
    this.symbols.push(text);
    const settings = this.feeds[feed];
    assert(settings !== undefined, "a look-up names a feed of the table");
    this.feed[index] = feed;
    this.tickSize[index] = settings.tickSizes?.[text] ?? settings.tickSize;
    this.priceScale[index] = 10 ** settings.priceDecimals;
    return index;
  }

  private setDormant(instrument: number, dormant: boolean): void {
    this.dormant[instrument] = dormant ? 1 : 0;
    this.slots[this.slotAt[instrument]! + 5] = dormant ? -(instrument + 1) : instrument + 1;
  }
}
