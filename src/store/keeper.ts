/**
 * What the ops thread does once a second, top to bottom: read the board, hold the rules against it,
 * put everything into one batch, commit it, keep house. Time is a parameter.
 */
import type { Board, BoardWriter } from "../telemetry/board.ts";
import { type Alert, type AlertChange, AlertBook } from "../telemetry/alert.ts";
import { type AlertRule, AlertRules, type ChannelNames } from "../telemetry/alert-rule.ts";
import { alertSeverityLabels, Metric } from "../telemetry/metric.ts";
import type { BoardReader } from "../telemetry/reader.ts";
import { Stage } from "../telemetry/stage.ts";
import {
  type Batch,
  emptyBatch,
  type LatencyItem,
  type NewEvent,
  type NewSignal,
} from "./batch.ts";
import { Collector } from "./collect.ts";
import type { AlertRow } from "./schema.ts";
import type { Store } from "./store.ts";

/** What the keeper needs of the store, so that one that is not open yet can stand in for it. */
export type KeptStore = Pick<
  Store,
  | "commit"
  | "maintain"
  | "notices"
  | "sizes"
  | "openAlerts"
  | "nextAlertNumber"
  | "memoryOnly"
  | "waitingBatches"
>;

export interface KeeperOptions {
  board: Board;
  store: KeptStore;
  rules: readonly AlertRule[];
  names: ChannelNames;
  alertsOpenMax: number;
  signalsPerSecondMax: number;
  /** A monotonic clock in ns, for the duration of a commit. */
  nowNs: () => number;
}

export interface Tick {
  /** To be logged and sent: what opened and was resolved is in the file, unless the disk is full. */
  changes: AlertChange[];
  /** What happened to the store itself. */
  notices: NewEvent[];
  /** The second's latency, as it was committed. */
  latency: readonly LatencyItem[];
}

const { ops } = Metric;
/** A reading that comes this much later than a second after the one before is counted as late. */
const lateMs = 1500;

export class HistoryKeeper {
  /** This interval's differences and the totals, until the next tick: for /metrics and streams. */
  readonly reader: BoardReader;
  private readonly options: KeeperOptions;
  private readonly writer: BoardWriter;
  private readonly rules: AlertRules;
  private readonly book: AlertBook;
  private readonly collector: Collector;
  /** Rows of the other kinds gather here until the second ends: signals, gaps, decisions, events. */
  private batch: Batch = emptyBatch(0);
  private signalsDropped = 0;
  private overflow = 0;
  private lastMs = 0;
  /** Alerts that nobody watches any more: their rule went with a change of the configuration. */
  private unwatched: Alert[] = [];

  /** Takes up the alerts that were open when an ops thread of this run stopped before. */
  constructor(options: KeeperOptions) {
    const { board, store, rules, names, alertsOpenMax } = options;
    this.options = options;
    this.reader = board.reader();
    this.writer = board.writer("ops");
    this.rules = new AlertRules(rules, names);
    this.collector = new Collector(names);
    this.book = new AlertBook(alertsOpenMax, store.nextAlertNumber());
    for (const row of store.openAlerts()) {
      const rule = rules.find(({ name }) => name === row.rule);
      const alert = alertOf(row);
      if (rule === undefined || !this.book.restore(rule, alert)) this.unwatched.push(alert);
    }
  }

  /** Where gaps, decisions and events are pushed; they are committed with the second. */
  get pending(): Omit<Batch, "startS" | "latency" | "metrics" | "signals" | "alerts"> {
    return this.batch;
  }

  /** A signal for the history; beyond the limit of a second it is counted and not kept. */
  signal(signal: NewSignal): void {
    if (this.batch.signals.length < this.options.signalsPerSecondMax)
      this.batch.signals.push(signal);
    else this.signalsDropped++;
  }

  openAlerts(): Alert[] {
    return this.book.open();
  }

  /** Ends the second that lies around half a second before `nowMs` (epoch ms). */
  tick(nowMs: number): Tick {
    const { store, nowNs } = this.options;
    const { writer } = this;
    writer.count(ops.reads);
    if (this.lastMs > 0 && nowMs - this.lastMs > lateMs) writer.count(ops.readsLate);
    this.lastMs = nowMs;
    this.reader.read();
    this.rules.check(this.reader, this.book, nowMs);
    const over = this.unwatched.splice(0).map((alert): AlertChange => {
      return { kind: "resolved", alert: { ...alert, resolvedMs: nowMs } };
    });
    const changes = [...over, ...this.book.tick(nowMs)];
    const { batch } = this;
    batch.startS = Math.floor((nowMs - 500) / 1000);
    this.collector.collect(this.reader, batch);
    for (const { alert } of changes) batch.alerts.push(alert);
    this.batch = emptyBatch(0);
    const begunNs = nowNs();
    const { rows, dropped, failed } = store.commit(batch, nowMs);
    if (failed) writer.fail(Stage.storeCommit, nowNs() - begunNs);
    else writer.record(Stage.storeCommit, nowNs() - begunNs);
    const { rolled, pruned } = store.maintain(nowMs);
    writer.count(ops.storeRows, rows);
    writer.count(failed ? ops.storeErrors : ops.storeCommits);
    writer.count(ops.storeDropped, dropped);
    writer.count(ops.signalsUnstored, this.signalsDropped);
    writer.count(ops.storeRollups, rolled);
    writer.count(ops.storePruned, pruned);
    this.signalsDropped = 0;
    this.countAlerts(changes);
    this.gauges();
    return { changes, notices: store.notices(), latency: batch.latency };
  }

  private countAlerts(changes: readonly AlertChange[]): void {
    for (const { kind, alert } of changes) {
      if (kind === "resolved") this.writer.count(ops.alertsResolved);
      if (kind !== "opened") continue;
      this.writer.count(ops.alertsOpened + alertSeverityLabels.indexOf(alert.severity));
    }
    this.writer.gauge(ops.alertsOpen, this.book.open().length);
    this.writer.count(ops.alertsOverflow, this.book.overflow - this.overflow);
    this.overflow = this.book.overflow;
  }

  private gauges(): void {
    const { store } = this.options;
    const { bytes, walBytes, freeBytes } = store.sizes();
    this.writer.gauge(ops.storeBytes, bytes);
    this.writer.gauge(ops.storeWalBytes, walBytes);
    if (Number.isFinite(freeBytes)) this.writer.gauge(ops.diskFreeBytes, freeBytes);
    this.writer.gauge(ops.storeBuffered, store.waitingBatches);
    this.writer.gauge(ops.storeMemoryOnly, store.memoryOnly ? 1 : 0);
  }
}

function alertOf({ number, threshold, severity, ...row }: AlertRow): Alert {
  const { rule, subject, summary, unit, openedMs, lastMs, resolvedMs, count, worst } = row;
  return {
    id: number,
    rule,
    subject,
    severity: severity as Alert["severity"],
    summary,
    limit: threshold,
    unit,
    openedMs,
    lastMs,
    resolvedMs,
    count,
    worst,
  };
}
