/**
 * The signal as JSON, written byte by byte into memory that is already there: the feed thread sends
 * it to JSON sinks and may not allocate. The same text as `signalJson(readSignal(record))`, but for
 * the spelling of numbers.
 */
import {
  decisionNames,
  Field,
  getU64,
  reasonNames,
  RecordKind,
  recordLatencyNs,
  SignalFlag,
  sourceNames,
  unknownAgeMs,
} from "./signal.ts";

/** Longest JSON form of a record, with room to spare. */
export const signalJsonBytesMax = 768;

const encoder = new TextEncoder();
const ascii = (text: string): Uint8Array => encoder.encode(text);
const decisions = decisionNames.map((name) => ascii(`"${name}"`));
const sources = sourceNames.map((name) => ascii(`"${name}"`));
const reasons = reasonNames.map((name) => ascii(`"${name}"`));
const empty = ascii('""');

const key = {
  head: ascii('{"kind":"signal","run":"'),
  heartbeat: ascii('{"kind":"heartbeat","run":"'),
  seq: ascii('","seq":'),
  feed: ascii(',"feed":"'),
  inputSeq: ascii('","inputSeq":'),
  symbol: ascii(',"symbol":"'),
  signal: ascii('","signal":'),
  confidence: ascii(',"confidence":'),
  source: ascii(',"source":'),
  reason: ascii(',"reason":'),
  ageMs: ascii(',"ageMs":'),
  version: ascii(',"version":"'),
  state: ascii('","state":"'),
  price: ascii('","price":'),
  exchangeTime: ascii(',"exchangeTime":"'),
  receiveTime: ascii('","receiveTime":"'),
  emitTime: ascii('","emitTime":"'),
  heartbeatTime: ascii(',"emitTime":"'),
  ttlMs: ascii('","ttlMs":'),
  latencyNs: ascii(',"latencyNs":'),
  sampled: ascii(',"sampled":'),
  refresh: ascii(',"refresh":'),
  revalidating: ascii(',"revalidating":'),
  end: ascii("}"),
  endText: ascii('"}'),
  yes: ascii("true"),
  no: ascii("false"),
  none: ascii("null"),
} as const;

const zero = 0x30;
const hexDigits = ascii("0123456789abcdef");

export class SignalJson {
  /** Holds the text of the last `encode`. */
  readonly bytes: Uint8Array;
  #at = 0;

  constructor(bytes = new Uint8Array(signalJsonBytesMax)) {
    this.bytes = bytes;
  }

  /** Writes the record at word `from` to `bytes[at…]` and returns where the text ends. */
  encode(words: Uint32Array, from: number, at: number): number {
    this.#at = at;
    if ((words[from + Field.head] as number) >>> 24 === RecordKind.heartbeat) {
      return this.#heartbeat(words, from);
    }
    const origin = words[from + Field.feedDecisionSource] as number;
    const detail = words[from + Field.reasonDecimalsConfidence] as number;
    const flags = (words[from + Field.lengthFlags] as number) >>> 16;
    const age = words[from + Field.ageMs] as number;
    this.#put(key.head);
    this.#hex(words, from + Field.run);
    this.#put(key.seq);
    this.#integer(getU64(words, from + Field.seq));
    this.#put(key.feed);
    this.#text16(words, from + Field.feedName);
    this.#put(key.inputSeq);
    this.#integer(getU64(words, from + Field.inputSeq));
    this.#put(key.symbol);
    this.#text16(words, from + Field.symbol);
    this.#put(key.signal);
    this.#put(decisions[(origin >>> 16) & 0xff] ?? empty);
    this.#put(key.confidence);
    this.#decimal(detail >>> 16, 4);
    this.#put(key.source);
    this.#put(sources[origin >>> 24] ?? empty);
    this.#put(key.reason);
    this.#put(reasons[detail & 0xff] ?? empty);
    this.#put(key.ageMs);
    if (age === unknownAgeMs) this.#put(key.none);
    else this.#integer(age);
    this.#put(key.version);
    this.#hex(words, from + Field.version);
    this.#put(key.state);
    this.#u64(words, from + Field.state);
    this.#put(key.price);
    this.#decimal(getU64(words, from + Field.price), (detail >>> 8) & 0xff);
    this.#put(key.exchangeTime);
    this.#u64(words, from + Field.exchange);
    this.#put(key.receiveTime);
    this.#u64(words, from + Field.receive);
    this.#put(key.emitTime);
    this.#u64(words, from + Field.emit);
    this.#put(key.ttlMs);
    this.#integer(words[from + Field.ttlMs] as number);
    this.#put(key.latencyNs);
    this.#integer(recordLatencyNs(words, from));
    this.#put(key.sampled);
    this.#flag(flags & SignalFlag.receiveSampled);
    this.#put(key.refresh);
    this.#flag(flags & SignalFlag.refresh);
    this.#put(key.revalidating);
    this.#flag(flags & SignalFlag.revalidating);
    this.#put(key.end);
    return this.#at;
  }

  #heartbeat(words: Uint32Array, from: number): number {
    this.#put(key.heartbeat);
    this.#hex(words, from + Field.run);
    this.#put(key.seq);
    this.#integer(getU64(words, from + Field.seq));
    this.#put(key.heartbeatTime);
    this.#u64(words, from + Field.emit);
    this.#put(key.endText);
    return this.#at;
  }

  #put(text: Uint8Array): void {
    this.bytes.set(text, this.#at);
    this.#at += text.length;
  }

  #flag(value: number): void {
    this.#put(value === 0 ? key.no : key.yes);
  }

  /** An integer up to 2^53 in magnitude. */
  #integer(value: number): void {
    let rest = value;
    if (rest < 0) {
      this.bytes[this.#at++] = 0x2d;
      rest = -rest;
    }
    let digits = 1;
    for (let limit = 10; rest >= limit; limit *= 10) digits++;
    this.#digits(rest, digits);
  }

  /** Exactly `digits` digits of `value`, with zeros in front. */
  #digits(value: number, digits: number): void {
    let rest = value;
    for (let i = this.#at + digits - 1; i >= this.#at; i--) {
      const tenth = Math.floor(rest / 10);
      this.bytes[i] = zero + (rest - tenth * 10);
      rest = tenth;
    }
    this.#at += digits;
  }

  /** `value` × 10^-decimals without the zeros at its end. */
  #decimal(value: number, decimals: number): void {
    let fraction = decimals;
    let rest = value;
    while (fraction > 0 && rest % 10 === 0) {
      rest /= 10;
      fraction--;
    }
    const scale = 10 ** fraction;
    const whole = Math.floor(rest / scale);
    this.#integer(whole);
    if (fraction === 0) return;
    this.bytes[this.#at++] = 0x2e;
    this.#digits(rest - whole * scale, fraction);
  }

  /** A u64 in decimal: long division by 10^9 over 16-bit limbs, so that no step leaves 2^53. */
  #u64(words: Uint32Array, at: number): void {
    const high = words[at + 1] as number;
    const low = words[at] as number;
    let quotient = 0;
    let rest = 0;
    for (let limb = 0; limb < 4; limb++) {
      const half = limb < 2 ? high : low;
      const current = rest * 65_536 + ((limb & 1) === 0 ? half >>> 16 : half & 0xffff);
      const share = Math.floor(current / 1e9);
      quotient = quotient * 65_536 + share;
      rest = current - share * 1e9;
    }
    if (quotient === 0) this.#integer(rest);
    else {
      this.#integer(quotient);
      this.#digits(rest, 9);
    }
  }

  #hex(words: Uint32Array, at: number): void {
    for (let half = 1; half >= 0; half--) {
      const word = words[at + half] as number;
      for (let shift = 28; shift >= 0; shift -= 4) {
        this.bytes[this.#at++] = hexDigits[(word >>> shift) & 15] as number;
      }
    }
  }

  /** Up to 16 bytes of printable ASCII, without the padding; quotes and backslashes escaped. */
  #text16(words: Uint32Array, at: number): void {
    let end = 16;
    while (end > 0 && byteOf(words, at, end - 1) === 0x20) end--;
    for (let i = 0; i < end; i++) {
      const byte = byteOf(words, at, i);
      if (byte === 0x22 || byte === 0x5c) this.bytes[this.#at++] = 0x5c;
      this.bytes[this.#at++] = byte;
    }
  }
}

function byteOf(words: Uint32Array, at: number, index: number): number {
  return ((words[at + (index >> 2)] as number) >>> ((index & 3) * 8)) & 0xff;
}
