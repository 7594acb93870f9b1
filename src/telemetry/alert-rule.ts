/** What alert rules look at on the board, and how one reading of the board is held against them. */
import { EdgeError } from "../error.ts";
import type { AlertBook, AlertPolicy } from "./alert.ts";
import { labelsAt, type MetricSpec, metricSpecs } from "./metric.ts";
import type { BoardReader } from "./reader.ts";
import { type Stage, stageNames, stages, stagesOf } from "./stage.ts";

export type AlertSource =
  /** Values of a stage above the limit (ns); each is counted where it is recorded. */
  | { kind: "stage"; stage: string }
  /** Every increment of a counter is a breach. */
  | { kind: "event"; metric: string }
  /** Every increment of a channel's counter is a breach; `count` is its key in the codecs' table. */
  | { kind: "channel"; count: string }
  /** A gauge above the limit, while the gauge `when` (if given) is above zero. */
  | { kind: "above"; metric: string; when?: string | undefined }
  /** A gauge below the limit, while the gauge `when` (if given) is above zero. */
  | { kind: "below"; metric: string; when?: string | undefined }
  /** Share of `part` in the counters `whole`, below the limit over at least `minimum` of them. */
  | { kind: "share"; part: string; whole: readonly string[]; minimum: number };

export interface AlertRule extends AlertPolicy {
  source: AlertSource;
}

/** Names of the channels that are in use, and of the counters that each of them has. */
export interface ChannelNames {
  channels: readonly string[];
  counts: readonly string[];
}

type Check = (reader: BoardReader, book: AlertBook, nowMs: number) => void;

const metricByName = new Map(metricSpecs.map((spec) => [spec.name, spec]));

/** Binds rules to cells once, so that holding a reading against them is only arithmetic. */
export class AlertRules {
  readonly rules: readonly AlertRule[];
  private readonly checks: readonly Check[];

  /** Throws EdgeError ALERT_RULE for a rule that names nothing that exists. */
  constructor(rules: readonly AlertRule[], names: ChannelNames) {
    const seen = new Set<string>();
    for (const { name } of rules) {
      if (seen.has(name)) throw invalid(name, "is defined twice", "Give each rule its own name.");
      seen.add(name);
    }
    stageThresholds(rules);
    this.rules = rules;
    this.checks = rules.map((rule) => bind(rule, names));
  }

  /** Tells the book every breach of the reading that ended at `nowMs` (epoch ms). */
  check(reader: BoardReader, book: AlertBook, nowMs: number): void {
    for (const check of this.checks) check(reader, book, nowMs);
  }
}

/**
 * The limit of each stage that a rule watches, ns: to be set on the board, where every value is
 * compared with it. One to a stage: throws EdgeError ALERT_RULE when two rules watch the same.
 */
export function stageThresholds(rules: readonly AlertRule[]): Map<Stage, number> {
  const limits = new Map<Stage, number>();
  for (const { name, source, limit } of rules) {
    if (source.kind !== "stage") continue;
    const ids = stagesOf(source.stage);
    if (ids === undefined) {
      throw invalid(
        name,
        `names the unknown stage "${source.stage}"`,
        `The stages are: ${stageNames.join(", ")}.`,
      );
    }
    for (const id of ids) {
      if (limits.has(id)) {
        const hint = "Change its threshold in [alert] instead, or set that to 0.";
        throw invalid(name, `watches ${stages[id]!.name}, which has a threshold already`, hint);
      }
      limits.set(id, limit);
    }
  }
  return limits;
}

function bind(rule: AlertRule, names: ChannelNames): Check {
  const { source } = rule;
  switch (source.kind) {
    case "stage":
      return bindStage(rule, source.stage);
    case "event":
      return bindEvent(rule, metricOf(rule, source.metric, "counter"));
    case "channel":
      return bindChannel(rule, source.count, names);
    case "above":
    case "below":
      return bindGauge(rule, source);
    case "share":
      return bindShare(rule, source);
  }
}

function bindStage(rule: AlertRule, name: string): Check {
  const ids = stagesOf(name)!;
  return (reader, book, nowMs) => {
    for (const id of ids) {
      const { breaches, histogram } = reader.stages[id]!;
      if (breaches === 0) continue;
      // A breach is counted last: its value may be in the interval before, and is above the limit.
      const worst = Math.max(rule.limit, histogram.maxNs);
      book.breach(rule, stages[id]!.name, breaches, worst, nowMs);
    }
  };
}

function bindEvent(rule: AlertRule, { thread, id, cells, ...family }: MetricSpec): Check {
  const subjects = Array.from({ length: cells }, (_, offset) =>
    Object.values(labelsAt(family, offset)).join(" "),
  );
  return (reader, book, nowMs) => {
    const { deltas } = reader.counters[thread];
    subjects.forEach((subject, offset) => {
      const count = deltas[id + offset]!;
      if (count > rule.limit) book.breach(rule, subject, count, count, nowMs);
    });
  };
}

function bindChannel(rule: AlertRule, count: string, { channels, counts }: ChannelNames): Check {
  const cell = counts.indexOf(count);
  if (cell < 0) throw invalid(rule.name, `names the unknown channel counter "${count}"`, "");
  return (reader, book, nowMs) => {
    channels.forEach((subject, channel) => {
      const times = reader.channels[channel]!.deltas[cell]!;
      if (times > rule.limit) book.breach(rule, subject, times, times, nowMs);
    });
  };
}

function bindGauge(rule: AlertRule, source: AlertSource & { kind: "above" | "below" }): Check {
  const { thread, id } = metricOf(rule, source.metric, "gauge");
  const when = source.when === undefined ? null : metricOf(rule, source.when, "gauge");
  const below = source.kind === "below";
  return (reader, book, nowMs) => {
    if (when !== null && !(reader.gauges[when.thread][when.id]! > 0)) return;
    const value = reader.gauges[thread][id]!;
    if (below ? value < rule.limit : value > rule.limit) book.breach(rule, "", 1, value, nowMs);
  };
}

function bindShare(rule: AlertRule, source: AlertSource & { kind: "share" }): Check {
  const part = metricOf(rule, source.part, "counter");
  const whole = source.whole.map((name) => metricOf(rule, name, "counter"));
  let parts = 0;
  let wholes = 0;
  return (reader, book, nowMs) => {
    parts += reader.counters[part.thread].deltas[part.id]!;
    for (const { thread, id } of whole) wholes += reader.counters[thread].deltas[id]!;
    // A share of a handful says nothing: seconds are added up until there are enough.
    if (wholes < source.minimum) return;
    const share = parts / wholes;
    parts = 0;
    wholes = 0;
    if (share < rule.limit) book.breach(rule, "", 1, share, nowMs);
  };
}

function metricOf(rule: AlertRule, name: string, kind: MetricSpec["kind"]): MetricSpec {
  const spec = metricByName.get(name);
  if (spec?.kind === kind) return spec;
  const known = metricSpecs.filter((m) => m.kind === kind).map((m) => m.name);
  throw invalid(
    rule.name,
    `names "${name}", which is no ${kind}`,
    `The ${kind}s are: ${known.join(", ")}.`,
  );
}

function invalid(rule: string, what: string, hint: string): EdgeError {
  return new EdgeError("ALERT_RULE", `alert rule "${rule}" ${what}`, hint);
}
