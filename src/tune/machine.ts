/** What the catalogue needs to know about a machine, probed once per plan and only read. */
import { parseCpuList } from "../host/proc.ts";
import type { Host } from "../host/host.ts";
import { type Gpu, openGpus } from "../host/nvidia.ts";
import { hasSystemd, unitActive, unitInstalled } from "../host/systemd.ts";
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
  /** Exit latency of C1 in µs; 2 where the kernel does not say. */
  c1LatencyUs: number;
  softnetDropped: number;
  softnetSqueezed: number;
  defaultRouteInterfaces: readonly string[];
  sshInterfaces: readonly string[];
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

/** Interfaces of the default routes, IPv4 and IPv6. */
function defaultRoutes(host: Host): string[] {
  const v4 = (host.read("/proc/net/route") ?? "")
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((c) => c[1] === "00000000" && c[7] === "00000000")
    .map((c) => c[0]!);
  const v6 = (host.read("/proc/net/ipv6_route") ?? "")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((c) => /^0{32}$/.test(c[0] ?? "") && c[1] === "00" && c[9] !== "lo")
    .map((c) => c[9]!);
  return [...new Set([...v4, ...v6])];
}

const sshPort = 22;

/**
 * Interfaces that carry an SSH session. sudo clears SSH_CONNECTION, so established connections to
 * the SSH port count as well.
 */
function sshInterfaces(host: Host): string[] {
  const addresses = new Set<string>();
  const own = (host.environment["SSH_CONNECTION"] ?? "").split(" ")[2];
  if (own !== undefined && host.root === "") addresses.add(own);
  for (const line of (host.read("/proc/net/tcp") ?? "").split("\n").slice(1)) {
    const cells = line.trim().split(/\s+/);
    const [address = "", port = ""] = (cells[1] ?? "").split(":");
    if (cells[3] !== "01" || Number.parseInt(port, 16) !== sshPort) continue;
    const bytes = address.match(/../g)?.toReversed() ?? [];
    addresses.add(bytes.map((byte) => Number.parseInt(byte, 16)).join("."));
  }
  if (addresses.size === 0) return [];
  const names = new Set<string>();
  for (const line of host.run(["ip", "-o", "addr", "show"]).stdout.split("\n")) {
    const match = /^\d+:\s+(\S+?)(?:@\S+)?\s+inet6?\s+([^/\s]+)/.exec(line);
    if (match !== null && addresses.has(match[2]!)) names.add(match[1]!);
  }
  return [...names];
}

function bootloader(host: Host): Machine["bootloader"] {
  if (host.exists("/usr/sbin/update-grub") || host.exists("/usr/bin/update-grub")) return "grub.d";
  if (host.exists("/usr/sbin/grubby") || host.exists("/usr/bin/grubby")) return "grubby";
  if (host.exists("/etc/kernel/cmdline") || host.exists("/boot/loader/loader.conf")) {
    return "systemd-boot";
  }
  return "unknown";
}

function softnet(host: Host): { dropped: number; squeezed: number } {
  let dropped = 0;
  let squeezed = 0;
  for (const line of (host.read("/proc/net/softnet_stat") ?? "").split("\n")) {
    const cells = line.trim().split(/\s+/);
    dropped += Number.parseInt(cells[1] ?? "0", 16) || 0;
    squeezed += Number.parseInt(cells[2] ?? "0", 16) || 0;
  }
  return { dropped, squeezed };
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
      defaultRouteInterfaces: routes,
      gpus: gpus.map((gpu) => gpu.uuid),
    },
    request.force,
  );
  const { dropped, squeezed } = softnet(host);
  const daemons: readonly Owner[] = ["tuned", "power-profiles-daemon", "irqbalance"];
  const memoryKb = /^MemTotal:\s+(\d+)/m.exec(host.read("/proc/meminfo") ?? "")?.[1] ?? "0";
  const c1 = Number(host.read("/sys/devices/system/cpu/cpu0/cpuidle/state1/latency") ?? "2");
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
    c1LatencyUs: Number.isFinite(c1) && c1 > 0 ? c1 : 2,
    softnetDropped: dropped,
    softnetSqueezed: squeezed,
    defaultRouteInterfaces: routes,
    sshInterfaces: sshInterfaces(host),
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
