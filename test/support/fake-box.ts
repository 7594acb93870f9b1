/** A healthy 8-CPU machine as files, for tests that make one thing in it go wrong. */
import type { DoctorClock, MachineNeeds } from "../../src/doctor/context.ts";
import { noNeeds } from "../../src/doctor/context.ts";
import { diagnose, type Diagnosis, type DiagnoseOptions } from "../../src/doctor/diagnose.ts";
import type { Inventory } from "../../src/host/inventory.ts";
import type { KernelClock } from "../../src/host/timex.ts";
import type { RunTool, ToolOutput } from "../../src/host/tool.ts";
import { fakeRoot, type FakeRoot } from "./fake-root.ts";

const cpuLines = Array.from({ length: 8 }, (_, cpu) => `cpu${cpu} 100 0 100 10000 0 0 0 0 0 0`);

/** /proc/stat with the sum's columns given: user, nice, system, idle, iowait, irq, softirq, steal. */
export function stat(sum: string, cpus: readonly string[] = cpuLines): string {
  return `cpu  ${sum} 0 0\n${cpus.join("\n")}\nctxt 100\nprocs_running 1\nprocs_blocked 0\n`;
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}

export function softnet(dropped: number, squeezed: number): string {
  const zero = hex(0);
  return `${[hex(1000), hex(dropped), hex(squeezed), ...Array.from({ length: 12 }, () => zero)].join(" ")}\n`;
}

export function netDevice(columns: string): string {
  return `Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n  eth1: ${columns}\n`;
}

export function snmp(inErrors: number, rcvbufErrors: number): string {
  return `Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors\nUdp: 5000 0 ${inErrors} 10 ${rcvbufErrors} 0 0 0 0\n`;
}

export function netstat(reversePath: number): string {
  return `TcpExt: SyncookiesSent IPReversePathFilter\nTcpExt: 0 ${reversePath}\n`;
}

export function pressure(some: string, full: string): string {
  return `some avg10=${some} avg60=0.00 avg300=0.00 total=1000\nfull avg10=${full} avg60=0.00 avg300=0.00 total=500\n`;
}

export function meminfo(available: number, swapTotal = 0, swapFree = 0): string {
  return `MemTotal:       32000000 kB\nMemFree:        ${available} kB\nMemAvailable:   ${available} kB\nSwapTotal:      ${swapTotal} kB\nSwapFree:       ${swapFree} kB\n`;
}

export function limits(files: number, memory: string, priority: number): string {
  return `Limit                     Soft Limit           Hard Limit           Units     \nMax open files            ${files}                524288               files     \nMax locked memory         ${memory}              unlimited              bytes     \nMax realtime priority     ${priority}                    50                   \n`;
}

const cpu = "sys/devices/system/cpu";

export const healthyFiles: Readonly<Record<string, string>> = {
  "proc/cpuinfo": "flags\t\t: fpu tsc constant_tsc\n",
  "proc/stat": stat("800 0 800 80000 0 0 0 0"),
  "proc/loadavg": "0.20 0.10 0.05 1/300 4000\n",
  "proc/vmstat": "oom_kill 0\ncompact_stall 0\nallocstall_normal 0\npswpin 0\npswpout 0\n",
  "proc/meminfo": meminfo(30_000_000),
  "proc/pressure/cpu": pressure("0.00", "0.00"),
  "proc/pressure/memory": pressure("0.00", "0.00"),
  "proc/pressure/io": pressure("0.00", "0.00"),
  "proc/cmdline": "ro quiet isolcpus=managed_irq,domain,6-7\n",
  "proc/self/limits": limits(524_288, "unlimited", 50),
  "proc/self/cgroup": "0::/\n",
  "proc/net/softnet_stat": softnet(0, 0),
  "proc/net/snmp": snmp(0, 0),
  "proc/net/netstat": netstat(0),
  "proc/net/dev": netDevice("1000 100 0 0 0 0 0 0 500 50 0 0 0 0 0 0"),
  "proc/sys/net/ipv4/tcp_timestamps": "1\n",
  "proc/sys/net/ipv4/tcp_sack": "1\n",
  "proc/sys/net/ipv4/tcp_window_scaling": "1\n",
  "proc/sys/net/ipv4/igmp_max_memberships": "20\n",
  "proc/sys/net/ipv4/conf/all/rp_filter": "0\n",
  "proc/sys/net/ipv4/conf/eth1/rp_filter": "0\n",
  "proc/sys/net/core/rmem_max": "134217728\n",
  "proc/sys/net/core/rmem_default": "212992\n",
  "proc/sys/vm/swappiness": "1\n",
  "proc/irq/41/effective_affinity_list": "0\n",
  "proc/irq/42/effective_affinity_list": "1\n",
  [`${cpu}/isolated`]: "6-7\n",
  [`${cpu}/nohz_full`]: "(null)\n",
  [`${cpu}/cpufreq/policy0/scaling_governor`]: "performance\n",
  [`${cpu}/cpufreq/policy0/scaling_cur_freq`]: "4800000\n",
  [`${cpu}/cpufreq/policy0/cpuinfo_max_freq`]: "5000000\n",
  [`${cpu}/cpu0/cpuidle/state0/name`]: "POLL\n",
  [`${cpu}/cpu0/cpuidle/state0/latency`]: "0\n",
  [`${cpu}/cpu0/cpuidle/state0/disable`]: "0\n",
  [`${cpu}/cpu0/cpuidle/state1/name`]: "C1\n",
  [`${cpu}/cpu0/cpuidle/state1/latency`]: "2\n",
  [`${cpu}/cpu0/cpuidle/state1/disable`]: "0\n",
  [`${cpu}/cpu0/thermal_throttle/core_throttle_count`]: "0\n",
  "sys/fs/cgroup/cpu.stat": "usage_usec 1\nnr_periods 0\nnr_throttled 0\n",
  "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
  "sys/class/net/lo/operstate": "unknown\n",
  "sys/class/net/eth1/operstate": "up\n",
  "sys/class/net/eth1/speed": "25000\n",
  "sys/class/net/eth1/duplex": "full\n",
  "sys/class/net/eth1/mtu": "1500\n",
  "sys/class/net/eth1/carrier_changes": "2\n",
  "sys/class/net/eth1/device/numa_node": "0\n",
  "sys/class/net/eth1/device/local_cpulist": "0-7\n",
  "sys/class/net/eth1/device/msi_irqs/41": "msix\n",
  "sys/class/net/eth1/device/msi_irqs/42": "msix\n",
  "sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
  "sys/devices/system/clocksource/clocksource0/available_clocksource": "tsc hpet acpi_pm \n",
};

export const healthyClock: KernelClock = {
  synchronised: true,
  errorMaxUs: 1200,
  errorEstimateUs: 15,
  frequencyPpm: -12.5,
  leapSecond: 0,
  taiOffsetS: 37,
  state: 0,
};

export const healthyInventory: Inventory = {
  machine: "Dell Inc. PowerEdge R650",
  cpu: "Intel Xeon Gold 6346",
  cores: 8,
  system: "Debian GNU/Linux 13",
  kernel: "6.12.48",
  temperatureC: 51,
  disks: [{ name: "/dev/nvme0n1", kind: "NVMe", sizeBytes: 2 ** 40, health: "Ok" }],
};

export interface Situation {
  files?: Readonly<Record<string, string>>;
  /** Written between the two readings. */
  during?: Readonly<Record<string, string>>;
  needs?: Partial<MachineNeeds>;
  /** Output by the program's name. */
  tools?: Readonly<Record<string, Partial<ToolOutput>>>;
  kernelClock?: KernelClock;
  inventory?: Inventory;
  /** Answers by path; a missing one is refused. */
  http?: Readonly<Record<string, unknown>>;
  options?: DiagnoseOptions;
}

/** A window of exactly half a second that passes at once. */
export function fakeClock(root: FakeRoot, during: Readonly<Record<string, string>>): DoctorClock {
  let nowNs = 1e9;
  let started = false;
  return {
    nowMs: () => 1_800_000_000_000,
    // Each reading of the clock is 10 µs after the last.
    nowNs: () => (nowNs += 10_000),
    sleep: (ms) => {
      nowNs += ms * 1e6;
      if (!started) root.write(during);
      started = true;
      return Promise.resolve();
    },
    after: () => () => undefined,
  };
}

function tools(outputs: Situation["tools"]): RunTool {
  return (argv) => {
    const output = outputs?.[argv[0] ?? ""];
    return Promise.resolve(
      output === undefined ? undefined : { code: 0, stdout: "", stderr: "", ...output },
    );
  };
}

function answers(http: Situation["http"]): (url: string) => Promise<Response> {
  return (url) => {
    const body = http?.[new URL(url).pathname];
    if (body === undefined) {
      return Promise.reject(Object.assign(new Error("refused"), { code: "ConnectionRefused" }));
    }
    return Promise.resolve(Response.json(body));
  };
}

/** Examines a healthy box with the situation laid over it. */
export function examineBox(situation: Situation = {}): Promise<Diagnosis> {
  const root = fakeRoot({ ...healthyFiles, ...situation.files });
  return diagnose({
    root: root.path,
    needs: { ...noNeeds, interfaces: ["eth1"], feedCpus: [6], ...situation.needs },
    clock: fakeClock(root, situation.during ?? {}),
    runTool: tools(situation.tools),
    kernelClock: () => situation.kernelClock ?? healthyClock,
    inventory: () => Promise.resolve(situation.inventory ?? healthyInventory),
    fetch: answers(situation.http),
    ...situation.options,
  });
}
