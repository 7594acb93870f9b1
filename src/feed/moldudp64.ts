import { FeedCount } from "./count.ts";
import { type DatagramDecoder, Verdict } from "./decoder.ts";
import type { Itch50 } from "./itch50.ts";
import { Sequencer } from "./sequencer.ts";

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

/** Bits of the high half of a u64 that a double cannot hold exactly (2^53 and above). */
const inexact = 0xffe0_0000;

export class MoldUdp64 implements DatagramDecoder {
  channel = -1;
  sequence = 0;
  sentNs = Number.NaN;

  readonly #sequencer: Sequencer;
  readonly #messages: Itch50;
  readonly #counters: Uint32Array;
  readonly #prefetch: boolean;
  readonly #clear: () => void;

  /**
   * `prefetch`: go over each datagram twice, first for what it will look up; it pays when the table
   * of live orders does not fit the cache. `clear` forgets every book of the feed: the session
   * changed or began again.
   */
  constructor(
    messages: Itch50,
    counters: Uint32Array,
    maxJump: number,
    prefetch: boolean,
    clear: () => void,
  ) {
    this.#sequencer = new Sequencer(1, maxJump);
    this.#messages = messages;
    this.#counters = counters;
    this.#prefetch = prefetch;
    this.#clear = clear;
    this.#sequencer.channel(0);
  }

  decode(bytes: Buffer, length: number, _line: number, _nowNs: number): number {
    const counters = this.#counters;
    counters[FeedCount.datagrams]!++;
    counters[FeedCount.bytes]! += length;
    this.channel = -1;
    if (length < moldUdp64HeaderBytes) {
      counters[FeedCount.badTruncated]!++;
      return Verdict.bad;
    }
    const high = bytes.readUInt32BE(10);
    const first = high * 4_294_967_296 + bytes.readUInt32BE(14);
    let count = bytes.readUInt16BE(18);
    if ((high & inexact) !== 0 || first === 0) {
      counters[FeedCount.badSequence]!++;
      return Verdict.bad;
    }
    const ended = count === moldUdp64EndOfSession;
    if (ended) count = 0;
    const end = framed(bytes, length, count);
    if (end < 0) {
      counters[FeedCount.badTruncated]!++;
      return Verdict.bad;
    }
    if (end < length) counters[FeedCount.trailingBytes]!++;
    const messages = this.#messages;
    const sentNs = count === 0 ? Number.NaN : messages.timeAt(bytes, 22, bytes.readUInt16BE(20));
    const sequencer = this.#sequencer;
    let verdict = sequencer.offer(
      0,
      bytes.readUInt32BE(0),
      bytes.readUInt32BE(4),
      bytes.readUInt16BE(8),
      first,
      count,
      sentNs,
    );
    this.channel = 0;
    if (verdict !== Verdict.applied || sequencer.skip > 0) {
      sequencer.count(verdict, counters);
      if ((verdict & (Verdict.restart | Verdict.sessionChange)) !== 0) {
        messages.reset();
        this.#clear();
        verdict |= Verdict.cleared;
      }
      if (ended && (verdict & Verdict.heartbeat) !== 0) {
        counters[FeedCount.endsOfSession]!++;
        verdict |= Verdict.endOfSession;
      }
    }
    if ((verdict & Verdict.applied) === 0) return verdict;
    counters[FeedCount.messages]! += count - sequencer.skip;
    if (this.#prefetch && count > 1) messages.prefetch(bytes, moldUdp64HeaderBytes, count);
    if (!messages.block(bytes, moldUdp64HeaderBytes, count, sequencer.skip)) {
      verdict |= Verdict.damaged;
    }
    this.sequence = first + count - 1;
    this.sentNs = messages.timeNs;
    return verdict;
  }
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
