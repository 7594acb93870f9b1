/**
 * What ops does once a second, in order: reads the board, the machine and the signals, holds them
 * against the alert rules, commits all of it to the history, then tells whoever wants to know.
 */
import { hostname } from "node:os";
import type { InferenceReport } from "../inference/engine.ts";
import type { Delivery } from "../inference/outbox.ts";
import type { RulesReport } from "../inference/rules-engine.ts";
import { buildFacts } from "../host/build-fact.ts";
import { realtimeNs } from "../host/libc.ts";
import { openRoot } from "../host/root.ts";
import { Hub, StreamCap } from "../http/hub.ts";
import type { ApiSource } from "../http/source.ts";
import type { Status } from "../http/status-schema.ts";
import { type Batch, emptyBatch } from "../store/batch.ts";
import { Collector } from "../store/collect.ts";
import { AlertBook } from "../telemetry/alert.ts";
import { AlertRules, stageThresholds } from "../telemetry/alert-rule.ts";
import { type Board, type BoardWriter, openBoard } from "../telemetry/board.ts";
import { Metric } from "../telemetry/metric.ts";
import type { BoardReader } from "../telemetry/reader.ts";
import { Stage } from "../telemetry/stage.ts";
import { Control } from "./control.ts";
import { feedCounts } from "../feed/count.ts";
import { AlertDesk } from "./ops-alert.ts";
import { HostGauges, QueueDrops } from "./ops-host.ts";
import { alertRules, channelNames, newRun, runKey, storeOptions } from "./ops-plan.ts";
import { readinessOf } from "./ops-readiness.ts";
import { ReportWindow } from "./ops-report.ts";
import { SignalTap } from "./ops-signal.ts";
import { statusOf } from "./ops-status.ts";
import { OpsStore } from "./ops-store.ts";
import { StageWindow } from "./ops-window.ts";
import type { RunPlan } from "./plan.ts";
import { openSignals, type SharedMemory } from "./shared.ts";
import type { OpsLog } from "./message.ts";

/** Seconds that the percentiles of "now" are taken over. */
const windowSeconds = 10;
/** Readings later than this are counted as late, ms. */
const lateMs = 500;
const heartbeatMs = 5000;
const stallMs = 30_000;
const liveQueueMax = 4;
const signalQueueMax = 1024;

export class OpsCore {
  readonly plan: RunPlan;
  readonly control: Control;
  readonly store: OpsStore;
  readonly board: BoardWriter;
  readonly reader: BoardReader;
  readonly live: Hub;
  readonly signalHub: Hub;
  readonly streams: StreamCap;
  readonly alerts: AlertDesk;
  /** What inference last said about itself. */
  inference: InferenceReport | RulesReport | undefined;
  readonly #log: OpsLog;
  readonly #tap: SignalTap;
  readonly #collector: Collector;
  readonly #rules: AlertRules;
  readonly #window = new StageWindow(windowSeconds);
  readonly #report = new ReportWindow();
  readonly #host: HostGauges;
  readonly #drops: QueueDrops;
  readonly #build: { version: string; commit: string };
  #deliveries: Delivery[] = [];
  #seconds = 0;
  #dueMs = 0;
  #signalsBefore = 0;
  #signalsPerS = 0;
  #status: Status | undefined;

  /** Throws the EdgeErrors of OpsStore and of alert rules that name nothing. */
  constructor(plan: RunPlan, shared: SharedMemory, log: OpsLog) {
    this.plan = plan;
    this.#log = log;
    const { config, limits } = plan;
    const nowMs = this.nowMs();
    const { version, commit } = buildFacts();
    this.#build = { version, commit };
    this.control = new Control(shared.control, limits.heldSymbols);
    const board: Board = openBoard(shared.board);
    this.board = board.writer("ops");
    this.reader = board.reader();
    const names = channelNames(plan);
    const rules = alertRules(config);
    this.#rules = new AlertRules(rules, names);
    for (const [stage, limitNs] of stageThresholds(rules)) board.setThreshold(stage, limitNs);
    this.#collector = new Collector(names);
    this.store = new OpsStore(storeOptions(plan), newRun(plan, this.#build, hostFacts()), nowMs);
    this.streams = new StreamCap(config.http.subscribersMax);
    const onDrop = (events: number): void => {
      this.board.count(Metric.ops.httpSubscriberDrops, events);
    };
    const stream = { heartbeatMs, stallMs, onDrop };
    this.live = new Hub({ ...stream, queueMax: liveQueueMax }, this.streams);
    this.signalHub = new Hub({ ...stream, queueMax: signalQueueMax }, this.streams);
    this.alerts = new AlertDesk(new AlertBook(config.alert.openMax), rules, {
      board: this.board,
      log,
      config: config.alert,
      run: runKey(plan),
      open: this.store.store?.openAlerts() ?? [],
    });
    this.#tap = new SignalTap({
      ring: openSignals(shared.signalsOps, limits),
      hub: this.signalHub,
      board: this.board,
      perSecondMax: config.store.signalsPerSecondMax,
      symbolsMax: limits.instruments,
    });
    const root = openRoot();
    this.#host = new HostGauges(root, this.board);
    this.#drops = new QueueDrops(root);
    this.#sayNotices();
  }

  nowMs(): number {
    return Math.floor(realtimeNs(this.plan.baseSeconds) / 1e6) + this.plan.baseSeconds * 1000;
  }

  /** ms since the run's base, as heartbeats are. */
  beatMs(): number {
    return Math.floor(realtimeNs(this.plan.baseSeconds) / 1e6);
  }

  /** Between the seconds: the sign of life, and what waits in the ring. */
  poll(): void {
    this.control.beat("ops", this.beatMs());
    this.#tap.drain(performance.now());
  }

  /** New decisions of inference: written with the next second. */
  take(delivery: Delivery): void {
    this.#deliveries.push(delivery);
  }

  /** Ends a second: everything since the last call becomes one batch. */
  second(): void {
    const nowMs = this.nowMs();
    const { board } = this;
    board.count(Metric.ops.reads);
    if (this.#dueMs !== 0 && nowMs - this.#dueMs > lateMs) board.count(Metric.ops.readsLate);
    this.#dueMs = nowMs + 1000;
    this.#tap.drain(performance.now());
    this.#gauges();
    this.reader.read();
    const batch = emptyBatch(Math.floor(nowMs / 1000) - 1);
    this.#fill(batch);
    batch.alerts = this.alerts.check(this.#rules, this.reader, nowMs);
    this.#commit(batch, nowMs);
    this.alerts.announce();
    this.#sayNotices();
    this.#window.push(batch.latency);
    this.#report.add(batch.latency);
    this.#seconds++;
    this.#signalsPerS = this.#tap.taken - this.#signalsBefore;
    this.#signalsBefore = this.#tap.taken;
    this.#tell(nowMs);
    this.#logReport();
  }

  status(): Status {
    this.#status ??= this.#statusNow(this.nowMs());
    return this.#status;
  }

  source(): ApiSource {
    return {
      nowMs: () => this.nowMs(),
      status: () => this.status(),
      readiness: () => this.readiness(),
      history: () => this.store.reader,
      board: this.reader,
      channelNames: channelNames(this.plan),
      channelHelp: feedCounts.map(({ help }) => help),
      build: this.#build,
      live: this.live,
      signals: this.signalHub,
    };
  }

  readiness() {
    return readinessOf({
      control: this.control,
      board: this.reader,
      store: this.store,
      engine: this.plan.config.inference.engine,
      heartbeatMs: this.plan.config.thread.heartbeatMs,
      nowMs: this.beatMs(),
    });
  }

  /** The last second's rows, and the run ended in order. */
  async close(): Promise<void> {
    this.second();
    this.live.close();
    this.signalHub.close();
    await this.alerts.close();
    this.store.close(this.nowMs());
  }

  #gauges(): void {
    const { board, store } = this;
    const ids = Metric.ops;
    this.#host.read();
    board.count(ids.receiveQueueDrops, this.#drops.read());
    const sizes = store.store?.sizes();
    board.gauge(ids.storeBytes, sizes?.bytes ?? 0);
    board.gauge(ids.diskFreeBytes, sizes?.freeBytes ?? 0);
    board.gauge(ids.storeMemoryOnly, store.memoryOnly ? 1 : 0);
    board.gauge(ids.storeBuffered, store.waitingBatches);
    board.gauge(ids.httpSubscribers, this.streams.open);
    board.gauge(ids.ready, { ready: 1, degraded: 0.5, "not ready": 0 }[this.readiness().status]);
  }

  #fill(batch: Batch): void {
    this.#collector.collect(this.reader, batch);
    batch.signals = this.#tap.takeRows();
    for (const { versions, decisions, uses } of this.#deliveries.splice(0)) {
      batch.versions.push(...versions);
      batch.decisions.push(...decisions);
      batch.uses.push(...uses);
    }
  }

  #commit(batch: Batch, nowMs: number): void {
    const { board, store } = this;
    const ids = Metric.ops;
    const startedNs = Bun.nanoseconds();
    const { rows, dropped, failed } = store.commit(batch, nowMs);
    if (failed) {
      board.count(ids.storeErrors);
      board.fail(Stage.storeCommit);
    } else {
      board.count(ids.storeCommits);
      board.record(Stage.storeCommit, Bun.nanoseconds() - startedNs);
    }
    board.count(ids.storeRows, rows);
    board.count(ids.storeDropped, dropped);
    const { rolled, pruned } = store.maintain(nowMs);
    board.count(ids.storeRollups, rolled);
    board.count(ids.storePruned, pruned);
  }

  #tell(nowMs: number): void {
    this.#status = this.#statusNow(nowMs);
    const clockMs = performance.now();
    if (this.live.size > 0) {
      const data = JSON.stringify(this.#status);
      this.live.publish({ event: "status", id: String(this.#seconds), data }, clockMs);
    }
    this.live.tick(clockMs);
    this.signalHub.tick(clockMs);
  }

  #statusNow(nowMs: number): Status {
    const { plan, inference } = this;
    const model = inference?.engine === "ollama" ? inference.model : "";
    return statusOf({
      seq: this.#seconds,
      atMs: nowMs,
      startedMs: plan.runId,
      ...this.#build,
      run: runKey(plan),
      readiness: this.readiness(),
      board: this.reader,
      window: this.#window,
      control: this.control,
      beatMs: this.beatMs(),
      clocksAgree: plan.config.telemetry.clocksAgree,
      feeds: plan.feeds.length,
      engine: plan.config.inference.engine,
      inference: { model, version: inference?.version ?? "" },
      storeWords: this.#storeWords(),
      storeWaiting: this.store.waitingBatches,
      newest: this.#tap.newest(),
      signalsPerS: this.#signalsPerS,
      signals: this.#tap.taken,
      alerts: this.alerts.book.open(),
    });
  }

  #storeWords(): string {
    const { problem, memoryOnly, waitingBatches } = this.store;
    if (problem !== "") return `in memory only: ${problem}`;
    if (!memoryOnly) return "written to disk";
    return `in memory only: the disk is full or failing, ${waitingBatches} s wait`;
  }

  #logReport(): void {
    const { reportSeconds } = this.plan.config.telemetry;
    if (reportSeconds === 0 || this.#report.seconds < reportSeconds) return;
    const line = this.#report.take();
    if (line !== undefined) this.#log("info", line);
  }

  #sayNotices(): void {
    for (const { severity, message } of this.store.notices()) {
      this.#log(
        severity === "critical" ? "error" : severity === "warning" ? "warn" : "info",
        message,
      );
    }
  }
}

function hostFacts(): Record<string, unknown> {
  const { bun, sqlite, platform } = buildFacts();
  return { host: hostname(), bun, sqlite, platform };
}
