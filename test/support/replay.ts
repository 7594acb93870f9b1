/** A clock, a line and a source that a test commands, for replays in virtual time. */
import type { Clock } from "../../src/replay/clock.ts";
import type { ImpairmentOptions } from "../../src/replay/impairment.ts";
import type { Line, LineCounts } from "../../src/replay/line.ts";
import { Pace } from "../../src/replay/pace.ts";
import { Player, type PlayOptions } from "../../src/replay/play.ts";
import { Step, type DatagramSource } from "../../src/replay/source.ts";

export const clean: ImpairmentOptions = {
  seed: 1,
  drop: 0,
  duplicate: 0,
  reorder: 0,
  truncate: 0,
  reorderDepth: 4,
};

export class VirtualClock implements Clock {
  ns = 1_000_000;
  /** Called at each turn of the event loop, where a receiver would have its say. */
  onYield: () => void = () => {};

  nowNs(): number {
    return this.ns;
  }

  sleepUntil(ns: number): Promise<void> {
    this.ns = Math.max(this.ns, ns);
    this.onYield();
    return Promise.resolve();
  }

  yield(): Promise<void> {
    this.ns += 1_000;
    this.onYield();
    return Promise.resolve();
  }
}

export interface Recorded {
  text: string;
  ns: number;
}

export class RecordingLine implements Line {
  readonly name = "recorder";
  readonly counts: LineCounts = { datagrams: 0, bytes: 0, refused: 0, failed: 0 };
  blocked = false;
  readonly sent: Recorded[] = [];
  readonly #clock: VirtualClock;
  /** Virtual time that a send takes. */
  sendNs = 0;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  send(bytes: Uint8Array, offset: number, length: number): void {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).toString("latin1");
    this.sent.push({ text, ns: this.#clock.nowNs() });
    this.counts.datagrams += 1;
    this.counts.bytes += length;
    this.#clock.ns += this.sendNs;
  }

  close(): void {}
}

/** Datagrams given as [text, ns after the first]. */
export class ListSource implements DatagramSource {
  bytes: Uint8Array = new Uint8Array(0);
  readonly offset = 0;
  length = 0;
  timeNs = 0;
  readonly originMs = Number.NaN;
  readonly cut = undefined;
  heartbeat?: (sent: boolean) => Uint8Array;
  endOfSession?: (sent: boolean) => Uint8Array;
  readonly #list: readonly (readonly [string, number])[];
  #next = 0;

  constructor(list: readonly (readonly [string, number])[], signs = false) {
    this.#list = list;
    if (!signs) return;
    // The signs say what they know of the present datagram: whether it has gone out.
    this.heartbeat = (sent) => Buffer.from(sent ? "heartbeat" : "heartbeat before");
    this.endOfSession = (sent) => Buffer.from(sent ? "end" : "end before");
  }

  next(): Step {
    const entry = this.#list[this.#next++];
    if (entry === undefined) return Step.end;
    this.bytes = Buffer.from(entry[0]);
    this.length = this.bytes.length;
    this.timeNs = entry[1];
    return Step.datagram;
  }

  fill(): Promise<void> {
    return Promise.resolve();
  }

  counts(): Record<string, number> {
    return { packets: Math.min(this.#next, this.#list.length) };
  }

  progress(): number {
    return this.#next / this.#list.length;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export interface Stage {
  clock: VirtualClock;
  line: RecordingLine;
  player: Player;
  pace: Pace;
}

/** A player over a list of datagrams, to one recording line, at this speed. */
export function stage(
  list: readonly (readonly [string, number])[],
  speed: number,
  changes: Partial<PlayOptions> & { signs?: boolean } = {},
): Stage {
  const clock = new VirtualClock();
  const line = new RecordingLine(clock);
  const pace = new Pace(speed);
  const player = new Player({
    open: () => Promise.resolve(new ListSource(list, changes.signs)),
    lines: [line],
    impairment: clean,
    pace,
    clock,
    window: undefined,
    passes: 1,
    limit: Number.POSITIVE_INFINITY,
    burst: 64,
    endOfSession: false,
    stopped: () => false,
    onProgress: () => {},
    ...changes,
  });
  return { clock, line, player, pace };
}
