/** The two ways in which a line's datagrams come: stamped, counted, acknowledged, handed on. */
import { AckCounter, ackBytes } from "../feed/ack.ts";
import { adoptSocket, type PollSlots, releaseSocket, SenderName } from "../feed/receive-poll.ts";
import type { FeedSocket } from "../feed/socket.ts";
import { receiveStampNs } from "../host/libc.ts";
import { Metric } from "../telemetry/metric.ts";
import { isOver } from "./elapsed.ts";
import type { FeedLine, FeedLoop, PolledFeedLine } from "./feed-loop.ts";

const count = Metric.feed;
/** A kernel stamp serves all datagrams read within this time: reading one costs 300 ns. */
const stampIntervalNs = 20_000;

/** Which line of which feed, and what both ways need. */
export interface LineOptions {
  loop: FeedLoop;
  feed: number;
  line: number;
  /** Whether senders are told how far we are. */
  ack: boolean;
  baseSeconds: number;
  counters: Uint32Array;
  /** The only address to listen to, and the port to send to: a server's; undefined for a line. */
  server: { address: string; port: number } | undefined;
}

/** A line whose datagrams the event loop brings. */
export class EventLine implements FeedLine {
  socket: FeedSocket | undefined;
  readonly #options: LineOptions;
  readonly #ack: AckCounter | undefined;
  readonly #ackBytes = new Uint8Array(ackBytes);
  #stampNs = 0;
  #stampedAtNs = Number.NEGATIVE_INFINITY;

  constructor(options: LineOptions) {
    this.#options = options;
    this.#ack = options.ack ? new AckCounter() : undefined;
  }

  take(bytes: Buffer, port: number, address: string, truncated: boolean): void {
    const { loop, feed, line, counters, server } = this.#options;
    if (loop.stopped) return;
    const nowNs = loop.now();
    counters[count.receivedDatagrams]!++;
    counters[count.receivedBytes]! += bytes.length;
    if (truncated) counters[count.truncatedDatagrams]!++;
    if (server !== undefined && address !== server.address) {
      counters[count.foreignSenders]!++;
      return;
    }
    loop.core.datagram(feed, line, bytes, bytes.length, this.#receivedNs(nowNs), nowNs);
    if (this.#ack?.count(address, port) === true) this.#acknowledge(this.#ack);
    loop.turn(nowNs);
  }

  /**
   * When the kernel received the datagram. Its stamp is of the last datagram read from the socket,
   * and several are read at once: within a burst it is a lower bound of the time in the queue.
   */
  #receivedNs(nowNs: number): number {
    if (!isOver(nowNs, this.#stampedAtNs, stampIntervalNs)) return this.#stampNs;
    const { baseSeconds, counters } = this.#options;
    this.#stampedAtNs = nowNs;
    const stampNs = receiveStampNs(this.socket?.fd ?? -1, baseSeconds);
    const usable = isUsable(stampNs, nowNs);
    counters[usable ? count.stampSamples : count.stampErrors]!++;
    this.#stampNs = usable ? stampNs : nowNs;
    return this.#stampNs;
  }

  /** The line is quiet: a sender that paces itself must hear how far we are. */
  idle(): void {
    if (this.#ack?.idleDue === true) this.#acknowledge(this.#ack);
  }

  close(): void {
    this.socket?.close();
  }

  /** Sends to the server. */
  send(bytes: Uint8Array): boolean {
    const { server } = this.#options;
    return server !== undefined && this.socket?.send(bytes, server.port, server.address) === true;
  }

  #acknowledge(ack: AckCounter): void {
    ack.encode(this.#ackBytes, 0);
    if (this.socket?.send(this.#ackBytes, ack.port, ack.address) !== true) {
      this.#options.counters[count.socketErrors]!++;
    }
  }
}

/** A line that the thread reads by itself, with the kernel's stamp of each datagram. */
export class PolledLine implements PolledFeedLine {
  readonly fd: number;
  /** Datagrams that the kernel had no room for, as the socket itself tells. */
  overflow = 0;
  readonly #options: LineOptions;
  readonly #slots: PollSlots;
  readonly #ack: AckCounter | undefined;
  readonly #ackBytes = new Uint8Array(new ArrayBuffer(ackBytes));
  readonly #sender = new SenderName();
  readonly #server: SenderName | undefined;
  readonly #outgoing = Buffer.from(new ArrayBuffer(64));
  /**
   * After a quiet turn only one datagram is asked for: with more the kernel would look for a second
   * one before it gives the first away. What came with it is taken in the next turn, all at once.
   */
  #most = 1;

  /** Takes the socket over: its owner's descriptor is closed. Throws EdgeError POLL_UNAVAILABLE. */
  constructor(options: LineOptions, slots: PollSlots, socket: FeedSocket) {
    this.#options = options;
    this.#slots = slots;
    this.#ack = options.ack ? new AckCounter() : undefined;
    this.fd = adoptSocket(socket.fd);
    socket.close();
    const { server } = options;
    if (server === undefined) return;
    this.#server = new SenderName();
    this.#server.read(server.address, server.port);
  }

  drain(nowNs: number): number {
    const slots = this.#slots;
    const taken = slots.receive(this.fd, this.#most);
    const { loop, feed, line, counters } = this.#options;
    this.#most = taken === 0 ? 1 : slots.slots;
    if (taken === 0) {
      if (slots.error !== 0) counters[count.socketErrors]!++;
      return 0;
    }
    // Read after the kernel has been: a datagram may have come since the turn began.
    const readNs = loop.now();
    counters[count.receivedDatagrams]! += taken;
    for (let slot = 0; slot < taken; slot++) {
      const length = slots.lengths[slot]!;
      counters[count.receivedBytes]! += length;
      if (slots.truncated[slot] !== 0) counters[count.truncatedDatagrams]!++;
      if (this.#server !== undefined && !this.#isServer(this.#server, slot)) {
        counters[count.foreignSenders]!++;
        continue;
      }
      const stampNs = slots.stampNs[slot]!;
      const usable = isUsable(stampNs, readNs);
      counters[usable ? count.stampSamples : count.stampErrors]!++;
      const receivedNs = usable ? stampNs : nowNs;
      loop.core.datagram(feed, line, slots.bytes[slot]!, length, receivedNs, readNs);
      if (this.#ack !== undefined) this.#count(this.#ack, slot);
    }
    if (slots.overflow >= 0) this.overflow = slots.overflow;
    return taken;
  }

  /** Whichever port it answers from. */
  #isServer(server: SenderName, slot: number): boolean {
    this.#nameOf(slot);
    return this.#sender.address === server.address;
  }

  /** Sends up to 64 bytes to the server. */
  send(bytes: Uint8Array): boolean {
    const out = this.#outgoing.subarray(0, bytes.length);
    out.set(bytes);
    return this.#server?.send(this.fd, out) === true;
  }

  #nameOf(slot: number): void {
    if (!this.#slots.isFrom(slot, this.#sender)) this.#slots.readName(slot, this.#sender);
  }

  #count(ack: AckCounter, slot: number): void {
    const sender = this.#sender;
    this.#nameOf(slot);
    if (ack.count(sender.address, sender.port)) this.#acknowledge(ack);
  }

  idle(): void {
    if (this.#ack?.idleDue === true) this.#acknowledge(this.#ack);
  }

  close(): void {
    releaseSocket(this.fd);
  }

  #acknowledge(ack: AckCounter): void {
    ack.encode(this.#ackBytes, 0);
    if (!this.#sender.send(this.fd, this.#ackBytes)) {
      this.#options.counters[count.socketErrors]!++;
    }
  }
}

/**
 * No socket is older than its run. However old a stamp is otherwise, it is the truth: a process that
 * stood still for minutes finds datagrams of before, and nothing may be decided on them.
 */
function isUsable(stampNs: number, nowNs: number): boolean {
  return stampNs >= 0 && stampNs <= nowNs;
}
