/** What an apply, a revert and a status found, in words and as JSON. */
import type { ApplyReport, WriteResult } from "./apply.ts";
import { itemJson } from "./render.ts";
import type { RevertReport } from "./revert.ts";
import { type Drift, type Status, statusCode } from "./status.ts";
import type { StepResult } from "./step.ts";

function short(text: string | null, widthMax = 40): string {
  if (text === null) return "absent";
  if (text.includes("\n")) return `${text.split("\n").length - 1} lines`;
  return text.length <= widthMax ? text : `${text.slice(0, widthMax - 1)}…`;
}

function resultLine(result: WriteResult): string[] {
  const what = result.id === "file" || result.id === "unit" ? result.key : result.id;
  const where = what === result.key || result.key.endsWith(what) ? "" : `  ${result.key}`;
  const outcome = result.retired && result.outcome === "applied" ? "given back" : result.outcome;
  const change = `${short(result.before)} → ${short(result.accepted)}`;
  const head = ` ${outcome.padEnd(11)} ${what}  ${change}${where}`;
  return result.reason === null ? [head] : [head, `             ${result.reason}`];
}

function stepLines(steps: readonly StepResult[]): string[] {
  return steps.map(({ command, state, words }) => {
    const outcome = state === "owed" ? "pending" : state;
    return ` ${outcome.padEnd(11)} ${command}${words === "" ? "" : `  (${words})`}`;
  });
}

export function renderApply(report: ApplyReport): string {
  const { results, steps, plan } = report;
  const out = [...results.flatMap(resultLine), ...stepLines(steps)];
  if (out.length === 0) out.push("nothing to change");
  else {
    const counts = new Map<string, number>();
    for (const { outcome } of results) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    out.push("", [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(", "));
  }
  for (const note of plan.notes) out.push(`note: ${note}`);
  if (report.rebootPending) out.push("note: kernel arguments take effect at the next reboot");
  return `${out.join("\n")}\n`;
}

export function applyJson(report: ApplyReport) {
  const outcomes = new Map<string, WriteResult[]>();
  for (const result of report.results) {
    outcomes.set(result.id, [...(outcomes.get(result.id) ?? []), result]);
  }
  return {
    profile: report.plan.request.profile,
    roles: report.plan.machine.roles,
    settings: report.plan.items.map((item) => ({
      ...itemJson(item),
      outcomes: outcomes.get(item.id) ?? [],
    })),
    writes: report.results,
    steps: report.steps,
    notes: report.plan.notes,
    rebootPending: report.rebootPending,
    failed: report.failed,
  };
}

export function renderRevert(report: RevertReport): string {
  if (!report.applied) return "nothing is applied\n";
  const out = report.results.map(({ outcome, id, key, live, original, reason }) => {
    const what = id === "file" || id === "unit" ? key : id;
    const words = reason === null ? "" : `  (${reason})`;
    if (outcome === "restored") return ` ${outcome.padEnd(11)} ${what}  ${short(original)}`;
    return ` ${outcome.padEnd(11)} ${what}  is ${short(live)}, was ${short(original)}${words}`;
  });
  return `${[...out, ...stepLines(report.steps)].join("\n")}\n`;
}

function driftLines(title: string, rows: readonly Drift[]): string[] {
  if (rows.length === 0) return [];
  return [
    title,
    ...rows.map(({ id, live, desired, reason }) => {
      const values = desired === null ? "" : `  ${short(live)}, wanted ${short(desired)}`;
      return ` ${id}${values}${reason === null ? "" : `  (${reason})`}`;
    }),
  ];
}

const verdict = { 0: "in sync", 2: "drift", 3: "pending" } as const;

export function renderStatus(status: Status): string {
  const out = [
    ...driftLines(status.applied ? "drift" : "not applied", status.drift),
    ...driftLines("pending", status.pending),
    ...driftLines("as far as this machine goes", status.limited),
    ...status.plan.items
      .filter(({ state }) => state === "finding")
      .map(({ id, live, reason }) => `finding: ${id}: ${short(live, 100)} (${reason ?? ""})`),
  ];
  if (status.confirmByMs !== null) {
    const by = new Date(status.confirmByMs).toISOString();
    out.push(`the last run reverts at ${by} unless confirmed: hftedge tune apply --confirm`);
  }
  out.push(`profile ${status.plan.request.profile}: ${verdict[statusCode(status)]}`);
  return `${out.join("\n")}\n`;
}

export function statusJson(status: Status) {
  return {
    applied: status.applied,
    profile: status.plan.request.profile,
    state: verdict[statusCode(status)],
    drift: status.drift,
    pending: status.pending,
    limited: status.limited,
    confirmByMs: status.confirmByMs,
    settings: status.plan.items.map(itemJson),
  };
}
