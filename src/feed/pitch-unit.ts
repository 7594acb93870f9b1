import { Arbiter } from "./arbiter.ts";
import type { ChannelOwner } from "./channel-owner.ts";
import { FeedCount } from "./count.ts";
import { type DatagramDecoder, Verdict } from "./decoder.ts";
import type { Pitch } from "./pitch.ts";
import type { ArbiterSink, RecoveryOptions } from "./recovery.ts";

/*
 * Cboe sequenced unit header, little-endian:
 *
 *   0           2       3      4              8
 *   ├ length ───┼ count ┼ unit ┼ sequence u32 ┼ count × { length u8, type u8, … }
 *
 * The length is that of the whole block with its header. A count of 0 is a heartbeat, and its
 * sequence that of the next message. Sequence 0 stands for messages outside the sequence. The
 * sequence runs per unit and begins at 1 every day.
 */
export const pitchUnitHeaderBytes = 8;

export class PitchUnits implements DatagramDecoder, ArbiterSink {
  channel = -1;
  readonly arbiter: Arbiter;
  readonly owners: ChannelOwner;

  readonly #messages: Pitch;
  readonly #counters: Uint32Array;
  /** Channel → how often its day has begun anew: the protocol itself names no session. */
  readonly #day: Uint32Array;

  constructor(
    messages: Pitch,
    counters: Uint32Array,
    units: number,
    maxJump: number,
    recovery: RecoveryOptions,
  ) {
    // The gap server is asked over TCP, so not from here.
    this.arbiter = new Arbiter(units, maxJump, { ...recovery, requests: 0 }, counters, this);
    this.#messages = messages;
    this.owners = messages.owners;
    this.#counters = counters;
    this.#day = new Uint32Array(units);
  }

  get sequence(): number {
    return this.arbiter.sequence;
  }

  get sentNs(): number {
    return this.#messages.timeNs;
  }

  get deadlineNs(): number {
    return this.arbiter.deadlineNs;
  }

  decode(bytes: Buffer, length: number, line: number, nowNs: number): number {
    const counters = this.#counters;
    counters[FeedCount.datagrams]!++;
    counters[FeedCount.bytes]! += length;
    this.channel = -1;
    if (length < pitchUnitHeaderBytes) return this.#bad(FeedCount.badTruncated);
    const blockEnd = bytes.readUInt16LE(0);
    const count = bytes[2]!;
    const first = bytes.readUInt32LE(4);
    const end = blockEnd > length ? -1 : framed(bytes, blockEnd, count);
    if (end < 0) return this.#bad(FeedCount.badTruncated);
    if (end < length) counters[FeedCount.trailingBytes]!++;
    if (first === 0) {
      counters[FeedCount.unsequenced]!++;
      this.channel = this.arbiter.sequencer.find(bytes[3]!);
      return Verdict.heartbeat;
    }
    const { arbiter } = this;
    const channel = arbiter.sequencer.channel(bytes[3]!);
    if (channel < 0) return this.#bad(FeedCount.badChannel);
    this.channel = channel;
    const { ended } = this.#messages;
    if (first === 1 && ended[channel] === 1) {
      ended[channel] = 0;
      this.#day[channel]!++;
    }
    const day = this.#day[channel]!;
    const at = pitchUnitHeaderBytes;
    const sentNs = Number.NaN;
    const verdict = arbiter.take(
      channel,
      day,
      0,
      0,
      first,
      count,
      sentNs,
      line,
      nowNs,
      bytes,
      at,
      end,
    );
    return ended[channel] === 1 ? verdict | Verdict.endOfSession : verdict;
  }

  poll(nowNs: number): number {
    this.channel = this.arbiter.dueChannel;
    const verdict = this.arbiter.poll(nowNs);
    return this.#messages.ended[this.channel] === 1 ? verdict | Verdict.endOfSession : verdict;
  }

  follow(dropped: readonly number[], added: readonly number[], known: number): void {
    this.#messages.follow(dropped, added, known);
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

  /** An order once missed stays unknown: the books are left as they are, and not to be trusted. */
  lose(): boolean {
    return false;
  }

  #bad(reason: number): number {
    this.#counters[reason]!++;
    return Verdict.bad;
  }
}

/** Where the last of `count` messages ends; -1 when that is behind the block's end. */
function framed(bytes: Buffer, blockEnd: number, count: number): number {
  let at = pitchUnitHeaderBytes;
  for (let i = 0; i < count; i++) {
    // A message is at least its length and its type, or it would stand still here.
    if (at + 2 > blockEnd || bytes[at]! < 2) return -1;
    at += bytes[at]!;
  }
  return at > blockEnd ? -1 : at;
}
