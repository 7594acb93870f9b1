import { ChannelOwner, Owner } from "./channel-owner.ts";
import { FeedCount } from "./count.ts";
import { type MarketEvents, Side, TradingState } from "./event.ts";

/*
 * Cboe Multicast PITCH 2.x (US equities), the messages, little-endian. Prices are in 1e-4, those of
 * the short forms u16 in 1e-2. Every message begins with
 *
 *   0        1      2                6
 *   ├ length ┼ type ┼ ns in second ──┤ …
 *
 *   20 time 6               seconds since midnight@2
 *   21 add long 34          order u64@6 side@14 shares u32@15 symbol[6]@19 price u64@25
 *   22 add short 26         order u64@6 side@14 shares u16@15 symbol[6]@17 price u16@23
 *   2F add expanded 36+     order u64@6 side@14 shares u32@15 symbol[8]@19 price u64@27
 *   23 executed 26          order u64@6 shares u32@14 execution u64@18
 *   24 at price/size 38     order u64@6 shares u32@14 left u32@18 execution u64@22 price u64@30
 *   25 / 26 reduce 18 / 16  order u64@6 shares u32 / u16@14
 *   27 / 28 modify 27 / 19  order u64@6 shares u32@14 price u64@18 / shares u16@14 price u16@16
 *   29 delete 14            order u64@6
 *   2A / 2B / 30 trade      like adds, with an execution id behind the price: 41 / 33 / 43
 *   31 trading status 18    symbol[8]@6 status@14          2D end of session 6    97 unit clear 6
 *
 * Lengths differ between venues and versions, so one goes on by the length and reads what is known.
 */

/** Prices of the format are integers in units of 10^-4. */
export const pitchPriceDecimals = 4;

/** The least length by type, 0 for a type that is not known. */
const lengthOf = new Uint8Array(256);
for (const [type, length] of [
  [0x20, 6],
  [0x21, 34],
  [0x22, 26],
  [0x23, 26],
  [0x24, 38],
  [0x25, 18],
  [0x26, 16],
  [0x27, 27],
  [0x28, 19],
  [0x29, 14],
  [0x2a, 41],
  [0x2b, 33],
  [0x2c, 14],
  [0x2d, 6],
  [0x2f, 36],
  [0x30, 43],
  [0x31, 18],
  [0x95, 47],
  [0x96, 27],
  [0x97, 6],
  [0x98, 15],
] as const) {
  lengthOf[type] = length;
}

const secondNs = 1_000_000_000;
const inexact = 0xffe0_0000;

export class Pitch {
  /** Time of the last message of a followed instrument, ns since midnight. */
  timeNs = Number.NaN;
  readonly owners: ChannelOwner;

  readonly #events: MarketEvents;
  readonly #counters: Uint32Array;
  /** Instrument → 1 while it is followed since mid-session and has not been named since. */
  readonly #joined: Uint8Array;
  /** Instruments from this one on were not known when other symbols came to be followed. */
  #known = Number.POSITIVE_INFINITY;
  /** Unit → 1 after its first message. */
  readonly #heard: Uint8Array;
  /** Unit → 1 where other symbols came to be followed after its day had begun. */
  readonly #late: Uint8Array;
  /** Unit → its present second since midnight, in ns. */
  readonly #secondNs: Float64Array;
  /** Unit → 1 after its end of session. */
  readonly ended: Uint8Array;

  /** `instruments` and `units` are the capacities of their tables. */
  constructor(events: MarketEvents, counters: Uint32Array, instruments: number, units: number) {
    this.#events = events;
    this.#counters = counters;
    this.owners = new ChannelOwner(instruments, units, true);
    this.#joined = new Uint8Array(instruments);
    this.#heard = new Uint8Array(units);
    this.#late = new Uint8Array(units);
    this.#secondNs = new Float64Array(units);
    this.ended = new Uint8Array(units);
  }

  /**
   * Other symbols are followed. Which unit a new one belongs to shows when it is first named: when
   * that unit's day had begun before, the symbol's older orders are unknown.
   */
  follow(dropped: readonly number[], added: readonly number[], known: number): void {
    this.#known = known;
    let begun = false;
    for (let unit = 0; unit < this.#heard.length; unit++) {
      if (this.#heard[unit] === 0) continue;
      this.#late[unit] = 1;
      begun = true;
    }
    for (const instrument of dropped) {
      this.owners.of[instrument] = Owner.none;
      this.#joined[instrument] = 0;
    }
    if (!begun) return;
    for (const instrument of added) {
      this.#joined[instrument] = 1;
      this.#events.markPartial(instrument);
    }
  }

  /** Forgets the books of one unit's instruments. */
  clear(unit: number): void {
    this.#late[unit] = 0;
    const { of } = this.owners;
    for (let i = 0; i < of.length; i++) {
      if (of[i] === unit) this.#events.clear(i);
    }
  }

  /**
   * Decodes `count` messages of a unit from `at` on; the caller has checked that all of them lie
   * within the datagram. The first `skip` are passed over. False when a message was unusable.
   */
  block(bytes: Buffer, at: number, count: number, skip: number, unit: number): boolean {
    let usable = true;
    this.#heard[unit] = 1;
    for (let i = 0; i < count; i++) {
      const m = at;
      const length = bytes[m]!;
      at = m + length;
      if (i < skip) continue;
      const type = bytes[m + 1]!;
      const least = lengthOf[type]!;
      if (least === 0) {
        this.#counters[FeedCount.unknownTypes]!++;
      } else if (length < least) {
        this.#counters[FeedCount.badLength]!++;
        usable = false;
      } else if (!this.#message(bytes, m, type, unit)) {
        this.#counters[FeedCount.badValue]!++;
        usable = false;
      }
    }
    return usable;
  }

  /** One message of a right length; false when a field of it cannot be. */
  #message(bytes: Buffer, m: number, type: number, unit: number): boolean {
    if (type === 0x20) {
      const seconds = bytes.readUInt32LE(m + 2);
      // A day and an hour: the clocks may go back.
      if (seconds >= 90_000) return false;
      this.#secondNs[unit] = seconds * secondNs;
      return true;
    }
    const offsetNs = bytes.readUInt32LE(m + 2);
    if (offsetNs >= secondNs) return false;
    const timeNs = this.#secondNs[unit]! + offsetNs;
    switch (type) {
      case 0x21:
      case 0x22:
      case 0x2f:
        return this.#add(bytes, m, type, unit, timeNs);
      case 0x23:
      case 0x24:
      case 0x25:
      case 0x26:
      case 0x27:
      case 0x28:
      case 0x29:
        return this.#change(bytes, m, type, unit, timeNs);
      case 0x2a:
      case 0x2b:
      case 0x30:
        return this.#trade(bytes, m, type, unit, timeNs);
      case 0x2c:
        this.#counters[FeedCount.tradeBreaks]!++;
        return true;
      case 0x2d:
        this.ended[unit] = 1;
        return true;
      case 0x31:
        return this.#status(bytes, m, unit, timeNs);
      case 0x97:
        this.clear(unit);
        return true;
      default:
        return true;
    }
  }

  #add(bytes: Buffer, m: number, type: number, unit: number, timeNs: number): boolean {
    const short = type === 0x22;
    const mark = bytes[m + 14]!;
    const size = short ? bytes.readUInt16LE(m + 15) : bytes.readUInt32LE(m + 15);
    const price = short
      ? bytes.readUInt16LE(m + 23) * 100
      : priceAt(bytes, type === 0x2f ? m + 27 : m + 25);
    if ((mark !== 0x42 && mark !== 0x53) || size === 0 || price <= 0) return false;
    const instrument = this.#named(bytes, short ? m + 17 : m + 19, type === 0x2f ? 8 : 6, unit);
    if (instrument < 0) return true;
    this.#at(timeNs);
    const hi = bytes.readUInt32LE(m + 10);
    const lo = bytes.readUInt32LE(m + 6);
    const side = mark === 0x42 ? Side.bid : Side.ask;
    this.#events.addOrder(instrument, hi, lo, side, size, price);
    return true;
  }

  /** What happens to an order names the order alone: the book knows whose it is. */
  #change(bytes: Buffer, m: number, type: number, unit: number, timeNs: number): boolean {
    const events = this.#events;
    const hi = bytes.readUInt32LE(m + 10);
    const lo = bytes.readUInt32LE(m + 6);
    let size = 0;
    if (type === 0x26 || type === 0x28) size = bytes.readUInt16LE(m + 14);
    else if (type !== 0x29) size = bytes.readUInt32LE(m + 14);
    if (size === 0 && type !== 0x29) return false;
    let price = 1;
    if (type === 0x24) price = priceAt(bytes, m + 30);
    else if (type === 0x27) price = priceAt(bytes, m + 18);
    else if (type === 0x28) price = bytes.readUInt16LE(m + 16) * 100;
    if (price <= 0) return false;
    const instrument = events.instrumentOf(hi, lo);
    if (instrument < 0) {
      this.#counters[FeedCount.unmapped]!++;
      return true;
    }
    if (this.owners.of[instrument] !== unit) this.#taken(instrument, unit);
    this.#at(timeNs);
    if (type === 0x23) events.executeOrder(instrument, hi, lo, size, true);
    else if (type === 0x24) this.#executeAt(bytes, m, instrument, hi, lo, size, price);
    else if (type === 0x29) events.deleteOrder(instrument, hi, lo);
    else if (type < 0x27) events.cancelOrder(instrument, hi, lo, size);
    else events.replaceOrder(instrument, hi, lo, hi, lo, size, price);
    return true;
  }

  /**
   * Executed at another price than its own, or with another size left than was shown: the order is
   * brought to what it must have had first, which mostly changes nothing.
   */
  #executeAt(
    bytes: Buffer,
    m: number,
    instrument: number,
    hi: number,
    lo: number,
    size: number,
    price: number,
  ): void {
    this.#events.resizeOrder(instrument, hi, lo, size + bytes.readUInt32LE(m + 18));
    this.#events.executeOrderAt(instrument, hi, lo, size, price, true);
  }

  /** An execution against a hidden order; its side is 'B' whatever the side was. */
  #trade(bytes: Buffer, m: number, type: number, unit: number, timeNs: number): boolean {
    const short = type === 0x2b;
    const size = short ? bytes.readUInt16LE(m + 15) : bytes.readUInt32LE(m + 15);
    const price = short
      ? bytes.readUInt16LE(m + 23) * 100
      : priceAt(bytes, type === 0x30 ? m + 27 : m + 25);
    if (size === 0 || price <= 0) return false;
    const instrument = this.#named(bytes, short ? m + 17 : m + 19, type === 0x30 ? 8 : 6, unit);
    if (instrument < 0) return true;
    this.#at(timeNs);
    this.#events.trade(instrument, Side.unknown, size, price);
    return true;
  }

  #status(bytes: Buffer, m: number, unit: number, timeNs: number): boolean {
    const state = tradingStateOf(bytes[m + 14]!);
    if (state < 0) return false;
    const instrument = this.#named(bytes, m + 6, 8, unit);
    if (instrument < 0) return true;
    this.#at(timeNs);
    this.#events.tradingState(instrument, state as TradingState);
    return true;
  }

  #at(timeNs: number): void {
    this.timeNs = timeNs;
    this.#events.time(timeNs);
  }

  /** Below 0 when the symbol is not followed or none. */
  #named(bytes: Buffer, at: number, length: number, unit: number): number {
    const first = bytes[at]!;
    if (first <= 0x20 || first > 0x7e) {
      this.#counters[FeedCount.badSymbol]!++;
      return -1;
    }
    const instrument = this.#events.instrument(bytes, at, length);
    if (instrument < 0) this.#counters[FeedCount.unfollowed]!++;
    else if (this.owners.of[instrument] !== unit) this.#taken(instrument, unit);
    return instrument;
  }

  /** Another unit than the instrument's own tells of it, or the first one. */
  #taken(instrument: number, unit: number): void {
    const { owners } = this;
    const before = owners.of[instrument];
    if (before === Owner.shared) return;
    if (owners.take(instrument, unit)) this.#events.clear(instrument);
    if (owners.of[instrument] === Owner.shared) this.#counters[FeedCount.sharedInstruments]!++;
    else if (before === Owner.none) this.#begin(instrument, unit);
  }

  /** The instrument is named for the first time in the unit's day, or since it is followed. */
  #begin(instrument: number, unit: number): void {
    const joined = this.#joined[instrument] !== 0;
    this.#joined[instrument] = 0;
    if (this.#late[unit] === 0) {
      // Its day has begun anew since.
      if (joined) this.#events.clear(instrument);
    } else if (joined || instrument >= this.#known) this.#events.markPartial(instrument);
  }
}

/** A u64 price, -1 when it is beyond an exact double. */
function priceAt(bytes: Buffer, at: number): number {
  const high = bytes.readUInt32LE(at + 4);
  if ((high & inexact) !== 0) return -1;
  return high * 4_294_967_296 + bytes.readUInt32LE(at);
}

/** T trading; A, Q orders or quotes are taken; H halted everywhere, S on this exchange. */
function tradingStateOf(code: number): TradingState | -1 {
  switch (code) {
    case 0x54:
      return TradingState.trading;
    case 0x41:
    case 0x51:
      return TradingState.quotationOnly;
    case 0x48:
    case 0x53:
      return TradingState.halted;
    default:
      return -1;
  }
}
