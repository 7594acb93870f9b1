import { Arbiter } from "./arbiter.ts";
import type { ChannelOwner } from "./channel-owner.ts";
import { FeedCount } from "./count.ts";
import { type DatagramDecoder, Verdict } from "./decoder.ts";
import type { Iex } from "./iex.ts";
import type { ArbiterSink, RecoveryOptions } from "./recovery.ts";

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

/** Channel numbers are small, so the high half of a key tells the protocol. */
export function iexChannelName(key: number): string {
  const protocol = key >>> 16;
  if (protocol === IexProtocol.deep) return `deep-${key & 0xffff}`;
  return protocol === IexProtocol.tops ? `tops-${key & 0xffff}` : String(key);
}

const inexact = 0xffe0_0000;
const joinedEmpty = Verdict.joined | Verdict.cleared;

export class IexTp implements DatagramDecoder, ArbiterSink {
  channel = -1;
  sentNs = Number.NaN;
  readonly arbiter: Arbiter;
  readonly owners: ChannelOwner;

  readonly #messages: Iex;
  readonly #counters: Uint32Array;
  /** The message protocol of the first datagram; 0 before, and -1 once there were two. */
  #protocol = 0;

  constructor(
    messages: Iex,
    counters: Uint32Array,
    channels: number,
    maxJump: number,
    recovery: RecoveryOptions,
  ) {
    // There is nobody to ask over UDP.
    this.arbiter = new Arbiter(channels, maxJump, { ...recovery, requests: 0 }, counters, this);
    this.#messages = messages;
    this.owners = messages.owners;
    this.#counters = counters;
  }

  get sequence(): number {
    return this.arbiter.sequence;
  }

  get strayNs(): number {
    return this.#messages.strayNs;
  }

  get deadlineNs(): number {
    return this.arbiter.deadlineNs;
  }

  decode(bytes: Buffer, length: number, line: number, nowNs: number): number {
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
    const { arbiter } = this;
    // TOPS and DEEP number their channels apart, so the protocol belongs to the key.
    const channel = arbiter.sequencer.channel((bytes.readUInt32LE(4) ^ (protocol << 16)) >>> 0);
    if (channel < 0) return this.#bad(FeedCount.badChannel);
    this.channel = channel;
    this.sentNs = this.#messages.timeAt(bytes, 32);
    const verdict = arbiter.take(
      channel,
      bytes.readUInt32LE(8),
      0,
      0,
      first,
      count,
      this.sentNs,
      line,
      nowNs,
      bytes,
      iexTpHeaderBytes,
      end,
    );
    const mixed = this.#protocol !== protocol && this.#mix(protocol);
    // The books begin empty wherever the stream is joined, so that is no reason for distrust.
    const told = (verdict & Verdict.joined) === 0 ? verdict : verdict & ~joinedEmpty;
    return mixed ? told | Verdict.shared : told;
  }

  /**
   * Channels of one protocol share the instruments out among them; two protocols each tell of all.
   * True when that has just shown: whoever stands is to be looked at again.
   */
  #mix(protocol: number): boolean {
    if (this.#protocol < 0) return false;
    const mixed = this.#protocol !== 0;
    this.#protocol = mixed ? -1 : protocol;
    if (mixed) this.owners.shareAll();
    return mixed;
  }

  poll(nowNs: number): number {
    this.channel = this.arbiter.dueChannel;
    return this.arbiter.poll(nowNs);
  }

  follow(dropped: readonly number[]): void {
    this.#messages.follow(dropped);
  }

  takeRequest(): undefined {
    return undefined;
  }

  apply(bytes: Buffer, at: number, count: number, skip: number, channel: number): boolean {
    return this.#messages.block(bytes, at, count, skip, channel);
  }

  begin(channel: number): void {
    this.#messages.clear(channel);
    this.owners.begin(channel);
  }

  /** Without the lost messages the levels are wrong, but each is told whole when it changes. */
  lose(channel: number): boolean {
    this.#messages.clear(channel);
    return true;
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
