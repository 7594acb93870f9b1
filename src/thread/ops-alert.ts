/** Alerts on their way: from the board through the rules to the history, the log and the webhook. */
import { hostname } from "node:os";
import type { Config } from "../config/schema.ts";
import { Webhook } from "../http/webhook.ts";
import type { AlertRow } from "../store/schema.ts";
import type { Alert, AlertBook, AlertChange, Severity } from "../telemetry/alert.ts";
import type { AlertRule, AlertRules } from "../telemetry/alert-rule.ts";
import type { BoardWriter } from "../telemetry/board.ts";
import { alertSeverityLabels, Metric } from "../telemetry/metric.ts";
import type { BoardReader } from "../telemetry/reader.ts";
import type { OpsLog } from "./message.ts";
import { duration } from "./ops-report.ts";

export interface AlertDeskOptions {
  board: BoardWriter;
  log: OpsLog;
  config: Config["alert"];
  run: string;
  /** Alerts of this run that are open in the history: this thread was started again. */
  open: readonly AlertRow[];
}

const ids = Metric.ops;
const level = { info: "info", warning: "warn", critical: "error" } as const;

export class AlertDesk {
  readonly book: AlertBook;
  readonly #options: AlertDeskOptions;
  readonly #webhook: Webhook | undefined;
  #changes: readonly AlertChange[] = [];
  #overflow = 0;
  #sent = 0;
  #failed = 0;

  constructor(book: AlertBook, rules: readonly AlertRule[], options: AlertDeskOptions) {
    this.book = book;
    this.#options = options;
    for (const row of options.open) {
      const rule = rules.find(({ name }) => name === row.rule);
      if (rule !== undefined) book.restore(rule, alertOf(row));
    }
    const { webhook, webhookTimeoutMs, webhookTries, webhookQueueMax } = options.config;
    if (webhook === "") return;
    this.#webhook = new Webhook({
      url: webhook,
      timeoutMs: webhookTimeoutMs,
      tries: webhookTries,
      queueMax: webhookQueueMax,
      run: options.run,
      host: hostname(),
    });
  }

  /** Holds the reading against the rules; returns the alerts that are to be written. */
  check(rules: AlertRules, reader: BoardReader, nowMs: number): Alert[] {
    const { board } = this.#options;
    rules.check(reader, this.book, nowMs);
    this.#changes = this.book.tick(nowMs);
    for (const { kind, alert } of this.#changes) {
      if (kind === "opened") {
        board.count(ids.alertsOpened + alertSeverityLabels.indexOf(alert.severity));
      } else if (kind === "resolved") board.count(ids.alertsResolved);
    }
    board.count(ids.alertsOverflow, this.book.overflow - this.#overflow);
    this.#overflow = this.book.overflow;
    board.gauge(ids.alertsOpen, this.book.open().length);
    return this.#changes.map(({ alert }) => alert);
  }

  /** Says what changed, now that it is in the file. */
  announce(): void {
    const { log, board } = this.#options;
    for (const { kind, alert } of this.#changes) {
      if (kind !== "updated") log(level[alert.severity], wordsOf(kind, alert), fieldsOf(alert));
    }
    this.#webhook?.offer(this.#changes);
    this.#changes = [];
    const { sent, failed } = this.#webhook?.counts ?? { sent: 0, failed: 0 };
    board.count(ids.webhooksSent, sent - this.#sent);
    board.count(ids.webhooksFailed, failed - this.#failed);
    this.#sent = sent;
    this.#failed = failed;
  }

  async close(): Promise<void> {
    await this.#webhook?.close();
  }
}

export function alertOf(row: AlertRow): Alert {
  const { run: _, number: id, threshold: limit, severity, id: _row, ...fields } = row;
  return { ...fields, id, limit, severity: severity as Severity };
}

function wordsOf(kind: "opened" | "resolved", alert: Alert): string {
  const subject = alert.subject === "" ? "" : ` (${alert.subject})`;
  if (kind === "opened") return `alert ${alert.rule}${subject}: ${alert.summary}`;
  const lasted = duration((alert.lastMs - alert.openedMs) * 1e6);
  return `alert ${alert.rule}${subject} is over: ${alert.count} times in ${lasted}`;
}

function fieldsOf(alert: Alert): Record<string, unknown> {
  const { rule, subject, severity, count, worst, limit, unit } = alert;
  return { alert: rule, subject, severity, count, worst, limit, unit };
}
