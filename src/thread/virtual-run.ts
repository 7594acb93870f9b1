/**
 * A run in virtual time: recorded datagrams through the same feed core, with the answers that the
 * history has, each from the moment on at which it was decided.
 */
import { PendingView } from "../decision/pending.ts";
import { readSignal, type Signal, signalWords } from "../decision/signal.ts";
import { Origin } from "../decision/answer-word.ts";
import { openTable } from "../decision/table.ts";
import type { StoredDecision } from "../inference/l2.ts";
import { RulesInference } from "../inference/rules-engine.ts";
import { createStateText } from "../inference/state-text.ts";
import { StateSpace } from "../market/state.ts";
import { createFeedCore, type FeedCore } from "./feed-core.ts";
import type { RunPlan } from "./plan.ts";
import type { RecordingPacket } from "./recording-read.ts";
import { createShared, openAnswers, openSignals } from "./shared.ts";

const stepNs = 1e6;
/** Turns of the timer that a silence is replayed with at most. */
const stepsMax = 10_000;

export interface VirtualRunOptions {
  plan: RunPlan;
  /** Of the version that decided, for a run with a model; with rules they are made anew. */
  decisions: readonly StoredDecision[];
  /** That version, 16 hexadecimal digits. */
  version: string;
  onSignal(signal: Signal): void;
}

export class VirtualRun {
  readonly core: FeedCore;
  readonly space: StateSpace;
  nowNs = 0;
  readonly #options: VirtualRunOptions;
  readonly #table;
  readonly #signals;
  readonly #record = new Uint32Array(signalWords);
  readonly #rules: RulesInference | undefined;
  readonly #decisions: readonly StoredDecision[];
  readonly #key: Uint32Array;
  readonly #text;
  #decided = 0;

  constructor(options: VirtualRunOptions) {
    const { config } = options.plan;
    const plan: RunPlan = {
      ...options.plan,
      targets: [],
      stdout: false,
      config: { ...config, record: { ...config.record, enabled: false } },
    };
    this.#options = options;
    const shared = createShared(plan);
    this.space = new StateSpace(plan.state);
    this.#key = new Uint32Array(this.space.keyWords);
    this.#table = openTable(shared.table, plan.table);
    this.#decisions = options.decisions.toSorted((a, b) => a.decidedAtS - b.decidedAtS);
    if (config.inference.engine === "rules") {
      const answers = openAnswers(shared, plan.limits);
      this.#rules = new RulesInference({
        space: this.space,
        table: this.#table,
        waiting: new PendingView(shared.pending, plan.limits.pending),
        answer: (...answer) => answers.push(Uint32Array.from(answer), 0),
        clock: {
          nowMs: () => this.nowNs / 1e6,
          nowNs: () => this.nowNs,
          epochS: () => plan.baseSeconds + Math.floor(this.nowNs / 1e9),
        },
        meter: { count() {}, record() {}, gauge() {}, fail() {}, error() {} },
      });
      while (!this.#rules.isReady) this.#rules.poll();
    } else {
      const low = Number.parseInt(options.version.slice(8), 16);
      const high = Number.parseInt(options.version.slice(0, 8), 16);
      this.#table.clearShadow();
      this.#table.activate(low, high);
    }
    this.core = createFeedCore(plan, shared, [], () => this.nowNs);
    const { instruments } = this.core;
    const encoder = new TextEncoder();
    this.#text = createStateText(this.space, {
      symbolOf: (instrument) => instruments.symbol(instrument),
      instrumentOf: (symbol) => {
        const bytes = encoder.encode(symbol);
        for (let i = 0; i < instruments.count; i++) if (instruments.symbol(i) === symbol) return i;
        return instruments.lookup(0, bytes, 0, bytes.length);
      },
    });
    this.#signals = openSignals(shared.signalsOps, plan.limits);
  }

  take({ feed, line, receivedNs, bytes }: RecordingPacket): void {
    this.#wait(receivedNs);
    this.nowNs = Math.max(this.nowNs, receivedNs);
    this.core.datagram(feed, line, bytes, bytes.length, receivedNs, this.nowNs);
    this.#tell();
  }

  /** Time passes with the turns of the feed thread's timer, up to `untilNs`. */
  #wait(untilNs: number): void {
    const step = Math.max(stepNs, (untilNs - this.nowNs) / stepsMax);
    if (this.nowNs === 0) this.nowNs = untilNs - stepNs;
    while (this.nowNs + step <= untilNs) this.poll(this.nowNs + step);
  }

  poll(nowNs: number): void {
    this.nowNs = nowNs;
    this.#answer();
    this.core.poll(nowNs);
    this.#tell();
  }

  #answer(): void {
    this.#rules?.poll();
    const nowS = this.#options.plan.baseSeconds + this.nowNs / 1e9;
    for (; this.#decided < this.#decisions.length; this.#decided++) {
      const { state, decision, confidence, decidedAtS } = this.#decisions[this.#decided]!;
      if (decidedAtS > nowS) return;
      if (!this.#text.parse(state, this.#key)) continue;
      const index = this.space.finite ? this.space.index(this.#key) : 0;
      this.#table.write(this.#key, index, decision, confidence, Origin.model, decidedAtS);
    }
  }

  #tell(): void {
    while (this.#signals.shift(this.#record, 0)) this.#options.onSignal(readSignal(this.#record));
  }
}
