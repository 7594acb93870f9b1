/**
 * The bench of the user's own box: the real feed thread, fed over loopback by a thread that sends at
 * intended times, beside a bare echo in a thread as the floor. Every state has an answer, so that
 * this measures the hot path; the model is measured by itself. Stops by itself: every part is bounded.
 */
import { availableParallelism } from "node:os";
import { pathToFileURL } from "node:url";
import { Origin } from "../decision/answer-word.ts";
import { openTable } from "../decision/table.ts";
import { EdgeError } from "../error.ts";
import { type Board, openBoard } from "../telemetry/board.ts";
import { Stage } from "../telemetry/stage.ts";
import type { LoadJob, LoadResult } from "./bench-load.ts";
import type { BenchOrder, BenchReply } from "./bench-message.ts";
import { type ModelLatency, measureModel } from "./bench-model.ts";
import { Control } from "./control.ts";
import { medianSince, stageCells } from "./latency.ts";
import type { RunPlan } from "./plan.ts";
import { createShared } from "./shared.ts";
import { RunWorker } from "./worker.ts";

export interface BenchOptions {
  /** One feed of format tick with timestampUnit us on port 0 of loopback, emitting every signal. */
  plan: RunPlan;
  rates: readonly number[];
  seconds: number;
  progress(words: string): void;
}

export interface StageShare {
  stage: string;
  /** Median, ns. */
  p50Ns: number;
  /** Of the median from tick to signal, 0–1. */
  share: number;
}

export interface CapacityReport {
  /** The highest rate tried at which every tick was answered, a second; 0 when none was. */
  lossFreeRate: number;
  /** What ended the search: lost ticks, a sender that could not send faster, or the time. */
  endedBy: "loss" | "sender" | "time";
}

export interface BenchReport {
  cpus: number;
  receive: "event" | "poll";
  rates: { rate: number; floor: LoadResult; edge: LoadResult }[];
  stages: StageShare[];
  capacity: CapacityReport;
  model: ModelLatency;
}

const warmUpSeconds = 0.3;
const searchSeconds = 0.4;
const searchFrom = 20_000;
const searchMax = 1_280_000;
const bisections = 3;
const searchMs = 12_000;
/** A sender that is late with more than this share of its ticks says nothing about the receiver. */
const lateShareMax = 0.02;
const replyMs = 30_000;
const stopMs = 2000;

class BenchThread {
  readonly #worker = new Worker(new URL("./thread/bench.ts", pathToFileURL(Bun.main)).href);

  #waiting: { resolve(reply: BenchReply): void; reject(error: EdgeError): void } | undefined;

  constructor() {
    this.#worker.addEventListener("message", ({ data }: MessageEvent<BenchReply>) => {
      if (data.kind === "failed") this.#fail(data.message);
      else this.#waiting?.resolve(data);
    });
    this.#worker.addEventListener("error", (event) => this.#fail(event.message));
  }

  #fail(words: string): void {
    const hint = "Try it again with lower --rates; a loaded machine may be the reason.";
    this.#waiting?.reject(
      new EdgeError("BENCH_FAILED", `the bench could not go on: ${words}`, hint),
    );
  }

  ask(order: BenchOrder): Promise<BenchReply> {
    const { promise, resolve, reject } = Promise.withResolvers<BenchReply>();
    this.#waiting = { resolve, reject };
    const timer = setTimeout(() => this.#fail("its thread does not answer"), replyMs);
    this.#worker.postMessage(order);
    return promise.finally(() => clearTimeout(timer));
  }

  async open(order: BenchOrder): Promise<number> {
    const reply = await this.ask(order);
    return reply.kind === "open" ? reply.port : 0;
  }

  async load(job: LoadJob): Promise<LoadResult> {
    const reply = await this.ask({ kind: "load", job });
    if (reply.kind !== "result") throw new EdgeError("BENCH_FAILED", "the load did not run", "");
    return reply.result;
  }

  end(): void {
    this.#worker.terminate();
  }
}

/** Throws EdgeError BENCH_FAILED and those of a feed that cannot start. */
export async function runBench(options: BenchOptions): Promise<BenchReport> {
  const sender = new BenchThread();
  const echo = new BenchThread();
  try {
    const answerPort = await sender.open({ kind: "open" });
    const echoPort = await echo.open({ kind: "echo", answerPort });
    const target = { host: "127.0.0.1", port: answerPort, interface: null, heartbeatNs: 0 };
    const plan: RunPlan = {
      ...options.plan,
      targets: [{ ...target, encoding: "binary" }],
      stdout: false,
    };
    return await measure({ ...options, plan }, sender, echoPort);
  } finally {
    sender.end();
    echo.end();
  }
}

async function measure(
  { plan, rates, seconds, progress }: BenchOptions,
  sender: BenchThread,
  echoPort: number,
): Promise<BenchReport> {
  const shared = createShared(plan);
  answerEverything(plan, shared.table);
  const feed = new RunWorker(
    "feed",
    { plan, shared },
    { restartsMax: 0, backoffMs: 0 },
    { onLog: (_level, words) => progress(words), onRestart() {}, onGiveUp() {} },
  );
  await feed.start();
  try {
    const [port = 0] = feed.facts["ports"] as number[];
    const report: BenchReport["rates"] = [];
    const board = openBoard(shared.board);
    const told = Math.floor(rates.length / 2);
    let stages: StageShare[] = [];
    for (const [index, rate] of rates.entries()) {
      progress(`${rate} ticks a second`);
      const job = { rate, seconds, warmUpSeconds };
      const floor = await sender.load({ ...job, port: echoPort, answer: "echo" });
      const before = measuredStages.map(({ id }) => stageCells(board, id));
      const edge = await sender.load({ ...job, port, answer: "signal" });
      report.push({ rate, floor, edge });
      if (index === told) stages = stageShares(board, before, edge.p50Ns);
    }
    progress("the highest rate without loss");
    const capacity = await findCapacity((rate) =>
      sender.load({
        rate,
        seconds: Math.min(searchSeconds, seconds),
        warmUpSeconds: 0.1,
        port,
        answer: "signal",
      }),
    );
    progress("the model");
    return {
      cpus: availableParallelism(),
      receive: plan.feeds[0]!.receive,
      rates: report,
      stages,
      capacity,
      model: await measureModel(plan.config),
    };
  } finally {
    new Control(shared.control, plan.limits.heldSymbols).requestStop();
    await feed.stopped(stopMs);
  }
}

/** Buy, sell and hold by turns, so that no signal waits for a model. */
function answerEverything({ table: spec, baseSeconds }: RunPlan, memory: SharedArrayBuffer): void {
  if (spec.form !== "dense") return;
  const table = openTable(memory, spec);
  const key = new Uint32Array(spec.keyWords);
  for (let state = 0; state < spec.capacity; state++) {
    table.write(key, state, ((state % 3) + 1) as 1 | 2 | 3, 8000, Origin.rules, baseSeconds);
  }
}

const measuredStages = [
  { id: Stage.dataIngestion, words: "received to books (data_ingestion)" },
  { id: Stage.cacheAccess, words: "state to decision (cache_access)" },
  { id: Stage.totalCached, words: "signal written and sent" },
] as const;

/**
 * Where the time of one rate goes, by medians: they do not add up to the last digit, so the rest is
 * what the stages leave. What lies outside is the sender's call, the kernel, and the reading of the
 * signal. `before`: the stages' cells before that rate was measured.
 */
function stageShares(
  board: Board,
  before: readonly Uint32Array[],
  middleNs: number | null,
): StageShare[] {
  if (middleNs === null || middleNs === 0) return [];
  const [books = 0, look = 0, pipeline = 0] = measuredStages.map(({ id }, i) =>
    medianSince(board, id, before[i]!),
  );
  const [first, second, third] = measuredStages;
  const rows: [string, number][] = [
    [first.words, books],
    [second.words, look],
    [third.words, Math.max(0, pipeline - books - look)],
    ["sender, kernel, reading of the signal", Math.max(0, middleNs - pipeline)],
  ];
  return rows.map(([stage, p50Ns]) => ({ stage, p50Ns, share: p50Ns / middleNs }));
}

/** Doubles until ticks are lost, then halves the interval a few times. */
export async function findCapacity(
  load: (rate: number) => Promise<LoadResult>,
  nowMs: () => number = () => performance.now(),
): Promise<CapacityReport> {
  const endMs = nowMs() + searchMs;
  let good = 0;
  let bad = 0;
  let endedBy: CapacityReport["endedBy"] = "loss";
  const attempt = async (rate: number): Promise<boolean> => {
    const { sent, answered, late } = await load(rate);
    const isWhole = answered === sent;
    const isPunctual = late <= sent * lateShareMax;
    if (isWhole && isPunctual) good = rate;
    else {
      bad = rate;
      endedBy = isWhole ? "sender" : "loss";
    }
    return isWhole && isPunctual;
  };
  for (let rate = searchFrom; rate <= searchMax && nowMs() < endMs; rate *= 2) {
    if (!(await attempt(rate))) break;
  }
  if (bad === 0) return { lossFreeRate: good, endedBy: nowMs() < endMs ? "sender" : "time" };
  for (let i = 0; i < bisections && nowMs() < endMs; i++) {
    await attempt(Math.round((good + bad) / 2));
  }
  return { lossFreeRate: good, endedBy };
}
