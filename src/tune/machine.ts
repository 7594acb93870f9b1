/** What the catalogue needs to know about a machine, probed once per plan and only read. */
import { parseSoftnet } from "../host/net-stat.ts";
import { parseCpuList } from "../host/proc.ts";
import type { Host } from "../host/host.ts";
import { shallowIdleLatencyUs } from "../host/idle-state.ts";
import { type Gpu, openGpus } from "../host/nvidia.ts";
import { hasSystemd, unitActive, unitInstalled } from "../host/systemd.ts";
import { defaultRoutes, sshInterfaces, withLower } from "./lifeline.ts";
import { type RoleRequest, type Roles, settleRoles } from "./role.ts";
import type { Owner } from "./setting.ts";

export type Surroundings = "bare metal" | "virtual machine" | "container";

/** What the operator wants of the settings that depend on the load; every field has a default. */
export interface Wishes {
  /** Largest receive buffer that a feed socket may ask for. */
  receiveBufferBytes: number;
  /** Multicast groups that the feeds join on one interface. */
  multicastGroups: number;
  /** Ollama's context per slot, in tokens. */
  contextTokens: number;
  /** Questions in flight at Ollama. */
  parallel: number;
  /** How long Ollama keeps an idle model, in s; -1 for ever. */
  keepAliveS: number;
  /** Receive ring of the feed's NIC, in descriptors. */
  receiveRing: number;
  ollamaUrl: string;
}

export const defaultWishes: Wishes = {
  receiveBufferBytes: 32 << 20,
  multicastGroups: 32,
  contextTokens: 1024,
  parallel: 1,
  keepAliveS: -1,
  receiveRing: 1024,
  ollamaUrl: "http://127.0.0.1:11434",
};

export interface Machine {
  arch: string;
  surroundings: Surroundings;
  systemd: boolean;
  memoryBytes: number;
  vendor: "intel" | "amd" | "other";
  online: readonly number[];
  numaNodes: number;
  /** Exit latency of the shallowest idle state (C1, WFI), µs. */
  idleLatencyUs: number;
  softnetDropped: number;
  softnetSqueezed: number;
  defaultRouteInterfaces: readonly string[];
  /** Interfaces whose reset would cut off the default route or an SSH session, with what they carry. */
  lifelines: ReadonlyMap<string, string>;
  owners: ReadonlySet<Owner>;
  installed: { irqbalance: boolean; ollama: boolean; persistenced: boolean };
  bootloader: "grub.d" | "grubby" | "systemd-boot" | "unknown";
  /** /proc/cmdline, one argument each. */
  kernelArguments: readonly string[];
  gpus: readonly Gpu[];
  /** Per GPU UUID, MHz, highest first. */
  supportedClocks: ReadonlyMap<string, { graphics: number[]; memory: number[] }>;
  roles: Roles;
  wishes: Wishes;
}

export interface ProbeRequest {
  roles: RoleRequest;
  wishes: Wishes;
  force: boolean;
}

function surroundings(host: Host, cpuinfo: string): Surroundings {
  const word = host.run(["systemd-detect-virt"]).stdout.trim();
  const containers =
    /^(?:docker|podman|lxc|lxc-libvirt|systemd-nspawn|openvz|rkt|wsl|proot|pouch|container-other)$/;
  if (
    containers.test(word) ||
    host.exists("/.dockerenv") ||
    host.exists("/run/.containerenv") ||
    host.exists("/run/systemd/container")
  ) {
    return "container";
  }
  if (word !== "" && word !== "none") return "virtual machine";
  return /^flags\s*:.*\bhypervisor\b/m.test(cpuinfo) ? "virtual machine" : "bare metal";
}

function bootloader(host: Host): Machine["bootloader"] {
  if (host.exists("/usr/sbin/update-grub") || host.exists("/usr/bin/update-grub")) return "grub.d";
  if (host.exists("/usr/sbin/grubby") || host.exists("/usr/bin/grubby")) return "grubby";
  if (host.exists("/etc/kernel/cmdline") || host.exists("/boot/loader/loader.conf")) {
    return "systemd-boot";
  }
  return "unknown";
}

function cores(host: Host, online: readonly number[]): number[][] {
  const seen = new Set<string>();
  const found: number[][] = [];
  for (const cpu of online) {
    const topology = `/sys/devices/system/cpu/cpu${cpu}/topology`;
    const text = (host.read(`${topology}/thread_siblings_list`) ?? String(cpu)).trim();
    if (seen.has(text)) continue;
    seen.add(text);
    found.push(parseCpuList(text).filter((sibling) => online.includes(sibling)));
  }
  return found;
}

/** CPUs named by a file, or `otherwise` where it is absent or empty. */
function cpusOf(host: Host, path: string, otherwise: readonly number[]): readonly number[] {
  const text = (host.read(path) ?? "").trim();
  return text === "" ? otherwise : parseCpuList(text);
}

/** The part of a request that this machine has now. */
function present(
  roles: RoleRequest,
  interfaces: readonly { name: string }[],
  gpus: readonly Gpu[],
): RoleRequest {
  const { feedInterfaces, gpus: uuids } = roles;
  return {
    ...roles,
    ...(feedInterfaces === undefined
      ? {}
      : { feedInterfaces: feedInterfaces.filter((n) => interfaces.some((i) => i.name === n)) }),
    ...(uuids === undefined
      ? {}
      : { gpus: uuids.filter((uuid) => gpus.some((gpu) => gpu.uuid === uuid)) }),
  };
}

/** `lenient`: an interface or GPU that was named and is not there is left out, not refused. */
export function probeMachine(host: Host, request: ProbeRequest, lenient = false): Machine {
  const cpuinfo = host.read("/proc/cpuinfo") ?? "";
  const online = cpusOf(host, "/sys/devices/system/cpu/online", [0]);
  const routes = defaultRoutes(host);
  const routeCarriers = withLower(host, routes);
  const control = openGpus(host);
  const gpus = control?.list() ?? [];
  const supportedClocks = new Map(
    gpus.map((gpu) => [gpu.uuid, control!.supportedClocks(gpu.uuid)] as const),
  );
  control?.close();
  const interfaces = host
    .list("/sys/class/net")
    .filter((name) => name !== "lo" && host.exists(`/sys/class/net/${name}/operstate`))
    .map((name) => ({
      name,
      physical: host.exists(`/sys/class/net/${name}/device`),
      up: !/down/.test(host.read(`/sys/class/net/${name}/operstate`) ?? "down"),
      cpus: cpusOf(host, `/sys/class/net/${name}/device/local_cpulist`, online),
    }));
  const isolated = cpusOf(host, "/sys/devices/system/cpu/isolated", []);
  const roles = settleRoles(
    lenient ? present(request.roles, interfaces, gpus) : request.roles,
    {
      online,
      isolated,
      cores: cores(host, online),
      interfaces,
      defaultRouteInterfaces: routeCarriers,
      gpus: gpus.map((gpu) => gpu.uuid),
    },
    request.force,
  );
  const softnet = parseSoftnet(host.read("/proc/net/softnet_stat") ?? "");
  const daemons: readonly Owner[] = ["tuned", "power-profiles-daemon", "irqbalance"];
  const memoryKb = /^MemTotal:\s+(\d+)/m.exec(host.read("/proc/meminfo") ?? "")?.[1] ?? "0";
  return {
    arch: host.arch,
    surroundings: surroundings(host, cpuinfo),
    systemd: hasSystemd(host),
    memoryBytes: Number(memoryKb) * 1024,
    vendor: /GenuineIntel/.test(cpuinfo)
      ? "intel"
      : /AuthenticAMD|HygonGenuine/.test(cpuinfo)
        ? "amd"
        : "other",
    online,
    numaNodes: Math.max(
      1,
      host.list("/sys/devices/system/node").filter((n) => /^node\d+$/.test(n)).length,
    ),
    idleLatencyUs: shallowIdleLatencyUs(host),
    softnetDropped: softnet.reduce((sum, { dropped }) => sum + dropped, 0),
    softnetSqueezed: softnet.reduce((sum, { squeezed }) => sum + squeezed, 0),
    defaultRouteInterfaces: routes,
    lifelines: new Map([
      ...withLower(host, sshInterfaces(host)).map((name) => [name, "an SSH session"] as const),
      ...routeCarriers.map((name) => [name, "the default route"] as const),
    ]),
    owners: new Set(daemons.filter((name) => unitActive(host, `${name}.service`))),
    installed: {
      irqbalance: unitInstalled(host, "irqbalance.service"),
      ollama: unitInstalled(host, "ollama.service"),
      persistenced: unitInstalled(host, "nvidia-persistenced.service"),
    },
    bootloader: bootloader(host),
    kernelArguments: (host.read("/proc/cmdline") ?? "").trim().split(/\s+/).filter(Boolean),
    gpus,
    supportedClocks,
    roles,
    wishes: request.wishes,
  };
}
