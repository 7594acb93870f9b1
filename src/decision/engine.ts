/**
 * The hot path, top to bottom: datagram → book → state → one look-up → signal.
 *
 * One datagram is one batch: its messages are applied first, then each touched instrument is
 * evaluated once. There is no timer in this path and nothing is allocated in it. What happens
 * without a datagram (answers, silence, holds, repetition before the time to live runs out) is in
 * `poll`, which the feed thread calls between datagrams, and every millisecond in a quiet market.
 *
 * Time is a parameter: every `…Ns` is ns since the run's base, on the host's real-time clock.
 */
import { type DatagramDecoder, Verdict } from "../feed/decoder.ts";
import type { BookSet } from "../market/book.ts";
import type { StateCoder } from "../market/coder.ts";
import { BookFault } from "../market/fault.ts";
import type { FeatureSet } from "../market/feature.ts";
import type { InstrumentTable } from "../market/instrument.ts";
import { Metric } from "../telemetry/metric.ts";
import type { Recorder } from "../telemetry/recorder.ts";
import { ChannelHealth } from "./channel.ts";
import type { Emitter } from "./emitter.ts";
import { Outcome, pendingFull, type PendingTable } from "./pending.ts";
import { Decision, Reason, Source } from "./signal.ts";
import { Origin, wordConfidence, wordDecision, wordOrigin } from "./answer-word.ts";
import type { DecisionReader } from "./table.ts";

/** Shows an instrument's book, state and decision to other threads. */
export interface Publisher {
  /** `key` is the state's, where the instrument has one; it is read before the call returns. */
  publish(instrument: number, key: Uint32Array): void;
}

/** Where answers come from: the reader's end of a ring of `answerWords` words. */
export interface AnswerSource {
  shift(target: Uint32Array, at: number): boolean;
}

export interface EngineFeed {
  decoder: DatagramDecoder;
  books: BookSet;
  /** The feed tells only trades, or may: a book without quotes has a state then. */
  quotesOptional: boolean;
  /** No datagram for this long makes the channel stale. */
  silenceNs: number;
  /** The feed's midnight, ns since the run's base. */
  midnightNs: number;
  /** Books joined in mid-session, or with lost messages behind them, may be used as they are. */
  partialBooks: boolean;
}

/** What may change while it runs. */
export interface EngineSettings {
  /** A datagram that waited longer is late. */
  maxAgeNs: number;
  ttlNs: number;
  /** Below this, 0–10,000, a BUY or SELL becomes HOLD. */
  minConfidence: number;
}

export interface EngineOptions extends EngineSettings {
  feeds: readonly EngineFeed[];
  instruments: InstrumentTable;
  features: FeatureSet;
  coder: StateCoder;
  table: DecisionReader;
  pending: PendingTable;
  answers: AnswerSource;
  emitter: Emitter;
  publisher: Publisher;
  /** Whether a symbol that has just become known is held by the operator. */
  isHeld: (instrument: number) => boolean;
  /** The most channels of one feed. */
  channels: number;
  /** ns since the run's base. */
  now: () => number;
  /** Epoch seconds of the run's base. */
  baseSeconds: number;
  /** Answers older than this are asked for again while they still serve; 0 for never. */
  refreshAfterS: number;
  /** Answers older than this are HOLD; 0 for never. */
  maxStaleS: number;
  counters: Uint32Array;
  stages: {
    network: Recorder;
    ingestion: Recorder;
    cache: Recorder;
    cached: Recorder;
    uncached: Recorder;
  };
}

const count = Metric.feed;

/** Bits of `Engine.held`. */
const heldByOperator = 1;
const heldUnfollowed = 2;

/** Why a book in this condition has no state, as a signal says it; by `BookFault`. */
const faultReasons = new Uint8Array(16);
faultReasons[BookFault.neverSeen] = Reason.neverSeen;
faultReasons[BookFault.noQuote] = Reason.neverSeen;
faultReasons[BookFault.empty] = Reason.oneSided;
faultReasons[BookFault.oneSided] = Reason.oneSided;
faultReasons[BookFault.crossed] = Reason.crossed;
faultReasons[BookFault.halted] = Reason.halted;
faultReasons[BookFault.partial] = Reason.partial;
faultReasons[BookFault.full] = Reason.capacity;

/** The same for one feed: what its configuration lets pass is 0. */
function reasonsOf(feed: EngineFeed): Uint8Array {
  const reasons = faultReasons.slice();
  if (feed.quotesOptional) reasons[BookFault.noQuote] = 0;
  if (feed.partialBooks) reasons[BookFault.partial] = 0;
  return reasons;
}
/** Everything that does not simply apply messages. */
const unusual = ~Verdict.applied;
/** Answers applied, and repetitions sent, in one poll at most: a bound on its time. */
const pollBatch = 64;
/** Clocks of one trading system are never a minute apart. */
const clockApartNs = 60e9;
/** A signal further in the future than this was said before the clock was set back. */
const clockBackNs = 1e9;
/** Pending states looked at in one poll: a thousand of them in less than a tenth of a second. */
const sweepBatch = 16;

export class Engine {
  readonly health: ChannelHealth;
  /** Instruments that are HOLD whatever their books say: held by the operator, or not followed. */
  readonly held: Uint8Array;
  heldAll = false;

  readonly #feeds: readonly EngineFeed[];
  readonly #faultReasons: readonly Uint8Array[];
  readonly #instruments: InstrumentTable;
  readonly #features: FeatureSet;
  readonly #coder: StateCoder;
  readonly #table: DecisionReader;
  readonly #pending: PendingTable;
  readonly #answers: AnswerSource;
  readonly #emitter: Emitter;
  readonly #publisher: Publisher;
  readonly #now: () => number;
  readonly #options: EngineOptions;
  readonly #counters: Uint32Array;
  readonly #key: Uint32Array;
  readonly #answer = new Uint32Array(4);
  /** When the instrument's open miss was received; NaN when it has none. */
  readonly #missedNs: Float64Array;
  #generation: number;
  #known = 0;
  #stopping = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#feeds = options.feeds;
    this.#faultReasons = options.feeds.map(reasonsOf);
    this.#instruments = options.instruments;
    this.#features = options.features;
    this.#coder = options.coder;
    this.#table = options.table;
    this.#pending = options.pending;
    this.#answers = options.answers;
    this.#emitter = options.emitter;
    this.#publisher = options.publisher;
    this.#now = options.now;
    this.#counters = options.counters;
    const { capacity } = options.instruments;
    this.#key = new Uint32Array(options.coder.space.keyWords);
    this.#missedNs = new Float64Array(capacity).fill(Number.NaN);
    const owners = options.feeds.map(({ decoder }) => decoder.owners);
    this.health = new ChannelHealth(owners, options.channels, capacity);
    this.held = new Uint8Array(capacity);
    this.#generation = options.table.generation();
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
    const { decoder, books } = this.#feeds[feed] as EngineFeed;
    const verdict = decoder.decode(bytes, length, line, receiveNs);
    const { channel } = decoder;
    if (channel >= 0) {
      this.health.saw(feed, channel, nowNs);
      if (this.health.blocked(feed, channel) !== 0) this.#heard(feed, channel, verdict);
      if ((verdict & unusual) !== 0) this.#notice(feed, channel, verdict, receiveNs);
    }
    this.#network(feed, receiveNs);
    if (books.touchedCount > 0) this.#evaluateTouched(feed, decoder, books, receiveNs, true);
  }

  /**
   * What a decoder says of a channel without a datagram: a gap was given up, a snapshot has begun or
   * ended. `nowNs` stands for the receive time of what was applied; it is not a latency, so it is not
   * measured.
   */
  verdict(feed: number, channel: number, verdict: number, nowNs: number): void {
    const { decoder, books } = this.#feeds[feed] as EngineFeed;
    if ((verdict & unusual) !== 0) this.#notice(feed, channel, verdict, nowNs);
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
    if (this.#instruments.count !== this.#known) this.#admit();

    const bookNs = this.#now();
    if (timed) this.#options.stages.ingestion.record(bookNs - receiveNs);
    const late = bookNs - receiveNs > this.#options.maxAgeNs;
    if (late) this.#counters[count.lateDatagrams]!++;
    this.#counters[count.touched]! += touched;
    this.#emitter.cause(feed, decoder.sequence, receiveNs);
    for (let i = 0; i < touched; i++) {
      const instrument = books.touched[i] as number;
      if (books.wasReplaced(instrument)) this.health.heal(instrument, feed);
      this.#evaluate(instrument, feed, receiveNs, late, false, false);
      if (i === 0) this.#options.stages.cache.record(this.#now() - bookNs);
    }
    books.clearTouched();
    this.#emitter.flush();
    if (timed) this.#options.stages.cached.record(this.#now() - receiveNs);
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

  #evaluate(
    instrument: number,
    feed: number,
    receiveNs: number,
    late: boolean,
    answered: boolean,
    repeat: boolean,
  ): void {
    this.#decide(instrument, feed, receiveNs, late, answered, repeat);
    this.#publisher.publish(instrument, this.#key);
  }

  /** New instruments: a hold that was laid on the symbol before it was first seen holds from now. */
  #admit(): void {
    for (; this.#known < this.#instruments.count; this.#known++) {
      const instrument = this.#known;
      this.held[instrument] =
        (this.#options.isHeld(instrument) ? heldByOperator : 0) |
        (this.#instruments.dormant[instrument] === 0 ? 0 : heldUnfollowed);
    }
  }

  /** Whether the operator holds the instrument. */
  isHeld(instrument: number): boolean {
    return this.heldAll || ((this.held[instrument] as number) & heldByOperator) !== 0;
  }

  /**
   * The one decision about an instrument on its current book. `answered`: an answer has just come;
   * `repeat`: the standing signal is to be said again even when nothing changed.
   */
  #decide(
    instrument: number,
    feed: number,
    receiveNs: number,
    late: boolean,
    answered: boolean,
    repeat: boolean,
  ): void {
    const counters = this.#counters;
    counters[count.evaluations]!++;
    const emitter = this.#emitter;
    if (this.heldAll || this.held[instrument] !== 0) {
      this.#withdraw(instrument);
      const unfollowed = ((this.held[instrument] as number) & heldUnfollowed) !== 0;
      if (unfollowed) emitter.hold(instrument, Source.stale, Reason.unfollowed);
      else emitter.hold(instrument, Source.held, Reason.operator);
      return;
    }
    const { books } = this.#feeds[feed] as EngineFeed;
    const reason =
      this.health.staleReason(instrument, feed) ||
      (this.#faultReasons[feed]![books.bookFault(instrument)] as number);
    if (reason !== 0) {
      counters[count.stateless]!++;
      this.#withdraw(instrument);
      emitter.hold(instrument, Source.stale, reason);
      return;
    }
    const key = this.#key;
    this.#features.update(books, instrument);
    const index = this.#coder.stateOf(instrument, this.#features, key);
    if (late) {
      // The book is right but old news: nothing is decided on it.
      this.#withdraw(instrument);
      emitter.hold(instrument, Source.late, Reason.backlog);
      return;
    }
    const nowS = this.#options.baseSeconds + Math.floor(receiveNs / 1e9);
    const word = this.#table.lookup(key, index, nowS);
    if (word === 0) {
      counters[count.l1Misses]!++;
      this.#miss(instrument, key, index, receiveNs, Reason.none);
      return;
    }
    counters[count.l1Hits]!++;
    this.#hit(instrument, key, index, word, nowS, receiveNs, answered, repeat);
  }

  #hit(
    instrument: number,
    key: Uint32Array,
    index: number,
    word: number,
    nowS: number,
    receiveNs: number,
    answered: boolean,
    repeat: boolean,
  ): void {
    const { refreshAfterS, maxStaleS, minConfidence } = this.#options;
    const ageS = Math.max(0, nowS - this.#table.decidedAtS(this.#table.slot));
    const aged = refreshAfterS !== 0 && ageS > refreshAfterS;
    if (maxStaleS !== 0 && ageS > maxStaleS) {
      this.#miss(instrument, key, index, receiveNs, Reason.tooOld);
      return;
    }
    this.#pending.leave(instrument);
    if (aged) this.#pending.refresh(key, index, receiveNs / 1e6);
    const origin = wordOrigin(word);
    let decision = wordDecision(word);
    const confidence = wordConfidence(word);
    let reason: Reason = Reason.none;
    if (decision !== Decision.hold && confidence < minConfidence) {
      decision = Decision.hold;
      reason = Reason.belowMargin;
    }
    let source: Source = Source.l1;
    if (origin === Origin.rules) source = Source.rules;
    else if (answered) source = origin === Origin.l2 ? Source.l2 : Source.model;
    this.#emitter.decide(
      instrument,
      decision,
      confidence,
      source,
      reason,
      ageS * 1000,
      key,
      index,
      aged,
      repeat,
    );
    const missedNs = this.#missedNs[instrument] as number;
    if (answered && missedNs === missedNs) {
      this.#options.stages.uncached.record(this.#now() - missedNs);
    }
    this.#missedNs[instrument] = Number.NaN;
  }

  /** The state has no usable answer: HOLD now, and the question goes to inference. */
  #miss(instrument: number, key: Uint32Array, index: number, receiveNs: number, why: Reason): void {
    const pending = this.#pending;
    const before = pending.size;
    const slot = pending.miss(instrument, key, index, Math.floor(receiveNs / 1e6));
    if ((this.#missedNs[instrument] as number) !== (this.#missedNs[instrument] as number)) {
      this.#missedNs[instrument] = receiveNs;
    }
    let source: Source = Source.pending;
    let reason: number = why;
    if (slot === pendingFull) {
      this.#counters[count.pendingFull]!++;
      reason = Reason.queueFull;
    } else {
      this.#counters[pending.size > before ? count.pendingAdded : count.pendingCoalesced]!++;
      const failure = pending.failure(slot);
      if (failure !== 0) {
        source = failure === Outcome.timeout ? Source.timeout : Source.error;
        reason = pending.failureReason(slot);
      }
    }
    this.#emitter.hold(instrument, source, reason, key, index);
  }

  /** The instrument has no state now, so it waits for no answer. */
  #withdraw(instrument: number): void {
    this.#pending.leave(instrument);
    this.#missedNs[instrument] = Number.NaN;
  }

  /** A datagram ends a silence, and the end of a session that goes on after all. */
  #heard(feed: number, channel: number, verdict: number): void {
    if ((verdict & (Verdict.bad | Verdict.endOfSession)) !== 0) return;
    this.health.block(feed, channel, Reason.none);
    this.#counters[count.channelRecovered]!++;
  }

  /** A datagram that did more or less than apply its messages. */
  #notice(feed: number, channel: number, verdict: number, receiveNs: number): void {
    const health = this.health;
    const { partialBooks } = this.#feeds[feed] as EngineFeed;
    const waiting = (verdict & Verdict.held) !== 0;
    const whole = !waiting && ((verdict & Verdict.broken) === 0 || partialBooks);
    if (whole && (verdict & (Verdict.restart | Verdict.sessionChange | Verdict.recovered)) !== 0) {
      // Books cleared by the decoder, or completed by what was missing: standing signals had a
      // book that is no more, so they are looked at again below.
      if (!health.isWhole(feed, channel)) this.#counters[count.channelRecovered]!++;
      health.trust(feed, channel);
      this.#reconsider(feed, channel, receiveNs);
    }
    if ((verdict & Verdict.joined) !== 0 && !partialBooks)
      this.#distrust(feed, channel, Reason.partial, receiveNs);
    if ((verdict & (Verdict.gap | Verdict.damaged)) !== 0) {
      const cause = (verdict & Verdict.gap) !== 0 ? Reason.gap : Reason.partial;
      this.#distrust(feed, channel, cause, receiveNs);
      const usable = partialBooks || (verdict & Verdict.cleared) !== 0;
      if (usable && !waiting) health.trust(feed, channel);
    }
    if ((verdict & Verdict.shared) !== 0) this.#reconsider(feed, channel, receiveNs);
    // It is said again and again, as long as the sender likes.
    const ended = (verdict & Verdict.endOfSession) !== 0;
    if (ended && health.blocked(feed, channel) !== Reason.endOfSession) {
      health.block(feed, channel, Reason.endOfSession);
      this.#counters[count.channelStale]!++;
      this.#reconsider(feed, channel, receiveNs);
    }
  }

  /** The channel is stale from now on; everyone of it with a standing signal hears HOLD at once. */
  #distrust(feed: number, channel: number, cause: Reason, receiveNs: number): void {
    if (this.health.isWhole(feed, channel)) this.#counters[count.channelStale]!++;
    this.health.distrust(feed, channel, cause);
    this.#reconsider(feed, channel, receiveNs);
  }

  /**
   * Evaluates instruments with a standing signal again: those that a channel of a feed tells of, or
   * all with a feed of -1.
   */
  #reconsider(feed: number, channel: number, receiveNs: number): void {
    const { standing } = this.#emitter;
    // Whoever emits again goes to the end, so the walk is over after as many as stood at its start.
    let left = standing.count;
    for (let at = standing.head; at >= 0 && left > 0; left--) {
      const instrument = at;
      at = standing.following(instrument);
      const own = this.#feedOf(instrument);
      if (feed >= 0 && (own !== feed || !this.health.concerns(instrument, feed, channel))) continue;
      this.#emitter.cause(own, this.#sequence(own), receiveNs);
      this.#evaluate(instrument, own, receiveNs, false, false, false);
    }
    this.#emitter.flush();
  }

  #feedOf(instrument: number): number {
    return this.#instruments.feed[instrument] as number;
  }

  #sequence(feed: number): number {
    return (this.#feeds[feed] as EngineFeed).decoder.sequence;
  }

  /** What happens without a datagram. Bounded; called between datagrams and by a timer. */
  poll(nowNs: number): void {
    this.#applyAnswers(nowNs);
    const generation = this.#table.generation();
    if (generation !== this.#generation) {
      // Another model, prompt or context: no standing signal may rest on the one before.
      this.#generation = generation;
      this.#reconsider(-1, -1, nowNs);
    }
    this.#checkSilence(nowNs);
    this.#retry(nowNs);
    this.#repeat(nowNs);
  }

  #applyAnswers(nowNs: number): void {
    const answer = this.#answer;
    for (let i = 0; i < pollBatch && this.#answers.shift(answer, 0); i++) {
      const slot = answer[0] as number;
      if (!this.#pending.isCurrent(slot, answer[1] as number)) {
        this.#counters[count.answersUnwaited]!++;
        continue;
      }
      const outcome = answer[2] as Outcome;
      const failed = outcome !== Outcome.answered;
      if (failed) this.#pending.fail(slot, outcome, answer[3] as number, Math.floor(nowNs / 1e6));
      this.#counters[count.answersApplied]!++;
      this.#evaluateWaiting(slot, nowNs, !failed);
      if (!failed) this.#pending.settle(slot);
    }
    this.#emitter.flush();
  }

  /** Every instrument now in the slot's state, again, on its current book. */
  #evaluateWaiting(slot: number, nowNs: number, answered: boolean): void {
    for (let at = this.#pending.first(slot); at >= 0;) {
      const instrument = at;
      at = this.#pending.following(instrument);
      const feed = this.#feedOf(instrument);
      this.#emitter.cause(feed, this.#sequence(feed), nowNs);
      this.#evaluate(instrument, feed, nowNs, false, answered, false);
    }
  }

  #checkSilence(nowNs: number): void {
    const { channels } = this.health;
    for (let feed = 0; feed < this.#feeds.length; feed++) {
      const { silenceNs } = this.#feeds[feed] as EngineFeed;
      for (let channel = 0; channel < channels[feed]!; channel++) {
        this.#checkChannel(feed, channel, silenceNs, nowNs);
      }
    }
  }

  #checkChannel(feed: number, channel: number, silenceNs: number, nowNs: number): void {
    const health = this.health;
    const seenNs = health.lastSeenNs(feed, channel);
    // A clock that was set back must not stretch the time that a silence may take.
    if (seenNs > nowNs) health.saw(feed, channel, nowNs);
    if (!(nowNs - seenNs > silenceNs) || health.blocked(feed, channel) !== 0) return;
    health.block(feed, channel, Reason.silent);
    this.#counters[count.silences]!++;
    this.#counters[count.channelStale]!++;
    this.#reconsider(feed, channel, nowNs);
  }

  /** A few pending states a call: asked again after a failure, or found answered meanwhile. */
  #retry(nowNs: number): void {
    const pending = this.#pending;
    const nowMs = Math.floor(nowNs / 1e6);
    for (let i = 0; i < sweepBatch; i++) {
      const slot = pending.sweepOne(nowMs);
      if (!pending.isOpen(slot)) continue;
      pending.readKey(slot, this.#key);
      if (this.#table.peek(this.#key, pending.index(slot)) === 0) continue;
      this.#evaluateWaiting(slot, nowNs, true);
      if (pending.first(slot) < 0) pending.settle(slot);
    }
    this.#emitter.flush();
  }

  /** Standing signals are said again, on their current book, at half their time to live. */
  #repeat(nowNs: number): void {
    const { standing } = this.#emitter;
    const dueNs = nowNs - this.#options.ttlNs / 2;
    for (let i = 0; i < pollBatch && standing.head >= 0; i++) {
      const instrument = standing.head;
      const emitNs = this.#emitter.lastEmitNs(instrument);
      // What was said in the future, before the clock was set back, is said again at once; what was
      // said in this very turn lies after its beginning as well, but not by so much.
      if (emitNs > dueNs && emitNs <= nowNs + clockBackNs) break;
      const feed = this.#feedOf(instrument);
      this.#emitter.cause(feed, this.#sequence(feed), nowNs);
      this.#evaluate(instrument, feed, nowNs, false, false, true);
    }
    this.#emitter.flush();
  }

  /** The operator's hold, for one instrument or (-1) for all; what stands becomes HOLD at once. */
  setHeld(instrument: number, held: boolean, nowNs: number): void {
    if (instrument < 0) {
      this.heldAll = held;
      for (let i = 0; i < this.#instruments.count; i++) this.#again(i, nowNs);
    } else {
      const before = this.held[instrument] as number;
      const after = held ? before | heldByOperator : before & ~heldByOperator;
      if (before === after) return;
      this.held[instrument] = after;
      this.#again(instrument, nowNs);
    }
    this.#emitter.flush();
  }

  /**
   * Between two datagrams, when the feed's list of symbols has changed: the `dropped` ones hear HOLD,
   * their books are freed, and nothing is said of them from now on; the `added` ones begin.
   */
  follow(feed: number, dropped: readonly number[], added: readonly number[], nowNs: number): void {
    const { books } = this.#feeds[feed] as EngineFeed;
    this.#admit();
    for (const instrument of dropped) {
      this.held[instrument]! |= heldUnfollowed;
      this.#again(instrument, nowNs, true);
      books.unfollow(instrument);
      this.#features.forget(instrument);
      this.#coder.forget(instrument);
      this.#publisher.publish(instrument, this.#key);
    }
    for (const instrument of added) {
      this.held[instrument]! &= ~heldUnfollowed;
      this.#again(instrument, nowNs);
    }
    books.clearTouched();
    this.#emitter.flush();
  }

  #again(instrument: number, nowNs: number, lastWord = false): void {
    // Of what is not followed only a signal that still stands is to be taken back.
    const silent = ((this.held[instrument] as number) & heldUnfollowed) !== 0;
    if (silent && !lastWord && !this.#emitter.standing.has(instrument)) return;
    const feed = this.#feedOf(instrument);
    this.#emitter.cause(feed, this.#sequence(feed), nowNs);
    this.#evaluate(instrument, feed, nowNs, false, false, false);
  }

  /** Other settings: no standing signal may rest on the ones before. */
  adopt(settings: EngineSettings, nowNs: number): void {
    Object.assign(this.#options, settings);
    this.#reconsider(-1, -1, nowNs);
  }

  /**
   * After a crash, with the instruments of the life before and their last signals taken up: none of
   * them has a book any more, so what stands becomes HOLD at once.
   */
  resume(nowNs: number): void {
    this.#admit();
    for (let i = 0; i < this.#known; i++) this.#again(i, nowNs);
    this.#emitter.flush();
  }

  /** The last words: every standing signal becomes HOLD. Afterwards nothing is decided any more. */
  stop(nowNs: number): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.health.blockAll(Reason.shutdown);
    this.#reconsider(-1, -1, nowNs);
  }
}
