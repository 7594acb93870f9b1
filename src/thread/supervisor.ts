/**
 * The supervisor, on the main thread: makes the shared memory, starts the workers in order, takes
 * the operator's holds, pumps stdout, and stops everything in order within a bound. It never
 * touches the data.
 */
import { mkdirSync } from "node:fs";
import type { ConfigChange } from "../config/change.ts";
import type { Config } from "../config/schema.ts";
import { EdgeError } from "../error.ts";
import { residentBytes } from "../host/descriptor.ts";
import { clearCore, humbleCleaners } from "../host/core-guard.ts";
import { lockMemory, realtimeNs, threadCpus } from "../host/libc.ts";
import { type Board, openBoard } from "../telemetry/board.ts";
import { Metric } from "../telemetry/metric.ts";
import type { LatencySummary } from "../telemetry/summary.ts";
import { changeRun } from "./change.ts";
import { Control } from "./control.ts";
import { type ControlReply, type ControlRequest, serveControl } from "./control-socket.ts";
import type { OpsLog } from "./message.ts";
import type { FeedReport } from "./feed-report.ts";
import {
  changeHeld,
  describeHold,
  type Held,
  heldRefusal,
  readHeldFile,
  writeHeldFile,
} from "./hold.ts";
import { latencySummaries } from "./latency.ts";
import { memoryReport, memoryTotal } from "./memory-report.ts";
import { MemoryWatch } from "./memory-watch.ts";
import type { RunPlan } from "./plan.ts";
import { Publication } from "./publication.ts";
import { createShared, openSignals, type SharedMemory } from "./shared.ts";
import { type LineOutput, StdoutPump } from "./stdout.ts";
import { armFault } from "./test-fault.ts";
import { touchBuffer } from "./touch.ts";
import { RunWorker, type WorkerName } from "./worker.ts";

/** How often stdout is looked at; without it only the heartbeat is due. */
const pumpMs = 2;
const memoryMs = 1000;
const idlePumpMs = 20;
/** How often the feed thread's core is looked at: the runtime makes threads when it needs them. */
const guardMs = 2000;
const workerNames = ["ops", "inference", "feed"] as const satisfies readonly WorkerName[];

export interface RunReport {
  run: number;
  durationMs: number;
  /** Why the run ended. */
  reason: string;
  /** False when a thread had to be ended because it did not stop in time. */
  clean: boolean;
  feed: FeedReport | null;
  stdout: { lines: number; dropped: number };
  workerRestarts: number;
  latency: Record<string, LatencySummary>;
}

export interface SupervisorHooks {
  log: OpsLog;
  stdout: LineOutput;
}

export class Supervisor {
  readonly plan: RunPlan;
  readonly shared: SharedMemory;
  readonly control: Control;
  readonly board: Board;
  readonly publication: Publication;
  /** Resolves with the reason when the run must end by itself. */
  readonly failed: Promise<EdgeError>;
  readonly #hooks: SupervisorHooks;
  readonly #workers: Record<WorkerName, RunWorker>;
  readonly #counters: Uint32Array;
  readonly #startedMs: number;
  #held: Held = { all: false, symbols: [] };
  #pump: StdoutPump | undefined;
  #memoryTimer: ReturnType<typeof setInterval> | undefined;
  #pumpTimer: ReturnType<typeof setInterval> | undefined;
  #guardTimer: ReturnType<typeof setInterval> | undefined;
  #controlServer: { stop(): void } | undefined;

  constructor(plan: RunPlan, hooks: SupervisorHooks) {
    this.plan = plan;
    this.#hooks = hooks;
    this.shared = createShared(plan);
    this.control = new Control(this.shared.control, plan.limits.heldSymbols);
    this.board = openBoard(this.shared.board);
    this.publication = new Publication(this.shared.publication, plan.limits.instruments);
    this.#counters = this.board.writer("main").counters;
    this.#startedMs = plan.runId;
    const { promise, resolve } = Promise.withResolvers<EdgeError>();
    this.failed = promise;
    const { restartsMax, restartBackoffMs } = plan.config.thread;
    const start = { plan, shared: this.shared };
    const create = (name: WorkerName): RunWorker =>
      new RunWorker(
        name,
        start,
        { restartsMax, backoffMs: restartBackoffMs },
        {
          onLog: (level, text, fields) => hooks.log(level, text, fields),
          onRestart: (which) => this.#restarted(which),
          onGiveUp: (_name, error) => resolve(error),
        },
      );
    this.#workers = {
      feed: create("feed"),
      inference: create("inference"),
      ops: create("ops"),
    };
  }

  /** Starts everything; throws the EdgeError of what could not start, with all the rest ended. */
  async start(): Promise<void> {
    const { plan } = this;
    makeDataDirectory(plan.dataDirectory);
    this.#held = readHeldFile(plan.dataDirectory, plan.limits.heldSymbols);
    this.#showHeld();
    this.#controlServer = await serveControl(plan.dataDirectory, (request) =>
      this.#answer(request),
    );
    const gauges = this.board.writer("main").gauges;
    gauges[Metric.main.startTimeSeconds] = plan.baseSeconds;
    gauges[Metric.main.memoryLimitBytes] = plan.config.memory.limitMb * 1024 ** 2;
    gauges[Metric.main.preallocatedBytes] = memoryTotal(memoryReport(plan));
    if (plan.config.memory.lock) gauges[Metric.main.memoryLocked] = this.#lockMemory();
    if (plan.config.memory.touch) Object.values(this.shared).forEach(touchBuffer);
    this.#startPump();
    try {
      for (const name of workerNames) await this.#workers[name].start();
      armFault(process.env["HFTEDGE_TEST_FAULT"], (name, fault) => this.#workers[name].post(fault));
    } catch (error) {
      // A thread that has begun already ends in order: a refused start is no unclean stop.
      this.#requestStop();
      await this.#end(plan.config.thread.stopMs);
      throw error;
    }
    humbleCleaners();
    this.#guardCore();
    this.#watchMemory();
  }

  #watchMemory(): void {
    const watch = new MemoryWatch({
      limits: () => this.plan.config.memory,
      residentBytes: () => residentBytes() ?? 0,
      collect: () => {
        this.control.requestCollection();
        Bun.gc(true);
      },
      log: (level, text) => this.#hooks.log(level, text),
    });
    this.#memoryTimer = setInterval(() => watch.check(performance.now()), memoryMs);
  }

  /** Keeps the core of a pinned feed thread free of this process's other threads. */
  #guardCore(): void {
    const { feedCpu } = this.plan.config.thread;
    if (feedCpu < 0) return;
    const allowed = threadCpus();
    let said = false;
    const look = (): void => {
      const owner = this.facts("feed")["threadId"];
      // One that is being started again has a place already, but is not known by its id yet.
      if (typeof owner !== "number" || !this.#workers.feed.isReady) return;
      const { refused } = clearCore(feedCpu, owner, allowed);
      if (refused.length === 0 || said) return;
      said = true;
      this.#hooks.log(
        "warn",
        `threads stay on the feed's CPU ${feedCpu}: ${refused.join(", ")}; allow sched_setaffinity`,
      );
    };
    look();
    this.#guardTimer = setInterval(look, guardMs);
  }

  #lockMemory(): number {
    const refused = lockMemory();
    if (refused === 0) return 1;
    this.#hooks.log(
      "info",
      "memory is not locked in RAM: run as root, or raise LimitMEMLOCK; memory.lock = false silences this",
    );
    return 0;
  }

  /** Takes over what reloads; see changeRun. A crash of a worker meanwhile is no obstacle. */
  async change(wanted: Config): Promise<ConfigChange> {
    const { plan } = this;
    const { feed, ops } = this.#workers;
    const hadStdout = plan.stdout;
    const { stopMs } = plan.config.thread;
    const change = await changeRun({ plan, feed, ops, stopMs }, wanted);
    this.board.writer("main").gauges[Metric.main.memoryLimitBytes] =
      plan.config.memory.limitMb * 1024 ** 2;
    if (plan.stdout !== hadStdout) {
      clearInterval(this.#pumpTimer);
      this.#startPump();
    }
    return change;
  }

  #startPump(): void {
    const { plan, shared } = this;
    // What is in the ring when stdout goes as a sink is still written.
    if (plan.stdout && this.#pump === undefined) {
      const ring = openSignals(shared.signalsOut, plan.limits);
      const { stdoutBytes } = plan.config.limit;
      this.#pump = new StdoutPump(ring, this.#hooks.stdout, stdoutBytes, this.#counters);
    }
    this.#pumpTimer = setInterval(
      () => {
        this.control.beat("main", Math.floor(realtimeNs(plan.baseSeconds) / 1e6));
        this.#pump?.pump();
      },
      plan.stdout ? pumpMs : idlePumpMs,
    );
  }

  facts(name: WorkerName): Readonly<Record<string, unknown>> {
    return this.#workers[name].facts;
  }

  #restarted(name: WorkerName): void {
    const offset = { feed: 0, inference: 1, ops: 2 }[name];
    this.#counters[Metric.main.workerRestarts + offset]!++;
  }

  #showHeld(): void {
    const { all, symbols } = this.#held;
    this.control.writeHeld(all, symbols);
    if (all) this.#hooks.log("warn", "everything is on hold: hftedge release lifts it");
    else if (symbols.length > 0) this.#hooks.log("warn", `on hold: ${symbols.join(", ")}`);
  }

  #answer(request: ControlRequest): ControlReply {
    if (request.verb === "status") return this.#reply(true, "running");
    const next = changeHeld(this.#held, request.symbol, request.verb === "hold");
    const refusal = heldRefusal(next, this.plan.limits.heldSymbols);
    if (refusal !== undefined) return this.#reply(false, refusal);
    this.#held = next;
    // Memory first: the hold is in force before the disk has answered.
    this.#showHeld();
    try {
      writeHeldFile(this.plan.dataDirectory, next);
    } catch (error) {
      return this.#reply(
        false,
        `in force now, but NOT kept for the next start: ${(error as Error).message}`,
      );
    }
    const isKnown = (symbol: string): boolean => this.publication.has(symbol);
    return this.#reply(true, describeHold(next, request.symbol, request.verb === "hold", isKnown));
  }

  #reply(ok: boolean, message: string): ControlReply {
    return { ok, pid: process.pid, message, held: this.#held };
  }

  /** The flag for all threads; from now on a crash is the end. */
  #requestStop(): void {
    this.control.requestStop();
    for (const name of workerNames) this.#workers[name].stopping();
  }

  /** Ordered stop: ops last, so that the others' last words pass; at most `stopMs` each. */
  async stop(reason: string): Promise<RunReport> {
    this.#requestStop();
    const reports = await this.#end(this.plan.config.thread.stopMs);
    const counters = this.#counters;
    const { workerRestarts, stdoutLines, stdoutDropped } = Metric.main;
    return {
      run: this.plan.runId,
      durationMs: Date.now() - this.#startedMs,
      reason,
      clean:
        reports !== undefined && Object.values(reports).every((report) => report !== undefined),
      feed: (reports?.feed as FeedReport | undefined) ?? null,
      stdout: { lines: counters[stdoutLines]!, dropped: counters[stdoutDropped]! },
      workerRestarts: [0, 1, 2].reduce((sum, i) => sum + counters[workerRestarts + i]!, 0),
      latency: latencySummaries(this.board),
    };
  }

  async #end(boundMs: number): Promise<Record<WorkerName, unknown> | undefined> {
    const feed = await this.#workers.feed.stopped(boundMs);
    const inference = await this.#workers.inference.stopped(boundMs);
    this.#workers.ops.post({ kind: "stop" });
    const ops = await this.#workers.ops.stopped(boundMs);
    clearInterval(this.#pumpTimer);
    clearInterval(this.#guardTimer);
    clearInterval(this.#memoryTimer);
    await this.#drainStdout(boundMs);
    this.#controlServer?.stop();
    return { feed, inference, ops };
  }

  /** Gives a slow reader the rest of the bound to take what was written. */
  async #drainStdout(boundMs: number): Promise<void> {
    const pump = this.#pump;
    if (pump === undefined) return;
    const deadlineMs = performance.now() + boundMs;
    pump.pump();
    while (pump.waiting > 0 && performance.now() < deadlineMs) {
      await Bun.sleep(1);
      pump.pump();
    }
    pump.finish();
  }
}

function makeDataDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new EdgeError(
      "DATA_DIRECTORY",
      `the data directory ${path} cannot be made: ${(error as Error).message}`,
      "Choose another with --data-directory, or create it and make it yours.",
      error,
    );
  }
}
