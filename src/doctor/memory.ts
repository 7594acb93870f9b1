/** Memory: what is left, who waited for it, and whether the kernel had to kill for it. */
import { controlGroupText } from "../host/counter.ts";
import { parseMeminfo } from "../host/proc.ts";
import { findProcesses } from "../host/process.ts";
import { statusBytes } from "../host/proc.ts";
import { windowS, type Probe, type ProbeContext } from "./context.ts";
import { finding, notApplicable, severityAbove, severityBelow, type Outcome } from "./finding.ts";
import { percent } from "../unit.ts";
import { bytes, plural } from "./text.ts";

interface GroupLimit {
  limit: number;
  used: number;
}

/** A control group's limit counts when it is below the machine's memory; "max" is no limit. */
function groupLimit({ root }: ProbeContext): GroupLimit | undefined {
  const limit =
    Number(controlGroupText(root, "memory", "memory.max")?.trim()) ||
    Number(controlGroupText(root, "memory", "memory.limit_in_bytes")?.trim());
  const used =
    Number(controlGroupText(root, "memory", "memory.current")?.trim()) ||
    Number(controlGroupText(root, "memory", "memory.usage_in_bytes")?.trim());
  return Number.isFinite(limit) && limit > 0 && Number.isFinite(used) ? { limit, used } : undefined;
}

/** Below this share of memory there is something to say. */
const availableShareLow = 0.2;

function available(memory: Map<string, number>, group: GroupLimit | undefined): Outcome {
  const total = memory.get("MemTotal") ?? 0;
  const free = memory.get("MemAvailable") ?? memory.get("MemFree") ?? 0;
  if (total <= 0) return notApplicable("memory.available", "no /proc/meminfo");
  const bounded = group !== undefined && group.limit < total;
  const limit = bounded ? group.limit : total;
  const left = bounded ? Math.max(0, Math.min(free, group.limit - group.used)) : free;
  return finding(
    "memory.available",
    severityBelow(left / limit, availableShareLow, 0.1, 0.04),
    `${bytes(left)} of ${bytes(limit)} (${percent(left / limit)})${bounded ? ", the control group's limit" : ""}.`,
    { availableBytes: left, limitBytes: limit, share: left / limit, controlGroup: bounded },
  );
}

function swap(
  { root, first, second }: ProbeContext,
  memory: Map<string, number>,
  group: GroupLimit | undefined,
): Outcome {
  const total = memory.get("SwapTotal") ?? 0;
  const used = total - (memory.get("SwapFree") ?? 0);
  const moved = delta(first.vmstat, second.vmstat, ["pswpin", "pswpout"]);
  const swapped = findProcesses(root, ["hftedge", "ollama", "llama-server"]).filter(
    (process) => (statusBytes(process.status, "VmSwap") ?? 0) > 0,
  );
  const swappiness = root.number("/proc/sys/vm/swappiness") ?? -1;
  // All that is swapped out must fit into memory and leave the share that is worth no finding. A
  // control group has a limit of its own, which a machine's free memory says nothing about.
  const left = (memory.get("MemAvailable") ?? 0) - used;
  const room = left > (memory.get("MemTotal") ?? 0) * availableShareLow && group === undefined;
  const values = { swapTotalBytes: total, swapUsedBytes: used, pagesMovedNow: moved, swappiness };
  if (total === 0) return finding("memory.swap", "ok", "There is no swap.", values);
  const ours = swapped.map(
    ({ name, pid, status }) =>
      `${name} (${pid}) has ${bytes(statusBytes(status, "VmSwap") ?? 0)} in swap`,
  );
  return finding(
    "memory.swap",
    moved > 0 ? "critical" : swapped.length > 0 ? "warning" : used > 0 ? "note" : "ok",
    [
      `${bytes(used)} of ${bytes(total)} used`,
      `${plural(moved, "page")} moved just now`,
      ...ours,
    ].join("; ") + ".",
    values,
    "",
    { when: moved === 0 && room ? "room" : undefined },
  );
}

function pressure(context: ProbeContext): Outcome {
  const before = context.first.pressure.memory;
  const after = context.second.pressure.memory;
  if (before?.some === undefined || after?.some === undefined) {
    return notApplicable("memory.pressure", "the kernel keeps no pressure (psi=1 turns it on)");
  }
  const now = Math.max(0, after.some.totalUs - before.some.totalUs) / 1e6 / windowS(context);
  const full = after.full?.avg10 ?? 0;
  return finding(
    "memory.pressure",
    full > 5 ? "critical" : severityAbove(after.some.avg10, 0.5, 5),
    `Some task waited for memory ${percent(now)} of the time now, ${after.some.avg10} % over 10 s; all tasks ${full} %.`,
    { someShareNow: now, someAvg10Percent: after.some.avg10, fullAvg10Percent: full },
  );
}

/** How far counters moved between the readings; kernels split some names by memory zone. */
function delta(
  before: Map<string, number> | undefined,
  after: Map<string, number> | undefined,
  names: readonly string[],
): number {
  if (before === undefined || after === undefined) return 0;
  return names.reduce(
    (sum, name) => sum + Math.max(0, (after.get(name) ?? 0) - (before.get(name) ?? 0)),
    0,
  );
}

/** Enough for bursts, and never more than a hundredth of a small machine. */
const minFreeKbMax = 262_144;

function compaction({ root, first, second }: ProbeContext, memory: Map<string, number>): Outcome {
  if (second.vmstat === undefined) return notApplicable("memory.compaction", "no /proc/vmstat");
  const names = [...second.vmstat.keys()].filter(
    (name) => name === "compact_stall" || name.startsWith("allocstall"),
  );
  const now = delta(first.vmstat, second.vmstat, names);
  const total = names.reduce((sum, name) => sum + (second.vmstat?.get(name) ?? 0), 0);
  const presentKb = root.number("/proc/sys/vm/min_free_kbytes") ?? 0;
  const wantedKb = Math.min(minFreeKbMax, Math.round((memory.get("MemTotal") ?? 0) / 1024 / 100));
  return finding(
    "memory.compaction",
    now > 0 ? "warning" : "ok",
    `${plural(now, "stall")} just now, ${total} since boot.`,
    {
      stallsNow: now,
      stallsSinceBoot: total,
      minFreeKb: Math.max(presentKb, wantedKb),
    },
    "",
    { when: presentKb >= wantedKb ? "large enough" : undefined },
  );
}

function killed({ second }: ProbeContext): Outcome {
  const kills = second.vmstat?.get("oom_kill");
  if (kills === undefined) return notApplicable("memory.oom", "the kernel does not count them");
  return finding("memory.oom", kills > 0 ? "warning" : "ok", `${kills} since boot.`, { kills });
}

function hugePages({ root }: ProbeContext): Outcome {
  const text = root.word("/sys/kernel/mm/transparent_hugepage/enabled");
  const mode = /\[(\w+)\]/.exec(text ?? "")?.[1];
  if (mode === undefined) return notApplicable("memory.hugepage", "the kernel has none");
  const severity = mode === "madvise" ? "ok" : "note";
  return finding("memory.hugepage", severity, `Mode '${mode}'.`, { mode });
}

export const memoryProbe: Probe = {
  area: "memory",
  run: (context) => {
    const memory = parseMeminfo(context.root.text("/proc/meminfo") ?? "");
    const group = groupLimit(context);
    return [
      available(memory, group),
      swap(context, memory, group),
      pressure(context),
      compaction(context, memory),
      killed(context),
      hugePages(context),
    ];
  },
};
