import { FeedCount } from "./count.ts";
import { Side, TradingState, type MarketEvents } from "./event.ts";

/*
 * NASDAQ TotalView-ITCH 5.0, big-endian, prices in 1e-4. Every message begins with
 *
 *   0      1       3       5                  11
 *   ├ type ┼ locate┼ track ┼ ns since midnight┤ …
 *
 * and the hot ones go on (reference and match numbers are u64, shares and prices u32):
 *
 *   A add 36       ref@11 side@19 shares@20 stock[8]@24 price@32          F add 40    … mpid[4]@36
 *   E executed 31  ref@11 shares@19 match@23
 *   C at price 36  ref@11 shares@19 match@23 printable@31 price@32
 *   X cancel 23    ref@11 shares@19                                       D delete 19 ref@11
 *   U replace 35   old@11 new@19 shares@27 price@31
 */

/** Prices of the format are integers in units of 10^-4. */
export const itch50PriceDecimals = 4;

/** Length by type, 0 for a type that does not exist. */
export const itch50LengthOf = new Uint8Array(256);
for (const [type, length] of Object.entries({
  A: 36,
  B: 19,
  C: 36,
  D: 19,
  E: 31,
  F: 40,
  H: 25,
  I: 50,
  J: 35,
  K: 28,
  L: 26,
  N: 20,
  O: 48,
  P: 44,
  Q: 40,
  R: 39,
  S: 12,
  U: 35,
  V: 35,
  W: 12,
  X: 23,
  Y: 20,
  h: 21,
})) {
  itch50LengthOf[type.charCodeAt(0)] = length;
}

/** 1 for the types whose reference number stands in the table of live orders, or will. */
const refersTo = new Uint8Array(256);
for (const type of "AFECXDU") refersTo[type.charCodeAt(0)] = 1;

/** Of a stock locate: its symbol is not followed, and no order of it has come yet. */
const unfollowed = -1;
/** ... no message has told its symbol yet. */
const unmapped = -2;
/** ... its symbol is not followed, and orders have come that nobody kept. */
const missed = -3;

/** 1 for the types that tell a trading state. */
const tellsState = new Uint8Array(256);
for (const type of "Hh") tellsState[type.charCodeAt(0)] = 1;

/** ns of a day and an hour: no time since midnight is above it, not even when the clocks go back. */
const dayNs = 90_000_000_000_000;

/** Where a message carries its stock, by type; 0 for none. */
const stockAt = new Uint8Array(256);
for (const type of "RHYJNKhO") stockAt[type.charCodeAt(0)] = 11;
for (const type of "AFP") stockAt[type.charCodeAt(0)] = 24;
stockAt["L".charCodeAt(0)] = 15;
stockAt["Q".charCodeAt(0)] = 19;
stockAt["I".charCodeAt(0)] = 28;

export class Itch50 {
  /** Time of the last message of a followed instrument, ns since midnight. */
  timeNs = Number.NaN;

  readonly #events: MarketEvents;
  readonly #counters: Uint32Array;
  /** Stock locate → instrument; `unfollowed`, `unmapped` or `missed` when it has none. */
  readonly #instruments = new Int32Array(65_536).fill(unmapped);
  /** Stock locate → its symbol, once it is known. */
  readonly #names = new Uint8Array(65_536 * 8);
  /** Stock locate → state by the listing market ('H'). */
  readonly #trading = new Uint8Array(65_536);
  /** Stock locate → 1 while halted on this exchange alone ('h'). */
  readonly #operational = new Uint8Array(65_536);

  constructor(events: MarketEvents, counters: Uint32Array) {
    this.#events = events;
    this.#counters = counters;
  }

  /** Forgets which locate is which symbol: they are given anew every day. */
  reset(): void {
    this.#instruments.fill(unmapped);
    this.#trading.fill(TradingState.trading);
    this.#operational.fill(0);
  }

  /**
   * Other symbols are followed: locates get their instruments anew. One that is followed from now on
   * is told its trading state, and its book is partial when orders of it have come before.
   */
  follow(): void {
    const events = this.#events;
    const instruments = this.#instruments;
    for (let locate = 0; locate < instruments.length; locate++) {
      const before = instruments[locate]!;
      if (before === unmapped) continue;
      const instrument = events.instrument(this.#names, locate * 8, 8);
      if (instrument < 0) {
        if (before >= 0) instruments[locate] = missed;
      } else if (before < 0) {
        instruments[locate] = instrument;
        const state = this.#stateOf(locate);
        if (state !== TradingState.trading) events.tradingState(instrument, state);
        if (before === missed) events.markPartial(instrument);
      }
    }
  }

  /** Time of the message at `at`, ns since midnight; NaN when it has none, or one that cannot be. */
  timeAt(bytes: Buffer, at: number, length: number): number {
    if (length < 11) return Number.NaN;
    const timeNs = bytes.readUInt16BE(at + 5) * 4_294_967_296 + bytes.readUInt32BE(at + 7);
    return timeNs < dayNs ? timeNs : Number.NaN;
  }

  /**
   * Decodes `count` messages, each behind its u16 length, from `at` on; the caller has checked that
   * all of them lie within the datagram. The first `skip` are passed over. False when a message of
   * a known type was unusable.
   */
  block(bytes: Buffer, at: number, count: number, skip: number): boolean {
    const events = this.#events;
    const instruments = this.#instruments;
    let usable = true;
    for (let i = 0; i < count; i++) {
      const length = bytes.readUInt16BE(at);
      const m = at + 2;
      at = m + length;
      if (i < skip) continue;
      if (length === 0 || itch50LengthOf[bytes[m]!] !== length) {
        usable = this.#unfit(bytes, m, length) && usable;
        continue;
      }
      const type = bytes[m]!;
      const locate = bytes.readUInt16BE(m + 1);
      let instrument = instruments[locate]!;
      if (instrument < 0 || type === 0x52) {
        instrument = this.#map(bytes, m, type, locate, instrument);
        if (instrument < 0) continue;
      }
      const timeNs = bytes.readUInt16BE(m + 5) * 4_294_967_296 + bytes.readUInt32BE(m + 7);
      if (timeNs >= dayNs) {
        usable = this.#bad();
        continue;
      }
      this.timeNs = timeNs;
      events.time(timeNs);
      switch (type) {
        case 0x41: // A
        case 0x46: {
          // F
          const mark = bytes[m + 19]!;
          const shares = bytes.readUInt32BE(m + 20);
          const price = bytes.readUInt32BE(m + 32);
          if ((mark !== 0x42 && mark !== 0x53) || shares === 0 || price === 0) {
            usable = this.#bad();
            break;
          }
          const side = mark === 0x42 ? Side.bid : Side.ask;
          const hi = bytes.readUInt32BE(m + 11);
          events.addOrder(instrument, hi, bytes.readUInt32BE(m + 15), side, shares, price);
          break;
        }
        case 0x44: // D
          events.deleteOrder(instrument, bytes.readUInt32BE(m + 11), bytes.readUInt32BE(m + 15));
          break;
        case 0x45: {
          // E
          const shares = bytes.readUInt32BE(m + 19);
          if (shares === 0) {
            usable = this.#bad();
            break;
          }
          const hi = bytes.readUInt32BE(m + 11);
          events.executeOrder(instrument, hi, bytes.readUInt32BE(m + 15), shares, true);
          break;
        }
        case 0x58: {
          // X
          const shares = bytes.readUInt32BE(m + 19);
          if (shares === 0) {
            usable = this.#bad();
            break;
          }
          const hi = bytes.readUInt32BE(m + 11);
          events.cancelOrder(instrument, hi, bytes.readUInt32BE(m + 15), shares);
          break;
        }
        case 0x55: {
          // U
          const shares = bytes.readUInt32BE(m + 27);
          const price = bytes.readUInt32BE(m + 31);
          if (shares === 0 || price === 0) {
            usable = this.#bad();
            break;
          }
          events.replaceOrder(
            instrument,
            bytes.readUInt32BE(m + 11),
            bytes.readUInt32BE(m + 15),
            bytes.readUInt32BE(m + 19),
            bytes.readUInt32BE(m + 23),
            shares,
            price,
          );
          break;
        }
        default:
          usable = this.#rare(bytes, m, type, instrument, locate) && usable;
      }
    }
    return usable;
  }

  /**
   * A first pass over the messages of a datagram: hands the market every order reference that
   * `block` is going to look up, so that the cache misses of the look-ups overlap.
   */
  prefetch(bytes: Buffer, at: number, count: number): void {
    const events = this.#events;
    const instruments = this.#instruments;
    for (let i = 0; i < count; i++) {
      const m = at + 2;
      at = m + bytes.readUInt16BE(at);
      const type = bytes[m]!;
      if (refersTo[type] === 0 || at - m !== itch50LengthOf[type]) continue;
      const instrument = instruments[bytes.readUInt16BE(m + 1)]!;
      if (instrument < 0) continue;
      events.prefetch(instrument, bytes.readUInt32BE(m + 11), bytes.readUInt32BE(m + 15));
      if (type === 0x55) {
        events.prefetch(instrument, bytes.readUInt32BE(m + 19), bytes.readUInt32BE(m + 23));
      }
    }
  }

  #rare(bytes: Buffer, m: number, type: number, instrument: number, locate: number): boolean {
    const events = this.#events;
    switch (type) {
      case 0x43: {
        // C: not printable means that a cross ('Q') reports the volume.
        const shares = bytes.readUInt32BE(m + 19);
        const printable = bytes[m + 31]!;
        const price = bytes.readUInt32BE(m + 32);
        if (shares === 0 || (printable !== 0x59 && printable !== 0x4e)) return this.#bad();
        const hi = bytes.readUInt32BE(m + 11);
        const lo = bytes.readUInt32BE(m + 15);
        events.executeOrderAt(instrument, hi, lo, shares, price, printable === 0x59);
        return true;
      }
      case 0x50: {
        // P: an execution against a hidden order. Its side is 'B' whatever the side was.
        const shares = bytes.readUInt32BE(m + 20);
        if (shares === 0) return this.#bad();
        events.trade(instrument, Side.unknown, shares, bytes.readUInt32BE(m + 32));
        return true;
      }
      case 0x51: {
        // Q: a cross; without executions it has 0 shares.
        const shares = bytes.readUInt32BE(m + 11) * 4_294_967_296 + bytes.readUInt32BE(m + 15);
        if (shares > Number.MAX_SAFE_INTEGER) return this.#bad();
        if (shares > 0) {
          events.trade(instrument, Side.unknown, shares, bytes.readUInt32BE(m + 27));
        }
        return true;
      }
      case 0x48: // H
      case 0x68: // h
        if (!this.#noteState(bytes, m, type, locate)) return this.#bad();
        // Other markets of the group ('B', 'X') do not concern these books.
        if (type === 0x48 || bytes[m + 19] === 0x51) {
          events.tradingState(instrument, this.#stateOf(locate));
        }
        return true;
      case 0x42: // B
        this.#counters[FeedCount.tradeBreaks]!++;
        return true;
      default:
        return true;
    }
  }

  #stateOf(locate: number): TradingState {
    return this.#operational[locate] === 1
      ? TradingState.halted
      : (this.#trading[locate] as TradingState);
  }

  /**
   * The instrument of a message whose locate is not followed or not known yet, or of a directory
   * message, which gives the locate its symbol. Captures and joins in mid-session may have no
   * directory, so any message that names its stock will do. Below 0: nothing more to do with it.
   */
  #map(bytes: Buffer, m: number, type: number, locate: number, known: number): number {
    const at = stockAt[type]!;
    if (known !== unmapped && type !== 0x52) {
      this.#counters[FeedCount.unfollowed]!++;
      if (known === unfollowed && refersTo[type] !== 0) this.#instruments[locate] = missed;
      else if (tellsState[type] !== 0) this.#noteState(bytes, m, type, locate);
      return -1;
    }
    if (at === 0) {
      if (type === 0x53) this.#system(bytes, m);
      else if (type !== 0x56 && type !== 0x57) this.#counters[FeedCount.unmapped]!++;
      return -1;
    }
    if (!isSymbol(bytes, m + at)) {
      this.#counters[FeedCount.badSymbol]!++;
      return -1;
    }
    const instrument = this.#events.instrument(bytes, m + at, 8);
    this.#names.set(bytes.subarray(m + at, m + at + 8), locate * 8);
    if (instrument >= 0) {
      this.#instruments[locate] = instrument;
      return instrument;
    }
    this.#counters[FeedCount.unfollowed]!++;
    this.#instruments[locate] = known === missed || refersTo[type] !== 0 ? missed : unfollowed;
    if (tellsState[type] !== 0) this.#noteState(bytes, m, type, locate);
    return -1;
  }

  /** Keeps the trading state that a message tells; false when it is none. */
  #noteState(bytes: Buffer, m: number, type: number, locate: number): boolean {
    if (type === 0x48) {
      const state = tradingStateOf(bytes[m + 19]!);
      if (state < 0) return false;
      this.#trading[locate] = state;
      return true;
    }
    const action = bytes[m + 20]!;
    if (action !== 0x48 && action !== 0x54) return false;
    if (bytes[m + 19] === 0x51) this.#operational[locate] = action === 0x48 ? 1 : 0;
    return true;
  }

  #system(bytes: Buffer, m: number): void {
    if (bytes[m + 11] === 0x4f) this.reset(); // 'O', start of messages: a new day's locates follow.
  }

  /** A type that does not exist is passed over, as the specification asks. */
  #unfit(bytes: Buffer, m: number, length: number): boolean {
    if (length > 0 && itch50LengthOf[bytes[m]!] === 0) {
      this.#counters[FeedCount.unknownTypes]!++;
      return true;
    }
    this.#counters[FeedCount.badLength]!++;
    return false;
  }

  #bad(): false {
    this.#counters[FeedCount.badValue]!++;
    return false;
  }
}

function tradingStateOf(code: number): TradingState | -1 {
  switch (code) {
    case 0x54:
      return TradingState.trading;
    case 0x48:
      return TradingState.halted;
    case 0x50:
      return TradingState.paused;
    case 0x51:
      return TradingState.quotationOnly;
    default:
      return -1;
  }
}

/** Eight bytes of printable ASCII, padded with spaces on the right and not empty. */
function isSymbol(bytes: Buffer, at: number): boolean {
  let padded = false;
  for (let i = 0; i < 8; i++) {
    const byte = bytes[at + i]!;
    if (byte < 0x20 || byte > 0x7e) return false;
    if (byte === 0x20) padded = true;
    else if (padded) return false;
  }
  return bytes[at] !== 0x20;
}
