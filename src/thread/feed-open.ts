/** Opens every line of every feed, and the ways to what is missing, as the configuration says. */
import { lookup } from "node:dns/promises";
import { EdgeError } from "../error.ts";
import { PollSlots, PollWait } from "../feed/receive-poll.ts";
import { type FeedSocketOptions, openFeedSocket } from "../feed/socket.ts";
import type { BoardWriter } from "../telemetry/board.ts";
import { Metric } from "../telemetry/metric.ts";
import { EventLine, type LineOptions, PolledLine } from "./feed-line.ts";
import { type FeedLoop, spin, type SpinOptions } from "./feed-loop.ts";
import { SnapshotConnection } from "./feed-snapshot.ts";
import type { FeedPlan, RunPlan } from "./plan.ts";
import { rehearsalsOf } from "./rehearsal.ts";

/** Datagrams taken from one socket at once; a bound on how long another line waits. */
const slotsAtOnce = 32;

export interface OpenLines {
  /** Of the lines, in the order of the configuration. */
  ports: number[];
  notes: string[];
  /** Bytes of the smallest receive buffer. */
  receiveBufferBytes: number;
  /** Begins to spin, where lines are polled. */
  begin(): void;
}

type Log = (level: "warn" | "info", text: string) => void;

/**
 * Throws the EdgeErrors of openFeedSocket, POLL_UNAVAILABLE and REREQUEST_ADDRESS. `portsBefore` are
 * those of the life before this one, in the same order, which win over the configured ones.
 */
export async function openLines(
  plan: RunPlan,
  loop: FeedLoop,
  board: BoardWriter,
  log: Log,
  portsBefore: readonly number[] = [],
): Promise<OpenLines> {
  const opener = new Opener(plan, loop, board, portsBefore);
  for (const [index, feed] of plan.feeds.entries()) {
    for (const line of feed.lines.keys()) await opener.line(feed, index, line);
    if (feed.rerequest !== undefined) await opener.answers(feed, index, feed.rerequest);
    const recovery = loop.core.recoveries[index]!;
    const { glimpse: client } = recovery;
    if (feed.snapshot === undefined || client === undefined) continue;
    const { host, port } = feed.snapshot;
    const { now } = loop;
    const { notes } = loop.core;
    loop.snapshots.push(
      new SnapshotConnection({
        feed: feed.name,
        host,
        port,
        client,
        recovery,
        index,
        notes,
        now,
        log,
      }),
    );
  }
  return opener;
}

class Opener implements OpenLines {
  readonly ports: number[] = [];
  readonly notes: string[] = [];
  receiveBufferBytes = Number.POSITIVE_INFINITY;
  readonly #plan: RunPlan;
  readonly #loop: FeedLoop;
  readonly #board: BoardWriter;
  readonly #slots: PollSlots | undefined;
  readonly #polled: PolledLine[] = [];

  readonly #portsBefore: readonly number[];

  constructor(plan: RunPlan, loop: FeedLoop, board: BoardWriter, portsBefore: readonly number[]) {
    this.#portsBefore = portsBefore;
    this.#plan = plan;
    this.#loop = loop;
    this.#board = board;
    const polled = plan.feeds.some(({ receive }) => receive === "poll");
    if (polled) this.#slots = new PollSlots(slotsAtOnce, plan.baseSeconds);
  }

  async line(feed: FeedPlan, index: number, line: number): Promise<void> {
    const configured = feed.lines[line]!;
    const address = {
      ...configured,
      port: this.#portsBefore[this.ports.length] ?? configured.port,
    };
    const input = await this.#open(feed, index, line, address, undefined);
    if (!(input instanceof PolledLine)) return;
    const recovery = this.#loop.core.recoveries[index]!;
    const before = recovery.overflow;
    recovery.overflow = (which) => (which === line ? input.overflow : before(which));
  }

  /** The socket that asks for what is missing, and hears the answers: a line of its own. */
  async answers(
    feed: FeedPlan,
    index: number,
    { host, port }: { host: string; port: number },
  ): Promise<void> {
    const server = { address: await addressOf(host), port };
    const own = server.address.includes(":") ? "::" : "0.0.0.0";
    const address = { host: own, port: 0, interface: null, source: null };
    const input = await this.#open(feed, index, feed.lines.length, address, server);
    this.#loop.core.recoveries[index]!.send = (request) => input.send(request);
  }

  async #open(
    feed: FeedPlan,
    index: number,
    line: number,
    address: Pick<FeedSocketOptions, "host" | "port" | "interface" | "source">,
    server: LineOptions["server"],
  ): Promise<EventLine | PolledLine> {
    const { counters } = this.#board;
    const loop = this.#loop;
    const options: LineOptions = {
      loop,
      feed: index,
      line,
      ack: feed.ack && server === undefined,
      baseSeconds: this.#plan.baseSeconds,
      counters,
      server,
    };
    const input = new EventLine(options);
    const socket = await openFeedSocket({
      ...address,
      receiveBufferBytes: feed.receiveBufferBytes,
      busyPollUs: feed.busyPollUs,
      shareAddress: feed.shareAddress && server === undefined,
      // In polling mode this hears only what comes before the socket is taken over.
      onDatagram: (bytes, port, from, truncated) => input.take(bytes, port, from, truncated),
      onError: () => this.#board.count(Metric.feed.socketErrors),
    });
    this.notes.push(...socket.warnings);
    this.receiveBufferBytes = Math.min(this.receiveBufferBytes, socket.receiveBufferBytes);
    if (server === undefined) {
      this.ports.push(socket.port);
      loop.core.recoveries[index]!.ports[line] = socket.port;
    }
    if (this.#slots === undefined) {
      input.socket = socket;
      loop.lines.push(input);
      return input;
    }
    const own = new PolledLine(options, this.#slots, socket);
    this.#polled.push(own);
    loop.lines.push(own);
    return own;
  }

  begin(): void {
    const lines = this.#polled;
    if (lines.length === 0) return;
    const waiting = new PollWait(lines.map(({ fd }) => fd));
    const { pollSpinUs, rehearseUs } = this.#plan.config.thread;
    const loop = this.#loop;
    const options: SpinOptions = {
      loop,
      lines,
      idleNs: pollSpinUs * 1000,
      wait: (ms) => waiting.wait(ms),
      rehearsing: rehearsalsOf(this.#plan, rehearseUs * 1000, loop.now),
    };
    setImmediate(() => spin(options));
  }
}

/** Looked up once: a name that answers otherwise later would need a new start. */
async function addressOf(host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (error) {
    throw new EdgeError(
      "REREQUEST_ADDRESS",
      `the retransmission server ${host} has no address: ${(error as Error).message}`,
      "Name it by its address in feed.rerequest.",
      error,
    );
  }
}
