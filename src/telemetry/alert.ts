/**
 * Alerts: opened once, counted exactly, kept with their worst value, resolved after a quiet time.
 * However many breaches a second there are, one rule and subject have one open alert.
 *
 * A pure state machine: whoever reads the board tells it once a second how often each rule was
 * breached, and takes the transitions to the database, the log and the webhook.
 */
import { assert } from "../error.ts";

export const Severity = { info: "info", warning: "warning", critical: "critical" } as const;
export type Severity = (typeof Severity)[keyof typeof Severity];

/** What all rules have in common; what they look at is `AlertRule` in alert-rule.ts. */
export interface AlertPolicy {
  /** Unique: lower case with underscores. API: in the database, logs and webhooks. */
  name: string;
  severity: Severity;
  /** What it means and what to do about it, one sentence. */
  summary: string;
  /** The limit that was crossed, in `unit`. */
  limit: number;
  /** Of limit and worst value: "ns", "bytes", "ratio", or "" for plain numbers. */
  unit: string;
  /** Whether lower values are worse (free space), else higher ones are (latency). */
  lowIsWorse: boolean;
  /** It must be breached in every interval for this long before it opens. */
  forMs: number;
  /** It is resolved when it was not breached for this long. */
  quietMs: number;
}

export interface Alert {
  /** Counts the run's alerts from 1: with the run's id, the key in the database. */
  id: number;
  rule: string;
  /** Which of several: a stage, a channel, a worker; "" when there is only one. */
  subject: string;
  severity: Severity;
  summary: string;
  limit: number;
  unit: string;
  /** Epoch ms of the first breach, of the last one, and of the resolution (null while open). */
  openedMs: number;
  lastMs: number;
  resolvedMs: number | null;
  /** Breaches, exactly. */
  count: number;
  /** The worst value seen, in `unit`. */
  worst: number;
}

export interface AlertChange {
  kind: "opened" | "updated" | "resolved";
  /** A copy, for the caller to keep. */
  alert: Alert;
}

interface Entry {
  policy: AlertPolicy;
  alert: Alert;
  /** Not open yet: breached since `alert.openedMs`, but not for long enough. */
  waiting: boolean;
  /** Breached since the last tick. */
  breached: boolean;
}

export class AlertBook {
  /** Breaches that found the book full: their alerts could not be opened. */
  overflow = 0;
  private readonly entries = new Map<string, Entry>();
  private readonly limit: number;
  private nextId: number;
  private changes: AlertChange[] = [];

  /** `limit`: most alerts that are open or about to be. `nextId`: 1, or what follows a restart. */
  constructor(limit: number, nextId = 1) {
    assert(limit > 0, "a book of alerts needs room for one");
    this.limit = limit;
    this.nextId = nextId;
  }

  /** Takes up an alert that was open when the thread that kept it stopped; false without room. */
  restore(policy: AlertPolicy, alert: Alert): boolean {
    if (this.entries.size >= this.limit) return false;
    const entry = { policy, alert: { ...alert }, waiting: false, breached: false };
    this.entries.set(keyOf(policy.name, alert.subject), entry);
    this.nextId = Math.max(this.nextId, alert.id + 1);
    return true;
  }

  /**
   * The rule was breached `count` times in the interval that ended at `nowMs`, at worst by `worst`.
   * To be called at most once for each rule and subject between two ticks.
   */
  breach(policy: AlertPolicy, subject: string, count: number, worst: number, nowMs: number): void {
    const key = keyOf(policy.name, subject);
    const entry = this.entries.get(key);
    if (entry !== undefined) {
      const { alert } = entry;
      alert.count += count;
      alert.lastMs = nowMs;
      alert.worst = policy.lowIsWorse ? Math.min(alert.worst, worst) : Math.max(alert.worst, worst);
      entry.breached = true;
      return;
    }
    if (this.entries.size >= this.limit) {
      this.overflow += count;
      return;
    }
    const { name: rule, severity, summary, limit, unit } = policy;
    const times = { openedMs: nowMs, lastMs: nowMs, resolvedMs: null };
    const alert = { id: 0, rule, subject, severity, summary, limit, unit, ...times, count, worst };
    this.entries.set(key, { policy, alert, waiting: true, breached: true });
  }

  /** Ends an interval: opens, updates, resolves. Returns the transitions, in no special order. */
  tick(nowMs: number): AlertChange[] {
    for (const [key, entry] of this.entries) {
      const { policy, alert } = entry;
      if (entry.waiting) this.tickWaiting(key, entry, nowMs);
      else if (entry.breached) this.change("updated", alert);
      else if (nowMs - alert.lastMs >= policy.quietMs) {
        alert.resolvedMs = nowMs;
        this.change("resolved", alert);
        this.entries.delete(key);
      }
      // A clock that was set back must keep no alert open, or waiting, for as long as the step was.
      if (alert.lastMs > nowMs) alert.lastMs = nowMs;
      if (entry.waiting && alert.openedMs > nowMs) alert.openedMs = nowMs;
      entry.breached = false;
    }
    const { changes } = this;
    this.changes = [];
    return changes;
  }

  private tickWaiting(key: string, entry: Entry, nowMs: number): void {
    const { alert } = entry;
    if (!entry.breached) {
      this.entries.delete(key);
      return;
    }
    if (nowMs - alert.openedMs < entry.policy.forMs) return;
    entry.waiting = false;
    alert.id = this.nextId++;
    this.change("opened", alert);
  }

  private change(kind: AlertChange["kind"], alert: Alert): void {
    this.changes.push({ kind, alert: { ...alert } });
  }

  /** Copies of the alerts that are open now. */
  open(): Alert[] {
    const open: Alert[] = [];
    for (const { waiting, alert } of this.entries.values()) if (!waiting) open.push({ ...alert });
    return open;
  }
}

function keyOf(rule: string, subject: string): string {
  return `${rule}\n${subject}`;
}
