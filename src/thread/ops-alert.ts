/** Alerts on their way out, once they are in the file: to the log and to the webhook. */
import { hostname } from "node:os";
import type { Config } from "../config/schema.ts";
import { Webhook } from "../http/webhook.ts";
import type { Alert, AlertChange } from "../telemetry/alert.ts";
import type { BoardWriter } from "../telemetry/board.ts";
import { Metric } from "../telemetry/metric.ts";
import { duration } from "../unit.ts";
import type { OpsLog } from "./message.ts";

const ids = Metric.ops;
const level = { info: "info", warning: "warn", critical: "error" } as const;

export class AlertDesk {
  readonly #log: OpsLog;
  readonly #board: BoardWriter;
  readonly #webhook: Webhook | undefined;
  #sent = 0;
  #failed = 0;

  /** `run` is told to the webhook, so that several appliances can share one. */
  constructor(config: Config["alert"], run: string, board: BoardWriter, log: OpsLog) {
    this.#log = log;
    this.#board = board;
    if (config.webhook === "") return;
    this.#webhook = new Webhook({
      url: config.webhook,
      timeoutMs: config.webhookTimeoutMs,
      tries: config.webhookTries,
      queueMax: config.webhookQueueMax,
      run,
      host: hostname(),
    });
  }

  announce(changes: readonly AlertChange[]): void {
    for (const { kind, alert } of changes) {
      if (kind === "updated") continue;
      this.#log(level[alert.severity], wordsOf(kind, alert), fieldsOf(alert));
    }
    if (this.#webhook === undefined) return;
    this.#webhook.offer(changes);
    this.#count(this.#webhook);
  }

  /** Gives up what was not delivered yet, and counts it. */
  async close(): Promise<void> {
    if (this.#webhook === undefined) return;
    await this.#webhook.close();
    this.#count(this.#webhook);
  }

  #count({ counts: { sent, failed } }: Webhook): void {
    this.#board.count(ids.webhooksSent, sent - this.#sent);
    this.#board.count(ids.webhooksFailed, failed - this.#failed);
    this.#sent = sent;
    this.#failed = failed;
  }
}

function wordsOf(kind: "opened" | "resolved", alert: Alert): string {
  const subject = alert.subject === "" ? "" : ` (${alert.subject})`;
  if (kind === "opened") return `alert ${alert.rule}${subject}: ${alert.summary}`;
  const lasted = duration(Math.max(0, alert.lastMs - alert.openedMs) * 1e6);
  return `alert ${alert.rule}${subject} is over: ${alert.count} times in ${lasted}`;
}

function fieldsOf(alert: Alert): Record<string, unknown> {
  const { rule, subject, severity, count, worst, limit, unit } = alert;
  return { alert: rule, subject, severity, count, worst, limit, unit };
}
