/**
 * The model behind the table: takes the states that wait, finds or asks for an answer, writes it
 * into the table and says so.
 *
 * pending slot → L1 (answered meanwhile?) → L2 → queue → host → verdict → L1, L2, answer
 *
 * `poll` is called by the thread's loop and never waits; answers come in between. One question is
 * asked for a state however many instruments wait and however often they come back. A deadline
 * means that nobody waits any longer, not that the question is withdrawn: a late answer still fills
 * the table. Errors and time-outs are said, and never written into the table.
 */
import { PendingKind } from "../decision/pending-slot.ts";
import { Reason as Why } from "../decision/signal.ts";
import { Origin } from "../decision/answer-word.ts";
import { Archive } from "./archive.ts";
import { warmQuestion, type Asking, type Waiter } from "./asking.ts";
import { Candidate, type CandidatePlan } from "./candidate.ts";
import { Counter } from "./counter.ts";
import { Exchange } from "./exchange.ts";
import type { InferenceFault } from "./fault.ts";
import type { Host } from "./host.ts";
import type { Reply } from "./ollama.ts";
import type { InferenceOptions, InferenceReport } from "./port.ts";
import { Queue, type Question } from "./queue.ts";
import { ShadowRun } from "./shadow-run.ts";
import { createStateText, type StateText } from "./state-text.ts";
import { UseReporter } from "./use.ts";
import { isCacheable, readVerdict } from "./verdict.ts";
import type { DecisionVersion } from "./version.ts";
import { Warmer, type WarmState } from "./warm.ts";
import { createWarmSource, type WarmWhat } from "./warm-source.ts";

const statusEveryMs = 250;
/** Warming rests for so long after a question of it failed. */
const warmRestMs = 1000;

export class Inference {
  readonly #options: InferenceOptions;
  readonly #text: StateText;
  readonly #counter: Counter;
  readonly #archive: Archive;
  readonly #queue: Queue;
  readonly #exchange: Exchange;
  /** By state: of the deciding candidate. Bounded by its lanes. */
  readonly #asking = new Map<string, Asking>();
  #candidate: Candidate;
  #version: DecisionVersion | null = null;
  #uses: UseReporter | null = null;
  #warmer: Warmer | null = null;
  #saidWarm: Warmer | null = null;
  #shadow: ShadowRun | null = null;
  #shadowAsking = 0;
  #warmAfterMs = 0;
  #statusAfterMs = 0;
  #evictions = 0;
  readonly #key: Uint32Array;

  constructor(options: InferenceOptions) {
    this.#options = options;
    const { space, limits, meter } = options;
    this.#text = createStateText(space, options.names);
    this.#counter = new Counter(options);
    this.#archive = new Archive(options, this.#text);
    this.#queue = new Queue(limits.queueMax);
    this.#exchange = new Exchange(options, {
      answered: (asking, host, body) => this.#answered(asking, host, body),
      failed: (asking, fault) => this.#failed(asking, fault),
    });
    this.#key = new Uint32Array(space.keyWords);
    this.#candidate = this.#create(options.candidate);
    if (options.shadow !== null) this.cast(options.shadow);
    meter.gauge("queueLimit", limits.queueMax);
    meter.gauge("hosts", options.candidate.hosts.length);
  }

  #create(plan: CandidatePlan): Candidate {
    const { fetch, clock, notice, meter } = this.#options;
    const count = meter.count.bind(meter);
    const events = {
      notice,
      count,
      proven: (host: Host, check: number) => this.#archive.proven(host, check),
      disproven: (host: Host) => this.#archive.disproven(host),
    };
    return new Candidate(plan, events, fetch, () => clock.nowNs());
  }

  /** The loop's turn: bounded work, no waiting. */
  poll(): void {
    const nowMs = this.#options.clock.nowMs();
    this.#candidate.tick(nowMs);
    this.#shadow?.candidate.tick(nowMs);
    this.#followVersion();
    this.#review(nowMs);
    this.#counter.scan((slot, version) => this.#admit(slot, version, nowMs));
    this.#dispatch(nowMs);
    if (this.#options.limits.hedge) {
      this.#exchange.hedge(this.#candidate, this.#asking.values(), nowMs);
    }
    this.#warm(nowMs);
    this.#warmShadow(nowMs);
    if (this.#shadow?.mayTakeOver(nowMs) === true) this.switchToShadow();
    this.#uses?.poll(nowMs);
    this.#archive.poll(nowMs);
    if (nowMs >= this.#statusAfterMs) this.#gauge(nowMs);
    this.#sayWarm(nowMs);
  }

  /** Whether a host has the model in memory and answers. */
  get isReady(): boolean {
    return this.#candidate.serves(this.#options.clock.nowMs());
  }

  report(): InferenceReport {
    const nowMs = this.#options.clock.nowMs();
    return {
      engine: "ollama",
      model: this.#candidate.plan.request.model,
      mode: this.#candidate.method.mode,
      version: this.#version?.text ?? "",
      hosts: this.#candidate.reports(nowMs),
      queued: this.#queue.size,
      asking: this.#asking.size,
      warm: this.#warmer?.progress(nowMs) ?? null,
      shadow: this.#shadow?.report(nowMs) ?? null,
    };
  }

  /**
   * Answers that are not handed over yet, because their host has yet to show that it still has the
   * model. Looking at it again makes that happen soon.
   */
  get unproven(): number {
    return this.#archive.unproven;
  }

  /** Looks at every host at the next poll. */
  recheck(): void {
    for (const host of this.#candidate.hosts) host.recheck();
  }

  /** Begins to warm another candidate beside the deciding one, in place of the one before. */
  cast(plan: CandidatePlan): void {
    this.#shadow?.candidate.close();
    this.#shadow = new ShadowRun(this.#create(plan), this.#options, this.#archive);
  }

  /** The shadow takes over at once, with all its answers. False while there is none that is ready. */
  switchToShadow(): boolean {
    const shadow = this.#shadow;
    const version = shadow?.candidate.version ?? null;
    if (shadow === null || version === null) return false;
    this.#candidate.close();
    this.#candidate = shadow.candidate;
    this.#shadow = null;
    if (shadow.isWhole) this.#activate(version, shadow.answers);
    this.#followVersion();
    return true;
  }

  /** Cuts what is under way and hands over what ops has not got yet. */
  close(): void {
    this.#candidate.close();
    this.#shadow?.candidate.close();
    this.#uses?.report();
    this.#archive.flush();
  }

  /** A version that is known for the first time, or another one: its answers, and no other. */
  #followVersion(): void {
    const { version } = this.#candidate;
    if (version === null || version.text === this.#version?.text) return;
    this.#options.table.clearShadow();
    const filled = this.#archive.fill(version.text);
    this.#activate(version, filled);
    // The idle plane held the shadow's answers: they are gathered again, most of them from L2.
    this.#shadow?.evicted();
  }

  /** What is in the idle plane decides from now on. */
  #activate(version: DecisionVersion, filled: number): void {
    const { table, meter, notice, space, limits } = this.#options;
    this.#uses?.report();
    this.#version = version;
    table.activate(version.lo, version.hi);
    meter.count("generations");
    notice(`version ${version.text} decides; ${filled} of its answers were there already`);
    this.#uses = new UseReporter(space, table, this.#text, (state, uses) =>
      this.#archive.used(version, state, uses),
    );
    this.#archive.introduce(this.#candidate, version);
    this.#warmer = this.#warmerFor(limits.warm, (state) => this.#isFresh(state.key, state.index));
  }

  #warmerFor(what: WarmWhat, isAnswered: (state: WarmState) => boolean): Warmer | null {
    const { space } = this.#options;
    const source = createWarmSource(what, space, this.#text, () => this.#archive.observed());
    return source === null ? null : new Warmer(source, isAnswered);
  }

  /** Questions nobody waits for any more, and questions that were waited for too long. */
  #review(nowMs: number): void {
    const { waiting, meter, limits } = this.#options;
    this.#queue.sift(
      (q) => {
        if (q.slot < 0) return false;
        q.waiting = waiting.waiting(q.slot);
        q.lastSeenMs = waiting.lastSeenMs(q.slot);
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
    const { waiting, table, meter } = this.#options;
    const key = new Uint32Array(this.#key.length);
    const index = waiting.index(slot);
    const refresh = waiting.kind(slot) === PendingKind.refresh;
    if (!waiting.readKey(slot, version, key)) return;
    const text = this.#text.of(key);
    if (text === null) return this.#counter.failed({ slot, version }, Why.refused);
    if (this.#isFresh(key, index, refresh)) {
      return this.#counter.answered({ slot, version });
    }
    const asking = this.#asking.get(text);
    if (asking !== undefined) {
      meter.count("coalesced");
      asking.waiters.push({ slot, version, sinceMs: nowMs });
      return;
    }
    const stored =
      refresh || this.#version === null ? null : this.#archive.find(this.#version, text);
    if (stored !== null) {
      const { decision } = stored;
      table.write(key, index, decision, stored.confidence, Origin.l2, stored.decidedAtS);
      this.#uses?.note(text, key);
      meter.count("promotions");
      return this.#counter.answered({ slot, version });
    }
    if (refresh) meter.count("refreshes");
    if (!this.#candidate.serves(nowMs)) {
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

  /** The table has an answer that is young enough: for a renewal, younger than the renewal's age. */
  #isFresh(key: Uint32Array, index: number, refresh = false): boolean {
    const { table, limits, clock } = this.#options;
    if (table.peek(key, index) === 0) return false;
    const limitS = refresh ? limits.maxAgeS : limits.maxStaleS;
    if (limitS === 0) return !refresh;
    return clock.epochS() - table.decidedAtS(table.slot) <= limitS;
  }

  /** As many questions as there are slots; the rest keeps its order. */
  #dispatch(nowMs: number): void {
    while (this.#queue.size > 0) {
      const host = this.#candidate.pick(nowMs);
      if (host === null) break;
      const question = this.#queue.take()!;
      const waiter = {
        slot: question.slot,
        version: question.version,
        sinceMs: question.admittedMs,
      };
      this.#ask(this.#candidate, host, question, [waiter], null, nowMs);
    }
    // Nobody can be asked at all any more: whoever waits is told now, not at the deadline.
    if (this.#queue.size > 0 && !this.#candidate.serves(nowMs)) {
      this.#queue.sift(
        () => true,
        (q) => this.#counter.failed(q, Why.unreachable),
      );
    }
  }

  #ask(
    candidate: Candidate,
    host: Host,
    question: Question,
    waiters: Waiter[],
    warm: Asking["warm"],
    nowMs: number,
  ): void {
    const { version, method } = candidate;
    const prompt = version === null ? null : method.prompt.of(question.key);
    if (version === null || prompt === null) {
      for (const w of waiters) this.#counter.failed(w, Why.refused);
      warm?.warmer.settle(warm.state, false);
      return;
    }
    const sentNs = this.#options.clock.nowNs();
    const asking: Asking = {
      question,
      candidate,
      method,
      version,
      waiters,
      sentMs: nowMs,
      sentNs,
      hosts: [],
      open: 0,
      isDone: false,
      isShadow: candidate !== this.#candidate,
      warm,
    };
    if (asking.isShadow) this.#shadowAsking++;
    else this.#asking.set(question.text, asking);
    this.#exchange.send(asking, host, prompt);
  }

  #answered(asking: Asking, host: Host, body: Reply["body"]): void {
    const verdict = readVerdict(body, asking.method.reading);
    const { meter, clock, table } = this.#options;
    const { question, waiters, version } = asking;
    this.#forget(asking);
    if (asking.candidate.version?.text !== version.text || this.#isRetired(asking)) {
      this.#askAgain(asking);
      return;
    }
    if (!isCacheable(verdict)) {
      meter.error("no_verdict");
      for (const w of waiters) this.#counter.failed(w, Why.unreadable);
      this.#settleWarm(asking, false);
      return;
    }
    meter.count("ok");
    const decision = verdict.decision as 1 | 2 | 3;
    const confidence = Math.round(verdict.confidence * 10_000);
    const decidedAtS = clock.epochS();
    if (asking.candidate === this.#candidate) {
      if (question.slot >= 0 && waiters.length === 0) meter.count("lateAnswers");
      meter.count("tableWrites");
      table.write(question.key, question.index, decision, confidence, Origin.model, decidedAtS);
      this.#uses?.note(question.text, question.key);
      for (const w of waiters) this.#counter.answered(w);
    } else {
      this.#shadow?.answered(question, verdict, decidedAtS);
    }
    this.#archive.keep(version, question.text, verdict, host);
    this.#settleWarm(asking, true);
    this.#refill();
  }

  /** A slot has come free: the next question goes out now, not at the loop's next turn. */
  #refill(): void {
    const nowMs = this.#options.clock.nowMs();
    this.#dispatch(nowMs);
    this.#warm(nowMs);
    this.#warmShadow(nowMs);
  }

  #failed(asking: Asking, fault: InferenceFault): void {
    this.#forget(asking);
    if (this.#isRetired(asking)) {
      this.#askAgain(asking);
      return;
    }
    const why = fault.kind === "garbage" ? Why.unreadable : Why.unreachable;
    for (const w of asking.waiters) this.#counter.failed(w, why);
    this.#settleWarm(asking, false);
  }

  /** Its candidate neither decides any more nor is warmed. */
  #isRetired({ candidate }: Asking): boolean {
    return candidate !== this.#candidate && candidate !== this.#shadow?.candidate;
  }

  /** Another version decides by now: whoever waits is dealt with anew at the next poll. */
  #askAgain(asking: Asking): void {
    for (const waiter of asking.waiters) this.#counter.again(waiter);
    asking.warm?.warmer.release(asking.warm.state);
  }

  #settleWarm(asking: Asking, ok: boolean): void {
    if (asking.warm === null) return;
    asking.warm.warmer.settle(asking.warm.state, ok);
    this.#options.meter.count(ok ? "warmed" : "warmFailed");
    if (!ok) this.#warmAfterMs = this.#options.clock.nowMs() + warmRestMs;
  }

  #forget(asking: Asking): void {
    asking.isDone = true;
    const { text } = asking.question;
    if (asking.isShadow) this.#shadowAsking--;
    else if (this.#asking.get(text) === asking) this.#asking.delete(text);
  }

  /** Idle slots only: none while a live question waits, and one is left free where there are two. */
  #idleLanes(): number {
    if (this.#queue.size > 0) return 0;
    const free = this.#candidate.freeLanes - this.#shadowAsking;
    const all = this.#candidate.freeLanes + this.#candidate.inFlight;
    return all > 1 ? free - 1 : free;
  }

  #warm(nowMs: number): void {
    const warmer = this.#warmer;
    if (warmer === null || nowMs < this.#warmAfterMs) return;
    for (let lanes = this.#idleLanes(); lanes > 0; lanes--) {
      const host = this.#candidate.pick(nowMs);
      const state = host === null ? null : warmer.next(nowMs);
      if (host === null || state === null) return;
      if (this.#asking.has(state.text)) {
        warmer.release(state);
        return;
      }
      const stored = this.#version === null ? null : this.#archive.find(this.#version, state.text);
      if (stored === null) {
        this.#ask(this.#candidate, host, warmQuestion(state, nowMs), [], { warmer, state }, nowMs);
        continue;
      }
      const { table } = this.#options;
      const { decision } = stored;
      table.write(
        state.key,
        state.index,
        decision,
        stored.confidence,
        Origin.l2,
        stored.decidedAtS,
      );
      warmer.settle(state, true);
    }
  }

  /** The shadow is asked about the states that have an answer, when nothing else is to be asked. */
  #warmShadow(nowMs: number): void {
    const shadow = this.#shadow;
    if (shadow === null || nowMs < this.#warmAfterMs || shadow.candidate.version === null) return;
    const { version } = shadow.candidate;
    if (!shadow.isWhole)
      shadow.begin(version, (what, isAnswered) => this.#warmerFor(what, isAnswered));
    const { warmer } = shadow;
    if (warmer === null || this.#warmer?.progress(nowMs).finished === false) return;
    for (let lanes = this.#idleLanes(); lanes > 0; lanes--) {
      const host = shadow.candidate.pick(nowMs);
      const state = host === null ? null : warmer.next(nowMs);
      if (host === null || state === null) return;
      this.#ask(shadow.candidate, host, warmQuestion(state, nowMs), [], { warmer, state }, nowMs);
    }
  }

  #sayWarm(nowMs: number): void {
    const progress = this.#warmer?.progress(nowMs);
    if (progress?.finished !== true || this.#saidWarm === this.#warmer) return;
    this.#saidWarm = this.#warmer;
    const { done, total, failed } = progress;
    const failures = failed === 0 ? "" : `, ${failed} failed`;
    this.#options.notice(`warm: ${done} of ${total} states have an answer${failures}`);
  }

  #gauge(nowMs: number): void {
    this.#statusAfterMs = nowMs + statusEveryMs;
    const { meter, table } = this.#options;
    const hosts = this.#candidate.reports(nowMs);
    meter.gauge("queueDepth", this.#queue.size);
    meter.gauge("inFlight", this.#candidate.inFlight);
    meter.gauge("hostsUp", hosts.filter((h) => h.status === "ready").length);
    meter.gauge("breakersOpen", hosts.filter((h) => h.breaker !== "closed").length);
    const pinned = this.#candidate.plan.request.keepAliveS < 0;
    meter.gauge("modelPinned", pinned && hosts.some((h) => h.status === "ready") ? 1 : 0);
    const warm = this.#warmer?.progress(nowMs);
    if (warm !== undefined && warm.total > 0) meter.gauge("warmDone", warm.done / warm.total);
    const evictions = table.evictions();
    if (evictions !== this.#evictions) {
      meter.count("evictions", (evictions - this.#evictions) >>> 0);
      this.#evictions = evictions;
    }
  }
}
