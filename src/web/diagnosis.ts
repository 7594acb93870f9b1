/** What an examination of the machine says, as far as it is shown. */
import type { Fact } from "./facts.ts";

export interface Finding {
  id: string;
  area: string;
  subject: string;
  severity: string;
  title: string;
  evidence: string;
  why: string;
  remedy: string;
}

export interface Diagnosis {
  atMs: number;
  machine: {
    machine: string;
    cpu: string;
    cores: number;
    system: string;
    kernel: string;
    temperatureC?: number;
    disks: readonly { name: string; kind: string; sizeBytes: number; health: string }[];
  } | null;
  findings: readonly Finding[];
  notApplicable: readonly { id: string; area: string; subject: string; reason: string }[];
  incomplete: readonly { area: string; reason: string }[];
}

export function findingState(severity: string): string {
  if (severity === "ok") return "good";
  return severity === "critical" || severity === "warning" ? severity : "unknown";
}

export interface TuneFact extends Fact {
  /** What to type; "" where nothing need be done. */
  remedy: string;
}

/** At least one: in the order of the findings. */
export function tuneFactsOf({ findings, notApplicable, incomplete }: Diagnosis): TuneFact[] {
  const facts = findings
    .filter(({ area }) => area === "tune")
    .map(({ title, evidence, remedy, severity }): TuneFact => {
      return { name: title, words: evidence, remedy, state: findingState(severity) };
    });
  for (const { area, reason } of [...notApplicable, ...incomplete]) {
    if (area === "tune") facts.push({ name: "Tuning", words: reason, remedy: "" });
  }
  return facts.length === 0 ? [{ name: "Tuning", words: "not examined", remedy: "" }] : facts;
}

export function withRemedy({ words, remedy, ...fact }: TuneFact): Fact {
  return { ...fact, words: remedy === "" ? words : `${words} Remedy: ${remedy}` };
}
