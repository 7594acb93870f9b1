/**
 * Parsers for what /proc says about CPUs and memory: text in, numbers out, so that each can be tried with text
 * from a real kernel. Formats: proc(5) and the kernel's Documentation/filesystems/proc.rst.
 */

import { decimal } from "./decimal.ts";

/** Ticks (USER_HZ, 1/100 s) since boot. Guest time is contained in user and nice. */
export interface CpuTimes {
  /** -1 for the sum over all CPUs. */
  cpu: number;
  user: number;
  nice: number;
  system: number;
  idle: number;
  ioWait: number;
  irq: number;
  softIrq: number;
  steal: number;
}

export interface KernelStat {
  cpus: CpuTimes[];
  contextSwitches: number;
  processesRunning: number;
  processesBlocked: number;
}

/** /proc/stat. The first entry of `cpus` is the sum. */
export function parseStat(text: string): KernelStat {
  const stat: KernelStat = {
    cpus: [],
    contextSwitches: 0,
    processesRunning: 0,
    processesBlocked: 0,
  };
  for (const line of text.split("\n")) {
    const [name = "", ...rest] = line.split(/\s+/);
    if (name === "ctxt") stat.contextSwitches = decimal(rest[0]);
    else if (name === "procs_running") stat.processesRunning = decimal(rest[0]);
    else if (name === "procs_blocked") stat.processesBlocked = decimal(rest[0]);
    const match = /^cpu(\d*)$/.exec(name);
    if (match === null) continue;
    const at = (index: number): number => decimal(rest[index]);
    stat.cpus.push({
      cpu: match[1] === "" ? -1 : Number(match[1]),
      user: at(0),
      nice: at(1),
      system: at(2),
      idle: at(3),
      ioWait: at(4),
      irq: at(5),
      softIrq: at(6),
      steal: at(7),
    });
  }
  return stat;
}

/** All ticks of one CPU; the kernel adds guest time to user time, so it is not added again. */
export function cpuTicks(times: CpuTimes): number {
  const { user, nice, system, idle, ioWait, irq, softIrq, steal } = times;
  return user + nice + system + idle + ioWait + irq + softIrq + steal;
}

/** /proc/loadavg: runnable and uninterruptible tasks, averaged over 1, 5 and 15 minutes. */
export function parseLoadAverage(text: string): [number, number, number] | undefined {
  const match = /^(\d+\.\d+) (\d+\.\d+) (\d+\.\d+) /.exec(text);
  return match === null ? undefined : [Number(match[1]), Number(match[2]), Number(match[3])];
}

/** /proc/meminfo, in bytes (counts such as HugePages_Total stay counts). */
export function parseMeminfo(text: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const match of text.matchAll(/^([^:\n]+):\s+(\d+)( kB)?$/gm)) {
    values.set(match[1]!, Number(match[2]) * (match[3] === undefined ? 1 : 1024));
  }
  return values;
}

/** /proc/vmstat and the other files of "name value" lines (memory.events, cpu.stat). */
export function parseNameValue(text: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const match of text.matchAll(/^(\S+)\s+(-?\d+)$/gm)) {
    values.set(match[1]!, Number(match[2]));
  }
  return values;
}

/** One line of /proc/pressure: percent of the time, and the total in µs. */
export interface PressureLine {
  avg10: number;
  avg60: number;
  avg300: number;
  totalUs: number;
}

export interface Pressure {
  some: PressureLine | undefined;
  full: PressureLine | undefined;
}

/** /proc/pressure/{cpu,memory,io}: time in which some or all tasks waited for the resource. */
export function parsePressure(text: string): Pressure {
  const line = (kind: string): PressureLine | undefined => {
    const match = new RegExp(
      `^${kind} avg10=(\\d+\\.\\d+) avg60=(\\d+\\.\\d+) avg300=(\\d+\\.\\d+) total=(\\d+)$`,
      "m",
    ).exec(text);
    if (match === null) return undefined;
    const [, avg10, avg60, avg300, total] = match.map(Number);
    return { avg10: avg10!, avg60: avg60!, avg300: avg300!, totalUs: total! };
  };
  return { some: line("some"), full: line("full") };
}

/** A CPU list such as "0-3,8,10-11", as in cpulist files and isolcpus=. Strides are rare but legal. */
export function parseCpuList(text: string): number[] {
  const cpus = new Set<number>();
  for (const part of text.trim().split(",")) {
    const match = /^(\d+)(?:-(\d+)(?::(\d+)\/(\d+))?)?$/.exec(part.trim());
    if (match === null) continue;
    const first = Number(match[1]);
    // No kernel has more CPUs than this, so a damaged range cannot make a list without end.
    const last = Math.min(Number(match[2] ?? first), first + 8191);
    const used = Number(match[3] ?? 1);
    const stride = Math.max(1, Number(match[4] ?? 1));
    for (let start = first; start <= last; start += stride) {
      for (let cpu = start; cpu < start + used && cpu <= last; cpu++) cpus.add(cpu);
    }
  }
  return [...cpus].toSorted((a, b) => a - b);
}

/** The other way: [0,1,2,5] is "0-2,5". */
export function formatCpuList(cpus: readonly number[]): string {
  const parts: string[] = [];
  for (let index = 0; index < cpus.length;) {
    const first = cpus[index]!;
    let last = first;
    while (cpus[index + 1] === last + 1) last = cpus[++index]!;
    parts.push(first === last ? `${first}` : `${first}-${last}`);
    index++;
  }
  return parts.join(",");
}

/** /proc/cmdline: parameters in order; one given twice keeps both values. Quotes protect spaces. */
export function parseKernelCommandLine(text: string): Map<string, string[]> {
  const parameters = new Map<string, string[]>();
  for (const match of text.trim().matchAll(/(?:[^\s"]|"[^"]*")+/g)) {
    const word = match[0].replaceAll('"', "");
    const equals = word.indexOf("=");
    const name = equals < 0 ? word : word.slice(0, equals);
    const value = equals < 0 ? "" : word.slice(equals + 1);
    parameters.set(name, [...(parameters.get(name) ?? []), value]);
  }
  return parameters;
}

/** One row of /proc/PID/limits; Infinity stands for "unlimited". */
export interface ResourceLimit {
  soft: number;
  hard: number;
}

function limitValue(word: string): number {
  return word === "unlimited" ? Infinity : Number(word);
}

/** /proc/PID/limits by the kernel's names, e.g. "Max locked memory" (bytes). */
export function parseLimits(text: string): Map<string, ResourceLimit> {
  const limits = new Map<string, ResourceLimit>();
  for (const match of text.matchAll(/^(Max [a-z ]+?)\s{2,}(unlimited|\d+)\s+(unlimited|\d+)/gm)) {
    limits.set(match[1]!, { soft: limitValue(match[2]!), hard: limitValue(match[3]!) });
  }
  return limits;
}

/** /proc/PID/status: its "Name: value" lines, values as words. */
export function parseStatus(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const match of text.matchAll(/^([A-Za-z_]+):[ \t]*(.*)$/gm)) {
    values.set(match[1]!, match[2]!.trim());
  }
  return values;
}

/** A size of /proc/PID/status, e.g. "   18456 kB", in bytes. */
export function statusBytes(status: Map<string, string>, name: string): number | undefined {
  const match = /^(\d+) kB$/.exec(status.get(name) ?? "");
  return match === null ? undefined : Number(match[1]) * 1024;
}
