/**
 * One Worker of the run: started, started again with back-off when it crashes, told to stop by the
 * shared flag, and ended when it doesn't.
 */
import { pathToFileURL } from "node:url";
import { EdgeError } from "../error.ts";
import type { OpsLog, Start, WorkerMessage } from "./message.ts";

export type WorkerName = "feed" | "inference" | "ops";

export interface WorkerHooks {
  onLog: OpsLog;
  /** A crash that is followed by another start. */
  onRestart(name: WorkerName, restarts: number): void;
  /** The worker cannot go on: the run is over. */
  onGiveUp(name: WorkerName, error: EdgeError): void;
}

export interface RestartLimits {
  restartsMax: number;
  backoffMs: number;
}

const restartWindowMs = 600_000;
const backoffCeiling = 100;

export class RunWorker {
  readonly name: WorkerName;
  facts: Readonly<Record<string, unknown>> = {};
  readonly #start: Omit<Start, "kind" | "attempt">;
  readonly #hooks: WorkerHooks;
  readonly #limits: RestartLimits;
  #worker: Worker | undefined;
  #attempt = 0;
  #ready = false;
  #ended = false;
  #report: unknown = null;
  #restartsMs: number[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waiting: { resolve: () => void; reject: (error: EdgeError) => void } | undefined;
  #onStopped: (() => void) | undefined;

  constructor(
    name: WorkerName,
    start: Omit<Start, "kind" | "attempt">,
    limits: RestartLimits,
    hooks: WorkerHooks,
  ) {
    this.name = name;
    this.#start = start;
    this.#limits = limits;
    this.#hooks = hooks;
  }

  /** Resolves when the worker is ready; its refusal to start is an EdgeError. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#spawn();
    });
  }

  #spawn(): void {
    // Relative to the program's entry: the one base that is right from source and compiled.
    const url = new URL(`./thread/${this.name}.ts`, pathToFileURL(Bun.main));
    const worker = new Worker(url.href);
    this.#worker = worker;
    worker.addEventListener("message", (event: MessageEvent<WorkerMessage>) => {
      if (worker === this.#worker) this.#take(event.data);
    });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      if (worker === this.#worker) this.#crashed(event.message);
    });
    worker.addEventListener("close", () => {
      if (worker === this.#worker) this.#crashed("ended unexpectedly");
    });
    const message: Start = { kind: "start", attempt: this.#attempt, ...this.#start };
    worker.postMessage(message);
  }

  #take(message: WorkerMessage): void {
    if (message.kind === "log") {
      this.#hooks.onLog(message.level, message.text, message.fields);
    } else if (message.kind === "ready") {
      this.#ready = true;
      this.facts = message.facts;
      for (const note of message.notes) this.#hooks.onLog("warn", note);
      this.#waiting?.resolve();
      this.#waiting = undefined;
    } else if (message.kind === "failed") {
      const { code, message: words, hint } = message.failure;
      this.#refused(new EdgeError(code, words, hint));
    } else {
      this.#report = message.report;
      this.#end();
    }
  }

  /** The worker said that it cannot start: at the start that ends the run, later it is a crash. */
  #refused(error: EdgeError): void {
    if (this.#waiting !== undefined) {
      this.#waiting.reject(error);
      this.#waiting = undefined;
      this.#end();
      return;
    }
    this.#crashed(`${error.message} (${error.hint})`);
  }

  #crashed(words: string): void {
    if (this.#ended) return;
    this.#worker = undefined;
    const error = new EdgeError(
      "WORKER_CRASHED",
      `${this.name} thread: ${words}`,
      "Please report it with the lines above.",
    );
    if (this.#waiting !== undefined && !this.#ready) {
      this.#waiting.reject(error);
      this.#waiting = undefined;
      this.#end();
      return;
    }
    const nowMs = performance.now();
    this.#restartsMs = this.#restartsMs.filter((atMs) => nowMs - atMs < restartWindowMs);
    if (this.#restartsMs.length >= this.#limits.restartsMax) {
      this.#end();
      this.#hooks.onGiveUp(this.name, error);
      return;
    }
    const backoffMs =
      this.#limits.backoffMs * Math.min(backoffCeiling, 2 ** this.#restartsMs.length);
    this.#restartsMs.push(nowMs);
    this.#attempt++;
    this.#hooks.onLog("error", `${error.message}; starting it again in ${backoffMs} ms`);
    this.#hooks.onRestart(this.name, this.#attempt);
    this.#timer = setTimeout(() => this.#spawn(), backoffMs);
  }

  #end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#onStopped?.();
  }

  /**
   * Waits until the worker has seen the stop flag and reported, at most `boundMs`; then it is
   * ended. Returns its report, or undefined when it had none in time.
   */
  async stopped(boundMs: number): Promise<unknown> {
    if (!this.#ended) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onStopped = resolve;
      const bound = setTimeout(resolve, boundMs);
      await promise;
      clearTimeout(bound);
    }
    const inTime = this.#ended;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#worker?.terminate();
    return inTime ? this.#report : undefined;
  }
}
