/**
 * Parsers for the network counters of /proc: text in, numbers out.
 * Formats: the kernel's net/core/net-procfs.c, net/ipv4/proc.c and net/ipv4/udp.c.
 */

import { decimal } from "./decimal.ts";

/** One CPU's row of /proc/net/softnet_stat. */
export interface SoftnetRow {
  cpu: number;
  processed: number;
  /** Packets dropped because the CPU's backlog was full (net.core.netdev_max_backlog). */
  dropped: number;
  /** Times that the receive loop stopped with work left (net.core.netdev_budget). */
  squeezed: number;
}

/**
 * /proc/net/softnet_stat: hexadecimal columns, one row for each online CPU. The 13th column is the
 * CPU's number since Linux 5.10; before that the row's position is all there is.
 */
export function parseSoftnet(text: string): SoftnetRow[] {
  const rows: SoftnetRow[] = [];
  for (const line of text.split("\n")) {
    if (!/^[0-9a-f]{8}( [0-9a-f]{8}){8,}$/i.test(line.trim())) continue;
    const columns = line
      .trim()
      .split(" ")
      .map((word) => Number.parseInt(word, 16));
    rows.push({
      cpu: columns[12] ?? rows.length,
      processed: columns[0]!,
      dropped: columns[1]!,
      squeezed: columns[2]!,
    });
  }
  return rows;
}

/** Counters by protocol and name, e.g. get("Udp")?.get("RcvbufErrors"). */
export type ProtocolCounters = Map<string, Map<string, number>>;

/** Tcp's MaxConn is -1 where there is no limit. */
function signed(word: string | undefined): number {
  return word?.startsWith("-") === true ? -decimal(word.slice(1)) : decimal(word);
}

/** /proc/net/snmp and /proc/net/netstat: a line of names, then a line of values, per protocol. */
export function parseProtocolCounters(text: string): ProtocolCounters {
  const protocols: ProtocolCounters = new Map();
  const lines = text.split("\n");
  for (let index = 0; index + 1 < lines.length; index += 2) {
    const [protocol = "", ...names] = lines[index]!.split(" ");
    const [same = "", ...values] = lines[index + 1]!.split(" ");
    if (protocol !== same || !protocol.endsWith(":")) continue;
    const counters = new Map<string, number>();
    names.forEach((name, column) => counters.set(name, signed(values[column])));
    protocols.set(protocol.slice(0, -1), counters);
  }
  return protocols;
}

/** An interface's row of /proc/net/dev, counters since boot. */
export interface NetDevice {
  rxBytes: number;
  rxPackets: number;
  rxErrors: number;
  /** Includes what the adapter missed for want of a descriptor. */
  rxDropped: number;
  rxFifo: number;
  rxFrame: number;
  txPackets: number;
  txErrors: number;
  txDropped: number;
}

/** /proc/net/dev by interface. A name may touch its first number ("eth0:123"). */
export function parseNetDevices(text: string): Map<string, NetDevice> {
  const devices = new Map<string, NetDevice>();
  for (const match of text.matchAll(/^\s*([^\s|]+):\s*(\d[\d\s]*)$/gm)) {
    const columns = match[2]!.trim().split(/\s+/);
    const at = (index: number): number => decimal(columns[index]);
    devices.set(match[1]!, {
      rxBytes: at(0),
      rxPackets: at(1),
      rxErrors: at(2),
      rxDropped: at(3),
      rxFifo: at(4),
      rxFrame: at(5),
      txPackets: at(9),
      txErrors: at(10),
      txDropped: at(11),
    });
  }
  return devices;
}

/** A socket's row of /proc/net/udp or udp6. */
export interface UdpSocket {
  localPort: number;
  /** Bytes waiting in the receive queue. */
  queuedBytes: number;
  inode: number;
  /** Datagrams dropped at this socket since it was opened, mostly for a full receive buffer. */
  drops: number;
}

/** /proc/net/udp and /proc/net/udp6: one row per socket, addresses and queues in hexadecimal. */
export function parseUdpSockets(text: string): UdpSocket[] {
  const sockets: UdpSocket[] = [];
  for (const line of text.split("\n")) {
    const words = line.trim().split(/\s+/);
    const port = /^[0-9A-F]+:([0-9A-F]{4})$/i.exec(words[1] ?? "");
    const queue = /^[0-9A-F]{8}:([0-9A-F]{8})$/i.exec(words[4] ?? "");
    if (port === null || queue === null || words.length < 13) continue;
    sockets.push({
      localPort: Number.parseInt(port[1]!, 16),
      queuedBytes: Number.parseInt(queue[1]!, 16),
      inode: decimal(words[9]),
      drops: decimal(words[12]),
    });
  }
  return sockets;
}

/** `ethtool -S IF`: the adapter's own counters by name. */
export function parseEthtoolStatistics(text: string): Map<string, number> {
  const counters = new Map<string, number>();
  for (const match of text.matchAll(/^\s+(\S.*?):\s+(\d+)$/gm)) {
    counters.set(match[1]!, Number(match[2]));
  }
  return counters;
}
