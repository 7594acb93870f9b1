/** What the kernel grants us: buffers, locked memory, real-time priority, open files. */
import { parseLimits, statusBytes } from "../host/proc.ts";
import { findProcesses, type HostProcess } from "../host/process.ts";
import type { Probe, ProbeContext } from "./context.ts";
import { finding, notApplicable, type Outcome } from "./finding.ts";
import { bytes } from "./text.ts";

const filesWanted = 4096;

function receiveBuffer({ root, needs }: ProbeContext): Outcome {
  const limit = root.number("/proc/sys/net/core/rmem_max");
  if (limit === undefined) return notApplicable("limit.receive-buffer", "no /proc/sys/net/core");
  const fallback = root.number("/proc/sys/net/core/rmem_default") ?? 0;
  const wanted = needs.receiveBufferBytes;
  const values = { limitBytes: limit, defaultBytes: fallback, wantedBytes: wanted || 26_214_400 };
  const shrunk = fallback > 0 && fallback < 212_992;
  const text = wanted > 0 ? `Each feed asks for ${bytes(wanted)}, and ` : "";
  return finding(
    "limit.receive-buffer",
    wanted > limit ? "warning" : shrunk ? "note" : "ok",
    `${text}${text === "" ? "T" : "t"}he kernel grants up to ${bytes(limit)}; sockets that do not ask get ${bytes(fallback)}` +
      `${shrunk ? ", below the kernel's own default of 208 KiB" : ""}.`,
    values,
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

function ownLimits(context: ProbeContext): Outcome[] {
  const { root, needs } = context;
  // The run's limits are what counts; without one, those that it would inherit from here.
  const run = findRun(context);
  const holder = run === undefined ? "self" : String(run.pid);
  const limits = parseLimits(root.text(`/proc/${holder}/limits`) ?? "");
  const whose = run === undefined ? "a run started from here" : `the run (pid ${run.pid})`;
  const memory = limits.get("Max locked memory");
  const priority = limits.get("Max realtime priority");
  const files = limits.get("Max open files");
  if (memory === undefined || priority === undefined || files === undefined) {
    return [notApplicable("limit.memory-lock", "no /proc/self/limits")];
  }
  const root0 = root.real && process.getuid?.() === 0;
  return [
    finding(
      "limit.memory-lock",
      memory.soft < 512 << 20 && !root0 ? "note" : "ok",
      `${bytes(memory.soft)} for ${whose}${root0 ? "; root is not bound by it" : ""}.`,
      { softBytes: finite(memory.soft), hardBytes: finite(memory.hard) },
    ),
    finding(
      "limit.real-time",
      needs.feedCpus.length > 0 && priority.soft < 1 && !root0 ? "note" : "ok",
      `${priority.soft} for ${whose}${root0 ? "; root is not bound by it" : ""}.`,
      { soft: finite(priority.soft), hard: finite(priority.hard) },
    ),
    finding(
      "limit.file",
      files.soft < filesWanted ? "warning" : "ok",
      `${files.soft} for ${whose}.`,
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
