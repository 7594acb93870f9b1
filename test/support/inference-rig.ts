/**
 * Everything around the inference engine, as its thread has it: a real state space, decision table,
 * pending table and answer ring, and a clock that the test moves or that runs by itself.
 */
import { PendingTable } from "../../src/decision/pending.ts";
import { Outcome, pendingBytes } from "../../src/decision/pending-slot.ts";
import { PendingView } from "../../src/decision/pending-view.ts";
import { Ring, ringBytes } from "../../src/decision/ring.ts";
import { tableBytes } from "../../src/decision/table-plane.ts";
import { openTable, type DecisionTable } from "../../src/decision/table.ts";
import type { CandidatePlan } from "../../src/inference/candidate.ts";
import { Inference } from "../../src/inference/engine.ts";
import type { SecondLevel } from "../../src/inference/l2.ts";
import type { Meter } from "../../src/inference/meter.ts";
import type { Fetch } from "../../src/inference/ollama.ts";
import type { InferenceLimits } from "../../src/inference/port.ts";
import type { Delivery } from "../../src/inference/outbox.ts";
import { uncalibrated } from "../../src/inference/verdict.ts";
import { StateSpace, type StateOptions } from "../../src/market/state.ts";

const windows = { momentumNs: 1e9, flowNs: 1e9, volatilityNs: 1e9 };
export const instruments = 2048;
const answersCapacity = 1024;
/** On the machine's clock nothing is given up because the machine was busy, unless a test wants it. */
const patienceMs = 60_000;

export interface RigOptions {
  hosts: string[];
  state?: Partial<StateOptions>;
  limits?: Partial<InferenceLimits>;
  plan?: Partial<CandidatePlan>;
  shadow?: Partial<CandidatePlan>;
  hostLimits?: Partial<CandidatePlan["limits"]>;
  fetch?: Fetch;
  secondLevel?: SecondLevel;
  pendingMax?: number;
  retryMs?: number;
  /** False: time stands until `rig.advance`. */
  realTime?: boolean;
}

export class Rig {
  readonly space: StateSpace;
  /** The feed's opening of the table, and inference's. */
  readonly table: DecisionTable;
  readonly writer: DecisionTable;
  readonly pending: PendingTable;
  readonly inference: Inference;
  readonly candidate: CandidatePlan;
  readonly counts = new Map<string, number>();
  readonly errors = new Map<string, number>();
  readonly parts = new Map<string, number[]>();
  readonly notices: string[] = [];
  readonly deliveries: Delivery[] = [];
  /** What the feed was told: [outcome, reason] of the questions that it still had. */
  readonly told: [outcome: number, reason: number][] = [];
  nowMs = 1000;
  epochS = 1_800_000_000;
  readonly #answers: Ring;
  readonly #realTime: boolean;
  readonly #startMs = performance.now();
  #timer: Timer | null = null;

  constructor(options: RigOptions) {
    this.#realTime = options.realTime ?? true;
    this.space = new StateSpace({
      preset: "microstructure",
      windows,
      instruments,
      denseStates: 100_000,
      ...options.state,
    });
    const { finite, size, keyWords } = this.space;
    const spec = finite
      ? ({ form: "dense", capacity: size, keyWords } as const)
      : ({ form: "associative", capacity: 1024, keyWords } as const);
    const memory = new SharedArrayBuffer(tableBytes(spec));
    this.table = openTable(memory, spec);
    this.writer = openTable(memory, spec);
    const pendingMax = options.pendingMax ?? 1024;
    const waiting = new SharedArrayBuffer(pendingBytes(pendingMax));
    const retryMs = options.retryMs ?? 20;
    this.pending = new PendingTable(waiting, pendingMax, instruments, keyWords, retryMs);
    this.#answers = new Ring(
      new SharedArrayBuffer(ringBytes(answersCapacity, 4)),
      answersCapacity,
      4,
    );
    const record = new Uint32Array(4);
    const candidate = planOf(this.space, options);
    this.candidate = candidate;
    this.inference = new Inference({
      space: this.space,
      names: {
        symbolOf: (instrument) => `S${instrument}`,
        instrumentOf: (symbol) => (/^S\d+$/.test(symbol) ? Number(symbol.slice(1)) : -1),
      },
      table: this.writer,
      waiting: new PendingView(waiting, pendingMax),
      answer: (slot, version, outcome, reason) => {
        record.set([slot, version, outcome, reason]);
        return this.#answers.push(record, 0);
      },
      clock: {
        nowMs: () => this.#now(),
        nowNs: () => (this.#realTime ? Bun.nanoseconds() : this.nowMs * 1e6),
        epochS: () => this.epochS,
      },
      fetch: options.fetch ?? ((url, init) => fetch(url, init)),
      secondLevel: options.secondLevel ?? null,
      deliver: (delivery) => {
        this.deliveries.push(delivery);
        return true;
      },
      meter: this.#meter(),
      notice: (words) => this.notices.push(words),
      limits: {
        queueMax: 256,
        deadlineMs: this.#realTime ? patienceMs : 2000,
        maxAgeS: 0,
        maxStaleS: 0,
        hedge: false,
        outboxMax: 4096,
        warm: "off",
        takeOverAgreement: null,
        ...options.limits,
      },
      candidate,
      shadow: options.shadow === undefined ? null : { ...candidate, ...options.shadow },
    });
  }

  /** An instrument enters the state with this index (or key). */
  enter(instrument: number, state: number | readonly number[]): void {
    const key = new Uint32Array(this.space.keyWords);
    if (typeof state === "number") this.space.keyOf(state, key);
    else key.set(state);
    const index = this.space.finite ? this.space.index(key) : 0;
    if (this.table.lookup(key, index, this.epochS) !== 0) this.pending.leave(instrument);
    else this.pending.miss(instrument, key, index, this.#now());
  }

  /** The decision of a state in the table, 0 for none. */
  decision(state: number | readonly number[]): number {
    const key = new Uint32Array(this.space.keyWords);
    if (typeof state === "number") this.space.keyOf(state, key);
    else key.set(state);
    return this.table.peek(key, this.space.finite ? this.space.index(key) : 0) & 3;
  }

  /** Another candidate, like the deciding one but for this. */
  cast(plan: Partial<CandidatePlan>): void {
    this.inference.cast({ ...this.candidate, ...plan });
  }

  /** One turn of inference's loop, and the feed's reading of what it was told. */
  step(): void {
    this.inference.poll();
    this.drain();
  }

  drain(): void {
    const answer = new Uint32Array(4);
    while (this.#answers.shift(answer, 0)) {
      const [slot, version, outcome, reason] = answer as unknown as [number, number, 1, number];
      if (!this.pending.isCurrent(slot, version)) continue;
      this.told.push([outcome, reason]);
      if (outcome === Outcome.answered) this.pending.settle(slot);
      else this.pending.fail(slot, outcome, reason, this.#now());
    }
    for (let i = 0; i < 64; i++) this.pending.sweepOne(this.#now());
  }

  /** Moves the standing clock in small steps, with a turn of the loop and all answers in each. */
  async advance(ms: number, stepMs = 5): Promise<void> {
    for (let gone = 0; gone < ms; gone += stepMs) {
      this.nowMs += stepMs;
      await this.settle();
    }
  }

  /** Turns of the loop until everything that can happen now has happened. */
  async settle(): Promise<void> {
    for (let i = 0; i < 8; i++) {
      this.step();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** Lets the loop run by itself, every millisecond, on the machine's clock. */
  run(): this {
    this.#timer = setInterval(() => this.step(), 1);
    return this;
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.inference.close();
  }

  count(what: string): number {
    return this.counts.get(what) ?? 0;
  }

  #now(): number {
    return this.#realTime ? Math.floor(performance.now() - this.#startMs) + 1000 : this.nowMs;
  }

  #meter(): Meter {
    return {
      count: (what, n = 1) => add(this.counts, what, n),
      error: (label) => add(this.errors, label, 1),
      gauge: (what, value) => this.counts.set(what, value),
      record: (part, ns) => {
        const values = this.parts.get(part) ?? [];
        if (values.length < 1000) values.push(ns);
        this.parts.set(part, values);
      },
      fail: () => add(this.counts, "fail", 1),
    };
  }
}

function add(map: Map<string, number>, what: string, n: number): void {
  map.set(what, (map.get(what) ?? 0) + n);
}

function planOf(space: StateSpace, options: RigOptions): CandidatePlan {
  return {
    hosts: options.hosts,
    mode: "auto",
    request: {
      model: "llama3.2:3b",
      raw: true,
      keepAliveS: -1,
      options: { temperature: 0, num_ctx: 1024 },
    },
    prompt: {
      space,
      template: "",
      context: "",
      symbolOf: (instrument) => `S${instrument}`,
      allowedSymbols: [],
    },
    calibration: uncalibrated,
    marginMin: 0.1,
    labelMassMin: 0.1,
    spaceFingerprint: space.fingerprint,
    keyWords: space.keyWords,
    warmUps: 1,
    limits: {
      parallel: 1,
      checkMs: 50,
      checkTimeoutMs: (options.realTime ?? true) ? patienceMs : 200,
      hungMs: (options.realTime ?? true) ? patienceMs : 1000,
      bodyBytesMax: 65_536,
      breaker: { failuresMax: 3, openMs: 20, openMsMax: 100 },
      ...options.hostLimits,
    },
    ...options.plan,
  };
}
