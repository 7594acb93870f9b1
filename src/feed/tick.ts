import { FeedCount } from "./count.ts";
import { type DatagramDecoder, Verdict } from "./decoder.ts";
import { type MarketEvents, Side } from "./event.ts";
import { JsonScanner } from "./json.ts";

/*
 * One JSON object a line, one or more lines a datagram:
 *
 *   {"symbol":"AAPL","timestamp":1700000000123,"price":320.14,"volume":100,
 *    "bid":320.13,"bidSize":200,"ask":320.15,"askSize":300}
 *
 * The first four are required, in any order; other fields are passed over. Numbers may be given as
 * strings. `bid` and `ask` are best prices, null or absent when that side is empty or not known; a
 * size that is absent is NaN. A datagram of white space alone is a heartbeat.
 */

/** What a timestamp counts, since the epoch: name → decimals between it and a nanosecond. */
export const timestampDecimals = { s: 9, ms: 6, us: 3, ns: 0 } as const;
export type TimestampUnit = keyof typeof timestampDecimals;

export interface TickOptions {
  /** Prices are rounded to 10^-priceDecimals. */
  priceDecimals: number;
  /** Sizes are rounded to 10^-sizeDecimals, but a size above 0 never to 0. */
  sizeDecimals: number;
  timestampUnit: TimestampUnit;
  /** The epoch seconds from which market time counts. */
  baseSeconds: number;
}

const maxSymbolBytes = 16;
const maxDepth = 64;
/** A size below 0 or out of range; NaN is one that was not told. */
const badSize = -1;

/** The fields, and the bit of each in `#seen`. */
const Field = {
  symbol: 1,
  timestamp: 2,
  price: 4,
  volume: 8,
  bid: 16,
  ask: 32,
  bidSize: 64,
  askSize: 128,
  other: 0,
} as const;
const required = Field.symbol | Field.timestamp | Field.price | Field.volume;

const names = Object.entries(Field)
  .filter(([, bit]) => bit !== Field.other)
  .map(([name, bit]) => ({ bytes: Buffer.from(name), member: Buffer.from(`"${name}":`), bit }));
/** Instead of an index in `names`. */
const unknownName = -1;
/** How many of a line's fields are guessed. */
const guesses = 16;

export class Tick implements DatagramDecoder {
  channel = 0;
  sequence = 0;
  sentNs = Number.NaN;
  readonly deadlineNs = Number.POSITIVE_INFINITY;

  readonly #events: MarketEvents;
  readonly #counters: Uint32Array;
  readonly #priceDecimals: number;
  readonly #sizeDecimals: number;
  readonly #timeDecimals: number;
  readonly #baseSeconds: number;
  readonly #json = new JsonScanner();

  readonly #guess = new Int8Array(guesses).fill(unknownName);
  #seen = 0;
  /** Some field of the line has another type than it must have. */
  #mistyped = false;
  readonly #symbol = Buffer.alloc(maxSymbolBytes);
  #symbolLength = 0;
  #timeNs = 0;
  #price = 0;
  #volume = 0;
  #bid = 0;
  #ask = 0;
  #bidSize = 0;
  #askSize = 0;

  constructor(events: MarketEvents, counters: Uint32Array, options: TickOptions) {
    this.#events = events;
    this.#counters = counters;
    this.#priceDecimals = options.priceDecimals;
    this.#sizeDecimals = options.sizeDecimals;
    this.#timeDecimals = timestampDecimals[options.timestampUnit];
    this.#baseSeconds = options.baseSeconds;
  }

  decode(bytes: Buffer, length: number, _line: number, _nowNs: number): number {
    const counters = this.#counters;
    const json = this.#json;
    counters[FeedCount.datagrams]!++;
    counters[FeedCount.bytes]! += length;
    json.open(bytes, 0, length);
    let good = 0;
    let bad = 0;
    while (json.peek() >= 0) {
      const from = json.at;
      const reason = this.#line();
      if (reason < 0) {
        good++;
      } else {
        bad++;
        counters[reason]!++;
        if (reason === FeedCount.badJson) this.#lineAfter(from);
      }
    }
    counters[FeedCount.messages]! += good;
    this.sequence += good;
    if (good > 0) return Verdict.applied;
    if (bad > 0) return Verdict.bad;
    counters[FeedCount.heartbeats]!++;
    return Verdict.heartbeat;
  }

  poll(): number {
    return 0;
  }

  /** Each tick stands for itself: there is nothing to forget. */
  follow(): void {}

  takeRequest(): undefined {
    return undefined;
  }

  /** One object; -1, or the counter that says what is wrong with it. */
  #line(): number {
    const json = this.#json;
    this.#seen = 0;
    this.#mistyped = false;
    if (json.peek() !== 0x7b) return FeedCount.badJson;
    json.at++;
    if (json.peek() === 0x7d) {
      json.at++;
      return FeedCount.badField;
    }
    for (let position = 0; ; position++) {
      const field = this.#name(position);
      if (field < 0) return FeedCount.badJson;
      if (!(field === Field.other ? json.value(maxDepth) : this.#field(field))) {
        return FeedCount.badJson;
      }
      const byte = json.peek();
      if (byte !== 0x2c && byte !== 0x7d) return FeedCount.badJson;
      json.at++;
      if (byte === 0x7d) break;
    }
    if (!this.#atLineEnd()) return FeedCount.badJson;
    if (this.#mistyped || (this.#seen & required) !== required) return FeedCount.badField;
    return this.#apply();
  }

  /**
   * The bit of the name that comes next, -1 when it is no JSON. A sender writes its fields in one
   * order, so the one that stood here in the last line is tried first.
   */
  #name(position: number): number {
    const json = this.#json;
    const at = position < guesses ? position : 0;
    const guess = this.#guess[at]!;
    if (guess !== unknownName && json.peek() >= 0) {
      const { member, bit } = names[guess]!;
      if (json.literal(member)) return bit;
    }
    if (!json.name()) return -1;
    const index = nameIndex(json.text, json.textAt, json.textLength);
    this.#guess[at] = index;
    return index === unknownName ? Field.other : names[index]!.bit;
  }

  /** Reads the value of a field; false when it is no JSON. */
  #field(field: number): boolean {
    const json = this.#json;
    const byte = json.peek();
    // The last of two fields of one name counts, as with JSON.parse.
    this.#seen &= ~field;
    if (byte === 0x6e) return json.null();
    if (field === Field.symbol) {
      if (byte !== 0x22) return this.#mistype();
      if (!json.string()) return false;
      this.#keepSymbol();
      return true;
    }
    if (byte === 0x22) {
      const { bytes, end } = json;
      if (!json.string()) return false;
      const after = json.at;
      json.open(json.text, json.textAt, json.textAt + json.textLength);
      const numeric = json.number() && json.at === json.end;
      if (numeric) this.#keepNumber(field);
      else this.#mistyped = true;
      json.open(bytes, after, end);
      return true;
    }
    if (byte !== 0x2d && !(byte >= 0x30 && byte <= 0x39)) return this.#mistype();
    if (!json.number()) return false;
    this.#keepNumber(field);
    return true;
  }

  #mistype(): boolean {
    this.#mistyped = true;
    return this.#json.value(maxDepth);
  }

  #keepSymbol(): void {
    const { text, textAt, textLength } = this.#json;
    this.#symbolLength = textLength;
    if (textLength <= maxSymbolBytes) {
      for (let i = 0; i < textLength; i++) this.#symbol[i] = text[textAt + i]!;
    }
    this.#seen |= Field.symbol;
  }

  #keepNumber(field: number): void {
    const json = this.#json;
    this.#seen |= field;
    switch (field) {
      case Field.timestamp:
        this.#timeNs = json.nanoseconds(this.#timeDecimals, this.#baseSeconds);
        break;
      case Field.price:
        this.#price = json.scaled(this.#priceDecimals);
        break;
      case Field.volume:
        this.#volume = this.#size();
        break;
      case Field.bid:
        this.#bid = json.scaled(this.#priceDecimals);
        break;
      case Field.ask:
        this.#ask = json.scaled(this.#priceDecimals);
        break;
      case Field.bidSize:
        this.#bidSize = this.#size();
        break;
      default:
        this.#askSize = this.#size();
    }
  }

  #size(): number {
    const size = this.#json.scaled(this.#sizeDecimals);
    if (size !== 0) return size > 0 ? size : badSize;
    const sign = this.#json.sign();
    return sign < 0 ? badSize : sign;
  }

  #apply(): number {
    const seen = this.#seen;
    if (!isSymbol(this.#symbol, this.#symbolLength)) return FeedCount.badSymbol;
    const hasBid = (seen & Field.bid) !== 0;
    const hasAsk = (seen & Field.ask) !== 0;
    const bidSize = (seen & Field.bidSize) === 0 ? Number.NaN : this.#bidSize;
    const askSize = (seen & Field.askSize) === 0 ? Number.NaN : this.#askSize;
    if (this.#timeNs !== this.#timeNs) return FeedCount.badTime;
    // Written so that NaN, which stands for a number out of range, fails as well.
    const good =
      this.#price > 0 &&
      this.#volume >= 0 &&
      (!hasBid || (this.#bid >= 0 && bidSize !== badSize)) &&
      (!hasAsk || (this.#ask >= 0 && askSize !== badSize));
    if (!good) return FeedCount.badValue;
    const events = this.#events;
    const instrument = events.instrument(this.#symbol, 0, this.#symbolLength);
    if (instrument < 0) {
      this.#counters[FeedCount.unfollowed]!++;
      return -1;
    }
    this.sentNs = this.#timeNs;
    events.time(this.#timeNs);
    if (hasBid || hasAsk) {
      events.quote(
        instrument,
        hasBid ? this.#bid : 0,
        hasBid && this.#bid > 0 ? bidSize : 0,
        hasAsk ? this.#ask : 0,
        hasAsk && this.#ask > 0 ? askSize : 0,
      );
    }
    if (this.#volume > 0) events.trade(instrument, Side.unknown, this.#volume, this.#price);
    return -1;
  }

  /** White space up to the end of the line or of the datagram. */
  #atLineEnd(): boolean {
    const json = this.#json;
    for (; json.at < json.end; json.at++) {
      const byte = json.bytes[json.at];
      if (byte === 0x0a) return true;
      if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false;
    }
    return true;
  }

  /** A broken object must not take the line after it along, wherever reading it ended. */
  #lineAfter(from: number): void {
    const json = this.#json;
    json.at = from;
    while (json.at < json.end && json.bytes[json.at] !== 0x0a) json.at++;
  }
}

function nameIndex(text: Buffer, at: number, length: number): number {
  for (let i = 0; i < names.length; i++) {
    const { bytes } = names[i]!;
    if (bytes.length === length && matches(bytes, text, at)) return i;
  }
  return unknownName;
}

function matches(name: Buffer, text: Buffer, at: number): boolean {
  for (let i = 0; i < name.length; i++) if (text[at + i] !== name[i]) return false;
  return true;
}

/** One to sixteen printable ASCII characters, without a space at either end. */
function isSymbol(bytes: Buffer, length: number): boolean {
  if (length === 0 || length > maxSymbolBytes) return false;
  for (let i = 0; i < length; i++) if (bytes[i]! < 0x20 || bytes[i]! > 0x7e) return false;
  return bytes[0] !== 0x20 && bytes[length - 1] !== 0x20;
}
