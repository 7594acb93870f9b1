/**
 * The feed thread: sockets and a 1 ms timer around the feed core. It never waits, and touches
 * neither disk nor stdout nor HTTP. A flood starves its event loop, so stop and hold switches,
 * answers and silence are looked at in the data callback as well.
 */
import { AckCounter, ackBytes } from "../feed/ack.ts";
import { type FeedSocket, openFeedSocket } from "../feed/socket.ts";
import { pinThread, realtimeNs, receiveStampNs, setRealtimePriority } from "../host/libc.ts";
import { openBoard } from "../telemetry/board.ts";
import { Metric } from "../telemetry/metric.ts";
import { Stage } from "../telemetry/stage.ts";
import { Control } from "./control.ts";
import { createFeedCore, type FeedCore } from "./feed-core.ts";
import { type FeedReport, reportFeed } from "./feed-report.ts";
import { warmUp } from "./feed-warm.ts";
import { failureOf, type Start, type WorkerMessage } from "./message.ts";
import type { FeedPlan } from "./plan.ts";
import { openSender, UdpSink } from "./sink.ts";

const count = Metric.feed;
/** Between two looks at the switches while datagrams keep coming. */
const pollIntervalNs = 200_000;
/** A kernel stamp serves all datagrams read within this time: reading one costs 300 ns. */
const stampIntervalNs = 20_000;
/** A stamp older than this is of another life of the socket. */
const stampAgeMaxNs = 60e9;
const timerMs = 1;

declare const self: Worker;

self.addEventListener("message", (event: MessageEvent<Start>) => {
  if (event.data.kind !== "start") return;
  start(event.data).catch((error: unknown) => {
    post({ kind: "failed", failure: failureOf(error) });
  });
});

function post(message: WorkerMessage): void {
  self.postMessage(message);
}

async function start({ plan, shared, attempt }: Start): Promise<void> {
  const { baseSeconds, config } = plan;
  const now = (): number => realtimeNs(baseSeconds);
  const control = new Control(shared.control, plan.limits.heldSymbols);
  const board = openBoard(shared.board).writer("feed");
  const notes = place(config.thread.feedCpu, config.thread.feedPriority);
  const targets = await Promise.all(
    plan.targets.map(async (target) => {
      const sender = await openSender(target, () => board.count(count.sinkErrors));
      return new UdpSink(sender, target, board.counters);
    }),
  );
  // A thread that is started again has no time to lose: its datagrams are coming in already.
  if (attempt === 0) warmUp(plan, config.thread.warmUpMs, now);
  const core = createFeedCore(plan, shared, targets, now);
  const loop = new FeedLoop(core, control, now, () => finish());
  const sockets: FeedSocket[] = [];
  for (const [index, feed] of plan.feeds.entries()) {
    for (const [line] of feed.lines.entries()) {
      const socket = await openLine(feed, index, line);
      sockets.push(socket);
      notes.push(...socket.warnings);
    }
  }
  board.gauge(
    count.receiveBufferBytes,
    Math.min(...sockets.map(({ receiveBufferBytes }) => receiveBufferBytes)),
  );
  if (attempt > 0) core.engine.poll(now());
  const timer = setInterval(() => {
    const startedNs = now();
    loop.idle(startedNs, board.recorder(Stage.eventLoopFeed));
  }, timerMs);
  post({
    kind: "ready",
    notes,
    facts: { ports: sockets.map(({ port }) => port) },
  });

  async function openLine(feed: FeedPlan, index: number, line: number): Promise<FeedSocket> {
    const { host, port, interface: name, source } = feed.lines[line]!;
    const input = new LineInput(loop, index, line, feed.ack, baseSeconds, board.counters);
    const socket = await openFeedSocket({
      host,
      port,
      interface: name,
      source,
      receiveBufferBytes: feed.receiveBufferBytes,
      busyPollUs: feed.busyPollUs,
      shareAddress: feed.shareAddress,
      onDatagram: (bytes, fromPort, address, truncated) => {
        input.take(bytes, fromPort, address, truncated);
      },
      onError: () => board.count(count.socketErrors),
    });
    input.socket = socket;
    loop.inputs.push(input);
    return socket;
  }

  function finish(): void {
    clearInterval(timer);
    for (const socket of sockets) socket.close();
    core.engine.stop(now());
    const report: FeedReport = reportFeed(plan, core, board);
    core.sinks.close();
    post({ kind: "stopped", report });
  }
}

/** Pins the thread and raises its priority where asked; what was refused becomes a note. */
function place(cpu: number, priority: number): string[] {
  const notes: string[] = [];
  if (cpu >= 0 && pinThread([cpu]) !== 0) {
    notes.push(`feed thread was not pinned to CPU ${cpu}: check thread.feedCpu against nproc`);
  }
  if (priority > 0 && setRealtimePriority(priority) !== 0) {
    notes.push("feed thread has no real-time priority: run as root, or raise LimitRTPRIO");
  }
  return notes;
}

/** The turns of the thread: after datagrams and by the timer. */
class FeedLoop {
  readonly core: FeedCore;
  readonly control: Control;
  readonly now: () => number;
  readonly inputs: LineInput[] = [];
  stopped = false;
  readonly #finish: () => void;
  #polledNs = 0;
  #timerNs = 0;

  constructor(core: FeedCore, control: Control, now: () => number, finish: () => void) {
    this.core = core;
    this.control = control;
    this.now = now;
    this.#finish = finish;
  }

  /** After a datagram: looks at the switches when the last look is long enough ago. */
  turn(nowNs: number): void {
    if (nowNs - this.#polledNs < pollIntervalNs) return;
    this.#poll(nowNs);
  }

  /** By the timer: the same, and how late the timer was. */
  idle(nowNs: number, lateness: { record(valueNs: number): void }): void {
    if (this.#timerNs !== 0) lateness.record(Math.max(0, nowNs - this.#timerNs - timerMs * 1e6));
    this.#timerNs = nowNs;
    for (const input of this.inputs) input.idle();
    this.#poll(nowNs);
  }

  #poll(nowNs: number): void {
    this.#polledNs = nowNs;
    if (this.stopped) return;
    this.control.beat("feed", Math.floor(nowNs / 1e6));
    if (this.control.stopping) {
      this.stopped = true;
      this.#finish();
      return;
    }
    this.core.poll(nowNs);
  }
}

/** One line's datagrams: stamped, counted, acknowledged, handed to the engine. */
class LineInput {
  socket: FeedSocket | undefined;
  readonly #loop: FeedLoop;
  readonly #feed: number;
  readonly #line: number;
  readonly #ack: AckCounter | undefined;
  readonly #ackBytes = new Uint8Array(ackBytes);
  readonly #baseSeconds: number;
  readonly #counters: Uint32Array;
  #stampNs = 0;
  #stampedAtNs = Number.NEGATIVE_INFINITY;

  constructor(
    loop: FeedLoop,
    feed: number,
    line: number,
    ack: boolean,
    baseSeconds: number,
    counters: Uint32Array,
  ) {
    this.#loop = loop;
    this.#feed = feed;
    this.#line = line;
    this.#ack = ack ? new AckCounter() : undefined;
    this.#baseSeconds = baseSeconds;
    this.#counters = counters;
  }

  take(bytes: Buffer, port: number, address: string, truncated: boolean): void {
    const loop = this.#loop;
    if (loop.stopped) return;
    const nowNs = loop.now();
    const counters = this.#counters;
    counters[count.receivedDatagrams]!++;
    counters[count.receivedBytes]! += bytes.length;
    if (truncated) counters[count.truncatedDatagrams]!++;
    loop.core.engine.datagram(
      this.#feed,
      this.#line,
      bytes,
      bytes.length,
      this.#receivedNs(nowNs),
      nowNs,
    );
    if (this.#ack?.count(address, port) === true) this.#acknowledge(this.#ack);
    loop.turn(nowNs);
  }

  /**
   * When the kernel received the datagram. Its stamp is of the last datagram read from the socket,
   * and several are read at once: within a burst it is a lower bound of the time in the queue.
   */
  #receivedNs(nowNs: number): number {
    if (nowNs - this.#stampedAtNs < stampIntervalNs) return this.#stampNs;
    this.#stampedAtNs = nowNs;
    const stampNs = receiveStampNs(this.socket?.fd ?? -1, this.#baseSeconds);
    const usable = stampNs > nowNs - stampAgeMaxNs && stampNs <= nowNs;
    this.#counters[usable ? count.stampSamples : count.stampErrors]!++;
    this.#stampNs = usable ? stampNs : nowNs;
    return this.#stampNs;
  }

  /** The line is quiet: a sender that paces itself must hear how far we are. */
  idle(): void {
    if (this.#ack?.idleDue === true) this.#acknowledge(this.#ack);
  }

  #acknowledge(ack: AckCounter): void {
    ack.encode(this.#ackBytes, 0);
    if (this.socket?.send(this.#ackBytes, ack.port, ack.address) !== true) {
      this.#counters[count.socketErrors]!++;
    }
  }
}
