/** Interfaces on which the box hangs: a NIC that is reset under them cuts the operator off. */
import type { Host } from "../host/host.ts";
import { procAddressKey, textAddressKey } from "../host/ip-address.ts";
import { parseStatus } from "../host/proc.ts";
import { parseEnvironment } from "../host/process.ts";
import { parseRoutes } from "../host/route.ts";

/** Interfaces of the default routes, IPv4 and IPv6. */
export function defaultRoutes(host: Host): string[] {
  const v4 = parseRoutes(host.read("/proc/net/route") ?? "")
    .filter(({ destination, mask }) => destination === 0 && mask === 0)
    .map((route) => route.interface);
  const v6 = (host.read("/proc/net/ipv6_route") ?? "")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((c) => /^0{32}$/.test(c[0] ?? "") && c[1] === "00" && c[9] !== "lo")
    .map((c) => c[9]!);
  return [...new Set([...v4, ...v6])];
}

const sshPort = 22;
const established = "01";
/** From us over sudo and shells to the server is a handful of processes. */
const ancestorsMax = 64;

/**
 * The local address of the session in which this process runs, from the nearest process above it that
 * remembers: sudo clears the variable, and has it itself.
 */
function ownSession(host: Host): string | undefined {
  const remembered = host.root === "" ? host.environment["SSH_CONNECTION"] : undefined;
  if (remembered !== undefined) return remembered.split(" ")[2];
  let pid = host.pid;
  for (let count = 0; pid > 1 && count < ancestorsMax; count++) {
    const environment = parseEnvironment(host.read(`/proc/${pid}/environ`) ?? "");
    const connection = environment.get("SSH_CONNECTION");
    if (connection !== undefined) return connection.split(" ")[2];
    pid = Number(parseStatus(host.read(`/proc/${pid}/status`) ?? "").get("PPid") ?? 0);
  }
  return undefined;
}

/**
 * Interfaces that carry an SSH session: our own, whatever its port, and every one on the usual port.
 * A server that systemd starts by its socket has its IPv4 sessions in tcp6, as mapped addresses.
 */
export function sshInterfaces(host: Host): string[] {
  const addresses = new Set<string>();
  const own = ownSession(host);
  if (own !== undefined) addresses.add(textAddressKey(own));
  for (const file of ["tcp", "tcp6"]) {
    for (const line of (host.read(`/proc/net/${file}`) ?? "").split("\n").slice(1)) {
      const cells = line.trim().split(/\s+/);
      const [address = "", port = ""] = (cells[1] ?? "").split(":");
      if (cells[3] !== established || Number.parseInt(port, 16) !== sshPort) continue;
      addresses.add(procAddressKey(address));
    }
  }
  if (addresses.size === 0) return [];
  const names = new Set<string>();
  for (const line of host.run(["ip", "-o", "addr", "show"]).stdout.split("\n")) {
    const match = /^\d+:\s+(\S+?)(?:@\S+)?\s+inet6?\s+([^/\s]+)/.exec(line);
    if (match !== null && addresses.has(textAddressKey(match[2]!))) names.add(match[1]!);
  }
  return [...names];
}

/** The interfaces and what is beneath them: the ports of a bond or bridge, the parent of a VLAN. */
export function withLower(host: Host, names: readonly string[]): string[] {
  const all = new Set(names);
  // A set is walked together with what is added on the way.
  for (const name of all) {
    for (const entry of host.list(`/sys/class/net/${name}`)) {
      if (entry.startsWith("lower_")) all.add(entry.slice("lower_".length));
    }
  }
  return [...all];
}
