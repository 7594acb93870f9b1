/**
 * The turns of the feed thread. With events: after datagrams and by a timer. Polled: the thread
 * spins over its sockets, and gives the event loop a moment every few ms, without which no message
 * would ever arrive. Either way the switches are read from shared memory.
 */
import type { Control } from "./control.ts";
import { isOver } from "./elapsed.ts";
import type { FeedCore } from "./feed-core.ts";
import type { Rehearsing } from "./rehearsal.ts";

/** Between two looks at the switches while datagrams keep coming. */
const pollIntervalNs = 200_000;
/** The same for a spinning thread; stop and hold are looked at in every turn. */
const spinIntervalNs = 10_000;
/** How long a spinning thread keeps the event loop waiting. */
const stretchNs = 2e6;
export const timerMs = 1;

/** One line of a feed, whichever way its datagrams come. */
export interface FeedLine {
  /** Nothing came for a while: what waits for the end of a burst is done now. */
  idle(): void;
  close(): void;
}

/** One that the thread reads by itself. */
export interface PolledFeedLine extends FeedLine {
  /** Takes what is there; returns how many datagrams that was. */
  drain(nowNs: number): number;
}

/** Something that is looked after every ms. */
export interface Attended {
  poll(nowNs: number): void;
  close(): void;
}

export class FeedLoop {
  readonly core: FeedCore;
  readonly control: Control;
  readonly now: () => number;
  readonly lines: FeedLine[] = [];
  /** Connections to snapshot servers. */
  readonly snapshots: Attended[] = [];
  stopped = false;
  readonly #finish: () => void;
  #polledNs = 0;
  #timerNs = 0;
  #holdSequence = 0;

  constructor(core: FeedCore, control: Control, now: () => number, finish: () => void) {
    this.core = core;
    this.control = control;
    this.now = now;
    this.#finish = finish;
  }

  /** After a datagram: looks at the switches when the last look is long enough ago. */
  turn(nowNs: number): void {
    if (!isOver(nowNs, this.#polledNs, pollIntervalNs)) return;
    // Read anew: what the datagram led to was said after `nowNs`, and must not lie in the future.
    this.#poll(this.now(), false);
  }

  /** By the timer: the same, and how late the timer was. */
  idle(nowNs: number, lateness: { record(valueNs: number): void }): void {
    if (this.#timerNs !== 0) lateness.record(Math.max(0, nowNs - this.#timerNs - timerMs * 1e6));
    this.#timerNs = nowNs;
    for (const line of this.lines) line.idle();
    this.attend(nowNs);
    this.#poll(nowNs, true);
  }

  attend(nowNs: number): void {
    if (this.stopped) return;
    for (const snapshot of this.snapshots) snapshot.poll(nowNs);
  }

  close(): void {
    for (const line of this.lines) line.close();
    for (const snapshot of this.snapshots) snapshot.close();
    for (const recovery of this.core.recoveries) recovery.finish();
  }

  /** One turn of a spinning thread; `idle`: nothing was there. */
  spin(nowNs: number, idle: boolean): void {
    const { control } = this;
    const holds = control.holdSequence();
    const due = isOver(nowNs, this.#polledNs, spinIntervalNs);
    if (!due && !control.stopping && holds === this.#holdSequence) return;
    this.#holdSequence = holds;
    this.#poll(idle ? nowNs : this.now(), idle);
  }

  #poll(nowNs: number, idle: boolean): void {
    this.#polledNs = nowNs;
    if (this.stopped) return;
    this.control.beat("feed", Math.floor(nowNs / 1e6));
    if (this.control.stopping) {
      this.stopped = true;
      this.#finish();
      return;
    }
    this.core.poll(nowNs, idle);
  }
}

export interface SpinOptions {
  loop: FeedLoop;
  lines: readonly PolledFeedLine[];
  /** After this long without a datagram the thread sleeps until one comes; 0 for never. */
  idleNs: number;
  /** Sleeps until a datagram comes, at most this long. */
  wait(timeoutMs: number): void;
  rehearsing?: Pick<Rehearsing, "intervalNs" | "step"> | undefined;
}

/** Spins until the loop has stopped. */
export function spin({ loop, lines, idleNs, wait, rehearsing }: SpinOptions): void {
  let quietNs = loop.now();
  let saidNs = quietNs;
  let warmNs = quietNs;
  const stretch = (): void => {
    // The timer may have found the stop: the lines are closed, and their descriptors other files' by now.
    if (loop.stopped) return;
    const beganNs = loop.now();
    loop.attend(beganNs);
    for (let nowNs = beganNs; !isOver(nowNs, beganNs, stretchNs); nowNs = loop.now()) {
      let taken = 0;
      for (let i = 0; i < lines.length; i++) taken += lines[i]!.drain(nowNs);
      loop.spin(nowNs, taken === 0);
      if (loop.stopped) return;
      if (taken > 0) {
        quietNs = nowNs;
        warmNs = nowNs;
        continue;
      }
      if (rehearsing !== undefined && isOver(nowNs, warmNs, rehearsing.intervalNs)) {
        warmNs = nowNs;
        rehearsing.step(nowNs);
      }
      if (!isOver(nowNs, quietNs, timerMs * 1e6)) continue;
      if (isOver(nowNs, saidNs, timerMs * 1e6)) {
        saidNs = nowNs;
        for (const line of lines) line.idle();
      }
      if (idleNs > 0 && isOver(nowNs, quietNs, idleNs)) wait(timerMs);
    }
    setImmediate(stretch);
  };
  stretch();
}
