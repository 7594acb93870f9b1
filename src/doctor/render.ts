/** A diagnosis as a table for people: grouped by area, worst first, readable without colours. */
import type { Diagnosis } from "./diagnose.ts";
import {
  areas,
  severities,
  worst,
  type Area,
  type Finding,
  type NotApplicable,
  type Severity,
} from "./finding.ts";
import { plural } from "./text.ts";

export interface RenderOptions {
  columns: number;
  colour: boolean;
}

/** A word and a mark besides the colour, because meaning must not hang on colour alone. */
const looks: Record<Severity, { word: string; code: string }> = {
  critical: { word: "CRITICAL", code: "\x1b[1;31m" },
  warning: { word: "WARNING", code: "\x1b[33m" },
  note: { word: "note", code: "\x1b[36m" },
  ok: { word: "ok", code: "\x1b[32m" },
};

const wordWidth = 8;
/** A longer title, e.g. with a GPU's identifier, has its evidence on the next line. */
const titleWidthMax = 36;

/** Where a line may break: not between a number and its unit. */
const breaks = / (?!(?:%|[nµm]?s|[KMGTP]?i?B|GHz|MHz|ppm)(?![a-z]))/;

/** Breaks text between words; a word that is too long by itself stays whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(breaks)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

function paint(text: string, code: string, { colour }: RenderOptions): string {
  return colour ? `${code}${text}\x1b[0m` : text;
}

function headline(finding: Finding): string {
  return finding.subject === "" ? finding.title : `${finding.title}: ${finding.subject}`;
}

function renderFinding(finding: Finding, titleWidth: number, options: RenderOptions): string[] {
  const { word, code } = looks[finding.severity];
  const indent = " ".repeat(wordWidth + 4);
  const title = headline(finding);
  const wide = title.length <= titleWidth && options.columns >= wordWidth + titleWidth + 46;
  const evidenceIndent = wide ? `${indent}${" ".repeat(titleWidth + 2)}` : indent;
  const width = Math.max(24, options.columns - evidenceIndent.length);
  const evidence = wrap(finding.evidence, width);
  const head = `  ${paint(word.padEnd(wordWidth), code, options)}  ${title.padEnd(wide ? titleWidth : 0)}`;
  const lines = wide
    ? [`${head}  ${evidence[0]}`, ...evidence.slice(1).map((line) => evidenceIndent + line)]
    : [head, ...evidence.map((line) => evidenceIndent + line)];
  if (finding.severity === "ok") return lines;
  const detailWidth = Math.max(24, options.columns - indent.length - 5);
  const why = wrap(finding.why, detailWidth);
  lines.push(...why.map((line, index) => `${indent}${index === 0 ? "why  " : "     "}${line}`));
  // The remedy is never broken, so that it can be copied.
  if (finding.remedy !== "")
    lines.push(`${indent}do   ${paint(finding.remedy, "\x1b[1m", options)}`);
  return lines;
}

function summary(findings: readonly Finding[]): string {
  const parts = severities
    .toReversed()
    .map((severity) => [severity, findings.filter((f) => f.severity === severity).length] as const)
    .filter(([, count]) => count > 0)
    .map(([severity, count]) =>
      severity === "ok" || severity === "critical"
        ? `${count} ${severity}`
        : plural(count, severity),
    );
  return parts.join(", ");
}

function heading({ machine }: Diagnosis): string[] {
  if (machine === null) return [];
  const { cpu, cores, system, kernel } = machine;
  const parts = [machine.machine, `${cpu}, ${plural(cores, "core")}`, system, `Linux ${kernel}`];
  return [parts.filter((part) => part !== "").join("; "), ""];
}

/** The whole table; ends without a line break. */
export function renderDiagnosis(diagnosis: Diagnosis, options: RenderOptions): string {
  const byArea = (area: Area): Finding[] => diagnosis.findings.filter((f) => f.area === area);
  const absent = (area: Area): NotApplicable[] =>
    diagnosis.notApplicable.filter((item) => item.area === area);
  const rank = (area: Area): number =>
    severities.indexOf(worst(byArea(area).map(({ severity }) => severity)));
  const lengths = diagnosis.findings.map((f) => headline(f).length);
  const titleWidth = Math.max(0, ...lengths.filter((length) => length <= titleWidthMax));
  const lines: string[] = heading(diagnosis);
  for (const area of areas.toSorted((a, b) => rank(b) - rank(a))) {
    const findings = byArea(area);
    const failed = diagnosis.incomplete.filter((item) => item.area === area);
    const missing = absent(area);
    if (findings.length + failed.length + missing.length === 0) continue;
    const counts = findings.length === 0 ? "not applicable" : summary(findings);
    lines.push(`${paint(area, "\x1b[1m", options)}  (${counts})`);
    for (const { reason } of failed) {
      lines.push(`  ${"FAILED".padEnd(wordWidth)}  This examination did not finish: ${reason}.`);
    }
    for (const item of findings) lines.push(...renderFinding(item, titleWidth, options));
    for (const { id, subject, reason } of missing) {
      const name = subject === "" ? id : `${id} ${subject}`;
      lines.push(...renderMissing(name, reason, options));
    }
    lines.push("");
  }
  lines.push(`${summary(diagnosis.findings)}; rates over ${Math.round(diagnosis.windowMs)} ms`);
  return lines.join("\n");
}

function renderMissing(name: string, reason: string, options: RenderOptions): string[] {
  const indent = " ".repeat(wordWidth + 4);
  const [first = "", ...rest] = wrap(
    `${name}: not applicable, ${reason}`,
    Math.max(24, options.columns - indent.length),
  );
  const line = `  ${"-".padEnd(wordWidth)}  ${first}`;
  return [line, ...rest.map((text) => indent + text)].map((text) =>
    paint(text, "\x1b[2m", options),
  );
}
