/**
 * The feed core in virtual time: real decoders, books, engine, tables and rings, no socket, no
 * timer. Books come as ITCH in MoldUDP64; the state is the sign of the size imbalance, so that a
 * test decides by two sizes which state an instrument is in.
 */
import { loadConfig } from "../../src/config/load.ts";
import { Outcome } from "../../src/decision/pending-slot.ts";
import { PendingView } from "../../src/decision/pending-view.ts";
import { readSignal, Reason, type Signal, signalWords } from "../../src/decision/signal.ts";
import { Origin } from "../../src/decision/answer-word.ts";
import { type DecisionTable, openTable } from "../../src/decision/table.ts";
import type { Ring } from "../../src/decision/ring.ts";
import { Side } from "../../src/feed/event.ts";
import {
  encodeAdd,
  encodeDelete,
  encodeTradingAction,
  stockBytes,
} from "../../src/feed/itch50-encode.ts";
import { MoldUdp64Packer } from "../../src/feed/moldudp64-encode.ts";
import { openBoard, type BoardWriter } from "../../src/telemetry/board.ts";
import { Metric } from "../../src/telemetry/metric.ts";
import { Control } from "../../src/thread/control.ts";
import { createFeedCore, type FeedCore } from "../../src/thread/feed-core.ts";
import type { FollowChange } from "../../src/thread/feed-follow.ts";
import { planRun, type RunPlan } from "../../src/thread/plan.ts";
import {
  createShared,
  openAnswers,
  openSignals,
  type SharedMemory,
} from "../../src/thread/shared.ts";

/** States of the rig's space. */
export const moreAsk = 0;
export const moreBid = 1;

const millisecond = 1e6;

export interface RigOptions {
  /** Options by path, as flags. */
  flags?: Record<string, string>;
  feed?: string;
}

export class EngineRig {
  plan: RunPlan;
  readonly shared: SharedMemory;
  readonly core: FeedCore;
  readonly table: DecisionTable;
  readonly control: Control;
  readonly waiting: PendingView;
  readonly board: BoardWriter;
  /** ns since the run's base. */
  nowNs = 10e9;
  /** How long ago the sender's clock says that a datagram was sent when the kernel gets it. */
  senderBehindNs = 30_000;
  /** How long datagrams wait in the socket before they are read. */
  queuedNs = 10_000;
  sequence = 1;
  readonly #answers: Ring;
  readonly #signals: Ring;
  readonly #packer = new MoldUdp64Packer("RIG", 1400);
  readonly #orders = new Map<string, [number, number]>();
  readonly #locates = new Map<string, number>();
  #reference = 0;
  #withheld = false;

  constructor({ flags = {}, feed = "format=itch50" }: RigOptions = {}) {
    const { config } = loadConfig({
      flags: {
        feed: [`udp://127.0.0.1:26400?name=rig&date=2026-01-02&holdUs=0&${feed}`],
        "state.preset": "custom",
        "state.features": '[{"feature":"imbalance","edges":[0],"hysteresis":0}]',
        "limit.symbols": "64",
        "limit.orders": "1000",
        "limit.levels": "8192",
        "limit.pendingStates": "16",
        "signal.ratePerSymbol": "0",
        ...flags,
      },
      env: {},
      directory: "/nonexistent",
      userId: 1000,
      systemFile: "/nonexistent/hftedge.toml",
    });
    this.plan = planRun(config, "/nonexistent", 1_767_366_000_000);
    this.shared = createShared(this.plan);
    this.table = openTable(this.shared.table, this.plan.table);
    this.control = new Control(this.shared.control, this.plan.limits.heldSymbols);
    this.waiting = new PendingView(this.shared.pending, this.plan.limits.pending);
    this.board = openBoard(this.shared.board).writer("feed");
    this.core = createFeedCore(this.plan, this.shared, [], () => this.nowNs);
    this.#answers = openAnswers(this.shared, this.plan.limits);
    this.#signals = openSignals(this.shared.signalsOps, this.plan.limits);
  }

  /** An answer of the active version, as inference writes it. */
  answer(state: number, decision: 1 | 2 | 3, confidence = 0.8): void {
    const key = Uint32Array.of(state);
    const decidedAtS = this.plan.baseSeconds + Math.floor(this.nowNs / 1e9);
    this.table.write(key, state, decision, Math.round(confidence * 1e4), Origin.model, decidedAtS);
  }

  /** The slot in which a state waits, with its version; undefined when it doesn't. */
  question(state: number): { slot: number; version: number } | undefined {
    for (let slot = 0; slot < this.waiting.capacity; slot++) {
      const version = this.waiting.version(slot);
      if (version !== 0 && this.waiting.index(slot) === state) return { slot, version };
    }
    return undefined;
  }

  /** Inference says what became of a question. */
  reply(question: { slot: number; version: number }, outcome: Outcome, reason: number = 0): void {
    this.#answers.push(Uint32Array.of(question.slot, question.version, outcome, reason), 0);
  }

  /** The symbol's book becomes one bid of `bidSize` at 10.00 and one ask of `askSize` at 10.01. */
  book(symbol: string, bidSize: number, askSize: number, bid = 100_000, ask = 100_100): Signal[] {
    return this.send(() => this.#writeBook(symbol, bidSize, askSize, bid, ask));
  }

  /** Several books in one datagram. */
  books(...books: [symbol: string, bidSize: number, askSize: number][]): Signal[] {
    return this.send(() => {
      for (const [symbol, bidSize, askSize] of books) {
        this.#writeBook(symbol, bidSize, askSize, 100_000, 100_100);
      }
    });
  }

  tradingState(symbol: string, state: "H" | "P" | "Q" | "T"): Signal[] {
    return this.send(() => {
      const { bytes, at } = this.#packer;
      const locate = this.#locate(symbol);
      const stock = stockBytes(symbol);
      this.#packer.end(encodeTradingAction(bytes, at, locate, this.#marketNs(), stock, state));
    });
  }

  #writeBook(symbol: string, bidSize: number, askSize: number, bid: number, ask: number): void {
    const packer = this.#packer;
    const locate = this.#locate(symbol);
    const stock = stockBytes(symbol);
    for (const reference of this.#orders.get(symbol) ?? []) {
      if (reference === 0) continue;
      packer.end(encodeDelete(packer.bytes, packer.at, locate, this.#marketNs(), 0, reference));
    }
    const add = (side: Side, size: number, price: number): number => {
      if (size === 0) return 0;
      const reference = ++this.#reference;
      const { bytes, at } = packer;
      packer.end(
        encodeAdd(bytes, at, locate, this.#marketNs(), 0, reference, side, size, stock, price),
      );
      return reference;
    };
    this.#orders.set(symbol, [add(Side.bid, bidSize, bid), add(Side.ask, askSize, ask)]);
  }

  #locate(symbol: string): number {
    const known = this.#locates.get(symbol);
    if (known !== undefined) return known;
    const locate = this.#locates.size + 1;
    this.#locates.set(symbol, locate);
    return locate;
  }

  /** Market time: the sender's clock, which is the receiver's but for `senderBehindNs`. */
  #marketNs(): number {
    const midnightNs = Number(
      this.plan.feeds[0]!.midnightNs - BigInt(this.plan.baseSeconds) * 1_000_000_000n,
    );
    return this.nowNs - midnightNs - this.senderBehindNs;
  }

  /** One datagram with what `write` packs, in sequence; returns the signals that it caused. */
  send(write: () => void): Signal[] {
    this.#packer.begin(this.sequence);
    write();
    this.sequence = this.#packer.next;
    this.deliver();
    return this.signals();
  }

  /** Messages that the exchange sent and nobody received. */
  lose(messages: number): void {
    this.sequence += messages;
  }

  /** What `send` would have delivered, kept back: it is on its way. */
  withhold(send: () => void): Buffer {
    this.#withheld = true;
    send();
    this.#withheld = false;
    return Buffer.from(this.#packer.bytes.subarray(0, this.#packer.length));
  }

  /** Delivers what was kept back. */
  redeliver(bytes: Buffer): void {
    this.nowNs += this.queuedNs;
    this.core.datagram(0, 0, bytes, bytes.length, this.nowNs - this.queuedNs, this.nowNs);
  }

  /** A heartbeat, which says what sequence comes next. */
  heartbeat(): Signal[] {
    this.#packer.heartbeat(this.sequence);
    this.deliver();
    return this.signals();
  }

  endOfSession(): Signal[] {
    this.#packer.endOfSession(this.sequence);
    this.deliver();
    return this.signals();
  }

  /** A new session from sequence 1, with empty books. */
  newSession(name: string): void {
    this.#packer.setSession(name);
    this.sequence = 1;
    this.#orders.clear();
  }

  /** The packed datagram, again: a duplicate. */
  deliver(): void {
    if (this.#withheld) return;
    const bytes = Buffer.from(this.#packer.bytes.subarray(0, this.#packer.length));
    this.nowNs += this.queuedNs;
    this.core.datagram(0, 0, bytes, bytes.length, this.nowNs - this.queuedNs, this.nowNs);
  }

  /** Raw bytes as a datagram. */
  raw(bytes: Buffer): Signal[] {
    this.core.datagram(0, 0, bytes, bytes.length, this.nowNs, this.nowNs);
    return this.signals();
  }

  /** Time passes; the feed thread's timer comes round every ms. */
  wait(milliseconds: number): Signal[] {
    for (let ms = 0; ms < milliseconds; ms++) {
      this.nowNs += millisecond;
      this.core.poll(this.nowNs);
    }
    return this.signals();
  }

  /** One turn of the timer without time passing. */
  poll(): Signal[] {
    this.core.poll(this.nowNs);
    return this.signals();
  }

  hold(...symbols: string[]): Signal[] {
    this.control.writeHeld(false, symbols);
    return this.poll();
  }

  holdAll(all = true): Signal[] {
    this.control.writeHeld(all, []);
    return this.poll();
  }

  /** The feed follows these symbols from now on; without any, all. */
  follow(...symbols: string[]): FollowChange {
    const { config, dataDirectory, runId } = this.plan;
    const wanted = { ...config, feed: [{ ...config.feed[0]!, symbols }] };
    this.plan = planRun(wanted, dataDirectory, runId);
    return this.core.adopt(this.plan, [], this.nowNs)[0]!;
  }

  /** The next book of a symbol takes no older orders away. */
  forget(symbol: string): void {
    this.#orders.delete(symbol);
  }

  gauge(name: "staleInstruments" | "heldInstruments"): number {
    return this.board.gauges[Metric.feed[name]]!;
  }

  /** The signals since the last call. */
  signals(): Signal[] {
    const record = new Uint32Array(signalWords);
    const signals: Signal[] = [];
    while (this.#signals.shift(record, 0)) signals.push(readSignal(record));
    return signals;
  }
}

/** "BUY l1", "HOLD stale: gap" … what a test compares. */
export function said(signals: readonly Signal[]): string[] {
  return signals.map(
    ({ symbol, signal, source, reason }) =>
      `${symbol} ${signal} ${source}${reason === "" ? "" : `: ${reason}`}`,
  );
}

export { Outcome, Reason };
