/** Alerts in words. */
import { byteCount, count, duration, percent } from "../unit.ts";
import type { AlertNews } from "./api.ts";

/** A limit or a worst value in the alert's unit. */
export function amount(value: number, unit: string): string {
  if (unit === "ns") return duration(value);
  if (unit === "bytes") return byteCount(value);
  if (unit === "ratio") return percent(value);
  const text = Number.isInteger(value) ? count(value) : String(Number(value.toPrecision(4)));
  return unit === "" ? text : `${text} ${unit}`;
}

/** Alerts without a unit count events: their worst value says nothing that the count does not. */
export function worstText({ worst, limit, unit }: AlertNews): string {
  return unit === ""
    ? amount(worst, unit)
    : `${amount(worst, unit)} (limit ${amount(limit, unit)})`;
}

/** "slow_total_pipeline.cached" for the rule "slow_total_pipeline" and "total_pipeline.cached". */
export function alertName({ rule, subject }: AlertNews): string {
  const [component = ""] = subject.split(".");
  return rule.endsWith(component)
    ? `${rule}${subject.slice(component.length)}`
    : `${rule}: ${subject}`;
}

/** The state that the severity is shown as. */
export function alertState(severity: string): string {
  if (severity === "critical") return "critical";
  return severity === "warning" ? "warning" : "unknown";
}

/** What tells one alert from all others, in the status and in the history alike. */
export function alertKey({ rule, subject, openedMs }: AlertNews): string {
  return `${rule}\n${subject}\n${openedMs}`;
}
