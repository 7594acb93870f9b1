/**
 * What ops does once a second, in order: reads the board, the machine and the signals, holds them
 * against the alert rules, commits all of it to the history, then tells whoever wants to know.
 */
import { hostname } from "node:os";
import { join } from "node:path";
import type { InferenceReport } from "../inference/port.ts";
import type { Delivery } from "../inference/outbox.ts";
import type { RulesReport } from "../inference/rules-engine.ts";
import { createDiagnosis } from "../doctor/cache.ts";
import type { Diagnosis } from "../doctor/diagnose.ts";
import type { Mode } from "../inference/verdict.ts";
import { StateSpace } from "../market/state.ts";
import { buildFacts, compiled } from "../host/build-fact.ts";
import { realtimeNs } from "../host/libc.ts";
import { openRoot } from "../host/root.ts";
import { Hub, StreamCap } from "../http/hub.ts";
import { TurnQueue } from "../store/turn.ts";
import type { ApiSource } from "../http/source.ts";
import type { Status } from "../http/status-schema.ts";
import type { NewEvent } from "../store/batch.ts";
import { HistoryKeeper } from "../store/keeper.ts";
import { stageThresholds } from "../telemetry/alert-rule.ts";
import { type Board, type BoardWriter, openBoard } from "../telemetry/board.ts";
import { Metric } from "../telemetry/metric.ts";
import type { BoardReader } from "../telemetry/reader.ts";
import { Control } from "./control.ts";
import { feedCounts } from "../feed/count.ts";
import { GapRing, LineBoard } from "./line-board.ts";
import { AlertDesk } from "./ops-alert.ts";
import { Recording } from "./ops-record.ts";
import { GapTap } from "./ops-gap.ts";
import { FeedDates } from "./ops-date.ts";
import { HostGauges, QueueDrops } from "./ops-host.ts";
import { NicDrops } from "./ops-nic.ts";
import { machineNeeds } from "./machine-need.ts";
import { cacheBody, type CacheFacts, FeedActivity, feedBody, inferenceBody } from "./ops-part.ts";
import { SymbolView } from "./ops-symbol.ts";
import { TableCount } from "./ops-table.ts";
import { Publication } from "./publication.ts";
import { alertRules, channelNames, newRun, runKey } from "./ops-plan.ts";
import { readinessOf } from "./ops-readiness.ts";
import { ReportWindow } from "./ops-report.ts";
import { SignalTap } from "./ops-signal.ts";
import { statusOf } from "./ops-status.ts";
import { OpsStore } from "./ops-store.ts";
import { StageWindow } from "./ops-window.ts";
import { historyFile, type RunPlan } from "./plan.ts";
import { openSignals, type SharedMemory } from "./shared.ts";
import { storeOptionsFrom } from "./store-plan.ts";
import type { OpsLog } from "./message.ts";
import { count } from "../unit.ts";

/** Seconds that the percentiles of "now" are taken over. */
const windowSeconds = 10;
const heartbeatMs = 5000;
const stallMs = 30_000;
const liveQueueMax = 4;
const signalQueueMax = 1024;
/** How long questions to the history may keep this thread from everything else at a time. */
const queryTurnMs = 4;
/** Questions that take turns; each holds what it has found so far. */
const queriesActiveMax = 8;

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
  readonly #keeper: HistoryKeeper;
  readonly #queries: TurnQueue;
  readonly #table: TableCount;
  readonly #activity: FeedActivity;
  readonly #space: CacheFacts;
  readonly #diagnose: () => Promise<Diagnosis>;
  readonly #symbols: SymbolView;
  readonly #recording: Recording | undefined;
  #recorded = { datagrams: 0, bytes: 0, lost: 0 };
  readonly #lines: LineBoard;
  readonly #gaps: GapRing;
  readonly #gapTap: GapTap;
  readonly #window = new StageWindow(windowSeconds);
  readonly #report = new ReportWindow();
  readonly #host: HostGauges;
  readonly #drops: QueueDrops;
  readonly #nic: NicDrops;
  readonly #dates: FeedDates;
  readonly #build: { version: string; commit: string };
  #seconds = 0;
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
    const names = channelNames(plan);
    const rules = alertRules(config);
    board.setThresholds(stageThresholds(rules));
    const run = newRun(plan, this.#build, hostFacts());
    const path = join(plan.dataDirectory, historyFile);
    const cacheBytes = config.store.queryCacheMb * 1024 ** 2;
    this.store = new OpsStore(storeOptionsFrom(config.store, path), run, nowMs, cacheBytes);
    this.#queries = new TurnQueue({
      turnMs: queryTurnMs,
      activeMax: queriesActiveMax,
      waitingMax: config.http.queriesMax,
      clockMs: () => performance.now(),
      later: (callback) => setImmediate(callback),
    });
    this.#keeper = new HistoryKeeper({
      board,
      store: this.store,
      rules,
      names,
      alertsOpenMax: config.alert.openMax,
      signalsPerSecondMax: config.store.signalsPerSecondMax,
      nowNs: () => Bun.nanoseconds(),
    });
    this.reader = this.#keeper.reader;
    this.streams = new StreamCap(config.http.subscribersMax);
    const onDrop = (events: number): void => {
      this.board.count(Metric.ops.httpSubscriberDrops, events);
    };
    const stream = { heartbeatMs, stallMs, onDrop };
    this.live = new Hub({ ...stream, queueMax: liveQueueMax }, this.streams);
    this.signalHub = new Hub({ ...stream, queueMax: signalQueueMax }, this.streams);
    this.alerts = new AlertDesk(config.alert, runKey(plan), this.board, log);
    this.#tap = new SignalTap({
      ring: openSignals(shared.signalsOps, limits),
      hub: this.signalHub,
      keep: (signal) => this.#keeper.signal(signal),
      symbolsMax: limits.instruments,
    });
    if (config.record.enabled) {
      const complain = (text: string): void => log("warn", text);
      this.#recording = new Recording(plan, runKey(plan), shared.record, complain);
      // The ring goes on counting what it dropped when this thread is started again.
      const counted = this.board.counters[Metric.ops.recordLost]!;
      this.#recorded.lost = Math.min(this.#recording.dropped, counted);
    }
    this.#lines = new LineBoard(shared.lines, plan.feeds.length);
    this.#gaps = new GapRing(shared.gaps);
    this.#gapTap = new GapTap(plan.feeds, plan.baseSeconds * 1000);
    const root = openRoot();
    this.#table = new TableCount(shared.table, plan.table);
    this.board.gauge(Metric.ops.tableLimit, plan.table.capacity);
    this.#activity = new FeedActivity(plan.feeds.length);
    const space = new StateSpace(plan.state);
    this.#space = { features: space.features.map(({ feature }) => feature), states: space.size };
    const file = plan.configFile;
    const needs = machineNeeds({ config, dataDirectory: plan.dataDirectory, file }, ownProgram());
    this.#diagnose = createDiagnosis(needs);
    this.#symbols = new SymbolView({
      plan,
      publication: new Publication(shared.publication, limits.instruments),
      control: this.control,
      nowNs: () => realtimeNs(plan.baseSeconds),
      history: () => this.store.reader,
      version: () => this.inference?.version ?? "",
      mode: () => modeOf(this.inference),
    });
    this.#host = new HostGauges(root, this.board);
    // What the life before this one has counted is not counted again.
    const { counters } = this.board;
    this.#drops = new QueueDrops(root, counters[Metric.ops.receiveQueueDrops]!);
    this.#nic = new NicDrops(
      root,
      plan.feeds.map(({ lines }) => lines),
    );
    this.#dates = new FeedDates(plan.feeds);
    this.#say(this.store.notices());
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
    this.#recording?.drain(performance.now());
  }

  /** New decisions of inference: written with the next second. */
  take({ versions, decisions, uses }: Delivery): void {
    const { pending } = this.#keeper;
    pending.versions.push(...versions);
    pending.decisions.push(...decisions);
    pending.uses.push(...uses);
  }

  /** Ends a second: everything since the last call becomes one batch. */
  second(): void {
    const nowMs = this.nowMs();
    this.#tap.drain(performance.now());
    this.#gauges();
    this.#takeGaps();
    this.#countRecorded();
    const { changes, notices, latency } = this.#keeper.tick(nowMs);
    this.#activity.second(this.reader, nowMs);
    for (const text of this.#dates.second(this.reader, (feed) => this.#lines.read(feed), nowMs)) {
      this.#log("warn", text);
    }
    this.alerts.announce(changes);
    this.#say(notices);
    this.#window.push(latency);
    this.#report.add(latency);
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
      clockMs: () => performance.now(),
      limits: { pointsMax: this.plan.config.http.pointsMax },
      status: () => this.status(),
      feed: () =>
        feedBody(this.plan, this.reader, this.#activity, this.nowMs(), {
          state: (feed) => this.#lines.read(feed),
          lastGap: (feed) => this.#gapTap.last[feed],
          interfaces: (feed) => this.#nic.body(feed),
          warnings: (feed) => this.#dates.warnings(feed),
        }),
      cache: () => cacheBody(this.plan, this.#space, this.reader, this.#window),
      inference: () =>
        inferenceBody(
          this.plan,
          this.inference,
          this.reader,
          this.#window,
          this.status().inference.state,
        ),
      symbols: (page) => this.#symbols.list(page),
      symbol: (symbol, feed) => this.#symbols.one(symbol, feed),
      diagnose: this.#diagnose,
      readiness: () => this.readiness(),
      history: () => this.store.reader,
      queries: this.#queries,
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

  /** The last second's rows, and the run ended in order; `goesOn`: another life goes on with it. */
  async close(goesOn = false): Promise<void> {
    this.#recording?.close(performance.now());
    this.second();
    this.live.close();
    this.signalHub.close();
    await this.alerts.close();
    const lost = this.store.close(this.nowMs(), goesOn);
    if (lost > 0) {
      this.#log("error", `${count(lost)} rows of the history are lost: they could not be written`);
    }
  }

  #countRecorded(): void {
    const recording = this.#recording;
    if (recording === undefined) return;
    const { datagrams, bytes } = recording.counts;
    const lost = recording.counts.lost + recording.dropped;
    const before = this.#recorded;
    this.board.count(Metric.ops.recordedDatagrams, datagrams - before.datagrams);
    this.board.count(Metric.ops.recordedBytes, bytes - before.bytes);
    this.board.count(Metric.ops.recordLost, lost - before.lost);
    this.#recorded = { datagrams, bytes, lost };
  }

  #takeGaps(): void {
    const { gaps, healed, events } = this.#gapTap.take(() => this.#gaps.shift());
    const { pending } = this.#keeper;
    pending.gaps.push(...gaps);
    pending.healed.push(...healed);
    pending.events.push(...events);
  }

  #gauges(): void {
    const { board } = this;
    const ids = Metric.ops;
    this.#host.read();
    this.#table.second();
    board.gauge(ids.tableEntries, this.#table.entries);
    board.count(ids.receiveQueueDrops, this.#drops.read());
    this.#nic.read().forEach((moved, i) => board.count(ids.nicDrops + i, moved));
    board.gauge(ids.httpSubscribers, this.streams.open);
    board.gauge(ids.ready, { ready: 1, degraded: 0.5, "not ready": 0 }[this.readiness().status]);
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
      alerts: this.#keeper.openAlerts(),
      historyRun: this.store.runId,
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

  #say(notices: readonly NewEvent[]): void {
    for (const { severity, message } of notices) {
      const level = severity === "critical" ? "error" : severity === "warning" ? "warn" : "info";
      this.#log(level, message);
    }
  }
}

function modeOf(report: InferenceReport | RulesReport | undefined): Mode {
  const mode = report?.engine === "ollama" ? report.mode : "";
  return mode === "json" || mode === "text" ? mode : "logprobs";
}

/** How this program is started, for what has to be asked of another process of it. */
function ownProgram(): string[] {
  return compiled ? [process.execPath] : [process.execPath, Bun.main];
}

function hostFacts(): Record<string, unknown> {
  const { bun, sqlite, platform } = buildFacts();
  return { host: hostname(), bun, sqlite, platform };
}
