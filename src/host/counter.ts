/**
 * One reading of the kernel's counters. A counter since boot says little; two readings with a known
 * time between them say what is going on now.
 */
import { parseDiskstats, type DiskCounters } from "./disk.ts";
import {
  parseNetDevices,
  parseProtocolCounters,
  parseSoftnet,
  type NetDevice,
  type ProtocolCounters,
  type SoftnetRow,
} from "./net-stat.ts";
import {
  parseNameValue,
  parsePressure,
  parseStat,
  type KernelStat,
  type Pressure,
} from "./proc.ts";
import type { HostRoot } from "./root.ts";

export interface CounterSample {
  /** Monotonic, ns. */
  atNs: number;
  stat: KernelStat | undefined;
  vmstat: Map<string, number> | undefined;
  softnet: SoftnetRow[] | undefined;
  /** /proc/net/snmp and /proc/net/netstat together. */
  protocols: ProtocolCounters;
  interfaces: Map<string, NetDevice>;
  disks: Map<string, DiskCounters>;
  pressure: { cpu: Pressure | undefined; memory: Pressure | undefined; io: Pressure | undefined };
  /** cpu.stat of the control group this process is in. */
  throttle: Map<string, number> | undefined;
}

function parsed<T>(text: string | undefined, parse: (text: string) => T): T | undefined {
  return text === undefined || text === "" ? undefined : parse(text);
}

/** Where control groups keep cpu.stat: version 2, then version 1; a container sees its own as the top. */
export function controlGroupFiles(root: HostRoot, controller: string, name: string): string[] {
  const groups = root.text("/proc/self/cgroup") ?? "";
  const unified = /^0::(\/.*)$/m.exec(groups)?.[1] ?? "/";
  const legacy = new RegExp(`^\\d+:(?:[^:]*,)?${controller}(?:,[^:]*)?:(/.*)$`, "m").exec(
    groups,
  )?.[1];
  const paths = [`/sys/fs/cgroup${unified}/${name}`, `/sys/fs/cgroup/${name}`];
  if (legacy !== undefined) paths.push(`/sys/fs/cgroup/${controller}${legacy}/${name}`);
  paths.push(`/sys/fs/cgroup/${controller}/${name}`);
  return paths;
}

/** The first of a control group's files that is there. */
export function controlGroupText(
  root: HostRoot,
  controller: string,
  name: string,
): string | undefined {
  for (const path of controlGroupFiles(root, controller, name)) {
    const text = root.text(path);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** Reads every counter once; a few dozen small files, well under 10 ms. */
export function sampleCounters(root: HostRoot, atNs: number): CounterSample {
  const pressure = (name: string): Pressure | undefined =>
    parsed(root.text(`/proc/pressure/${name}`), parsePressure);
  return {
    atNs,
    stat: parsed(root.text("/proc/stat"), parseStat),
    vmstat: parsed(root.text("/proc/vmstat"), parseNameValue),
    softnet: parsed(root.text("/proc/net/softnet_stat"), parseSoftnet),
    protocols: new Map([
      ...parseProtocolCounters(root.text("/proc/net/snmp") ?? ""),
      ...parseProtocolCounters(root.text("/proc/net/netstat") ?? ""),
    ]),
    interfaces: parseNetDevices(root.text("/proc/net/dev") ?? ""),
    disks: parseDiskstats(root.text("/proc/diskstats") ?? ""),
    pressure: { cpu: pressure("cpu"), memory: pressure("memory"), io: pressure("io") },
    throttle: parsed(controlGroupText(root, "cpu", "cpu.stat"), parseNameValue),
  };
}
