/**
 * The hot path, top to bottom: datagram → book → state → one look-up → signal.
 *
 * One datagram is one batch: its messages are applied first, then each touched instrument is
 * evaluated once (decider.ts). There is no timer in this path and nothing is allocated in it. What
 * happens without a datagram (answers, silence, repetition before the time to live runs out) is in
 * `poll` (turn.ts), which the feed thread calls between datagrams, and every ms in a quiet market.
 *
 * Time is a parameter: every `…Ns` is ns since the run's base, on the host's real-time clock.
 */
import { type DatagramDecoder, Verdict } from "../feed/decoder.ts";
import type { BookSet } from "../market/book.ts";
import type { InstrumentTable } from "../market/instrument.ts";
import { Metric } from "../telemetry/metric.ts";
import { ChannelHealth } from "./channel.ts";
import { ChannelWatch } from "./channel-watch.ts";
import { Decider } from "./decider.ts";
import type { Emitter } from "./emitter.ts";
import { Held } from "./held.ts";
import type { EngineFeed, EngineOptions, EngineSettings } from "./port.ts";
import { Review } from "./review.ts";
import { Reason } from "./signal.ts";
import { Turn } from "./turn.ts";

const count = Metric.feed;
/** Everything that does not simply apply messages. */
const unusual = ~Verdict.applied;
/** Clocks of one trading system are never a minute apart. */
const clockApartNs = 60e9;

export class Engine {
  readonly health: ChannelHealth;
  readonly #options: EngineOptions;
  readonly #feeds: readonly EngineFeed[];
  readonly #instruments: InstrumentTable;
  readonly #emitter: Emitter;
  readonly #counters: Uint32Array;
  readonly #held: Held;
  readonly #decider: Decider;
  readonly #review: Review;
  readonly #watch: ChannelWatch;
  readonly #turn: Turn;
  #stopping = false;

  constructor(options: EngineOptions) {
    const { feeds, instruments, channels } = options;
    this.#options = options;
    this.#feeds = feeds;
    this.#instruments = instruments;
    this.#emitter = options.emitter;
    this.#counters = options.counters;
    const owners = feeds.map(({ decoder }) => decoder.owners);
    this.health = new ChannelHealth(owners, channels, instruments.capacity);
    this.#held = new Held(instruments, options.isHeld);
    this.#decider = new Decider(options, this.health, this.#held);
    this.#review = new Review(options, this.health, this.#held, this.#decider);
    this.#watch = new ChannelWatch(options, this.health, this.#review);
    this.#turn = new Turn(options, this.#review, this.#watch);
  }

  /**
   * One datagram of a feed, its first `length` bytes. `receiveNs` is the kernel's receive time,
   * `nowNs` the time at which it was read.
   */
  datagram(
    feed: number,
    line: number,
    bytes: Buffer,
    length: number,
    receiveNs: number,
    nowNs: number,
  ): void {
    if (this.#stopping) return;
    const { decoder, books } = this.#feeds[feed] as EngineFeed;
    const verdict = decoder.decode(bytes, length, line, receiveNs);
    const { channel } = decoder;
    if (channel >= 0) {
      this.health.saw(feed, channel, nowNs);
      if (this.health.blocked(feed, channel) !== 0) this.#watch.heard(feed, channel, verdict);
      if ((verdict & unusual) !== 0) this.#watch.notice(feed, channel, verdict, receiveNs);
    }
    if (books.touchedCount > 0) this.#evaluateTouched(feed, decoder, books, receiveNs, true);
    this.#network(feed, receiveNs);
  }

  /**
   * What a decoder says of a channel without a datagram: a gap was given up, a snapshot has begun or
   * ended. `nowNs` stands for the receive time of what was applied; it is not a latency, so it is not
   * measured.
   */
  verdict(feed: number, channel: number, verdict: number, nowNs: number): void {
    const { decoder, books } = this.#feeds[feed] as EngineFeed;
    if ((verdict & unusual) !== 0) this.#watch.notice(feed, channel, verdict, nowNs);
    if (books.touchedCount > 0) this.#evaluateTouched(feed, decoder, books, nowNs, false);
  }

  #evaluateTouched(
    feed: number,
    decoder: DatagramDecoder,
    books: BookSet,
    receiveNs: number,
    timed: boolean,
  ): void {
    const touched = books.touchedCount;
    if (this.#instruments.count !== this.#held.known) this.#held.admit();

    const { now, stages } = this.#options;
    const bookNs = now();
    const late = bookNs - receiveNs > this.#options.maxAgeNs;
    const emitter = this.#emitter;
    emitter.cause(feed, decoder.sequence, receiveNs);
    const decider = this.#decider;
    const before = emitter.sequence;
    let instrument = books.touched[0] as number;
    if (books.wasReplaced(instrument)) this.health.heal(instrument, feed);
    decider.decide(instrument, feed, receiveNs, late, false, false);
    // A signal has the time of its decision; a look at the clock costs more than one at the table.
    const decidedNs = emitter.sequence === before ? now() : emitter.emittedNs;
    for (let i = 1; i < touched; i++) {
      decider.show(instrument);
      instrument = books.touched[i] as number;
      if (books.wasReplaced(instrument)) this.health.heal(instrument, feed);
      decider.decide(instrument, feed, receiveNs, late, false, false);
    }
    // The signals leave first; what is only noted of them comes after.
    emitter.flush();
    const handedNs = now();
    decider.show(instrument);
    books.clearTouched();
    this.#counters[count.touched]! += touched;
    if (late) this.#counters[count.lateDatagrams]!++;
    stages.cache.record(decidedNs - bookNs);
    if (!timed) return;
    stages.ingestion.record(bookNs - receiveNs);
    stages.cached.record(handedNs - receiveNs);
  }

  /**
   * Sender's time to kernel receive time. Times further apart than clocks can be are another day's
   * (a replay) and say nothing; a little below zero they say that the clocks disagree, and the
   * recorder counts that.
   */
  #network(feed: number, receiveNs: number): void {
    const { decoder, midnightNs } = this.#feeds[feed] as EngineFeed;
    const latencyNs = receiveNs - midnightNs - decoder.sentNs;
    if (Math.abs(latencyNs) < clockApartNs) this.#options.stages.network.record(latencyNs);
  }

  /** What happens without a datagram. Bounded; called between datagrams and by a timer. */
  poll(nowNs: number): void {
    this.#turn.take(nowNs);
  }

  /** Whether the operator holds everything. */
  get heldAll(): boolean {
    return this.#held.all;
  }

  /** Whether the operator holds the instrument. */
  isHeld(instrument: number): boolean {
    return this.#held.isByOperator(instrument);
  }

  /** The operator's hold, for one instrument or (-1) for all; what stands becomes HOLD at once. */
  setHeld(instrument: number, held: boolean, nowNs: number): void {
    if (instrument < 0) {
      this.#held.all = held;
      for (let i = 0; i < this.#instruments.count; i++) this.#review.one(i, nowNs);
    } else if (this.#held.setByOperator(instrument, held)) {
      this.#review.one(instrument, nowNs);
    }
    this.#emitter.flush();
  }

  /**
   * Between two datagrams, when the feed's list of symbols has changed: the `dropped` ones hear HOLD,
   * their books are freed, and nothing is said of them from now on; the `added` ones begin.
   */
  follow(feed: number, dropped: readonly number[], added: readonly number[], nowNs: number): void {
    const { books } = this.#feeds[feed] as EngineFeed;
    const { features, coder, publisher } = this.#options;
    this.#held.admit();
    for (const instrument of dropped) {
      this.#held.setUnfollowed(instrument, true);
      this.#review.again(instrument, nowNs);
      books.unfollow(instrument);
      features.forget(instrument);
      coder.forget(instrument);
      publisher.publish(instrument, this.#decider.key);
    }
    for (const instrument of added) {
      this.#held.setUnfollowed(instrument, false);
      this.#review.one(instrument, nowNs);
    }
    books.clearTouched();
    this.#emitter.flush();
  }

  /** Other settings: no standing signal may rest on the ones before. */
  adopt(settings: EngineSettings, nowNs: number): void {
    Object.assign(this.#options, settings);
    this.#review.everyStanding(nowNs);
  }

  /**
   * After a crash, with the instruments of the life before and their last signals taken up: none of
   * them has a book any more, so what stands becomes HOLD at once.
   */
  resume(nowNs: number): void {
    this.#held.admit();
    for (let i = 0; i < this.#held.known; i++) this.#review.one(i, nowNs);
    this.#emitter.flush();
  }

  /** The last words: every standing signal becomes HOLD. Afterwards nothing is decided any more. */
  stop(nowNs: number): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.health.blockAll(Reason.shutdown);
    this.#review.everyStanding(nowNs);
  }
}
