/** Plans in words for people and as JSON for programs. */
import { formatCpuList } from "../host/proc.ts";
import { catalogue } from "./catalogue.ts";
import { unifiedDiff } from "./diff.ts";
import type { ItemState, Plan, PlanItem } from "./plan.ts";
import type { Setting } from "./setting.ts";

const mark: Record<ItemState, string> = {
  "in sync": "=",
  change: "~",
  pending: "…",
  "not applicable": "-",
  refused: "!",
  external: "!",
  seen: " ",
  finding: "!",
};

/** A value on one line of bounded width. */
function short(text: string | null, widthMax = 60): string {
  const flat = (text ?? "–").replace(/\s+/g, " ").trim();
  return flat.length <= widthMax ? flat : `${flat.slice(0, widthMax - 1)}…`;
}

function roleLine(plan: Plan): string {
  const { roles } = plan.machine;
  const parts = [
    `feed interface ${roles.feedInterfaces.join(", ") || "none"}`,
    `feed CPUs ${formatCpuList(roles.feedCpus) || "none"}`,
    `housekeeping CPUs ${formatCpuList(roles.housekeepingCpus) || "none"}`,
    `GPU ${roles.gpus.join(", ") || "none"}`,
  ];
  return parts.join(" · ");
}

function itemLines(item: PlanItem, width: number): string[] {
  const id = item.id.padEnd(width);
  const head = ` ${mark[item.state]} ${id}  `;
  switch (item.state) {
    case "change":
    case "pending":
    case "refused":
    case "external": {
      const effect = item.setting.effect === "none" ? "" : `, ${item.setting.effect}`;
      // The value is right already, and only its file is missing.
      const kept = item.live !== null && item.live === item.desired && item.state === "change";
      const values = kept
        ? `${short(item.live)}, to be kept at boot`
        : `${short(item.live)} → ${short(item.desired)}`;
      const lines = [
        `${head}${values}  (${item.state}; risk ${item.setting.risk}${effect})`,
        `     ${item.setting.why}`,
      ];
      if (item.boot !== null)
        lines.push(`     at boot ${short(item.boot.value)}, from ${item.boot.path}`);
      if (item.reason !== null) lines.push(`     ${item.reason}`);
      return lines;
    }
    case "finding":
      return [`${head}${short(item.live, 120)}`, `     ${item.reason ?? ""}`];
    case "seen":
      return [`${head}${item.live === null ? (item.reason ?? "") : short(item.live)}`];
    case "in sync":
      return [`${head}${short(item.live ?? item.desired)}`];
    case "not applicable":
      return [];
  }
}

/** The plan as a table by area, the diff of each file, and what it adds up to. */
export function renderPlan(plan: Plan): string {
  const width = Math.max(0, ...plan.items.map((item) => item.id.length));
  const out = [`profile ${plan.request.profile} · ${plan.machine.surroundings}`, roleLine(plan)];
  for (const area of new Set(plan.items.map((item) => item.setting.area))) {
    const lines = plan.items
      .filter((item) => item.setting.area === area)
      .flatMap((item) => itemLines(item, width));
    if (lines.length > 0) out.push("", area, ...lines);
  }
  out.push(...notApplicable(plan));
  for (const file of plan.files) {
    if (file.state === "change")
      out.push("", unifiedDiff(file.path, file.live, file.desired).trimEnd());
    if (file.state === "external") out.push("", `! ${file.reason}: left alone without --force`);
  }
  for (const unit of plan.units) {
    if (unit.target.kind === "unit" && unit.live !== unit.desired) {
      out.push("", `~ ${unit.target.unit}: ${unit.live ?? "absent"} → ${unit.desired}`);
    }
  }
  out.push("", ...plan.notes.map((note) => `note: ${note}`), countLine(plan));
  return `${out.join("\n")}\n`;
}

/** What does not apply, by reason: one paragraph instead of a line each. */
function notApplicable(plan: Plan): string[] {
  const reasons = new Map<string, string[]>();
  for (const { id, reason, state } of plan.items) {
    if (state !== "not applicable") continue;
    reasons.set(reason ?? "", [...(reasons.get(reason ?? "") ?? []), id]);
  }
  if (reasons.size === 0) return [];
  const lines = [...reasons].flatMap(([reason, ids]) => [
    ` - ${reason}:`,
    `     ${ids.join(", ")}`,
  ]);
  return ["", "not applicable", ...lines];
}

export function countLine(plan: Plan): string {
  const count = (state: ItemState): number => plan.items.filter((i) => i.state === state).length;
  return [
    `${count("change")} to change`,
    `${count("in sync")} in sync`,
    `${count("pending")} pending`,
    `${count("external") + count("refused")} left alone`,
    `${count("finding")} findings`,
    `${count("not applicable")} not applicable`,
  ].join(", ");
}

/** One setting as --json shows it; the field names are API. */
export function itemJson(item: PlanItem) {
  return {
    id: item.id,
    area: item.setting.area,
    title: item.setting.title,
    state: item.state,
    live: item.live,
    desired: item.desired,
    boot: item.boot,
    reason: item.reason,
    why: item.setting.why,
    source: item.setting.source,
    risk: item.setting.risk,
    effect: item.setting.effect,
    targets: item.targets.map(({ target, live, desired }) => ({ target, live, desired })),
  };
}

export function planJson(plan: Plan) {
  return {
    profile: plan.request.profile,
    surroundings: plan.machine.surroundings,
    roles: plan.machine.roles,
    settings: plan.items.map(itemJson),
    files: plan.files.map(({ path, state, reason, live, desired }) => ({
      path,
      state,
      reason,
      diff: unifiedDiff(path, live, desired),
    })),
    units: plan.units.map(({ target, live, desired }) => ({
      unit: target.kind === "unit" ? target.unit : "",
      live,
      desired,
    })),
    notes: plan.notes,
  };
}

const cell = (text: string): string => text.replaceAll("|", "\\|");

function profileWord(value: Setting["safe"]): string {
  if (value === undefined) return "–";
  return typeof value === "string" ? value : "computed";
}

/** Every setting with its verdict as a Markdown table: what --explain prints. */
export function renderVerdicts(): string {
  const rows = catalogue.map((setting) =>
    [
      setting.id,
      setting.title,
      setting.guide === undefined ? "" : `\`${setting.guide.replaceAll("`", "")}\``,
      setting.verdict,
      `${setting.answer}. ${setting.why[0]!.toUpperCase()}${setting.why.slice(1)}.`,
      profileWord(setting.safe),
      profileWord(setting.aggressive),
    ].map(cell),
  );
  const head = ["setting", "what", "in guides", "verdict", "how and why", "safe", "aggressive"];
  return [head, head.map(() => "---"), ...rows].map((r) => `| ${r.join(" | ")} |\n`).join("");
}
