import { ChannelOwner, Owner } from "./channel-owner.ts";
import { FeedCount } from "./count.ts";
import { type MarketEvents, Side, TradingState } from "./event.ts";

/*
 * IEX TOPS 1.6 and DEEP 1.0, little-endian. Prices are i64 in 1e-4, which does not fit 32 bits for
 * every stock; times are i64 ns since the epoch. Every message but 'S' begins with
 *
 *   0      1       2                    10                   18
 *   ├ type ┼ flags ┼ timestamp i64 ─────┼ symbol[8] ─────────┤ …
 *
 *   8 buy, 5 sell level 30   size@18 price@22; flag bit 0: the event is complete
 *   Q quote 42               bid size@18 bid@22 ask@30 ask size@38
 *   T trade, B break 38      size@18 price@22 trade id@30
 *   H trading status 22      status@1 reason[4]@18         O operational halt 18   status@1
 *
 * Messages may grow at their end, so a longer one is read as far as it is known.
 */

/** Prices of the format are integers in units of 10^-4. */
export const iexPriceDecimals = 4;

/** The least length by type, 0 for a type that does not exist. */
const lengthOf = new Uint8Array(256);
for (const [type, length] of [
  ["S", 10],
  ["D", 31],
  ["H", 22],
  ["O", 18],
  ["P", 19],
  ["E", 18],
  ["I", 18],
  ["X", 26],
  ["A", 80],
  ["Q", 42],
  ["T", 38],
  ["B", 38],
  ["8", 30],
  ["5", 30],
] as const) {
  lengthOf[type.charCodeAt(0)] = length;
}

/** The high half of an i64 that is below 0 or not exact in a double. */
const inexact = 0xffe0_0000;

export class Iex {
  /** Time of the last message of a followed instrument, ns since the base. */
  timeNs = Number.NaN;
  /** The last time that was too far away, epoch ns to some hundreds; NaN without any. */
  strayNs = Number.NaN;
  readonly owners: ChannelOwner;

  readonly #events: MarketEvents;
  readonly #counters: Uint32Array;
  readonly #baseHi: number;
  readonly #baseLo: number;
  /** Instrument → TradingState by 'H'. */
  readonly #trading: Uint8Array;
  /** Instrument → 1 while halted on this exchange alone ('O'). */
  readonly #operational: Uint8Array;

  /**
   * `baseHi` and `baseLo` are the halves of the epoch ns from which market time counts, at most 104
   * days away from the messages; `instruments` and `channels` are the capacities of their tables.
   */
  constructor(
    events: MarketEvents,
    counters: Uint32Array,
    baseHi: number,
    baseLo: number,
    instruments: number,
    channels: number,
  ) {
    this.#events = events;
    this.#counters = counters;
    this.#baseHi = baseHi;
    this.#baseLo = baseLo;
    this.owners = new ChannelOwner(instruments, channels, false);
    this.#trading = new Uint8Array(instruments);
    this.#operational = new Uint8Array(instruments);
  }

  /** The i64 epoch time at `at` in ns since the base, exact; NaN when too far away for that. */
  timeAt(bytes: Buffer, at: number): number {
    const high = bytes.readUInt32LE(at + 4) - this.#baseHi;
    if (high > 0x1f_fffe || high < -0x1f_fffe) return Number.NaN;
    return high * 4_294_967_296 + (bytes.readUInt32LE(at) - this.#baseLo);
  }

  /**
   * Other symbols are followed. A book that begins now is as good as after a gap: its levels and
   * quotes are told whole when they change.
   */
  follow(dropped: readonly number[]): void {
    for (const instrument of dropped) {
      this.#trading[instrument] = TradingState.trading;
      this.#operational[instrument] = 0;
    }
  }

  /** Forgets the books of the instruments that the channel tells of, be it not alone. */
  clear(channel: number): void {
    const { of } = this.owners;
    for (let i = 0; i < of.length; i++) {
      if (of[i] === channel || of[i] === Owner.shared) this.#events.clear(i);
    }
  }

  /**
   * Decodes `count` messages, each behind its u16 length, from `at` on; the caller has checked that
   * all of them lie within the datagram. The first `skip` are passed over. False when a message of
   * a known type was unusable.
   */
  block(bytes: Buffer, at: number, count: number, skip: number, channel: number): boolean {
    const events = this.#events;
    let usable = true;
    for (let i = 0; i < count; i++) {
      const length = bytes.readUInt16LE(at);
      const m = at + 2;
      at = m + length;
      if (i < skip) continue;
      const type = length === 0 ? 0 : bytes[m]!;
      const least = lengthOf[type]!;
      if (least === 0 || length < least) {
        usable = this.#unfit(length, least) && usable;
        continue;
      }
      if (type !== 0x38 && type !== 0x35 && type !== 0x51) {
        usable = this.#rare(bytes, m, type, channel) && usable;
        continue;
      }
      const instrument = this.#instrument(bytes, m, channel);
      if (instrument < 0) continue;
      const timeNs = this.timeAt(bytes, m + 2);
      if (timeNs !== timeNs) {
        usable = this.#stray(bytes, m + 2);
        continue;
      }
      this.timeNs = timeNs;
      events.time(timeNs);
      const size = bytes.readUInt32LE(m + 18);
      const price = priceAt(bytes, m + 22);
      if (type === 0x51) {
        const ask = priceAt(bytes, m + 30);
        const askSize = bytes.readUInt32LE(m + 38);
        if (isQuoted(price, size) && isQuoted(ask, askSize)) {
          events.quote(instrument, price, size, ask, askSize);
        } else usable = this.#bad();
        continue;
      }
      if (price <= 0) {
        usable = this.#bad();
        continue;
      }
      const side = type === 0x38 ? Side.bid : Side.ask;
      events.setLevel(instrument, side, price, size, (bytes[m + 1]! & 1) === 1);
    }
    return usable;
  }

  #rare(bytes: Buffer, m: number, type: number, channel: number): boolean {
    if (type === 0x53) return this.#isNear(bytes, m + 2) || this.#stray(bytes, m + 2);
    const instrument = this.#instrument(bytes, m, channel);
    if (instrument < 0) return true;
    const timeNs = this.timeAt(bytes, m + 2);
    if (timeNs !== timeNs) return this.#stray(bytes, m + 2);
    this.timeNs = timeNs;
    this.#events.time(timeNs);
    switch (type) {
      case 0x54: {
        // T
        const size = bytes.readUInt32LE(m + 18);
        const price = priceAt(bytes, m + 22);
        if (size === 0 || price <= 0) return this.#bad();
        this.#events.trade(instrument, Side.unknown, size, price);
        return true;
      }
      case 0x42: // B
        this.#counters[FeedCount.tradeBreaks]!++;
        return true;
      case 0x48: {
        // H
        const state = tradingStateOf(bytes[m + 1]!);
        if (state < 0) return this.#bad();
        this.#trading[instrument] = state;
        this.#events.tradingState(instrument, this.#stateOf(instrument));
        return true;
      }
      case 0x4f: {
        // O: 'O' halted on this exchange, 'N' not.
        const status = bytes[m + 1]!;
        if (status !== 0x4f && status !== 0x4e) return this.#bad();
        this.#operational[instrument] = status === 0x4f ? 1 : 0;
        this.#events.tradingState(instrument, this.#stateOf(instrument));
        return true;
      }
      default:
        return true;
    }
  }

  #stateOf(instrument: number): TradingState {
    return this.#operational[instrument] === 1
      ? TradingState.halted
      : (this.#trading[instrument] as TradingState);
  }

  /** Below 0 when the symbol is not followed or none. */
  #instrument(bytes: Buffer, m: number, channel: number): number {
    if (!isSymbolStart(bytes[m + 10]!)) {
      this.#counters[FeedCount.badSymbol]!++;
      return -1;
    }
    const instrument = this.#events.instrument(bytes, m + 10, 8);
    if (instrument < 0) this.#counters[FeedCount.unfollowed]!++;
    else if (this.owners.of[instrument] !== channel && this.owners.take(instrument, channel)) {
      this.#events.clear(instrument);
    }
    return instrument;
  }

  #unfit(length: number, least: number): boolean {
    if (length > 0 && least === 0) {
      this.#counters[FeedCount.unknownTypes]!++;
      return true;
    }
    this.#counters[FeedCount.badLength]!++;
    return false;
  }

  #isNear(bytes: Buffer, at: number): boolean {
    const timeNs = this.timeAt(bytes, at);
    return timeNs === timeNs;
  }

  /** A time that cannot be counted from the feed's date: most likely that is wrong. */
  #stray(bytes: Buffer, at: number): false {
    this.#counters[FeedCount.badTime]!++;
    this.strayNs = bytes.readUInt32LE(at + 4) * 4_294_967_296 + bytes.readUInt32LE(at);
    return false;
  }

  #bad(): false {
    this.#counters[FeedCount.badValue]!++;
    return false;
  }
}

/** An i64 price, -1 when it is negative or beyond an exact double. */
function priceAt(bytes: Buffer, at: number): number {
  const high = bytes.readUInt32LE(at + 4);
  if ((high & inexact) !== 0) return -1;
  return high * 4_294_967_296 + bytes.readUInt32LE(at);
}

/** Whether one side of a quote can be: only an empty one has no price. */
function isQuoted(price: number, size: number): boolean {
  return price > 0 || (price === 0 && size === 0);
}

function isSymbolStart(byte: number): boolean {
  return byte > 0x20 && byte < 0x7f;
}

/** H: halted everywhere; O and P: orders are collected for an auction; T: trading. */
function tradingStateOf(code: number): TradingState | -1 {
  switch (code) {
    case 0x54:
      return TradingState.trading;
    case 0x48:
      return TradingState.halted;
    case 0x50:
      return TradingState.paused;
    case 0x4f:
      return TradingState.quotationOnly;
    default:
      return -1;
  }
}
