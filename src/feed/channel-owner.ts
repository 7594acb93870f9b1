/**
 * Which channel of a feed tells of each instrument: lost messages of a channel say nothing about the
 * instruments of the others.
 *
 * An instrument of which two channels tell belongs to both, and is believed only as long as all
 * channels of the feed are: that is rare, and not worth a list.
 */
export const Owner = {
  /** No channel has told of it: it has no book either. */
  none: -1,
  shared: -2,
} as const;

export class ChannelOwner {
  /** Instrument → index of its channel, or one of `Owner`. */
  readonly of: Int16Array;
  /**
   * The format has one channel tell of an instrument: where two do, their orders are mixed in one
   * book that nothing can heal.
   */
  readonly exclusive: boolean;
  /** How often each channel has begun anew. */
  readonly #life: Uint32Array;

  /** `instruments` and `channels` are the capacities of their tables. */
  constructor(instruments: number, channels: number, exclusive: boolean) {
    this.of = new Int16Array(instruments).fill(Owner.none);
    this.exclusive = exclusive;
    this.#life = new Uint32Array(channels);
  }

  /**
   * Another channel than the instrument's own tells of it. It has moved when its channel is still in
   * its old life (yesterday's session), and belongs to both otherwise. True when what was told of it
   * before is to be forgotten, so that it is looked at again too.
   */
  take(instrument: number, channel: number): boolean {
    const owner = this.of[instrument]!;
    if (owner === Owner.shared) return false;
    const moves = owner === Owner.none || this.#life[owner]! < this.#life[channel]!;
    this.of[instrument] = moves ? channel : Owner.shared;
    return owner !== Owner.none;
  }

  /** From now on every instrument may be told of by any channel. */
  shareAll(): void {
    this.of.fill(Owner.shared);
  }

  /** The channel begins anew, and may tell of other instruments than before. */
  begin(channel: number): void {
    this.#life[channel]!++;
    for (let i = 0; i < this.of.length; i++) {
      if (this.of[i] === channel) this.of[i] = Owner.none;
    }
  }
}
