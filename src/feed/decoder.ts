import type { Arbiter } from "./arbiter.ts";
import type { ChannelOwner } from "./channel-owner.ts";

/**
 * What the engine sees of a format: datagrams in, market events out, and per datagram a set of bits
 * that says how far the books may be trusted now.
 */

/**
 * The bits of a verdict, which speaks of one channel. Several may be set: a gap is found by a
 * datagram that is then applied.
 */
export const Verdict = {
  /** At least one message was handed to the market. */
  applied: 1,
  /** No message, but a sign of life of the channel. */
  heartbeat: 2,
  /** Everything in it was known already. */
  duplicate: 4,
  /** Not one usable message or heartbeat; the counters say why. */
  bad: 8,
  /** A message of a known type was unusable, so some book may be wrong. */
  damaged: 16,
  /** Messages are missing: every instrument of the channel is stale from now on. */
  gap: 32,
  /** The first datagram of a channel did not begin at sequence 1: joined in mid-session. */
  joined: 64,
  /** The sequence went back to 1: the channel's books were cleared and begin anew. */
  restart: 128,
  /** Another session: the channel's books were cleared and begin anew. */
  sessionChange: 256,
  /** The session is over: nothing will change these books any more. */
  endOfSession: 512,
  /** The channel keeps datagrams back until what is missing before them comes. */
  held: 1024,
  /**
   * The channel keeps nothing back any more: what was missing has come and was applied, or (with
   * `gap` or `broken`) was given up.
   */
  recovered: 2048,
  /**
   * The channel's books were cleared because of what else the verdict says: they hold only what is
   * told from now on, so they heal one by one.
   */
  cleared: 4096,
  /** The channel has lost messages for good and waits for a snapshot. */
  broken: 8192,
  /** Instruments belong to more channels than before: what stands of them is to be judged again. */
  shared: 16384,
} as const;

/**
 * How a book becomes whole again after messages were lost:
 * - snapshot: not by itself, an order once missed stays unknown; the books are left as they were;
 * - levels: the decoder clears the channel's books, and each is used again once both of its sides
 *   have been told anew;
 * - message: every message stands for itself, nothing has to heal.
 */
export type Healing = "snapshot" | "levels" | "message";

/**
 * One format's decoder, made once per feed. After `decode` its fields describe that datagram.
 */
export interface DatagramDecoder {
  /**
   * Decodes the first `length` bytes of `bytes` and returns bits of `Verdict`. Never throws.
   * A Buffer, because its readUInt32BE is an intrinsic: twice as fast as shifts on a Uint8Array and
   * without a DataView. `line` is which redundant line it came by, `nowNs` any clock that does not
   * go back.
   */
  decode(bytes: Buffer, length: number, line: number, nowNs: number): number;
  /**
   * The index of the channel (session, unit) that the last verdict is about; below 0 when it is about
   * none: the datagram was bad, or outside of every channel.
   */
  readonly channel: number;
  /** The sequence of the last message applied on that channel, 0 before the first. */
  readonly sequence: number;
  /** The sender's time in ns since the feed's midnight, NaN where the format has none. */
  readonly sentNs: number;

  /**
   * The last time of a message that was too far from the feed's date to be used, epoch ns to some
   * hundreds; NaN without any, undefined where messages do not name their day.
   */
  readonly strayNs?: number;
  /** Which channel tells of which instrument; undefined where there is one channel. */
  readonly owners?: ChannelOwner;
  /** What follows the sequence; undefined where the format has none. */
  readonly arbiter?: Arbiter;
  /** When `poll` has something to do, on the clock of `nowNs`; Infinity when it has not. */
  readonly deadlineNs: number;
  /**
   * Does what is due by now on one channel: gives up waiting, asks again. Returns bits of `Verdict`
   * about that channel, 0 for none. To be called again as long as `deadlineNs` is not later.
   */
  poll(nowNs: number): number;
  /**
   * Other symbols are followed from now on: forgets what it knows of the `dropped` instruments, and
   * tells the market what it knows of the `added` ones: a trading state, that orders are missing.
   * Instruments that appear later on have numbers from `known` on. Between two datagrams only; not
   * for the hot path.
   */
  follow(dropped: readonly number[], added: readonly number[], known: number): void;
  /**
   * A retransmission request to be sent now, undefined when there is none. The Buffer is used again
   * for the next one. To be asked for after `decode` and `poll` while a verdict has `held`.
   */
  takeRequest(): Buffer | undefined;
}
