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
import { Outcome, PendingKind } from "../decision/pending.ts";
import { Reason as Why } from "../decision/signal.ts";
import { Origin, wordConfidence, wordDecision, type DecisionTable } from "../decision/table.ts";
import { Candidate, errorLabelOf, type CandidatePlan, type Method } from "./candidate.ts";
import { InferenceFault } from "./fault.ts";
import type { Host, HostReport } from "./host.ts";
import type { SecondLevel, StoredDecision } from "./l2.ts";
import { labels } from "./label.ts";
import type { ErrorLabel, Meter } from "./meter.ts";
import type { Fetch, Reply } from "./ollama.ts";
import { Outbox, type Deliver } from "./outbox.ts";
import { Queue, type Question } from "./queue.ts";
import { Comparison, type ComparisonReport } from "./shadow.ts";
import { createStateText, type StateText, type SymbolNames, type TextSpace } from "./state-text.ts";
import { UseReporter } from "./use.ts";
import { isCacheable, readVerdict, type Verdict } from "./verdict.ts";
import { versionOf, type DecisionVersion } from "./version.ts";
import { Warmer, type WarmProgress, type WarmState } from "./warm.ts";
import { createWarmSource, type WarmWhat } from "./warm-source.ts";

/** What is needed of market/state.ts's StateSpace. */
export interface InferenceSpace extends TextSpace {
  finite: boolean;
  size: number;
  fingerprint: string;
  index(key: Uint32Array): number;
  keyOf(index: number, out: Uint32Array): void;
}

/** What is needed of decision/pending.ts's PendingView. */
export interface Waiting {
  readonly capacity: number;
  version(slot: number): number;
  waiting(slot: number): number;
  lastSeenMs(slot: number): number;
  kind(slot: number): number;
  index(slot: number): number;
  readKey(slot: number, version: number, out: Uint32Array): boolean;
}

export interface InferenceClock {
  /** ms since the run's base: the clock of the pending table. */
  nowMs(): number;
  /** Monotonic, ns. */
  nowNs(): number;
  /** Epoch seconds. */
  epochS(): number;
}

export interface InferenceLimits {
  /** Questions that may wait for a slot. */
  queueMax: number;
  /** After this nobody waits for the answer any more. */
  deadlineMs: number;
  /** An answer older than this is renewed while it still serves; 0 for never. */
  maxAgeS: number;
  /** An answer older than this does not serve any more; 0 for never. */
  maxStaleS: number;
  /** Ask a second host when the first is slower than 95 % of its answers. */
  hedge: boolean;
  /** Decisions that may wait for ops. */
  outboxMax: number;
  warm: WarmWhat;
  /** Share of states on which a warm shadow must agree to take over by itself; null for never. */
  takeOverAgreement: number | null;
}

export interface InferenceOptions {
  space: InferenceSpace;
  names: SymbolNames;
  table: DecisionTable;
  waiting: Waiting;
  /** Tells the feed; false when the ring is full, and then it is told again at the next poll. */
  answer(slot: number, version: number, outcome: number, reason: number): boolean;
  clock: InferenceClock;
  fetch: Fetch;
  /** Null where there is no database. */
  secondLevel: SecondLevel | null;
  deliver: Deliver;
  meter: Meter;
  notice(words: string): void;
  limits: InferenceLimits;
  candidate: CandidatePlan;
  /** A candidate to warm beside the deciding one; null for none. */
  shadow: CandidatePlan | null;
}

interface Waiter {
  slot: number;
  version: number;
  sinceMs: number;
}

/** One question that is being asked. */
interface Asking {
  question: Question;
  candidate: Candidate;
  method: Method;
  version: DecisionVersion;
  waiters: Waiter[];
  sentMs: number;
  sentNs: number;
  /** Hosts that were asked, in order. */
  hosts: Host[];
  /** Attempts without an answer yet. */
  open: number;
  isDone: boolean;
  /** Asked of the shadow: its answer is compared, and does not decide. */
  isShadow: boolean;
  warm: { warmer: Warmer; state: WarmState } | null;
}

/** The candidate that is warmed beside the deciding one. */
interface Shadow {
  candidate: Candidate;
  warmer: Warmer | null;
  comparison: Comparison;
  /** Its answers in the table's idle plane. */
  answers: number;
}

export interface InferenceReport {
  engine: "ollama";
  model: string;
  mode: string;
  version: string;
  hosts: HostReport[];
  queued: number;
  asking: number;
  warm: WarmProgress | null;
  shadow: {
    model: string;
    version: string;
    hosts: HostReport[];
    warm: WarmProgress;
    comparison: ComparisonReport;
  } | null;
}

const statusEveryMs = 250;
/** Warming rests for so long after a question of it failed. */
const warmRestMs = 1000;

export class Inference {
  readonly #options: InferenceOptions;
  readonly #text: StateText;
  readonly #space: string;
  readonly #queue: Queue;
  readonly #outbox: Outbox;
  /** By state: of the deciding candidate. Bounded by its lanes. */
  readonly #asking = new Map<string, Asking>();
  /** Version of each pending slot that was dealt with; 0 for none. */
  readonly #seen: Uint32Array;
  /** Answers that found the ring full. Bounded by the number of pending slots. */
  #unsaid: [slot: number, version: number, outcome: number, reason: number][] = [];
  #candidate: Candidate;
  #version: DecisionVersion | null = null;
  #uses: UseReporter | null = null;
  #warmer: Warmer | null = null;
  #saidWarm: Warmer | null = null;
  #shadow: Shadow | null = null;
  #shadowVersion: DecisionVersion | null = null;
  #shadowAsking = 0;
  #warmAfterMs = 0;
  #statusAfterMs = 0;
  #evictions = 0;
  readonly #key: Uint32Array;

  constructor(options: InferenceOptions) {
    this.#options = options;
    const { space, limits, meter, waiting } = options;
    this.#text = createStateText(space, options.names);
    this.#space = versionOf({
      digest: "",
      request: "",
      prompt: "",
      space: space.fingerprint,
      reading: null,
    }).text;
    this.#queue = new Queue(limits.queueMax);
    this.#outbox = new Outbox(limits.outboxMax, options.deliver, (n) =>
      meter.count("decisionRingDrops", n),
    );
    this.#seen = new Uint32Array(waiting.capacity);
    this.#key = new Uint32Array(space.keyWords);
    this.#candidate = this.#create(options.candidate);
    if (options.shadow !== null) this.#cast(options.shadow);
    meter.gauge("queueLimit", limits.queueMax);
    meter.gauge("hosts", options.candidate.hosts.length);
  }

  #create(plan: CandidatePlan): Candidate {
    const { fetch, clock, notice, meter } = this.#options;
    const count = meter.count.bind(meter);
    return new Candidate(plan, { notice, count }, fetch, () => clock.nowNs());
  }

  /** The loop's turn: bounded work, no waiting. */
  poll(): void {
    const nowMs = this.#options.clock.nowMs();
    this.#candidate.tick(nowMs);
    this.#shadow?.candidate.tick(nowMs);
    this.#followVersion();
    this.#saySomeMore();
    this.#review(nowMs);
    this.#scan(nowMs);
    this.#dispatch(nowMs);
    this.#hedge(nowMs);
    this.#warm(nowMs);
    this.#warmShadow(nowMs);
    this.#maybeTakeOver(nowMs);
    this.#uses?.poll(nowMs);
    this.#outbox.poll(nowMs);
    if (nowMs >= this.#statusAfterMs) this.#gauge(nowMs);
    this.#sayWarm(nowMs);
  }

  /** Whether a host has the model in memory and answers. */
  get isReady(): boolean {
    return this.#candidate.serves(this.#options.clock.nowMs());
  }

  report(): InferenceReport {
    const nowMs = this.#options.clock.nowMs();
    const shadow = this.#shadow;
    return {
      engine: "ollama",
      model: this.#candidate.plan.request.model,
      mode: this.#candidate.method.mode,
      version: this.#version?.text ?? "",
      hosts: this.#candidate.reports(nowMs),
      queued: this.#queue.size,
      asking: this.#asking.size,
      warm: this.#warmer?.progress(nowMs) ?? null,
      shadow:
        shadow === null || shadow.warmer === null
          ? null
          : {
              model: shadow.candidate.plan.request.model,
              version: this.#shadowVersion?.text ?? "",
              hosts: shadow.candidate.reports(nowMs),
              warm: shadow.warmer.progress(nowMs),
              comparison: shadow.comparison.report(),
            },
    };
  }

  /** Begins to warm another candidate beside the deciding one, in place of the one before. */
  cast(plan: CandidatePlan): void {
    this.#cast(plan);
  }

  /** The shadow takes over at once, with all its answers. False while there is none that is ready. */
  switchToShadow(): boolean {
    const shadow = this.#shadow;
    if (shadow === null || shadow.candidate.version === null) return false;
    this.#candidate.close();
    this.#candidate = shadow.candidate;
    this.#shadow = null;
    if (shadow.candidate.version.text === this.#shadowVersion?.text) {
      this.#activate(this.#shadowVersion, shadow.answers);
    }
    this.#shadowVersion = null;
    this.#followVersion();
    return true;
  }

  /** Cuts what is under way and hands over what ops has not got yet. */
  close(): void {
    this.#candidate.close();
    this.#shadow?.candidate.close();
    this.#uses?.report();
    this.#outbox.flush();
  }

  #cast(plan: CandidatePlan): void {
    this.#shadow?.candidate.close();
    const candidate = this.#create(plan);
    this.#shadow = { candidate, warmer: null, comparison: new Comparison(), answers: 0 };
    this.#shadowVersion = null;
  }

  /** A version that is known for the first time, or another one: its answers, and no other. */
  #followVersion(): void {
    const { version } = this.#candidate;
    if (version === null || version.text === this.#version?.text) return;
    this.#options.table.clearShadow();
    const filled = this.#fill(version.text);
    this.#activate(version, filled);
    // The idle plane held the shadow's answers: they are gathered again, most of them from L2.
    this.#shadowVersion = null;
  }

  /** What is in the idle plane decides from now on. */
  #activate(version: DecisionVersion, filled: number): void {
    const { table, meter, notice, clock, space, limits } = this.#options;
    this.#uses?.report();
    this.#version = version;
    table.activate(version.lo, version.hi);
    meter.count("generations");
    notice(`version ${version.text} decides; ${filled} of its answers were there already`);
    this.#uses = new UseReporter(space, table, this.#text, (state, uses) =>
      this.#outbox.uses(
        { version: version.text, state, uses, lastUsedMs: clock.epochS() * 1000 },
        clock.nowMs(),
      ),
    );
    this.#introduce(this.#candidate, version);
    this.#warmer = this.#warmerFor(limits.warm, (state) => this.#isFresh(state.key, state.index));
  }

  /** Fills the idle plane with what the database has, most used first; returns how many. */
  #fill(version: string): number {
    const { secondLevel, table, space, clock, limits, meter } = this.#options;
    if (secondLevel === null) return 0;
    const notBeforeS = limits.maxStaleS === 0 ? 0 : clock.epochS() - limits.maxStaleS;
    const key = this.#key;
    let filled = 0;
    try {
      secondLevel.each(version, notBeforeS, table.spec.capacity, (stored) => {
        if (!this.#text.parse(stored.state, key)) return;
        const index = space.finite ? space.index(key) : 0;
        // The most used came first: a full set keeps them, and the rest is found on a miss.
        if (!table.hasShadowRoom(key, index)) return;
        const { decision } = stored;
        table.writeShadow(key, index, decision, stored.confidence, Origin.l2, stored.decidedAtS);
        filled++;
      });
    } catch (error) {
      meter.count("l2Errors");
      this.#options.notice(`kept answers could not be read: ${String(error)}`);
    }
    meter.count("promotions", filled);
    return filled;
  }

  #warmerFor(what: WarmWhat, isAnswered: (state: WarmState) => boolean): Warmer | null {
    const { space, secondLevel, table } = this.#options;
    const source = createWarmSource(what, space, this.#text, () => {
      try {
        return secondLevel?.observed(this.#space, table.spec.capacity) ?? [];
      } catch {
        this.#options.meter.count("l2Errors");
        return [];
      }
    });
    return source === null ? null : new Warmer(source, isAnswered);
  }

  #say(slot: number, version: number, outcome: number, reason: number): void {
    if (slot < 0 || this.#options.answer(slot, version, outcome, reason)) return;
    this.#options.meter.count("answerRingFull");
    if (this.#unsaid.length >= this.#seen.length) this.#unsaid.shift();
    this.#unsaid.push([slot, version, outcome, reason]);
  }

  #saySomeMore(): void {
    if (this.#unsaid.length === 0) return;
    const unsaid = this.#unsaid;
    this.#unsaid = [];
    for (const words of unsaid) this.#say(...words);
  }

  /** Questions nobody waits for any more, and questions that were waited for too long. */
  #review(nowMs: number): void {
    const { waiting, meter, limits } = this.#options;
    this.#queue.sift(
      (q) => {
        if (q.slot < 0) return false;
        q.waiting = waiting.waiting(q.slot);
        q.lastSeenMs = waiting.lastSeenMs(q.slot);
        return waiting.version(q.slot) !== q.version || nowMs - q.admittedMs >= limits.deadlineMs;
      },
      (q) => {
        meter.count("expired");
        if (waiting.version(q.slot) !== q.version) return;
        meter.error("timeout");
        this.#say(q.slot, q.version, Outcome.timeout, Why.deadline);
      },
    );
    for (const asking of this.#asking.values()) {
      if (asking.waiters.length === 0) continue;
      asking.waiters = asking.waiters.filter((waiter) => {
        if (nowMs - waiter.sinceMs < limits.deadlineMs) return true;
        meter.error("timeout");
        this.#say(waiter.slot, waiter.version, Outcome.timeout, Why.deadline);
        return false;
      });
    }
  }

  #scan(nowMs: number): void {
    const { waiting } = this.#options;
    for (let slot = 0; slot < waiting.capacity; slot++) {
      const version = waiting.version(slot);
      if (version === this.#seen[slot]) continue;
      this.#seen[slot] = version;
      if (version !== 0) this.#admit(slot, version, nowMs);
    }
  }

  #admit(slot: number, version: number, nowMs: number): void {
    const { waiting, table, meter } = this.#options;
    const key = new Uint32Array(this.#key.length);
    const index = waiting.index(slot);
    const refresh = waiting.kind(slot) === PendingKind.refresh;
    if (!waiting.readKey(slot, version, key)) return;
    const text = this.#text.of(key);
    if (text === null) return this.#say(slot, version, Outcome.error, Why.refused);
    if (this.#isFresh(key, index, refresh)) {
      return this.#say(slot, version, Outcome.answered, Why.none);
    }
    const asking = this.#asking.get(text);
    if (asking !== undefined) {
      meter.count("coalesced");
      asking.waiters.push({ slot, version, sinceMs: nowMs });
      return;
    }
    const stored = refresh ? null : this.#find(text);
    if (stored !== null) {
      const { decision } = stored;
      table.write(key, index, decision, stored.confidence, Origin.l2, stored.decidedAtS);
      this.#uses?.note(text, key);
      meter.count("promotions");
      return this.#say(slot, version, Outcome.answered, Why.none);
    }
    if (refresh) meter.count("refreshes");
    if (!this.#candidate.serves(nowMs)) {
      meter.count("breakerRefused");
      return this.#say(slot, version, Outcome.error, Why.unreachable);
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
    this.#say(shed.slot, shed.version, Outcome.error, Why.queueFull);
  }

  /** The table has an answer that is young enough: for a renewal, younger than the renewal's age. */
  #isFresh(key: Uint32Array, index: number, refresh = false): boolean {
    const { table, limits, clock } = this.#options;
    if (table.peek(key, index) === 0) return false;
    const limitS = refresh ? limits.maxAgeS : limits.maxStaleS;
    if (limitS === 0) return !refresh;
    return clock.epochS() - table.decidedAtS(table.slot) <= limitS;
  }

  #find(text: string): StoredDecision | null {
    const { secondLevel, meter, clock } = this.#options;
    if (secondLevel === null || this.#version === null) return null;
    const startNs = clock.nowNs();
    const stored = this.#stored(this.#version.text, text);
    meter.record("l2", clock.nowNs() - startNs);
    meter.count(stored === null ? "l2Misses" : "l2Hits");
    return stored;
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
        (q) => this.#say(q.slot, q.version, Outcome.error, Why.unreachable),
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
      for (const w of waiters) this.#say(w.slot, w.version, Outcome.error, Why.refused);
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
    this.#send(asking, host, prompt);
  }

  #send(asking: Asking, host: Host, prompt: string): void {
    this.#options.meter.count("requests");
    asking.hosts.push(host);
    asking.open++;
    host.ask(asking.method.request, prompt).then(
      (reply) => this.#answered(asking, host, reply),
      (fault: InferenceFault) => this.#failed(asking, host, fault, prompt),
    );
  }

  #answered(asking: Asking, host: Host, reply: Reply): void {
    asking.open--;
    const { meter } = this.#options;
    const { timing, body } = reply;
    meter.record("processing", timing.totalNs);
    meter.record("load", timing.loadNs);
    meter.record("wait", timing.waitNs);
    meter.record("prompt", timing.promptNs);
    meter.record("eval", timing.evalNs);
    meter.record("client", timing.clientNs);
    const counts = body as { prompt_eval_count?: unknown; eval_count?: unknown };
    if (typeof counts.prompt_eval_count === "number") {
      meter.count("promptTokens", counts.prompt_eval_count);
    }
    if (typeof counts.eval_count === "number") meter.count("evalTokens", counts.eval_count);
    if (asking.isDone) return;
    if (asking.hosts.length > 1 && host !== asking.hosts[0]) meter.count("hedgesWon");
    this.#finish(asking, readVerdict(body, asking.method.reading));
  }

  #finish(asking: Asking, verdict: Verdict): void {
    const { meter, clock, table } = this.#options;
    const { question, waiters, version } = asking;
    this.#forget(asking);
    if (asking.candidate.version?.text !== version.text || this.#isRetired(asking)) {
      this.#askAgain(asking);
      return;
    }
    if (!isCacheable(verdict)) {
      meter.error("no_verdict");
      for (const w of waiters) this.#say(w.slot, w.version, Outcome.error, Why.unreadable);
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
      for (const w of waiters) this.#say(w.slot, w.version, Outcome.answered, Why.none);
    } else if (this.#shadow !== null) {
      table.writeShadow(
        question.key,
        question.index,
        decision,
        confidence,
        Origin.model,
        decidedAtS,
      );
      this.#shadow.answers++;
      this.#compare(this.#shadow, question, verdict);
    }
    this.#keep(version, question.text, verdict);
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

  #keep({ text: version }: DecisionVersion, state: string, verdict: Verdict): void {
    const { clock } = this.#options;
    const { decision, confidence, probabilities, outside } = verdict;
    const [BUY, SELL, HOLD] = probabilities?.map(rounded) ?? [];
    const decidedAtMs = clock.epochS() * 1000;
    this.#outbox.decision(
      {
        version,
        state,
        decision: labels[decision - 1]!,
        confidence: rounded(confidence),
        probabilities:
          probabilities === null
            ? null
            : JSON.stringify({ BUY, SELL, HOLD, outside: rounded(outside) }),
        decidedAtMs,
        uses: 0,
        lastUsedMs: decidedAtMs,
      },
      clock.nowMs(),
    );
  }

  /** What the version stands for, so that it can be looked up later. */
  #introduce({ digest, method, plan }: Candidate, { text: version }: DecisionVersion): void {
    const { clock } = this.#options;
    const createdMs = clock.epochS() * 1000;
    const detail = JSON.stringify({
      space: this.#space,
      mode: method.mode,
      request: method.request.text,
      prompt: method.prompt.fixed,
      calibration: plan.calibration,
      marginMin: plan.marginMin,
      labelMassMin: plan.labelMassMin,
    });
    const { model } = plan.request;
    this.#outbox.version(
      { version, model, digest, createdMs, lastUsedMs: createdMs, detail },
      clock.nowMs(),
    );
  }

  #failed(asking: Asking, host: Host, fault: InferenceFault, prompt: string): void {
    asking.open--;
    const { meter, clock } = this.#options;
    meter.fail(clock.nowNs() - asking.sentNs);
    meter.error(errorLabelOf[fault.kind] as ErrorLabel);
    // Another attempt is under way, or has won already.
    if (asking.isDone || asking.open > 0) return;
    const nowMs = clock.nowMs();
    const other =
      asking.hosts.length < 2 && asking.waiters.length > 0
        ? asking.candidate.pick(nowMs, host)
        : null;
    if (other !== null) {
      meter.count("failovers");
      this.#send(asking, other, prompt);
      return;
    }
    this.#forget(asking);
    if (this.#isRetired(asking)) {
      this.#askAgain(asking);
      return;
    }
    const why = fault.kind === "garbage" ? Why.unreadable : Why.unreachable;
    for (const w of asking.waiters) this.#say(w.slot, w.version, Outcome.error, why);
    this.#settleWarm(asking, false);
  }

  /** Its candidate neither decides any more nor is warmed. */
  #isRetired({ candidate }: Asking): boolean {
    return candidate !== this.#candidate && candidate !== this.#shadow?.candidate;
  }

  /** Another version decides by now: whoever waits is dealt with anew at the next poll. */
  #askAgain(asking: Asking): void {
    for (const { slot } of asking.waiters) this.#seen[slot] = 0;
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

  /** A question slower than 95 % of its host's answers is asked of a second host as well. */
  #hedge(nowMs: number): void {
    if (!this.#options.limits.hedge || this.#candidate.hosts.length < 2) return;
    for (const asking of this.#asking.values()) {
      const first = asking.hosts[0]!;
      if (asking.hosts.length > 1 || asking.waiters.length === 0) continue;
      if (nowMs - asking.sentMs <= first.estimate.p95Ms) continue;
      const other = this.#candidate.pick(nowMs, first);
      const prompt = asking.method.prompt.of(asking.question.key);
      if (other === null || prompt === null) continue;
      this.#options.meter.count("hedges");
      this.#send(asking, other, prompt);
    }
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
      const stored = this.#find(state.text);
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
    if (version.text !== this.#shadowVersion?.text) this.#beginShadow(shadow, version);
    const { warmer } = shadow;
    if (warmer === null || this.#warmer?.progress(nowMs).finished === false) return;
    for (let lanes = this.#idleLanes(); lanes > 0; lanes--) {
      const host = shadow.candidate.pick(nowMs);
      const state = host === null ? null : warmer.next(nowMs);
      if (host === null || state === null) return;
      this.#ask(shadow.candidate, host, warmQuestion(state, nowMs), [], { warmer, state }, nowMs);
    }
  }

  /** The shadow's version is known, or another one: what it has answered in earlier runs first. */
  #beginShadow(shadow: Shadow, version: DecisionVersion): void {
    const { space, limits, table } = this.#options;
    this.#shadowVersion = version;
    shadow.comparison = new Comparison();
    table.clearShadow();
    shadow.answers = this.#fill(version.text);
    this.#introduce(shadow.candidate, version);
    const what: WarmWhat = space.finite ? "all" : limits.warm === "off" ? "observed" : limits.warm;
    shadow.warmer = this.#warmerFor(what, (state) => {
      const stored = this.#stored(version.text, state.text);
      if (stored === null) return false;
      const { decision, confidence } = stored;
      this.#compare(shadow, state, { decision, confidence: confidence / 10_000 });
      return true;
    });
  }

  /** An answer that the database has, sound and not too old; null otherwise. */
  #stored(version: string, state: string): StoredDecision | null {
    const { secondLevel, meter, clock, limits } = this.#options;
    if (secondLevel === null) return null;
    try {
      const stored = secondLevel.find(version, state);
      if (stored === null) return null;
      const isOld = limits.maxStaleS !== 0 && clock.epochS() - stored.decidedAtS > limits.maxStaleS;
      if (isOld) meter.count("expiredEntries");
      return isOld ? null : stored;
    } catch {
      meter.count("l2Errors");
      return null;
    }
  }

  #compare(
    shadow: Shadow,
    state: { key: Uint32Array; index: number },
    opinion: { decision: number; confidence: number },
  ): void {
    const word = this.#options.table.peek(state.key, state.index);
    if (word === 0) return;
    const active = {
      decision: wordDecision(word),
      confidence: wordConfidence(word) / 10_000,
    };
    shadow.comparison.add(active, opinion);
  }

  /** Config may let the shadow take over by itself, once it is warm and mostly agrees. */
  #maybeTakeOver(nowMs: number): void {
    const { takeOverAgreement } = this.#options.limits;
    const shadow = this.#shadow;
    if (takeOverAgreement === null || shadow === null || shadow.warmer === null) return;
    if (!shadow.warmer.progress(nowMs).finished) return;
    const { agreement } = shadow.comparison.report();
    if (agreement !== null && agreement >= takeOverAgreement) this.switchToShadow();
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

/** As many digits as the table in memory keeps, and no binary fraction's tail in the database. */
const rounded = (share: number): number => Math.round(share * 10_000) / 10_000;

function warmQuestion(state: WarmState, nowMs: number): Question {
  const { text, key, index } = state;
  const nobody = { slot: -1, version: 0, refresh: false, waiting: 0 };
  return { text, key, index, ...nobody, lastSeenMs: nowMs, admittedMs: nowMs };
}
