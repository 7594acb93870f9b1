/** The examination: two readings of the counters, then every probe, each within its own time. */
import { sampleCounters } from "../host/counter.ts";
import { readInventory, type Inventory } from "../host/inventory.ts";
import { openRoot, type HostRoot } from "../host/root.ts";
import { readKernelClock, type KernelClock } from "../host/timex.ts";
import { runTool, type RunTool } from "../host/tool.ts";
import {
  noNeeds,
  systemClock,
  type DoctorClock,
  type MachineNeeds,
  type Probe,
  type ProbeContext,
} from "./context.ts";
import {
  isFinding,
  severities,
  worst,
  type Area,
  type Finding,
  type NotApplicable,
  type Severity,
} from "./finding.ts";
import { clockProbe } from "./clock.ts";
import { configProbe } from "./config.ts";
import { gpuProbe } from "./gpu.ts";
import { limitProbe } from "./limit.ts";
import { memoryProbe } from "./memory.ts";
import { networkProbe } from "./network.ts";
import { ollamaProbe } from "./ollama.ts";
import { storageProbe } from "./storage.ts";
import { systemProbe } from "./system.ts";
import { tuneProbe } from "./tune.ts";
import { within } from "./within.ts";

const probes: readonly Probe[] = [
  systemProbe,
  memoryProbe,
  networkProbe,
  limitProbe,
  storageProbe,
  clockProbe,
  tuneProbe,
  configProbe,
  gpuProbe,
  ollamaProbe,
];

export interface DiagnoseOptions {
  /** A directory that stands in for "/"; nothing is executed or measured there, only read. */
  root?: string;
  needs?: MachineNeeds;
  /** Time between the two readings; rates are over this. */
  windowMs?: number;
  /** Bound on each probe's own time. */
  probeTimeoutMs?: number;
  /** Only these; all by default. */
  areas?: readonly Area[];
  active?: boolean;
  /** By default where the root is the machine's own. */
  measuresDisk?: boolean;
  throughput?: boolean;
  clock?: DoctorClock;
  runTool?: RunTool;
  fetch?: ProbeContext["fetch"];
  kernelClock?: () => KernelClock | undefined;
  inventory?: (timeoutMs: number) => Promise<Inventory | undefined>;
}

export interface Diagnosis {
  /** Epoch ms of its end. */
  atMs: number;
  windowMs: number;
  /** Names of the hardware and the system; null where they could not be read. */
  machine: Inventory | null;
  worst: Severity;
  counts: Record<Severity, number>;
  /** Worst first, then by area. */
  findings: Finding[];
  notApplicable: NotApplicable[];
  /** Probes that failed or ran out of time, with the reason; the other probes stand. */
  incomplete: { area: Area; reason: string }[];
}

function rank({ severity }: Finding): number {
  return severities.indexOf(severity);
}

/** In a stand-in root no program is run: what the box has installed says nothing about it. */
const noTool: RunTool = () => Promise.resolve(undefined);
const noInventory = (): Promise<undefined> => Promise.resolve(undefined);
const inventoryTimeoutMs = 3000;

async function readContext(options: DiagnoseOptions, root: HostRoot): Promise<ProbeContext> {
  const clock = options.clock ?? systemClock;
  const first = sampleCounters(root, clock.nowNs());
  await clock.sleep(options.windowMs ?? 500);
  const second = sampleCounters(root, clock.nowNs());
  // Only now, because it runs programs that would show in the window.
  const inventory = options.inventory ?? (root.real ? readInventory : noInventory);
  return {
    root,
    needs: options.needs ?? noNeeds,
    first,
    second,
    inventory: await inventory(inventoryTimeoutMs),
    clock,
    runTool: options.runTool ?? (root.real ? runTool : noTool),
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
    kernelClock: options.kernelClock ?? (root.real ? readKernelClock : () => undefined),
    active: options.active ?? false,
    measuresDisk: options.measuresDisk ?? root.real,
    throughput: options.throughput ?? false,
  };
}

/**
 * Examines the machine. Never throws for what it finds or fails to find; takes the window plus the
 * probes' own time, which is bounded by `probeTimeoutMs` each.
 */
export async function diagnose(options: DiagnoseOptions = {}): Promise<Diagnosis> {
  const context = await readContext(options, openRoot(options.root));
  const diagnosis: Diagnosis = {
    atMs: 0,
    windowMs: (context.second.atNs - context.first.atNs) / 1e6,
    machine: context.inventory ?? null,
    worst: "ok",
    counts: { ok: 0, note: 0, warning: 0, critical: 0 },
    findings: [],
    notApplicable: [],
    incomplete: [],
  };
  // One after the other, because a probe that measures must not be disturbed by another's work.
  for (const probe of probes) {
    if (options.areas !== undefined && !options.areas.includes(probe.area)) continue;
    try {
      const work = Promise.resolve().then(() => probe.run(context));
      const outcomes = await within(work, options.probeTimeoutMs ?? 10_000, context.clock);
      for (const outcome of outcomes) {
        if (isFinding(outcome)) diagnosis.findings.push(outcome);
        else diagnosis.notApplicable.push(outcome);
      }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      diagnosis.incomplete.push({ area: probe.area, reason });
    }
  }
  diagnosis.findings = diagnosis.findings.toSorted((a, b) => rank(b) - rank(a));
  for (const { severity } of diagnosis.findings) diagnosis.counts[severity]++;
  diagnosis.worst = worst(diagnosis.findings.map(({ severity }) => severity));
  diagnosis.atMs = context.clock.nowMs();
  return diagnosis;
}
