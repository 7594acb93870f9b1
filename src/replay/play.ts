/** The sender: datagrams from a source to the lines, each at its intended time. */
import { EdgeError } from "../error.ts";
import type { Clock } from "./clock.ts";
import { Impairment, type ImpairmentOptions } from "./impairment.ts";
import type { Line } from "./line.ts";
import type { Pace } from "./pace.ts";
import { Step, type DatagramSource } from "./source.ts";
import type { AckWindow } from "./window.ts";

export interface PlayOptions {
  /** Opens the file for a pass, counted from 1. */
  open: (pass: number) => Promise<DatagramSource>;
  lines: readonly Line[];
  impairment: ImpairmentOptions;
  pace: Pace;
  clock: Clock;
  /** Pacing by what the receiver of the first line acknowledges, or undefined. */
  window: AckWindow | undefined;
  /** Passes over the file; Infinity until stopped. */
  passes: number;
  /** Datagrams of the file to send in all. */
  limit: number;
  /** The most datagrams in a row without a turn for sockets and signals. */
  burst: number;
  /** Ends a session of our own framing with its sign. */
  endOfSession: boolean;
  /** Sees each datagram of the file before any impairment. */
  tap?: (bytes: Uint8Array, offset: number, length: number) => void;
  /** Looked at before each datagram. */
  stopped: () => boolean;
  /** Called now and then, at least once a burst, while there is something to show. */
  onProgress: (state: PlayState) => void;
}

/** What a replay has done so far. */
export interface PlayState {
  /** Datagrams taken from the file, before any impairment. */
  datagrams: number;
  bytes: number;
  heartbeats: number;
  /** Passes begun. */
  pass: number;
  /** The capture's time of the last datagram, ns after its first. */
  positionNs: number;
  originMs: number;
  /** Share of the file read, 0 to 1, or NaN. */
  progress: number;
  elapsedNs: number;
  /** What the readers counted, over all passes. */
  source: Record<string, number>;
  /** What cut the file short, in words. */
  cut: string | undefined;
  impairments: Impairment[];
  /** What stopped it before the end of the file: a broken file. */
  error: EdgeError | undefined;
}

/** The pace without acknowledgements when they were asked for and do not come. */
const silentRatePerSecond = 10_000;
/** A sign of life goes out in every silence of this length, as on the exchange's own line. */
export const heartbeatNs = 1e9;

/** How long full sockets are waited for at the end, and how often an acknowledgement is looked for. */
const settleNs = 2e9;
const settleStepNs = 3e6;

export class Player {
  readonly state: PlayState;
  readonly #options: PlayOptions;
  #burst = 0;
  #lastSentNs = 0;
  #startedNs = 0;

  constructor(options: PlayOptions) {
    this.#options = options;
    this.state = {
      datagrams: 0,
      bytes: 0,
      heartbeats: 0,
      pass: 0,
      positionNs: 0,
      originMs: Number.NaN,
      progress: 0,
      elapsedNs: 0,
      source: {},
      cut: undefined,
      impairments: options.lines.map(
        (_, index) =>
          new Impairment(options.impairment, index, (bytes, offset, length) =>
            this.#send(index, bytes, offset, length),
          ),
      ),
      error: undefined,
    };
  }

  /** Sends everything; a broken file ends it with `state.error`, after what came before. */
  async play(): Promise<PlayState> {
    const { passes, stopped, clock } = this.#options;
    const { state } = this;
    this.#startedNs = clock.nowNs();
    this.#lastSentNs = this.#startedNs;
    while (state.pass < passes && !this.#finished() && !stopped() && state.error === undefined) {
      state.pass += 1;
      const before = state.datagrams;
      await this.#pass();
      // A file without a single datagram would be read for ever without end.
      if (state.datagrams === before) break;
    }
    await this.#settle();
    this.#progress();
    return state;
  }

  async #pass(): Promise<void> {
    const { open, pace, clock, stopped } = this.#options;
    const { state } = this;
    const before = state.source;
    let source: DatagramSource | undefined;
    let sent = true;
    try {
      source = await open(state.pass);
      pace.start(clock.nowNs());
      while (!stopped() && !this.#finished()) {
        const step = source.next();
        if (step === Step.end) break;
        if (step === Step.more) {
          await source.fill();
          continue;
        }
        state.positionNs = source.timeNs;
        state.originMs = source.originMs;
        sent = false;
        const dueNs = pace.dueNs(source.timeNs);
        if (!(await this.#until(dueNs, source))) break;
        this.#offer(source.bytes, source.offset, source.length);
        sent = true;
        pace.sent(dueNs, clock.nowNs());
        if (++this.#burst >= this.#options.burst) {
          this.#update(source, before);
          await this.#yield();
        }
      }
      state.cut = source.cut;
      this.#sign(source, sent);
    } catch (error) {
      // A mistake of this program is no property of the file.
      if (!(error instanceof EdgeError)) throw error;
      state.error = error;
    } finally {
      if (source !== undefined) {
        this.#update(source, before);
        await source.close();
      }
    }
  }

  #finished(): boolean {
    return this.state.datagrams >= this.#options.limit;
  }

  #update(source: DatagramSource, before: Record<string, number>): void {
    const { state } = this;
    state.progress = source.progress();
    const now = source.counts();
    state.source = {};
    for (const name in now) state.source[name] = (before[name] ?? 0) + (now[name] as number);
  }

  /** Waits until the datagram is due and may be sent; false when it was stopped meanwhile. */
  async #until(dueNs: number, source: DatagramSource): Promise<boolean> {
    const { clock, stopped } = this.#options;
    while (this.#options.pace.speed !== Number.POSITIVE_INFINITY && clock.nowNs() < dueNs) {
      if (stopped()) return false;
      const quietNs = this.#lastSentNs + heartbeatNs;
      await clock.sleepUntil(Math.min(dueNs, quietNs));
      this.#burst = 0;
      this.#progress();
      if (clock.nowNs() >= quietNs && clock.nowNs() < dueNs) {
        this.#sendSign(source.heartbeat?.(false));
        this.#lastSentNs = clock.nowNs();
      }
    }
    return this.#mayGo();
  }

  /** Waits for room in the sockets and in the receiver's window. */
  async #mayGo(): Promise<boolean> {
    const { lines, window, stopped, clock } = this.#options;
    while (anyBlocked(lines)) {
      if (stopped()) return false;
      await this.#yield();
    }
    if (window === undefined) return true;
    for (;;) {
      if (window.open) break;
      if (stopped()) return false;
      await this.#yield();
      if (!window.open) window.expired(clock.nowNs());
    }
    window.ready();
    if (window.silent) {
      const nextNs = this.#lastSentNs + 1e9 / silentRatePerSecond;
      while (clock.nowNs() < nextNs) await clock.sleepUntil(nextNs);
    }
    return true;
  }

  #offer(bytes: Uint8Array, offset: number, length: number): void {
    const { state } = this;
    this.#options.tap?.(bytes, offset, length);
    for (const impairment of state.impairments) impairment.offer(bytes, offset, length);
    state.datagrams += 1;
    state.bytes += length;
    this.#lastSentNs = this.#options.clock.nowNs();
  }

  #send(index: number, bytes: Uint8Array, offset: number, length: number): void {
    this.#options.lines[index]?.send(bytes, offset, length);
    if (index === 0) this.#options.window?.sentOne(length);
  }

  /** Signs go to every line as they are: impairment is for the data. */
  #sendSign(bytes: Uint8Array | undefined): void {
    if (bytes === undefined) return;
    this.#options.lines.forEach((_, index) => this.#send(index, bytes, 0, bytes.length));
    this.state.heartbeats += 1;
  }

  /** After the last datagram of a pass: what is held back goes out, and a sign exposes a lost tail. */
  #sign(source: DatagramSource, sent: boolean): void {
    for (const impairment of this.state.impairments) impairment.flush();
    const last = this.state.pass >= this.#options.passes || this.#finished();
    const ends = this.#options.endOfSession && last;
    this.#sendSign(ends ? source.endOfSession?.(sent) : source.heartbeat?.(sent));
  }

  /** Waits, within the window's own bound, until everything has left and been acknowledged. */
  async #settle(): Promise<void> {
    const { lines, window, clock, stopped } = this.#options;
    const endNs = clock.nowNs() + settleNs;
    while (anyBlocked(lines) && clock.nowNs() < endNs && !stopped()) {
      await this.#yield();
    }
    if (window === undefined || window.silent) return;
    while (window.underWay > 0 && !stopped()) {
      await clock.sleepUntil(clock.nowNs() + settleStepNs);
      if (window.underWay > 0 && window.expired(clock.nowNs())) return;
    }
  }

  async #yield(): Promise<void> {
    this.#burst = 0;
    this.#progress();
    await this.#options.clock.yield();
  }

  #progress(): void {
    this.state.elapsedNs = this.#options.clock.nowNs() - this.#startedNs;
    this.#options.onProgress(this.state);
  }
}

function anyBlocked(lines: readonly Line[]): boolean {
  for (const line of lines) if (line.blocked) return true;
  return false;
}
