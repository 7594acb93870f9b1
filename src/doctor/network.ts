/** The way of a datagram from the wire to the socket, and every place where it can be lost. */
import type { NetDevice } from "../host/net-stat.ts";
import type { HostRoot } from "../host/root.ts";
import { plural } from "./text.ts";
import { interfacesMax, windowS, type Probe, type ProbeContext } from "./context.ts";
import {
  finding,
  notApplicable,
  type Outcome,
  type RemedyChoice,
  type Severity,
} from "./finding.ts";
import { adapterCounters } from "./network-adapter.ts";
import { interruptPlacement, strayInterrupts } from "./network-interrupt.ts";
import { networkSetting } from "./network-setting.ts";

/** What the feeds use, and otherwise every interface that has received something. */
export function examinedInterfaces({ needs, second }: ProbeContext): string[] {
  if (needs.interfaces.length > 0) return [...needs.interfaces];
  return [...second.interfaces]
    .filter(([name, device]) => name !== "lo" && device.rxPackets > 0)
    .map(([name]) => name)
    .slice(0, interfacesMax);
}

function link({ root }: ProbeContext, name: string): Outcome {
  const path = `/sys/class/net/${name}`;
  const state = root.word(`${path}/operstate`);
  if (state === undefined) {
    return finding(
      "network.link",
      "critical",
      `A feed uses ${name}, and there is no such interface.`,
      { state: "absent", speedMbit: 0 },
      name,
    );
  }
  // Virtual interfaces and those without a carrier fail to tell their speed, or say -1.
  const speedMbit = Math.max(0, root.number(`${path}/speed`) ?? 0);
  const duplex = root.word(`${path}/duplex`) ?? "unknown";
  const changes = root.number(`${path}/carrier_changes`) ?? 0;
  const up = state === "up" || state === "unknown";
  const speed = speedMbit === 0 ? "" : `, ${speedMbit} Mbit/s ${duplex} duplex`;
  return finding(
    "network.link",
    !up ? "critical" : duplex === "half" ? "warning" : "ok",
    `${state}${speed}, MTU ${root.number(`${path}/mtu`) ?? 0}, ${plural(changes, "carrier change")} since boot.`,
    { state, speedMbit, duplex, carrierChanges: changes },
    name,
  );
}

/** A counter that moved in the window is a warning; one that moved some time since boot is a note. */
function moved(now: number, sinceBoot: number): Severity {
  return now > 0 ? "warning" : sinceBoot > 0 ? "note" : "ok";
}

function bad(device: NetDevice): number {
  return device.rxErrors + device.rxFrame;
}

function lost(device: NetDevice): number {
  return device.rxDropped + device.rxFifo;
}

function errorsAndDrops(context: ProbeContext, name: string): Outcome[] {
  const before = context.first.interfaces.get(name);
  const after = context.second.interfaces.get(name);
  if (before === undefined || after === undefined) return [];
  const seconds = windowS(context);
  const errorsNow = Math.max(0, bad(after) - bad(before));
  const dropsNow = Math.max(0, lost(after) - lost(before));
  const packetRate = Math.round((after.rxPackets - before.rxPackets) / seconds);
  return [
    finding(
      "network.error",
      moved(errorsNow, bad(after)),
      `${errorsNow} just now, ${bad(after)} of ${after.rxPackets} packets since boot.`,
      { errorsNow, errorsSinceBoot: bad(after) },
      name,
    ),
    finding(
      "network.drop",
      moved(dropsNow, lost(after)),
      `${dropsNow} just now at ${packetRate} packets/s, ${lost(after)} of ${after.rxPackets} since boot.`,
      { dropsNow, dropsSinceBoot: lost(after), packetRate },
      name,
    ),
  ];
}

const backlogWanted = 10_000;
const budgetUsWanted = 8000;

/** Never less than what the machine has: somebody may have raised these already. */
function softnetRemedy(root: HostRoot): RemedyChoice {
  const backlog = root.number("/proc/sys/net/core/netdev_max_backlog") ?? 0;
  const budgetUs = root.number("/proc/sys/net/core/netdev_budget_usecs") ?? 0;
  if (backlog >= backlogWanted && budgetUs >= budgetUsWanted) return { when: "large enough" };
  return {
    words: {
      backlog: Math.max(backlogWanted, backlog),
      budgetUs: Math.max(budgetUsWanted, budgetUs),
    },
  };
}

function softnet({ root, first, second }: ProbeContext): Outcome {
  if (first.softnet === undefined || second.softnet === undefined) {
    return notApplicable("network.softnet", "no /proc/net/softnet_stat");
  }
  let droppedNow = 0;
  let squeezedNow = 0;
  let dropped = 0;
  let squeezed = 0;
  for (const row of second.softnet) {
    const before = first.softnet.find(({ cpu }) => cpu === row.cpu);
    // The columns are 32 bits wide and wrap.
    droppedNow += before === undefined ? 0 : (row.dropped - before.dropped) >>> 0;
    squeezedNow += before === undefined ? 0 : (row.squeezed - before.squeezed) >>> 0;
    dropped += row.dropped;
    squeezed += row.squeezed;
  }
  return finding(
    "network.softnet",
    droppedNow > 0 ? "critical" : squeezedNow > 0 ? "warning" : moved(0, dropped),
    `${droppedNow} dropped and ${squeezedNow} squeezed just now; ${dropped} and ${squeezed} since boot.`,
    { droppedNow, squeezedNow, droppedSinceBoot: dropped, squeezedSinceBoot: squeezed },
    "",
    softnetRemedy(root),
  );
}

/** A counter of /proc/net/snmp or netstat, at the end of the window and its move within it. */
function protocolCounter(
  { first, second }: ProbeContext,
  protocol: string,
  name: string,
): { total: number; now: number } | undefined {
  const total = second.protocols.get(protocol)?.get(name);
  if (total === undefined) return undefined;
  return { total, now: Math.max(0, total - (first.protocols.get(protocol)?.get(name) ?? total)) };
}

function udp(context: ProbeContext): Outcome {
  const full = protocolCounter(context, "Udp", "RcvbufErrors");
  const errors = protocolCounter(context, "Udp", "InErrors");
  const checksum = protocolCounter(context, "Udp", "InCsumErrors");
  const memory = protocolCounter(context, "Udp", "MemErrors");
  if (full === undefined || errors === undefined) {
    return notApplicable("network.udp", "no /proc/net/snmp");
  }
  const now = full.now + (memory?.now ?? 0);
  const total = full.total + (memory?.total ?? 0);
  return finding(
    "network.udp",
    now > 0 ? "critical" : moved(errors.now, total + errors.total),
    `${now} dropped for a full receive buffer just now, ${total} since boot; ` +
      `${checksum?.total ?? 0} bad checksums, ${errors.total} receive errors in all since boot.`,
    {
      bufferErrorsNow: now,
      bufferErrorsSinceBoot: total,
      errorsNow: errors.now,
      errorsSinceBoot: errors.total,
    },
  );
}

function reversePath(context: ProbeContext, interfaces: readonly string[]): Outcome {
  const drops = protocolCounter(context, "TcpExt", "IPReversePathFilter");
  if (drops === undefined) {
    return notApplicable("network.reverse-path", "the kernel does not count them");
  }
  const mode = (name: string): number =>
    context.root.number(`/proc/sys/net/ipv4/conf/${name}/rp_filter`) ?? 0;
  // The kernel applies the larger of the interface's and the general value.
  const filtered = interfaces.filter((name) => Math.max(mode("all"), mode(name)) > 0);
  return finding(
    "network.reverse-path",
    moved(drops.now, drops.total),
    `${drops.now} just now, ${drops.total} since boot; ` +
      (filtered.length === 0
        ? "the filter is off on the interfaces examined."
        : `the filter is on for ${filtered.join(", ")}.`),
    { dropsNow: drops.now, dropsSinceBoot: drops.total, filtered: filtered.join(",") },
    filtered[0] ?? interfaces[0] ?? "all",
    { when: filtered.length === 0 ? "elsewhere" : undefined },
  );
}

export const networkProbe: Probe = {
  area: "network",
  run: async (context) => {
    const interfaces = examinedInterfaces(context);
    const outcomes: Outcome[] = [];
    for (const name of interfaces) {
      outcomes.push(link(context, name), ...errorsAndDrops(context, name));
      outcomes.push(await adapterCounters(context, name));
      outcomes.push(interruptPlacement(context, name));
    }
    if (interfaces.length === 0) {
      outcomes.push(notApplicable("network.link", "no interface has received anything"));
    }
    return [
      ...outcomes,
      ...strayInterrupts(context, interfaces),
      softnet(context),
      udp(context),
      reversePath(context, interfaces),
      ...networkSetting(context),
    ];
  },
};
