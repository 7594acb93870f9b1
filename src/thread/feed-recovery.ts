/**
 * What is missing, and who is asked for it: deadlines of gaps, retransmission requests, snapshots,
 * and what of all that is shown to other threads. No socket and no timer here either: whoever owns
 * them sets `send`, and calls `poll`.
 */
import type { Engine } from "../decision/engine.ts";
import type { DatagramDecoder } from "../feed/decoder.ts";
import { Verdict } from "../feed/decoder.ts";
import { FeedCount } from "../feed/count.ts";
import { GapEnd } from "../feed/gap.ts";
import { GlimpseClient } from "../feed/glimpse.ts";
import { LineCount } from "../feed/line.ts";
import { MoldUdp64 } from "../feed/moldudp64.ts";
import { Metric } from "../telemetry/metric.ts";
import { isOver } from "./elapsed.ts";
import { FeedValue, GapRing, LineBoard, LineValue } from "./line-board.ts";
import type { FeedPlan } from "./plan.ts";
import type { SharedMemory } from "./shared.ts";

const count = Metric.feed;
const showIntervalNs = 250e6;
/** Gaps handed on in one turn at most. */
const gapsAtOnce = 64;
/** Channels' overdue waits that are ended in one turn at most. */
const stepsAtOnce = 16;
/** The channel of a feed that has one; only such feeds have snapshots. */
const onlyChannel = 0;

export class FeedRecovery {
  /** The client of the feed's snapshot server; undefined where none is configured. */
  readonly glimpse: GlimpseClient | undefined;
  /** Sends a retransmission request; to be set by the owner of the socket. */
  send: ((request: Buffer) => boolean) | undefined;
  /** What the kernel dropped on a line, where its socket tells; to be set by its owner. */
  overflow: (line: number) => number = () => -1;
  /** The ports of the lines' sockets, in order; to be filled by their owner. */
  readonly ports: number[] = [];
  readonly #feed: number;
  readonly #decoder: DatagramDecoder;
  readonly #engine: Engine;
  /** The feed's own counters, and those of the thread. */
  readonly #counters: Uint32Array;
  readonly #totals: Uint32Array;
  readonly #board: LineBoard;
  readonly #gaps: GapRing;
  /** The kernel's time of the last datagram. */
  #receiveNs = 0;
  #handed = 0;
  #shownNs = Number.NEGATIVE_INFINITY;

  constructor(
    plan: FeedPlan,
    feed: number,
    feeds: number,
    decoder: DatagramDecoder,
    engine: Engine,
    counters: Uint32Array,
    totals: Uint32Array,
    shared: SharedMemory,
  ) {
    this.#feed = feed;
    this.#decoder = decoder;
    this.#engine = engine;
    this.#counters = counters;
    this.#totals = totals;
    this.#board = new LineBoard(shared.lines, feeds);
    this.#gaps = new GapRing(shared.gaps);
    if (plan.snapshot !== undefined && decoder instanceof MoldUdp64) {
      this.glimpse = new GlimpseClient(plan.snapshot, decoder.arbiter, decoder.messages, 0);
    }
  }

  /** When something will be given up or asked for; Infinity while nothing is missing. */
  get dueNs(): number {
    return this.#decoder.deadlineNs;
  }

  /** After a datagram: sends the request that it made due. */
  after(receiveNs: number): void {
    this.#receiveNs = receiveNs;
    if (this.#decoder.deadlineNs !== Number.POSITIVE_INFINITY) this.#ask();
  }

  /**
   * Gives up what is overdue. While datagrams keep coming (not `idle`) time is what the last of them
   * says: what is missing may have come long ago, and wait behind it to be read.
   */
  poll(nowNs: number, idle: boolean): void {
    const clockNs = idle ? nowNs : this.#receiveNs;
    const decoder = this.#decoder;
    for (let i = 0; i < stepsAtOnce && decoder.deadlineNs <= clockNs; i++) {
      const verdict = decoder.poll(clockNs);
      this.#engine.verdict(this.#feed, decoder.channel, verdict, clockNs);
      this.#ask();
    }
    if (!isOver(nowNs, this.#shownNs, showIntervalNs)) return;
    this.#shownNs = nowNs;
    this.#hand();
    this.#show();
  }

  /** Asks for a snapshot of books that begin in mid-session; false where there is nobody to ask. */
  requestSnapshot(): boolean {
    this.glimpse?.request();
    return this.glimpse !== undefined;
  }

  /** What a snapshot has changed. */
  snapshot(verdict: number, nowNs: number): void {
    if (verdict !== 0) this.#engine.verdict(this.#feed, onlyChannel, verdict, nowNs);
    if (this.#decoder.deadlineNs !== Number.POSITIVE_INFINITY) this.#ask();
  }

  /** The books are about to be replaced: nothing is decided on them until that is done. */
  distrust(nowNs: number): void {
    this.#engine.verdict(this.#feed, onlyChannel, Verdict.gap | Verdict.held, nowNs);
  }

  #ask(): void {
    const { send } = this;
    if (send === undefined) return;
    for (let request = this.#decoder.takeRequest(); request !== undefined;) {
      this.#totals[send(request) ? count.rerequests : count.socketErrors]!++;
      request = this.#decoder.takeRequest();
    }
  }

  /** The last words: what has ended since. */
  finish(): void {
    this.#hand();
    this.#show();
  }

  #hand(): void {
    const { arbiter } = this.#decoder;
    if (arbiter === undefined) return;
    const { gaps, sequencer } = arbiter;
    for (let i = 0; i < gapsAtOnce && this.#handed < gaps.ended; i++) {
      const gap = gaps.read(this.#handed++);
      if (gap === undefined) continue;
      if (gap.end === GapEnd.retransmission) {
        this.#totals[count.recoveredMessages]! += gap.to - gap.from;
      }
      const word = (at: number): number => sequencer.session(gap.channel, at);
      const key = sequencer.key(gap.channel);
      this.#gaps.push(this.#feed, gap, key, word(0), word(1), word(2));
    }
  }

  #show(): void {
    const { arbiter } = this.#decoder;
    const board = this.#board;
    const feed = this.#feed;
    board.begin(feed);
    board.set(feed, FeedValue.sequence, this.#decoder.sequence);
    board.set(feed, FeedValue.lastSeenNs, this.#engine.health.feedSeenNs(feed));
    board.set(feed, FeedValue.requests, this.#counters[FeedCount.requests]!);
    const { health } = this.#engine;
    board.set(feed, FeedValue.channels, health.channels[feed]!);
    board.set(feed, FeedValue.staleChannels, health.staleChannels(feed));
    board.set(feed, FeedValue.strayMs, (this.#decoder.strayNs ?? Number.NaN) / 1e6);
    for (let line = 0; line < this.ports.length; line++) {
      board.setLine(feed, line, LineValue.port, this.ports[line] ?? 0);
    }
    if (arbiter !== undefined) {
      const { lines, gaps, reorder } = arbiter;
      const missing = this.#decoder.deadlineNs !== Number.POSITIVE_INFINITY;
      board.set(feed, FeedValue.waiting, missing ? 1 : 0);
      board.set(feed, FeedValue.broken, arbiter.isAnyBroken ? 1 : 0);
      board.set(feed, FeedValue.gapsEnded, gaps.ended);
      board.set(feed, FeedValue.reorderUsed, reorder.used);
      board.set(feed, FeedValue.reorderUsedMax, reorder.usedMax);
      board.set(feed, FeedValue.lines, lines.lines);
      for (let line = 0; line < lines.lines; line++) {
        board.setLine(feed, line, LineValue.datagrams, lines.count(line, LineCount.datagrams));
        board.setLine(feed, line, LineValue.wins, lines.count(line, LineCount.wins));
        board.setLine(feed, line, LineValue.duplicates, lines.count(line, LineCount.duplicates));
        board.setLine(feed, line, LineValue.late, lines.count(line, LineCount.late));
        board.setLine(feed, line, LineValue.lost, lines.count(line, LineCount.lost));
        board.setLine(feed, line, LineValue.behindNs, lines.behindNs[line]!);
        board.setLine(feed, line, LineValue.behindCount, lines.behindCount[line]!);
        board.setLine(feed, line, LineValue.behindNsMax, lines.behindNsMax[line]!);
        board.setLine(feed, line, LineValue.overflow, this.overflow(line));
      }
    }
    const { glimpse } = this;
    if (glimpse !== undefined) {
      board.set(feed, FeedValue.snapshots, glimpse.snapshots);
      board.set(feed, FeedValue.snapshotAttempts, glimpse.attempts);
      board.set(feed, FeedValue.snapshotFault, glimpse.fault);
    }
    board.end(feed);
  }
}
