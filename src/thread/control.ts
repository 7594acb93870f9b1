/**
 * The switches that threads read in shared memory: stop, heartbeats, and the symbols on hold. The
 * feed thread reads them in its data callback, because a flood starves its event loop.
 *
 * The held symbols are a list under a sequence lock: the supervisor is its only writer.
 */
import { assert } from "../error.ts";
import { getText16, setText16 } from "../decision/signal.ts";

const Cell = {
  stop: 0,
  holdSequence: 1,
  holdAll: 2,
  heldCount: 3,
  heartbeat: 4,
  idle: 8,
  collect: 12,
} as const;
const headerWords = 32;
const symbolWords = 4;

export type HeartbeatThread = "main" | "feed" | "inference" | "ops";
export const heartbeatThreads = [
  "main",
  "feed",
  "inference",
  "ops",
] as const satisfies readonly HeartbeatThread[];
const heartbeatOffset: Record<HeartbeatThread, number> = { main: 0, feed: 1, inference: 2, ops: 3 };

export function controlBytes(heldSymbols: number): number {
  return (headerWords + heldSymbols * symbolWords) * 4;
}

export class Control {
  readonly heldCapacity: number;
  readonly #cells: Int32Array;
  readonly #symbols: Uint32Array;

  constructor(memory: SharedArrayBuffer, heldCapacity: number) {
    this.heldCapacity = heldCapacity;
    this.#cells = new Int32Array(memory, 0, headerWords);
    this.#symbols = new Uint32Array(memory, headerWords * 4, heldCapacity * symbolWords);
  }

  get stopping(): boolean {
    return Atomics.load(this.#cells, Cell.stop) !== 0;
  }

  requestStop(): void {
    Atomics.store(this.#cells, Cell.stop, 1);
    Atomics.notify(this.#cells, Cell.stop);
  }

  /** Supervisor. Every thread is to collect its garbage, each when it suits. */
  requestCollection(): void {
    Atomics.add(this.#cells, Cell.collect, 1);
  }

  /** Changes with every request. */
  get collectSequence(): number {
    return Atomics.load(this.#cells, Cell.collect);
  }

  /** Each thread writes its own: ms since the run's base. */
  beat(thread: HeartbeatThread, nowMs: number): void {
    Atomics.store(this.#cells, Cell.heartbeat + heartbeatOffset[thread], nowMs | 0);
  }

  /** 0 before the first. */
  lastBeatMs(thread: HeartbeatThread): number {
    return Atomics.load(this.#cells, Cell.heartbeat + heartbeatOffset[thread]);
  }

  /** Changes with every change of the held symbols; odd while they are being written. */
  holdSequence(): number {
    return Atomics.load(this.#cells, Cell.holdSequence);
  }

  get holdAll(): boolean {
    return Atomics.load(this.#cells, Cell.holdAll) !== 0;
  }

  /** Supervisor. Replaces the whole list; the caller has checked that it fits. */
  writeHeld(all: boolean, symbols: readonly string[]): void {
    assert(symbols.length <= this.heldCapacity, "more symbols on hold than there is room for");
    Atomics.add(this.#cells, Cell.holdSequence, 1);
    Atomics.store(this.#cells, Cell.holdAll, all ? 1 : 0);
    Atomics.store(this.#cells, Cell.heldCount, symbols.length);
    symbols.forEach((symbol, index) => setText16(this.#symbols, index * symbolWords, symbol));
    Atomics.add(this.#cells, Cell.holdSequence, 1);
  }

  /** The list of one moment, or undefined when the supervisor is writing it: look again later. */
  readHeld(): { all: boolean; symbols: string[] } | undefined {
    const before = this.holdSequence();
    if ((before & 1) !== 0) return undefined;
    const all = this.holdAll;
    const symbols: string[] = [];
    const count = Math.min(Atomics.load(this.#cells, Cell.heldCount), this.heldCapacity);
    for (let i = 0; i < count; i++) symbols.push(getText16(this.#symbols, i * symbolWords));
    return this.holdSequence() === before ? { all, symbols } : undefined;
  }
}
