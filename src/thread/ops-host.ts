/** What ops reads of the machine once a second: processor, memory, and what the kernel dropped. */
import { residentBytes } from "../host/descriptor.ts";
import { parseUdpSockets } from "../host/net-stat.ts";
import { cpuTicks, parseLoadAverage, parseMeminfo, parseStat } from "../host/proc.ts";
import type { HostRoot } from "../host/root.ts";
import type { BoardWriter } from "../telemetry/board.ts";
import { Metric } from "../telemetry/metric.ts";

const ids = Metric.ops;

export class HostGauges {
  readonly #root: HostRoot;
  readonly #board: BoardWriter;
  #busy = 0;
  #ticks = 0;

  constructor(root: HostRoot, board: BoardWriter) {
    this.#root = root;
    this.#board = board;
  }

  read(): void {
    const board = this.#board;
    const all = parseStat(this.#root.text("/proc/stat") ?? "").cpus[0];
    if (all !== undefined) {
      const ticks = cpuTicks(all);
      const busy = ticks - all.idle - all.ioWait;
      if (ticks > this.#ticks) {
        board.gauge(ids.cpuRatio, Math.max(0, (busy - this.#busy) / (ticks - this.#ticks)));
      }
      this.#busy = busy;
      this.#ticks = ticks;
    }
    const load = parseLoadAverage(this.#root.text("/proc/loadavg") ?? "");
    if (load !== undefined) board.gauge(ids.loadOne, load[0]);
    const memory = parseMeminfo(this.#root.text("/proc/meminfo") ?? "");
    const total = memory.get("MemTotal") ?? 0;
    const available = memory.get("MemAvailable");
    if (total > 0 && available !== undefined) {
      board.gauge(ids.hostMemoryRatio, 1 - available / total);
    }
    const resident = residentBytes();
    if (resident !== undefined) board.gauge(ids.residentBytes, resident);
  }
}

/**
 * Datagrams that the kernel dropped at this process's UDP sockets. The last column of /proc/net/udp
 * counts since the socket was opened; rows are matched by the inodes of our own descriptors.
 */
export class QueueDrops {
  readonly #root: HostRoot;
  /** inode → drops at the last reading; only of sockets that are open. */
  #seen = new Map<number, number>();
  #own: ReadonlySet<number> = new Set();
  #readings = 0;
  readonly #counted: number;

  /** `counted`: drops of this run that were counted before, at sockets that may still be open. */
  constructor(root: HostRoot, counted = 0) {
    this.#root = root;
    this.#counted = counted;
  }

  /** Drops since the last reading. */
  read(): number {
    const counted = this.#readings === 0 ? this.#counted : 0;
    // Descriptors change only when a worker starts: their list is read now and then.
    if (this.#readings++ % descriptorsEvery === 0 || this.#seen.size === 0)
      this.#own = this.#inodes();
    const seen = new Map<number, number>();
    let drops = 0;
    for (const path of ["/proc/net/udp", "/proc/net/udp6"]) {
      for (const socket of parseUdpSockets(this.#root.text(path) ?? "")) {
        if (!this.#own.has(socket.inode)) continue;
        seen.set(socket.inode, socket.drops);
        drops += Math.max(0, socket.drops - (this.#seen.get(socket.inode) ?? 0));
      }
    }
    this.#seen = seen;
    return Math.max(0, drops - counted);
  }

  #inodes(): Set<number> {
    const inodes = new Set<number>();
    for (const name of this.#root.list("/proc/self/fd")) {
      const inode = /^socket:\[(\d+)\]$/.exec(this.#root.link(`/proc/self/fd/${name}`) ?? "")?.[1];
      if (inode !== undefined) inodes.add(Number(inode));
    }
    return inodes;
  }
}

/** Readings of the drops between two lists of descriptors. */
const descriptorsEvery = 10;
