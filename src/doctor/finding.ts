/** What a probe says: a finding, or that there is nothing here to look at. */
import { assert } from "../error.ts";
import { shellWord } from "../host/shell-word.ts";
import { advice, type Advice, type FindingId } from "./advice.ts";

/** Worst last, so that an index is a rank. */
export const severities = ["ok", "note", "warning", "critical"] as const;
export type Severity = (typeof severities)[number];

export const areas = [
  "system",
  "memory",
  "network",
  "storage",
  "clock",
  "limit",
  "gpu",
  "ollama",
  "tune",
  "config",
] as const;
export type Area = (typeof areas)[number];

export type Evidence = Record<string, number | string | boolean>;

export interface Finding {
  /** Stable: scripts may match it. The part before the dot is the area. */
  id: FindingId;
  area: Area;
  /** The interface, GPU, host or directory that it is about; empty when it is the whole machine. */
  subject: string;
  severity: Severity;
  title: string;
  /** One sentence with the numbers. */
  evidence: string;
  /** The same numbers for machines; units are in the names. */
  values: Evidence;
  /** Why it matters for latency. */
  why: string;
  /** A command line that helps; empty when all is well. */
  remedy: string;
}

/** A check that this machine has no use for, e.g. the GPU's on a box without one. */
export interface NotApplicable {
  id: FindingId;
  area: Area;
  subject: string;
  reason: string;
}

export type Outcome = Finding | NotApplicable;

export function isFinding(outcome: Outcome): outcome is Finding {
  return "severity" in outcome;
}

export function areaOf(id: FindingId): Area {
  return id.slice(0, id.indexOf(".")) as Area;
}

/**
 * Puts values into the advice's `{name}` places, each as one word of a shell: a directory's or a
 * model's name comes from outside, and people run these lines as root. The advice and the probe
 * must agree on names.
 */
export function fillRemedy(remedy: string, values: Evidence): string {
  return remedy.replace(/\{(\w+)\}/g, (place, name: string) => {
    const value = values[name];
    return value === undefined ? place : shellWord(String(value));
  });
}

/** Far above any sentence of ours; a server may send more words than anybody wants to read. */
const evidenceLengthMax = 2000;

export interface RemedyChoice {
  /** Which of the advice's `remedyWhen` is meant; the usual remedy when it is left out. */
  when?: string | undefined;
  /** Values that only the command line needs. */
  words?: Evidence;
}

/** A finding with the words that belong to its id. `subject` is a value too, as {subject}. */
export function finding(
  id: FindingId,
  severity: Severity,
  evidence: string,
  values: Evidence,
  subject = "",
  { when, words }: RemedyChoice = {},
): Finding {
  // Parts of it come from servers and drivers, and it goes to a terminal.
  const plain = evidence.replace(/\p{Cc}+/gu, " ").slice(0, evidenceLengthMax);
  const { title, why, remedy, remedyWhen }: Advice = advice[id];
  const chosen = when === undefined ? remedy : remedyWhen?.[when];
  assert(chosen !== undefined, `${id} has no remedy for "${when}"`);
  return {
    id,
    area: areaOf(id),
    subject,
    severity,
    title,
    evidence: plain,
    values,
    why,
    remedy: severity === "ok" ? "" : fillRemedy(chosen, { ...values, ...words, subject }),
  };
}

export function notApplicable(id: FindingId, reason: string, subject = ""): NotApplicable {
  return { id, area: areaOf(id), subject, reason };
}

/** The severity that a measured value has earned; thresholds ascend. */
export function severityAbove(
  value: number,
  noteAbove: number,
  warningAbove: number,
  criticalAbove = Infinity,
): Severity {
  if (value > criticalAbove) return "critical";
  if (value > warningAbove) return "warning";
  return value > noteAbove ? "note" : "ok";
}

export function severityBelow(
  value: number,
  noteBelow: number,
  warningBelow: number,
  criticalBelow = -Infinity,
): Severity {
  return severityAbove(-value, -noteBelow, -warningBelow, -criticalBelow);
}

export function worst(severitiesSeen: Iterable<Severity>): Severity {
  let rank = 0;
  for (const severity of severitiesSeen) rank = Math.max(rank, severities.indexOf(severity));
  return severities[rank]!;
}
