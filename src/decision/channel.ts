/**
 * Whether books may be believed, channel by channel (a session, a unit; a feed has one or more).
 *
 * Lost bytes do not say whom they touched, so a gap makes every instrument of its channel stale, at
 * once and without a loop: each distrust takes the feed's next epoch, the channel remembers it, and
 * an instrument is believed only when it healed in that epoch or later. An instrument heals when its
 * book was replaced in full; the channel heals whole when what was missing came back, or when a
 * session began anew. Who belongs to which channel is told by the feed's format; an instrument that
 * belongs to several, or to none yet, counts with every channel of its feed.
 */
import { type ChannelOwner, Owner } from "../feed/channel-owner.ts";
import { Reason } from "./signal.ts";

/** The epoch of a channel that is whole: nothing has to heal. */
const whole = 0;

export class ChannelHealth {
  /** Feed → channels that anything was heard of, at least 1: indices below it are in use. */
  readonly channels: Uint32Array;
  readonly #capacity: number;
  readonly #owners: readonly (ChannelOwner | undefined)[];
  /** What follows is by feed and channel. The last datagram or heartbeat; NaN before the first. */
  readonly #lastSeenNs: Float64Array;
  /** `Reason` for which the channel is unusable whatever its instruments say; 0 for none. */
  readonly #blocked: Uint8Array;
  /** `Reason` of the distrust: why an instrument that is not healed is stale. */
  readonly #cause: Uint8Array;
  /** The epoch that the distrust began; `whole` without any. Doubles, because they never wrap. */
  readonly #since: Float64Array;
  /** Feed → its last epoch; instrument → that in which its book was replaced. */
  readonly #epoch: Float64Array;
  readonly #healed: Float64Array;

  /**
   * `owners`: of each feed, undefined where it has one channel. `capacity`: the most channels of a
   * feed; `instruments`: of all feeds.
   */
  constructor(
    owners: readonly (ChannelOwner | undefined)[],
    capacity: number,
    instruments: number,
  ) {
    const feeds = owners.length;
    this.channels = new Uint32Array(feeds).fill(1);
    this.#capacity = capacity;
    this.#owners = owners;
    this.#lastSeenNs = new Float64Array(feeds * capacity).fill(Number.NaN);
    this.#blocked = new Uint8Array(feeds * capacity);
    this.#cause = new Uint8Array(feeds * capacity);
    this.#since = new Float64Array(feeds * capacity).fill(whole);
    this.#epoch = new Float64Array(feeds);
    this.#healed = new Float64Array(instruments);
  }

  /** A datagram or heartbeat of the channel. */
  saw(feed: number, channel: number, nowNs: number): void {
    this.#lastSeenNs[feed * this.#capacity + channel] = nowNs;
    if (channel >= this.channels[feed]!) this.channels[feed] = channel + 1;
  }

  /** When anything of the channel was seen last, in the engine's clock; NaN before the first. */
  lastSeenNs(feed: number, channel: number): number {
    return this.#lastSeenNs[feed * this.#capacity + channel]!;
  }

  /** The latest of all channels; NaN before the first. */
  feedSeenNs(feed: number): number {
    let latestNs = Number.NaN;
    for (let channel = 0; channel < this.channels[feed]!; channel++) {
      const seenNs = this.lastSeenNs(feed, channel);
      if (!(seenNs <= latestNs) && seenNs === seenNs) latestNs = seenNs;
    }
    return latestNs;
  }

  /** Whatever its instruments say, the channel is unusable; `Reason.none` ends that. */
  block(feed: number, channel: number, reason: Reason): void {
    this.#blocked[feed * this.#capacity + channel] = reason;
  }

  /** The same for every channel, heard of or not. */
  blockAll(reason: Reason): void {
    this.#blocked.fill(reason);
  }

  blocked(feed: number, channel: number): number {
    return this.#blocked[feed * this.#capacity + channel]!;
  }

  /** The channel's books are not to be believed from now on, each until it heals. */
  distrust(feed: number, channel: number, cause: Reason): void {
    const at = feed * this.#capacity + channel;
    this.#since[at] = ++this.#epoch[feed]!;
    this.#cause[at] = cause;
  }

  /** Every book of the channel is whole again. */
  trust(feed: number, channel: number): void {
    this.#since[feed * this.#capacity + channel] = whole;
  }

  /** The instrument's book was replaced in full. */
  heal(instrument: number, feed: number): void {
    this.#healed[instrument] = this.#epoch[feed]!;
  }

  /** Whether no gap lies behind the channel that not every instrument has healed from. */
  isWhole(feed: number, channel: number): boolean {
    return this.#since[feed * this.#capacity + channel] === whole;
  }

  /** Channels of the feed that are not whole, or blocked. */
  staleChannels(feed: number): number {
    let stale = 0;
    for (let channel = 0; channel < this.channels[feed]!; channel++) {
      if (!this.isWhole(feed, channel) || this.blocked(feed, channel) !== 0) stale++;
    }
    return stale;
  }

  /** Whether what happens to the channel concerns the instrument, which is of its feed. */
  concerns(instrument: number, feed: number, channel: number): boolean {
    const owner = this.channelOf(instrument, feed);
    return owner === channel || owner < 0;
  }

  /** The `Reason` why the instrument's book must not be used, 0 when it may be. */
  staleReason(instrument: number, feed: number): number {
    const owner = this.channelOf(instrument, feed);
    if (owner >= 0) return this.#reasonOf(instrument, feed * this.#capacity + owner);
    if (owner === Owner.shared && this.#owners[feed]!.exclusive) return Reason.partial;
    for (let channel = 0; channel < this.channels[feed]!; channel++) {
      const reason = this.#reasonOf(instrument, feed * this.#capacity + channel);
      if (reason !== 0) return reason;
    }
    return 0;
  }

  #reasonOf(instrument: number, at: number): number {
    const blocked = this.#blocked[at]!;
    if (blocked !== 0) return blocked;
    const since = this.#since[at]!;
    return since === whole || this.#healed[instrument]! >= since ? 0 : this.#cause[at]!;
  }

  /** The one channel that tells of the instrument; one of `Owner` where there is none, or several. */
  channelOf(instrument: number, feed: number): number {
    const owners = this.#owners[feed];
    // A feed with one channel has told of everything by it.
    return owners === undefined ? 0 : owners.of[instrument]!;
  }
}
