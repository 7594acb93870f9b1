/** An operator's own rule, from its plain values. */
import type { Severity } from "./alert.ts";
import type { AlertRule, AlertSource } from "./alert-rule.ts";

export interface CustomRule {
  name: string;
  kind: "stage" | "event" | "above" | "below";
  /** A stage's or a metric's name. */
  of: string;
  /** ms for a stage, else in the metric's own unit. */
  limit: number;
  severity: Severity;
  forMs: number;
  quietMs: number;
  summary: string;
}

const nsPerMs = 1_000_000;

export function customRule({ name, kind, of, limit, summary, ...policy }: CustomRule): AlertRule {
  const source: AlertSource = kind === "stage" ? { kind, stage: of } : { kind, metric: of };
  return {
    ...policy,
    name,
    source,
    limit: kind === "stage" ? limit * nsPerMs : limit,
    unit: kind === "stage" ? "ns" : "",
    lowIsWorse: kind === "below",
    summary:
      summary === "" ? `${of} ${kind === "below" ? "is below" : "exceeds"} its limit.` : summary,
  };
}
