/**
 * What the service manager hears: ready, stopping, and the watchdog's food, which is given only
 * while the heartbeats of all threads advance. A thread that stops is also named in the log.
 */
import { monotonicUs } from "../host/libc.ts";
import type { Notifier } from "../host/notify.ts";
import { type Control, type HeartbeatThread, heartbeatThreads } from "./control.ts";
import type { LogLevel } from "./log.ts";

export interface NoticeOptions {
  control: Control;
  /** A heartbeat older than this is late. */
  limitMs: number;
  /** ms since the run's base, as heartbeats are. */
  nowMs(): number;
  /** The watchdog was fed. */
  onFed(): void;
  log(level: LogLevel, text: string): void;
}

/** ms since the thread's last heartbeat; below zero after the clock was set back. */
export function beatAgeMs(control: Control, thread: HeartbeatThread, nowMs: number): number {
  // Heartbeats are 32-bit and wrap after 24 days; so does the difference, to the right value.
  return ((nowMs | 0) - control.lastBeatMs(thread)) | 0;
}

/** The threads whose last heartbeat is older than the limit. */
export function lateThreads(control: Control, nowMs: number, limitMs: number): HeartbeatThread[] {
  // One from the future was given before the clock was set back, and none since: whoever lives has
  // given another within milliseconds, and whoever hangs must not look alive for as long as the step.
  return heartbeatThreads.filter((thread) => Math.abs(beatAgeMs(control, thread, nowMs)) > limitMs);
}

export class ServiceNotice {
  readonly #notifier: Notifier;
  readonly #options: NoticeOptions;
  #late: readonly HeartbeatThread[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;
  #stopping = false;

  constructor(notifier: Notifier, options: NoticeOptions) {
    this.#notifier = notifier;
    this.#options = options;
  }

  /** How often `check` runs: twice in a limit, and as often as the watchdog is hungry. */
  get intervalMs(): number {
    return Math.min(this.#options.limitMs / 2, this.#notifier.watchdogMs ?? Infinity);
  }

  /** Also the end of what `reloading` began; nothing of it is said any more once the run stops. */
  ready(status: string): void {
    if (this.#stopping) return;
    this.#notifier.ready(status);
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.check(), this.intervalMs);
    this.#timer.unref();
  }

  reloading(): void {
    if (this.#stopping) return;
    this.#notifier.reloading(monotonicUs());
  }

  check(): void {
    const { control, limitMs, nowMs, log } = this.#options;
    const late = lateThreads(control, nowMs(), limitMs);
    for (const thread of late) {
      if (!this.#late.includes(thread)) {
        log("error", `the ${thread} thread gives no sign of life for more than ${limitMs} ms`);
      }
    }
    for (const thread of this.#late) {
      if (!late.includes(thread)) log("info", `the ${thread} thread is alive again`);
    }
    this.#late = late;
    if (late.length > 0 || this.#notifier.watchdogMs === null) return;
    this.#notifier.watchdog();
    this.#options.onFed();
  }

  stopping(status: string): void {
    this.#stopping = true;
    clearInterval(this.#timer);
    this.#notifier.stopping(status);
  }
}
