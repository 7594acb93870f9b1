import { FeedCount } from "./count.ts";
import { type DatagramDecoder, Verdict } from "./decoder.ts";
import type { Iex } from "./iex.ts";
import { Sequencer } from "./sequencer.ts";

/*
 * IEX-TP 1.0, outbound segment, little-endian:
 *
 *   0         1        2          4         8         12        14      16
 *   ├ version ┼ unused ┼ protocol ┼ channel ┼ session ┼ payload ┼ count ┼
 *   16              24                   32                  40
 *   ├ stream offset ┼ first sequence i64 ┼ send time i64 ────┼ count × { length u16, message }
 *
 * A count of 0 is a heartbeat; its sequence is that of the next message. The sequence runs per
 * channel and may begin again at 1 under an unchanged session.
 */
export const iexTpHeaderBytes = 40;

/** The message protocols that this decoder reads. */
export const IexProtocol = { tops: 0x8003, deep: 0x8004 } as const;

const inexact = 0xffe0_0000;

/** Lost messages clear the channel's books: from then on they hold only what was said since. */
const clearing = Verdict.gap | Verdict.restart | Verdict.sessionChange;

export class IexTp implements DatagramDecoder {
  channel = -1;
  sequence = 0;
  sentNs = Number.NaN;

  readonly #sequencer: Sequencer;
  readonly #messages: Iex;
  readonly #counters: Uint32Array;

  constructor(messages: Iex, counters: Uint32Array, channels: number, maxJump: number) {
    this.#sequencer = new Sequencer(channels, maxJump);
    this.#messages = messages;
    this.#counters = counters;
  }

  decode(bytes: Buffer, length: number, _line: number, _nowNs: number): number {
    const counters = this.#counters;
    counters[FeedCount.datagrams]!++;
    counters[FeedCount.bytes]! += length;
    this.channel = -1;
    if (length < iexTpHeaderBytes) return this.#bad(FeedCount.badTruncated);
    const protocol = bytes.readUInt16LE(2);
    if (bytes[0] !== 1 || (protocol !== IexProtocol.deep && protocol !== IexProtocol.tops)) {
      return this.#bad(FeedCount.badVersion);
    }
    const high = bytes.readUInt32LE(28);
    const first = high * 4_294_967_296 + bytes.readUInt32LE(24);
    if ((high & inexact) !== 0 || first === 0) return this.#bad(FeedCount.badSequence);
    const count = bytes.readUInt16LE(14);
    const payloadEnd = iexTpHeaderBytes + bytes.readUInt16LE(12);
    const end = payloadEnd > length ? -1 : framed(bytes, payloadEnd, count);
    if (end < 0) return this.#bad(FeedCount.badTruncated);
    if (end < length) counters[FeedCount.trailingBytes]!++;
    const messages = this.#messages;
    const sequencer = this.#sequencer;
    // TOPS and DEEP number their channels apart, so the protocol belongs to the key.
    const channel = sequencer.channel((bytes.readUInt32LE(4) ^ (protocol << 16)) >>> 0);
    if (channel < 0) return this.#bad(FeedCount.badChannel);
    const sentNs = messages.timeAt(bytes, 32);
    let verdict = sequencer.offer(channel, bytes.readUInt32LE(8), 0, 0, first, count, sentNs);
    this.channel = channel;
    this.sentNs = sentNs;
    if (verdict !== Verdict.applied || sequencer.skip > 0) {
      sequencer.count(verdict, counters);
      // The books begin empty wherever the stream is joined, so that is no reason for distrust.
      verdict &= ~Verdict.joined;
      if ((verdict & clearing) !== 0) {
        messages.clear(channel);
        verdict |= Verdict.cleared;
      }
    }
    if ((verdict & Verdict.applied) === 0) return verdict;
    counters[FeedCount.messages]! += count - sequencer.skip;
    if (!messages.block(bytes, iexTpHeaderBytes, count, sequencer.skip, channel)) {
      messages.clear(channel);
      verdict |= Verdict.damaged | Verdict.cleared;
    }
    this.sequence = first + count - 1;
    return verdict;
  }

  #bad(reason: number): number {
    this.#counters[reason]!++;
    return Verdict.bad;
  }
}

/** Where the last of `count` messages ends; -1 when that is behind the payload's end. */
function framed(bytes: Buffer, payloadEnd: number, count: number): number {
  let at = iexTpHeaderBytes;
  for (let i = 0; i < count; i++) {
    if (at + 2 > payloadEnd) return -1;
    at += 2 + bytes.readUInt16LE(at);
  }
  return at > payloadEnd ? -1 : at;
}
