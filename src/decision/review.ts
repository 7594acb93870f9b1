/**
 * Decisions without a datagram: instruments are evaluated again on the books that they have, because
 * something else has changed. The cause that a signal gives is then its channel's last message.
 */
import type { InstrumentTable } from "../market/instrument.ts";
import type { ChannelHealth } from "./channel.ts";
import type { Decider } from "./decider.ts";
import type { Emitter } from "./emitter.ts";
import type { Held } from "./held.ts";
import type { PendingTable } from "./pending.ts";
import type { EngineFeed, EngineOptions } from "./port.ts";

export class Review {
  readonly #health: ChannelHealth;
  readonly #held: Held;
  readonly #decider: Decider;
  readonly #feeds: readonly EngineFeed[];
  readonly #instruments: InstrumentTable;
  readonly #pending: PendingTable;
  readonly #emitter: Emitter;

  constructor(options: EngineOptions, health: ChannelHealth, held: Held, decider: Decider) {
    this.#health = health;
    this.#held = held;
    this.#decider = decider;
    this.#feeds = options.feeds;
    this.#instruments = options.instruments;
    this.#pending = options.pending;
    this.#emitter = options.emitter;
  }

  /** One instrument. Of what is not followed only a signal that still stands is taken back. */
  one(instrument: number, nowNs: number): void {
    const silent = this.#held.isUnfollowed(instrument);
    if (!silent || this.#emitter.standing.has(instrument)) this.again(instrument, nowNs);
  }

  /** Everyone with a standing signal. */
  everyStanding(nowNs: number): void {
    this.#standing(-1, -1, nowNs);
  }

  /** Everyone with a standing signal of whom a channel of the feed tells. */
  standingOf(feed: number, channel: number, nowNs: number): void {
    this.#standing(feed, channel, nowNs);
  }

  #standing(feed: number, channel: number, nowNs: number): void {
    const { standing } = this.#emitter;
    // Whoever emits again goes to the end, so the walk is over after as many as stood at its start.
    let left = standing.count;
    for (let at = standing.head; at >= 0 && left > 0; left--) {
      const instrument = at;
      at = standing.following(instrument);
      if (feed >= 0) {
        if (this.#instruments.feed[instrument] !== feed) continue;
        if (!this.#health.concerns(instrument, feed, channel)) continue;
      }
      this.again(instrument, nowNs);
    }
    this.#emitter.flush();
  }

  /** Everyone now in the state of the slot; `answered`: an answer has just come. */
  waiting(slot: number, nowNs: number, answered: boolean): void {
    for (let at = this.#pending.first(slot); at >= 0;) {
      const instrument = at;
      at = this.#pending.following(instrument);
      this.again(instrument, nowNs, answered);
    }
  }

  /** Whoever it is; `repeat`: what stands is said again even when nothing has changed. */
  again(instrument: number, nowNs: number, answered = false, repeat = false): void {
    const feed = this.#instruments.feed[instrument] as number;
    const { decoder } = this.#feeds[feed] as EngineFeed;
    const channel = this.#health.channelOf(instrument, feed);
    const { arbiter } = decoder;
    const isKnown = channel >= 0 && arbiter !== undefined;
    this.#emitter.cause(feed, isKnown ? arbiter.sequenceOf(channel) : decoder.sequence, nowNs);
    this.#decider.decide(instrument, feed, nowNs, false, answered, repeat);
    this.#decider.show(instrument);
  }
}
