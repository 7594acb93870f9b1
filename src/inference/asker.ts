/**
 * Live questions: the states that wait, from the pending slot to the answer that is said.
 *
 * pending slot → L1 (answered meanwhile?) → L2 → queue → host → verdict → L1, L2, answer
 *
 * One question is asked for a state however many instruments wait and however often they come back.
 * A deadline means that nobody waits any longer, not that the question is withdrawn: a late answer
 * still fills the table. Errors and time-outs are said, and never written into the table. Questions
 * of warming go the same way from the host on, and nobody waits for them.
 */
import { PendingKind } from "../decision/pending-slot.ts";
import { Reason as Why } from "../decision/signal.ts";
import type { Archive } from "./archive.ts";
import { warmQuestion, type Asking, type Waiter, type WarmAsking } from "./asking.ts";
import type { Candidate } from "./candidate.ts";
import { Counter } from "./counter.ts";
import type { Deciding } from "./deciding.ts";
import { Exchange } from "./exchange.ts";
import type { InferenceFault } from "./fault.ts";
import type { Host } from "./host.ts";
import type { Reply } from "./ollama.ts";
import type { InferenceOptions } from "./port.ts";
import { Queue, type Question } from "./queue.ts";
import type { StateText } from "./state-text.ts";
import { isCacheable, readVerdict } from "./verdict.ts";

export interface AskerEvents {
  /** How a question of warming came out. */
  warmed(warm: WarmAsking, ok: boolean): void;
  /** A slot has come free, and no live question waits for it. */
  idle(nowMs: number): void;
}

export class Asker {
  readonly #options: InferenceOptions;
  readonly #text: StateText;
  readonly #archive: Archive;
  readonly #deciding: Deciding;
  readonly #events: AskerEvents;
  readonly #counter: Counter;
  readonly #queue: Queue;
  readonly #exchange: Exchange;
  /** By state: of the deciding candidate. Bounded by its lanes. */
  readonly #asking = new Map<string, Asking>();

  constructor(
    options: InferenceOptions,
    text: StateText,
    archive: Archive,
    deciding: Deciding,
    events: AskerEvents,
  ) {
    this.#options = options;
    this.#text = text;
    this.#archive = archive;
    this.#deciding = deciding;
    this.#events = events;
    this.#counter = new Counter(options);
    this.#queue = new Queue(options.limits.queueMax);
    this.#exchange = new Exchange(options, {
      answered: (asking, host, body) => this.#answered(asking, host, body),
      doubtful: (asking) => this.#askAgain(asking),
      failed: (asking, fault) => this.#failed(asking, fault),
    });
  }

  /** Questions that wait for a slot. */
  get queued(): number {
    return this.#queue.size;
  }

  /** States that the deciding candidate is being asked about. */
  get asking(): number {
    return this.#asking.size;
  }

  isAsking(text: string): boolean {
    return this.#asking.has(text);
  }

  /** The loop's turn: who waits no more, who is new, who can be asked now. */
  poll(nowMs: number): void {
    this.#review(nowMs);
    this.#counter.scan((slot, version) => this.#admit(slot, version, nowMs));
    this.#dispatch(nowMs);
    if (this.#options.limits.hedge) {
      this.#exchange.hedge(this.#deciding.candidate, this.#asking.values(), nowMs);
    }
  }

  /** Questions nobody waits for any more, and questions that were waited for too long. */
  #review(nowMs: number): void {
    const { waiting, meter, limits } = this.#options;
    this.#queue.sift(
      (q) => {
        q.waiting = waiting.waiting(q.slot);
        q.lastSeenMs = waiting.lastSeenMs(q.slot);
        q.refresh = waiting.kind(q.slot) === PendingKind.refresh;
        return !this.#counter.isCurrent(q) || nowMs - q.admittedMs >= limits.deadlineMs;
      },
      (q) => {
        meter.count("expired");
        if (this.#counter.isCurrent(q)) this.#counter.timedOut(q);
      },
    );
    for (const asking of this.#asking.values()) {
      if (asking.waiters.length === 0) continue;
      asking.waiters = asking.waiters.filter((waiter) => {
        if (nowMs - waiter.sinceMs < limits.deadlineMs) return true;
        this.#counter.timedOut(waiter);
        return false;
      });
    }
  }

  #admit(slot: number, version: number, nowMs: number): void {
    const { waiting, space, meter } = this.#options;
    const key = new Uint32Array(space.keyWords);
    const index = waiting.index(slot);
    const refresh = waiting.kind(slot) === PendingKind.refresh;
    if (!waiting.readKey(slot, version, key)) return;
    const text = this.#text.of(key);
    if (text === null) return this.#counter.failed({ slot, version }, Why.refused);
    if (this.#deciding.isAnswered(key, index, refresh)) {
      return this.#counter.answered({ slot, version });
    }
    const asking = this.#asking.get(text);
    if (asking !== undefined) {
      meter.count("coalesced");
      asking.waiters.push({ slot, version, sinceMs: nowMs });
      return;
    }
    if (!refresh && this.#deciding.promote({ text, key, index })) {
      return this.#counter.answered({ slot, version });
    }
    if (refresh) meter.count("refreshes");
    if (!this.#deciding.candidate.serves(nowMs)) {
      meter.count("breakerRefused");
      return this.#counter.failed({ slot, version }, Why.unreachable);
    }
    const shed = this.#queue.offer({
      text,
      key,
      index,
      slot,
      version,
      refresh,
      waiting: waiting.waiting(slot),
      lastSeenMs: waiting.lastSeenMs(slot),
      admittedMs: nowMs,
    });
    if (shed === null) return;
    meter.count("shed");
    this.#counter.failed(shed, Why.queueFull);
  }

  /** As many questions as there are slots; the rest keeps its order. */
  #dispatch(nowMs: number): void {
    const { candidate } = this.#deciding;
    while (this.#queue.size > 0) {
      const host = candidate.pick(nowMs);
      if (host === null) break;
      const question = this.#queue.take()!;
      const { slot, version, admittedMs } = question;
      const waiter = { slot, version, sinceMs: admittedMs };
      this.#ask(candidate, host, question, [waiter], null, nowMs);
    }
    // Nobody can be asked at all any more: whoever waits is told now, not at the deadline.
    if (this.#queue.size > 0 && !candidate.serves(nowMs)) {
      this.#queue.sift(
        () => true,
        (q) => this.#counter.failed(q, Why.unreachable),
      );
    }
  }

  /** A question that nobody waits for, about a state that `isAsking` does not have. */
  askWarm(candidate: Candidate, host: Host, warm: WarmAsking, nowMs: number): void {
    this.#ask(candidate, host, warmQuestion(warm.state, nowMs), [], warm, nowMs);
  }

  #ask(
    candidate: Candidate,
    host: Host,
    question: Question,
    waiters: Waiter[],
    warm: WarmAsking | null,
    nowMs: number,
  ): void {
    const { version, method, digest } = candidate;
    const prompt = version === null ? null : method.prompt.of(question.key);
    if (version === null || prompt === null) {
      for (const w of waiters) this.#counter.failed(w, Why.refused);
      warm?.warmer.settle(warm.state, false);
      return;
    }
    const asking: Asking = {
      question,
      candidate,
      method,
      version,
      digest,
      waiters,
      sentMs: nowMs,
      sentNs: this.#options.clock.nowNs(),
      hosts: [],
      open: 0,
      isDone: false,
      warm,
    };
    if (candidate === this.#deciding.candidate) this.#asking.set(question.text, asking);
    this.#exchange.send(asking, host, prompt, nowMs);
  }

  #answered(asking: Asking, host: Host, body: Reply["body"]): void {
    const { candidate, question, waiters, version, warm } = asking;
    if (candidate.version?.text !== version.text) return this.#askAgain(asking);
    if (this.#deciding.isRetired(candidate)) return this.#askAgain(asking);
    this.#forget(asking);
    const { meter, clock } = this.#options;
    const verdict = readVerdict(body, asking.method.reading);
    if (!isCacheable(verdict)) {
      meter.error("no_verdict");
      for (const w of waiters) this.#counter.failed(w, Why.unreadable);
      if (warm !== null) this.#events.warmed(warm, false);
      return;
    }
    meter.count("ok");
    const decidedAtS = clock.epochS();
    if (candidate === this.#deciding.candidate) {
      if (question.slot >= 0 && waiters.length === 0) meter.count("lateAnswers");
      this.#deciding.write(question, verdict, decidedAtS);
      for (const w of waiters) this.#counter.answered(w);
    } else {
      this.#deciding.shadow?.answered(question, verdict, decidedAtS);
    }
    this.#archive.keep(version, question.text, verdict, host);
    if (warm !== null) this.#events.warmed(warm, true);
    this.#refill();
  }

  /** A slot has come free: the next question goes out now, not at the loop's next turn. */
  #refill(): void {
    const nowMs = this.#options.clock.nowMs();
    this.#dispatch(nowMs);
    this.#events.idle(nowMs);
  }

  #failed(asking: Asking, fault: InferenceFault): void {
    if (this.#deciding.isRetired(asking.candidate)) return this.#askAgain(asking);
    this.#forget(asking);
    const why = fault.kind === "garbage" ? Why.unreadable : Why.unreachable;
    for (const w of asking.waiters) this.#counter.failed(w, why);
    if (asking.warm !== null) this.#events.warmed(asking.warm, false);
  }

  /** Another model or version decides by now: whoever waits is dealt with anew at the next poll. */
  #askAgain(asking: Asking): void {
    this.#forget(asking);
    for (const waiter of asking.waiters) this.#counter.again(waiter);
    asking.warm?.warmer.release(asking.warm.state);
  }

  #forget(asking: Asking): void {
    asking.isDone = true;
    const { text } = asking.question;
    if (this.#asking.get(text) === asking) this.#asking.delete(text);
  }
}
