import { Arbiter } from "./arbiter.ts";
import { FeedCount } from "./count.ts";
import { type DatagramDecoder, Verdict } from "./decoder.ts";
import type { Itch50 } from "./itch50.ts";
import type { ArbiterSink, RecoveryOptions } from "./recovery.ts";

/*
 * MoldUDP64 1.00, downstream, big-endian:
 *
 *   0                     10                      18      20
 *   ├ session[10] ────────┼ sequence u64 ─────────┼ count ┼ count × { length u16, message }
 *
 * A count of 0 is a heartbeat, 0xFFFF the end of the session; both carry the NEXT sequence, so that
 * either exposes messages lost from the end of a burst.
 */
export const moldUdp64HeaderBytes = 20;
export const moldUdp64EndOfSession = 0xffff;
/** The most messages that a request may ask for: one more would mean the end of the session. */
export const moldUdp64RequestMessagesMax = moldUdp64EndOfSession - 1;
/** The most bytes of a downstream packet. */
export const moldUdp64PacketBytesMax = 1400;

/** Bits of the high half of a u64 that a double cannot hold exactly (2^53 and above). */
const inexact = 0xffe0_0000;

export class MoldUdp64 implements DatagramDecoder, ArbiterSink {
  channel = -1;
  readonly arbiter: Arbiter;

  /** The decoder of what it carries; a snapshot comes to the same. */
  readonly messages: Itch50;
  readonly #counters: Uint32Array;
  readonly #prefetch: boolean;
  readonly #clear: () => void;
  readonly #request = Buffer.alloc(moldUdp64HeaderBytes);

  /**
   * `prefetch`: go over each datagram twice, first for what it will look up; it pays when the table
   * of live orders does not fit the cache. `clear` forgets every book of the feed: the session
   * changed or began again.
   */
  constructor(
    messages: Itch50,
    counters: Uint32Array,
    maxJump: number,
    recovery: RecoveryOptions,
    prefetch: boolean,
    clear: () => void,
  ) {
    this.arbiter = new Arbiter(1, maxJump, recovery, counters, this);
    this.arbiter.sequencer.channel(0);
    this.messages = messages;
    this.#counters = counters;
    this.#prefetch = prefetch;
    this.#clear = clear;
  }

  get sequence(): number {
    return this.arbiter.sequence;
  }

  get sentNs(): number {
    return this.messages.timeNs;
  }

  get deadlineNs(): number {
    return this.arbiter.deadlineNs;
  }

  decode(bytes: Buffer, length: number, line: number, nowNs: number): number {
    const counters = this.#counters;
    counters[FeedCount.datagrams]!++;
    counters[FeedCount.bytes]! += length;
    this.channel = -1;
    if (length < moldUdp64HeaderBytes) return this.#bad(FeedCount.badTruncated);
    const high = bytes.readUInt32BE(10);
    const first = high * 4_294_967_296 + bytes.readUInt32BE(14);
    let count = bytes.readUInt16BE(18);
    if ((high & inexact) !== 0 || first === 0) return this.#bad(FeedCount.badSequence);
    const ended = count === moldUdp64EndOfSession;
    if (ended) count = 0;
    const end = framed(bytes, length, count);
    if (end < 0) return this.#bad(FeedCount.badTruncated);
    if (end < length) counters[FeedCount.trailingBytes]!++;
    this.channel = 0;
    const verdict = this.arbiter.take(
      0,
      bytes.readUInt32BE(0),
      bytes.readUInt32BE(4),
      bytes.readUInt16BE(8),
      first,
      count,
      count === 0 ? Number.NaN : this.messages.timeAt(bytes, 22, bytes.readUInt16BE(20)),
      line,
      nowNs,
      bytes,
      moldUdp64HeaderBytes,
      end,
    );
    if (!ended || (verdict & Verdict.heartbeat) === 0) return verdict;
    counters[FeedCount.endsOfSession]!++;
    return verdict | Verdict.endOfSession;
  }

  poll(nowNs: number): number {
    this.channel = 0;
    return this.arbiter.poll(nowNs);
  }

  follow(): void {
    this.messages.follow();
  }

  takeRequest(): Buffer | undefined {
    const { arbiter } = this;
    if (arbiter.takeRequest() < 0) return undefined;
    const { sequencer } = arbiter;
    const request = this.#request;
    request.writeUInt32BE(sequencer.session(0, 0), 0);
    request.writeUInt32BE(sequencer.session(0, 1), 4);
    request.writeUInt16BE(sequencer.session(0, 2), 8);
    writeMoldUdp64Header(request, arbiter.requestFrom(0), arbiter.requestCount(0));
    return request;
  }

  apply(bytes: Buffer, at: number, count: number, skip: number): boolean {
    if (this.#prefetch && count > 1) this.messages.prefetch(bytes, at, count);
    return this.messages.block(bytes, at, count, skip);
  }

  begin(): void {
    this.messages.reset();
    this.#clear();
  }

  /** An order once missed stays unknown: the books are left as they are, and not to be trusted. */
  lose(): boolean {
    return false;
  }

  #bad(reason: number): number {
    this.#counters[reason]!++;
    return Verdict.bad;
  }
}

/**
 * Writes sequence and count behind the session. A request is such a header too: it asks for messages
 * [first, first + count), and the answer is an ordinary downstream packet to whoever asked.
 */
export function writeMoldUdp64Header(out: Buffer, first: number, count: number): void {
  const high = Math.floor(first / 4_294_967_296);
  out.writeUInt32BE(high, 10);
  out.writeUInt32BE(first - high * 4_294_967_296, 14);
  out.writeUInt16BE(Math.min(count, moldUdp64RequestMessagesMax), 18);
}

/** Where the last of `count` messages ends; -1 when that is behind the datagram's end. */
function framed(bytes: Buffer, length: number, count: number): number {
  let at = moldUdp64HeaderBytes;
  for (let i = 0; i < count; i++) {
    if (at + 2 > length) return -1;
    at += 2 + bytes.readUInt16BE(at);
  }
  return at > length ? -1 : at;
}
