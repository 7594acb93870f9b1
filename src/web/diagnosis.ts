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

export function tuneFactsOf({ findings, notApplicable, incomplete }: Diagnosis): Fact[] {
  const facts = findings
    .filter(({ area }) => area === "tune")
    .map((finding): Fact => ({
      name: finding.title,
      words:
        finding.remedy === "" ? finding.evidence : `${finding.evidence} Remedy: ${finding.remedy}`,
      state: findingState(finding.severity),
    }));
  for (const { area, reason } of [...notApplicable, ...incomplete]) {
    if (area === "tune") facts.push({ name: "Tuning", words: reason });
  }
  return facts.length === 0 ? [{ name: "Tuning", words: "not examined" }] : facts;
}
