/**
 * The one decision about an instrument on its current book: may the book be believed, what state is
 * it in, what does the table say of the state? Part of the hot path: nothing is allocated here.
 */
import { BookFault } from "../market/fault.ts";
import type { StateCoder } from "../market/coder.ts";
import type { FeatureSet } from "../market/feature.ts";
import { Metric } from "../telemetry/metric.ts";
import { Origin, wordConfidence, wordDecision, wordOrigin } from "./answer-word.ts";
import type { ChannelHealth } from "./channel.ts";
import type { Emitter } from "./emitter.ts";
import type { Held } from "./held.ts";
import { pendingFull, type PendingTable } from "./pending.ts";
import { Outcome } from "./pending-slot.ts";
import type { EngineFeed, EngineOptions } from "./port.ts";
import { Decision, largestAgeMs, Reason, Source } from "./signal.ts";
import type { DecisionReader } from "./table.ts";

const count = Metric.feed;

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

export class Decider {
  /** The key of the state that was looked up last. */
  readonly key: Uint32Array;
  readonly #options: EngineOptions;
  readonly #health: ChannelHealth;
  readonly #held: Held;
  readonly #feeds: readonly EngineFeed[];
  readonly #faultReasons: readonly Uint8Array[];
  readonly #features: FeatureSet;
  readonly #coder: StateCoder;
  readonly #table: DecisionReader;
  readonly #pending: PendingTable;
  readonly #emitter: Emitter;
  readonly #counters: Uint32Array;
  /** When the instrument's open miss was received; NaN when it has none. */
  readonly #missedNs: Float64Array;

  constructor(options: EngineOptions, health: ChannelHealth, held: Held) {
    this.#options = options;
    this.#health = health;
    this.#held = held;
    this.#feeds = options.feeds;
    this.#faultReasons = options.feeds.map(reasonsOf);
    this.#features = options.features;
    this.#coder = options.coder;
    this.#table = options.table;
    this.#pending = options.pending;
    this.#emitter = options.emitter;
    this.#counters = options.counters;
    this.key = new Uint32Array(options.coder.space.keyWords);
    this.#missedNs = new Float64Array(options.instruments.capacity).fill(Number.NaN);
  }

  /**
   * Decides about the instrument, of a feed. `late`: what caused it waited too long; `answered`: an
   * answer has just come; `repeat`: the standing signal is to be said again even when nothing changed.
   * It is shown to other threads by `show`.
   */
  decide(
    instrument: number,
    feed: number,
    receiveNs: number,
    late: boolean,
    answered: boolean,
    repeat: boolean,
  ): void {
    this.#options.publisher.announce(instrument);
    const counters = this.#counters;
    counters[count.evaluations]!++;
    const emitter = this.#emitter;
    const held = this.#held;
    if (held.all || held.flags[instrument] !== 0) {
      this.#withdraw(instrument);
      if (held.isUnfollowed(instrument)) emitter.hold(instrument, Source.stale, Reason.unfollowed);
      else emitter.hold(instrument, Source.held, Reason.operator);
      return;
    }
    const { books } = this.#feeds[feed] as EngineFeed;
    const reason =
      this.#health.staleReason(instrument, feed) ||
      (this.#faultReasons[feed]![books.bookFault(instrument)] as number);
    if (reason !== 0) {
      counters[count.stateless]!++;
      this.#withdraw(instrument);
      emitter.hold(instrument, Source.stale, reason);
      return;
    }
    const key = this.key;
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

  /** Shows the instrument that was decided about last. */
  show(instrument: number): void {
    this.#options.publisher.publish(instrument, this.key);
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
    const ageS = Math.max(0, nowS - this.#table.decidedAtS);
    const aged = refreshAfterS !== 0 && ageS > refreshAfterS;
    if (maxStaleS !== 0 && ageS > maxStaleS) {
      this.#miss(instrument, key, index, receiveNs, Reason.tooOld);
      return;
    }
    this.#pending.leave(instrument);
    if (aged) this.#pending.refresh(key, index, Math.floor(receiveNs / 1e6));
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
      Math.min(ageS * 1000, largestAgeMs),
      key,
      index,
      aged,
      repeat,
    );
    const missedNs = this.#missedNs[instrument] as number;
    if (answered && missedNs === missedNs) {
      this.#options.stages.uncached.record(this.#options.now() - missedNs);
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
}
