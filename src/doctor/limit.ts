/** What the kernel grants us: buffers, locked memory, real-time priority, open files. */
import { parseLimits, parseStatus, statusBytes } from "../host/proc.ts";
import { findProcesses, type HostProcess } from "../host/process.ts";
import { realTimePriorityMax } from "../host/service-unit.ts";
import type { Probe, ProbeContext } from "./context.ts";
import { finding, notApplicable, type Outcome } from "./finding.ts";
import { bytes } from "./text.ts";

const filesWanted = 4096;
/** Above what a run with the default tables keeps resident. */
const memoryWantedBytes = 512 << 20;
/** The kernel's own net.core.rmem_default. */
const kernelDefaultBytes = 212_992;

function receiveBuffer({ root, needs }: ProbeContext): Outcome {
  const limit = root.number("/proc/sys/net/core/rmem_max");
  if (limit === undefined) return notApplicable("limit.receive-buffer", "no /proc/sys/net/core");
  const fallback = root.number("/proc/sys/net/core/rmem_default") ?? 0;
  const wanted = needs.receiveBufferBytes;
  const values = { limitBytes: limit, defaultBytes: fallback, wantedBytes: wanted };
  const small = wanted > limit;
  const shrunk = fallback > 0 && fallback < kernelDefaultBytes;
  const text = wanted > 0 ? `Each feed asks for ${bytes(wanted)}, and ` : "";
  return finding(
    "limit.receive-buffer",
    small ? "warning" : shrunk ? "note" : "ok",
    `${text}${text === "" ? "T" : "t"}he kernel grants up to ${bytes(limit)}; sockets that do not ask get ${bytes(fallback)}` +
      `${shrunk ? ", below the kernel's own default of 208 KiB" : ""}.`,
    values,
    "",
    { when: shrunk ? (small ? "both" : "shrunk") : undefined, words: { kernelDefaultBytes } },
  );
}

/** JSON has no infinity; -1 stands for "unlimited". */
function finite(value: number): number {
  return Number.isFinite(value) ? value : -1;
}

/** The process of `hftedge run`; other commands of ours have the same name. */
function findRun({ root }: ProbeContext): HostProcess | undefined {
  return findProcesses(root, ["hftedge"]).find(({ argv }) => argv[1] === "run");
}

/** capabilities(7), by their bit. Whoever has one is not bound by the limit of the same matter. */
const capability = { lockMemory: 14, realTime: 23 } as const;

/** The effective capabilities of /proc/PID/status: 16 hexadecimal digits. */
function hasCapability(status: Map<string, string>, bit: number): boolean {
  const digits = status.get("CapEff") ?? "";
  if (!/^[0-9a-f]{8,16}$/.test(digits)) return false;
  // Both bits are in the lower half, which a number holds exactly.
  return ((Number.parseInt(digits.slice(-8), 16) >>> bit) & 1) === 1;
}

function ownLimits(context: ProbeContext): Outcome[] {
  const { root, needs } = context;
  // The run's limits and capabilities are what counts, whoever examines it; without a run, those
  // that one would inherit from here.
  const run = findRun(context);
  const holder = run === undefined ? "self" : String(run.pid);
  const status = run?.status ?? parseStatus(root.text("/proc/self/status") ?? "");
  const limits = parseLimits(root.text(`/proc/${holder}/limits`) ?? "");
  const whose = run === undefined ? "a run started from here" : `the run (pid ${run.pid})`;
  const memory = limits.get("Max locked memory");
  const priority = limits.get("Max realtime priority");
  const files = limits.get("Max open files");
  if (memory === undefined || priority === undefined || files === undefined) {
    const reason = `/proc/${holder}/limits cannot be read`;
    return (["limit.memory-lock", "limit.real-time", "limit.file"] as const).map((id) =>
      notApplicable(id, reason),
    );
  }
  const locksFreely = hasCapability(status, capability.lockMemory);
  const ranksFreely = hasCapability(status, capability.realTime);
  const unbound = "; its capabilities are not bound by it";
  return [
    finding(
      "limit.memory-lock",
      memory.soft < memoryWantedBytes && !locksFreely ? "note" : "ok",
      `${bytes(memory.soft)} for ${whose}${locksFreely ? unbound : ""}.`,
      { softBytes: finite(memory.soft), hardBytes: finite(memory.hard) },
    ),
    finding(
      "limit.real-time",
      needs.feedCpus.length > 0 && priority.soft < 1 && !ranksFreely ? "note" : "ok",
      `${priority.soft} for ${whose}${ranksFreely ? unbound : ""}.`,
      { soft: finite(priority.soft), hard: finite(priority.hard) },
      "",
      { words: { priority: realTimePriorityMax } },
    ),
    finding(
      "limit.file",
      files.soft < filesWanted ? "warning" : "ok",
      `${finite(files.soft) < 0 ? "Unlimited" : files.soft} for ${whose}.`,
      { soft: finite(files.soft), hard: finite(files.hard) },
    ),
  ];
}

function running(context: ProbeContext): Outcome {
  const run = findRun(context);
  if (run === undefined) return notApplicable("limit.run", "no hftedge is running");
  const locked = statusBytes(run.status, "VmLck") ?? 0;
  const resident = statusBytes(run.status, "VmRSS") ?? 0;
  const swapped = statusBytes(run.status, "VmSwap") ?? 0;
  return finding(
    "limit.run",
    swapped > 0 ? "warning" : locked === 0 ? "note" : "ok",
    `pid ${run.pid}: ${bytes(resident)} resident, ${bytes(locked)} locked, ${bytes(swapped)} in swap, ` +
      `on CPUs ${run.status.get("Cpus_allowed_list") ?? "unknown"}.`,
    { pid: run.pid, residentBytes: resident, lockedBytes: locked, swappedBytes: swapped },
  );
}

export const limitProbe: Probe = {
  area: "limit",
  run: (context) => [receiveBuffer(context), ...ownLimits(context), running(context)],
};
