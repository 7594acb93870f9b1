/**
 * Whether a feed's books may be believed, feed by feed, with one number: its epoch.
 *
 * Lost bytes do not say whom they touched, so a gap moves the whole feed to a new epoch, and every
 * instrument that is not yet healed in that epoch is stale, at once and without a loop. An
 * instrument heals when its book was replaced in full; the feed heals whole when what was missing
 * came back, or when a session began anew.
 */
import { Reason } from "./signal.ts";

export class ChannelHealth {
  /** Time of the last datagram or heartbeat, in the engine's clock; NaN before the first. */
  readonly lastSeenNs: Float64Array;
  /** `Reason` for which the whole feed is unusable whatever its instruments say; 0 for none. */
  readonly blocked: Uint8Array;
  /** `Reason` of the epoch's beginning: why an instrument that is not healed is stale. */
  readonly cause: Uint8Array;
  readonly #epoch: Uint32Array;
  readonly #wholeEpoch: Uint32Array;
  readonly #healed: Uint32Array;

  constructor(feeds: number, instruments: number) {
    this.lastSeenNs = new Float64Array(feeds).fill(Number.NaN);
    this.blocked = new Uint8Array(feeds);
    this.cause = new Uint8Array(feeds);
    this.#epoch = new Uint32Array(feeds);
    this.#wholeEpoch = new Uint32Array(feeds);
    this.#healed = new Uint32Array(instruments);
  }

  /** The feed's books are not to be believed from now on, each until it heals. */
  distrust(feed: number, cause: Reason): void {
    this.#epoch[feed] = (this.#epoch[feed] as number) + 1;
    this.cause[feed] = cause;
  }

  /** Every book of the feed is whole again. */
  trust(feed: number): void {
    this.#wholeEpoch[feed] = this.#epoch[feed] as number;
    this.cause[feed] = Reason.none;
  }

  /** The instrument's book was replaced in full. */
  heal(instrument: number, feed: number): void {
    this.#healed[instrument] = this.#epoch[feed] as number;
  }

  /** Whether a gap lies behind the feed that not every instrument has healed from. */
  isWhole(feed: number): boolean {
    return this.#epoch[feed] === this.#wholeEpoch[feed];
  }

  /** The `Reason` why the instrument's book must not be used, 0 when it may be. */
  staleReason(instrument: number, feed: number): number {
    const blocked = this.blocked[feed] as number;
    if (blocked !== 0) return blocked;
    const epoch = this.#epoch[feed] as number;
    if (epoch === this.#wholeEpoch[feed] || epoch === this.#healed[instrument]) return 0;
    return this.cause[feed] as number;
  }
}
