/** A bare-metal server with two network cards, a GPU, Ollama and irqbalance, as a directory. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { defaultWishes } from "../../../src/tune/machine.ts";
import type { PlanRequest } from "../../../src/tune/plan.ts";
import { FakeMachine, type FakeState } from "./fake-machine.ts";

/** Each journal line is synced: in memory that costs nothing, and a power cut is not what is tested. */
export const temporaryFolder = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

export const gpuUuid = "GPU-5c89852c-d268-c3f3-1b07-005d5ae1dc3f";
const cpu = "/sys/devices/system/cpu";
const cpuCount = 8;

function files(): Record<string, string> {
  const found: Record<string, string> = {
    "/proc/cpuinfo": "vendor_id\t: GenuineIntel\nflags\t\t: fpu tsc\n",
    "/proc/meminfo": "MemTotal:       65536000 kB\n",
    "/proc/cmdline": "BOOT_IMAGE=/vmlinuz ro quiet\n",
    "/proc/net/route":
      "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n" +
      "eth0\t00000000\t0100000A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n",
    "/proc/net/tcp": "  sl  local_address rem_address   st\n",
    "/proc/net/softnet_stat": `00000010 00000001 00000002${" 00000000".repeat(10)}\n`,
    "/proc/irq/default_smp_affinity": "ff\n",
    "/sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never\n",
    "/sys/kernel/mm/ksm/run": "1\n",
    "/sys/devices/virtual/workqueue/cpumask": "ff\n",
    "/sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
    [`${cpu}/online`]: "0-7\n",
    [`${cpu}/isolated`]: "\n",
    [`${cpu}/smt/control`]: "on\n",
    [`${cpu}/intel_pstate/no_turbo`]: "0\n",
    [`${cpu}/intel_pstate/min_perf_pct`]: "20\n",
    [`${cpu}/cpu0/cpuidle/state1/latency`]: "2\n",
    "/etc/sysctl.conf": "# the administrator's own\nvm.swappiness = 60\n",
    "/etc/default/grub": 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\n',
    "/etc/default/irqbalance": "#IRQBALANCE_BANNED_CPULIST=\n",
    "/usr/sbin/update-grub": "#!/bin/sh\n",
    "/usr/lib/systemd/system/ollama.service": "[Service]\nExecStart=/usr/bin/ollama serve\n",
    "/usr/lib/systemd/system/irqbalance.service": "[Service]\n",
    "/usr/lib/systemd/system/nvidia-persistenced.service": "[Service]\n",
    "/proc/501/environ": "PATH=/usr/bin\0OLLAMA_HOST=127.0.0.1\0",
  };
  const sysctls: Record<string, string> = {
    "net/core/rmem_max": "212992",
    "net/core/rmem_default": "212992",
    "net/core/busy_read": "0",
    "net/core/busy_poll": "0",
    "net/core/netdev_max_backlog": "1000",
    "net/core/netdev_budget": "300",
    "net/core/netdev_budget_usecs": "2000",
    "net/core/rps_sock_flow_entries": "0",
    "net/ipv4/igmp_max_memberships": "20",
    "net/ipv4/igmp_max_msf": "10",
    "net/ipv4/tcp_timestamps": "1",
    "net/ipv4/tcp_sack": "1",
    "net/ipv4/tcp_window_scaling": "1",
    "kernel/numa_balancing": "1",
    "kernel/timer_migration": "1",
    "kernel/nmi_watchdog": "1",
    "kernel/sched_rt_runtime_us": "950000",
    "vm/swappiness": "60",
    "vm/dirty_bytes": "0",
    "vm/dirty_ratio": "20",
    "vm/dirty_background_bytes": "0",
    "vm/dirty_background_ratio": "10",
    "vm/stat_interval": "1",
  };
  for (const [key, value] of Object.entries(sysctls)) found[`/proc/sys/${key}`] = `${value}\n`;
  for (const [name, value] of Object.entries({ all: 2, default: 0, eth0: 0, eth1: 2, lo: 0 })) {
    found[`/proc/sys/net/ipv4/conf/${name}/rp_filter`] = `${value}\n`;
  }
  for (const node of [0, 1]) found[`/sys/devices/system/node/node${node}/cpulist`] = "0-3\n";
  for (let i = 0; i < cpuCount; i++) {
    const core = i % 4;
    found[`${cpu}/cpu${i}/topology/thread_siblings_list`] = `${core},${core + 4}\n`;
    found[`${cpu}/cpu${i}/power/pm_qos_resume_latency_us`] = "0\n";
    found[`${cpu}/cpufreq/policy${i}/scaling_governor`] = "powersave\n";
    found[`${cpu}/cpufreq/policy${i}/energy_performance_preference`] = "balance_performance\n";
  }
  for (const [index, name] of ["eth0", "eth1"].entries()) {
    const net = `/sys/class/net/${name}`;
    found[`${net}/operstate`] = "up\n";
    found[`${net}/napi_defer_hard_irqs`] = "2\n";
    found[`${net}/gro_flush_timeout`] = "20000\n";
    found[`${net}/device/local_cpulist`] = "0-7\n";
    found[`${net}/queues/tx-0/xps_cpus`] = "01\n";
    for (const queue of [0, 1]) {
      const irq = 40 + index * 10 + queue;
      found[`${net}/queues/rx-${queue}/rps_cpus`] = "ff\n";
      found[`${net}/device/msi_irqs/${irq}`] = "msix\n";
      found[`/proc/irq/${irq}/smp_affinity_list`] = "0-7\n";
      found[`/proc/irq/${irq}/effective_affinity_list`] = "0\n";
    }
  }
  return found;
}

const card = (): Record<string, Record<string, string>> => ({
  feature: { "generic-receive-offload": "on", "large-receive-offload": "on" },
  coalesce: { "adaptive-rx": "on", "rx-usecs": "3", "tx-usecs": "3" },
  ring: { rx: "512" },
  pause: { autoneg: "on", rx: "on", tx: "on" },
});

function state(): FakeState {
  return {
    ethtool: { eth0: card(), eth1: card() },
    ethtoolRefuses: {},
    ethtoolIgnores: [],
    pauseFlips: false,
    units: {
      "ollama.service": { enabled: "enabled", active: "active", pid: 501 },
      "nvidia-persistenced.service": { enabled: "disabled", active: "inactive", pid: 0 },
      "irqbalance.service": { enabled: "enabled", active: "inactive", pid: 0 },
    },
    gpus: [{ uuid: gpuUuid, persistence: false, powerLimitW: 300, lock: "", smClock: 210 }],
    gpuRefuses: [],
    grubby: null,
    clamps: {},
    refuses: {},
    pendingIrqs: [],
    virtualisation: "none",
    addresses: { eth0: "10.0.0.2", eth1: "10.0.1.2" },
  };
}

export interface FakeServer extends Disposable {
  machine: FakeMachine;
  root: string;
}

/** `change` adds, replaces or (with null) leaves out files. */
export function fakeServer(change: Readonly<Record<string, string | null>> = {}): FakeServer {
  const root = mkdtempSync(join(temporaryFolder, "hftedge-tune-"));
  for (const [path, text] of Object.entries({ ...files(), ...change })) {
    if (text === null) continue;
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  for (const path of [
    "/run/systemd/system",
    "/fake",
    "/etc/sysctl.d",
    "/etc/systemd/system",
    "/var/lib",
  ]) {
    if (change[path] !== null) mkdirSync(join(root, path), { recursive: true });
  }
  symlinkSync("../sysctl.conf", join(root, "/etc/sysctl.d/99-sysctl.conf"));
  writeFileSync(join(root, "/fake/state.json"), JSON.stringify(state(), null, 1));
  return {
    machine: new FakeMachine(root, { PATH: "/usr/bin" }),
    root,
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Every file, link and folder below a root with its mode and content. */
export function snapshot(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (path: string): void => {
    for (const name of readdirSync(join(root, path)).toSorted()) {
      const at = `${path}/${name}`;
      // What the kernel remembers and does not show.
      if (at === "/fake/written") continue;
      const stat = lstatSync(join(root, at));
      const mode = (stat.mode & 0o7777).toString(8);
      if (stat.isDirectory()) {
        found[at] = `folder ${mode}`;
        walk(at);
      } else if (stat.isSymbolicLink()) found[at] = `link ${readlinkSync(join(root, at))}`;
      else found[at] = `file ${mode} ${readFileSync(join(root, at), "latin1")}`;
    }
  };
  walk("");
  return found;
}

export function request(change: Partial<PlanRequest> = {}): PlanRequest {
  return {
    profile: "safe",
    roles: {},
    wishes: defaultWishes,
    with: [],
    without: [],
    take: [],
    force: false,
    removeLeftovers: false,
    program: ["/usr/local/bin/hftedge"],
    ...change,
  };
}
