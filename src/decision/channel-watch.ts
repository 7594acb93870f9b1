/**
 * What decoders say of their channels, and what they do not say: keeps the channels' health, and has
 * the signals that rest on it looked at again whenever it changes.
 */
import { Verdict } from "../feed/decoder.ts";
import { Metric } from "../telemetry/metric.ts";
import type { ChannelHealth } from "./channel.ts";
import type { EngineFeed, EngineOptions } from "./port.ts";
import type { Review } from "./review.ts";
import { Reason } from "./signal.ts";

const count = Metric.feed;

export class ChannelWatch {
  readonly #feeds: readonly EngineFeed[];
  readonly #health: ChannelHealth;
  readonly #review: Review;
  readonly #counters: Uint32Array;

  constructor({ feeds, counters }: EngineOptions, health: ChannelHealth, review: Review) {
    this.#feeds = feeds;
    this.#health = health;
    this.#review = review;
    this.#counters = counters;
  }

  /** A datagram ends a silence, and the end of a session that goes on after all. */
  heard(feed: number, channel: number, verdict: number): void {
    if ((verdict & (Verdict.bad | Verdict.endOfSession)) !== 0) return;
    this.#health.block(feed, channel, Reason.none);
    this.#counters[count.channelRecovered]!++;
  }

  /** A datagram that did more or less than apply its messages. */
  notice(feed: number, channel: number, verdict: number, receiveNs: number): void {
    const health = this.#health;
    const { partialBooks } = this.#feeds[feed] as EngineFeed;
    const waiting = (verdict & Verdict.held) !== 0;
    const whole = !waiting && ((verdict & Verdict.broken) === 0 || partialBooks);
    if (whole && (verdict & (Verdict.restart | Verdict.sessionChange | Verdict.recovered)) !== 0) {
      // Books cleared by the decoder, or completed by what was missing: standing signals had a
      // book that is no more, so they are looked at again below.
      if (!health.isWhole(feed, channel)) this.#counters[count.channelRecovered]!++;
      health.trust(feed, channel);
      this.#review.standingOf(feed, channel, receiveNs);
    }
    if ((verdict & Verdict.joined) !== 0 && !partialBooks)
      this.#distrust(feed, channel, Reason.partial, receiveNs);
    if ((verdict & (Verdict.gap | Verdict.damaged)) !== 0) {
      const cause = (verdict & Verdict.gap) !== 0 ? Reason.gap : Reason.partial;
      this.#distrust(feed, channel, cause, receiveNs);
      const usable = partialBooks || (verdict & Verdict.cleared) !== 0;
      if (usable && !waiting) health.trust(feed, channel);
    }
    if ((verdict & Verdict.shared) !== 0) this.#review.standingOf(feed, channel, receiveNs);
    // It is said again and again, as long as the sender likes.
    const ended = (verdict & Verdict.endOfSession) !== 0;
    if (ended && health.blocked(feed, channel) !== Reason.endOfSession) {
      health.block(feed, channel, Reason.endOfSession);
      this.#counters[count.channelStale]!++;
      this.#review.standingOf(feed, channel, receiveNs);
    }
  }

  /** The channel is stale from now on; everyone of it with a standing signal hears HOLD at once. */
  #distrust(feed: number, channel: number, cause: Reason, receiveNs: number): void {
    if (this.#health.isWhole(feed, channel)) this.#counters[count.channelStale]!++;
    this.#health.distrust(feed, channel, cause);
    this.#review.standingOf(feed, channel, receiveNs);
  }

  /** Channels of which nothing was heard for too long. */
  checkSilence(nowNs: number): void {
    const { channels } = this.#health;
    for (let feed = 0; feed < this.#feeds.length; feed++) {
      const { silenceNs } = this.#feeds[feed] as EngineFeed;
      for (let channel = 0; channel < channels[feed]!; channel++) {
        this.#checkChannel(feed, channel, silenceNs, nowNs);
      }
    }
  }

  #checkChannel(feed: number, channel: number, silenceNs: number, nowNs: number): void {
    const health = this.#health;
    const seenNs = health.lastSeenNs(feed, channel);
    // A clock that was set back must not stretch the time that a silence may take.
    if (seenNs > nowNs) health.saw(feed, channel, nowNs);
    if (!(nowNs - seenNs > silenceNs) || health.blocked(feed, channel) !== 0) return;
    health.block(feed, channel, Reason.silent);
    this.#counters[count.silences]!++;
    this.#counters[count.channelStale]!++;
    this.#review.standingOf(feed, channel, nowNs);
  }
}
