/** A turn of the engine between datagrams: answers, another version, silence, retries, repetition. */
import { Metric } from "../telemetry/metric.ts";
import type { ChannelWatch } from "./channel-watch.ts";
import type { Emitter } from "./emitter.ts";
import type { PendingTable } from "./pending.ts";
import { answerWords, Outcome } from "./pending-slot.ts";
import type { AnswerSource, EngineOptions } from "./port.ts";
import type { Review } from "./review.ts";
import type { DecisionReader } from "./table.ts";

const count = Metric.feed;
/** Answers applied, and repetitions sent, in one turn at most: a bound on its time. */
const turnBatch = 64;
/** Pending states looked at in one turn: a thousand of them in less than a tenth of a second. */
const sweepBatch = 16;
/** A signal further in the future than this was said before the clock was set back. */
const clockBackNs = 1e9;

export class Turn {
  readonly #options: EngineOptions;
  readonly #review: Review;
  readonly #watch: ChannelWatch;
  readonly #table: DecisionReader;
  readonly #pending: PendingTable;
  readonly #answers: AnswerSource;
  readonly #emitter: Emitter;
  readonly #counters: Uint32Array;
  readonly #answer = new Uint32Array(answerWords);
  readonly #key: Uint32Array;
  #generation: number;

  constructor(options: EngineOptions, review: Review, watch: ChannelWatch) {
    this.#options = options;
    this.#review = review;
    this.#watch = watch;
    this.#table = options.table;
    this.#pending = options.pending;
    this.#answers = options.answers;
    this.#emitter = options.emitter;
    this.#counters = options.counters;
    this.#key = new Uint32Array(options.coder.space.keyWords);
    this.#generation = options.table.generation();
  }

  take(nowNs: number): void {
    this.#applyAnswers(nowNs);
    this.#followVersion(nowNs);
    this.#watch.checkSilence(nowNs);
    this.#retry(nowNs);
    this.#repeat(nowNs);
  }

  /** Another model, prompt or context: no standing signal may rest on the one before. */
  #followVersion(nowNs: number): void {
    const generation = this.#table.generation();
    if (generation === this.#generation) return;
    this.#generation = generation;
    this.#review.everyStanding(nowNs);
  }

  #applyAnswers(nowNs: number): void {
    const answer = this.#answer;
    for (let i = 0; i < turnBatch && this.#answers.shift(answer, 0); i++) {
      const slot = answer[0] as number;
      if (!this.#pending.isCurrent(slot, answer[1] as number)) {
        this.#counters[count.answersUnwaited]!++;
        continue;
      }
      const outcome = answer[2] as Outcome;
      const failed = outcome !== Outcome.answered;
      if (failed) this.#pending.fail(slot, outcome, answer[3] as number, Math.floor(nowNs / 1e6));
      this.#counters[count.answersApplied]!++;
      this.#review.waiting(slot, nowNs, !failed);
      if (failed) continue;
      // Whoever waits still has not found the answer: another version took over meanwhile, or the
      // answer had to make room for another one.
      if (this.#pending.first(slot) < 0) this.#pending.settle(slot);
      else this.#pending.askAgain(slot);
    }
    this.#emitter.flush();
  }

  /**
   * A few pending states a call: asked again after a failure, or found answered meanwhile. A renewal
   * has an answer all the time, and ends when inference says so.
   */
  #retry(nowNs: number): void {
    const pending = this.#pending;
    const nowMs = Math.floor(nowNs / 1e6);
    for (let i = 0; i < sweepBatch; i++) {
      const slot = pending.sweepOne(nowMs);
      if (!pending.isOpen(slot) || pending.isRenewal(slot)) continue;
      pending.readKey(slot, this.#key);
      if (!this.#isAnswered(pending.index(slot), nowNs)) continue;
      this.#review.waiting(slot, nowNs, true);
      if (pending.first(slot) < 0) pending.settle(slot);
    }
    this.#emitter.flush();
  }

  /** Whether the table has an answer about the state of `#key` that is not too old to be used. */
  #isAnswered(index: number, nowNs: number): boolean {
    const table = this.#table;
    if (table.peek(this.#key, index) === 0) return false;
    const { maxStaleS, baseSeconds } = this.#options;
    const nowS = baseSeconds + Math.floor(nowNs / 1e9);
    return maxStaleS === 0 || nowS - table.decidedAtS <= maxStaleS;
  }

  /** Standing signals are said again, on their current book, at half their time to live. */
  #repeat(nowNs: number): void {
    const { standing } = this.#emitter;
    const dueNs = nowNs - this.#options.ttlNs / 2;
    for (let i = 0; i < turnBatch && standing.head >= 0; i++) {
      const instrument = standing.head;
      const emitNs = this.#emitter.lastEmitNs(instrument);
      // What was said in the future, before the clock was set back, is said again at once; what was
      // said in this very turn lies after its beginning as well, but not by so much.
      if (emitNs > dueNs && emitNs <= nowNs + clockBackNs) break;
      this.#review.again(instrument, nowNs, false, true);
    }
    this.#emitter.flush();
  }
}
