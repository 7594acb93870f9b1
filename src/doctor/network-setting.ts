/** Settings of the IP stack that guides get wrong, and the limits that multicast runs into. */
import { parseUdpSockets } from "../host/net-stat.ts";
import type { ProbeContext } from "./context.ts";
import { finding, notApplicable, type Outcome } from "./finding.ts";
import { plural } from "./text.ts";

function tcpSwitches({ root }: ProbeContext): Outcome {
  const names = ["tcp_timestamps", "tcp_sack", "tcp_window_scaling"];
  const known = names.filter((name) => root.number(`/proc/sys/net/ipv4/${name}`) !== undefined);
  if (known.length === 0) return notApplicable("network.tcp", "no /proc/sys/net/ipv4");
  const off = known.filter((name) => root.number(`/proc/sys/net/ipv4/${name}`) === 0);
  return finding(
    "network.tcp",
    off.length > 0 ? "warning" : "ok",
    off.length > 0
      ? `${off.join(", ")} ${off.length === 1 ? "is" : "are"} off.`
      : "Timestamps, selective acknowledgement and window scaling are on.",
    { off: off.join(",") },
  );
}

function multicast({ root, needs }: ProbeContext): Outcome {
  if (needs.multicastGroups === 0) {
    return notApplicable("network.multicast", "no feed joins a group");
  }
  const limit = root.number("/proc/sys/net/ipv4/igmp_max_memberships");
  if (limit === undefined) return notApplicable("network.multicast", "the kernel has no limit");
  const wanted = Math.ceil(needs.multicastGroups * 1.2);
  return finding(
    "network.multicast",
    limit < needs.multicastGroups ? "critical" : limit < wanted ? "note" : "ok",
    `The feeds join ${plural(needs.multicastGroups, "group")}; the kernel allows ${limit} for a socket.`,
    { groups: needs.multicastGroups, limit, wanted: Math.max(20, wanted) },
  );
}

function feedSockets({ root, needs }: ProbeContext): Outcome[] {
  if (needs.ports.length === 0) {
    return [notApplicable("network.socket", "no feed has a local port")];
  }
  const sockets = [
    ...parseUdpSockets(root.text("/proc/net/udp") ?? ""),
    ...parseUdpSockets(root.text("/proc/net/udp6") ?? ""),
  ];
  return needs.ports.map((port) => {
    const open = sockets.filter(({ localPort }) => localPort === port);
    if (open.length === 0) {
      return notApplicable("network.socket", "nothing is bound to it", `port ${port}`);
    }
    const drops = open.reduce((sum, socket) => sum + socket.drops, 0);
    const queuedBytes = open.reduce((sum, socket) => sum + socket.queuedBytes, 0);
    return finding(
      "network.socket",
      drops > 0 ? "warning" : "ok",
      `${plural(drops, "datagram")} dropped since it was opened, ${queuedBytes} bytes waiting now.`,
      { port, drops, queuedBytes, sockets: open.length },
      `port ${port}`,
    );
  });
}

export function networkSetting(context: ProbeContext): Outcome[] {
  return [tcpSwitches(context), multicast(context), ...feedSockets(context)];
}
