/**
 * One Worker of the run: started, started again with back-off when it crashes, told to stop by the
 * shared flag, and ended when it doesn't.
 */
import { pathToFileURL } from "node:url";
import { EdgeError } from "../error.ts";
import type { OpsLog, Order, Start, WorkerMessage } from "./message.ts";
import type { FaultMessage } from "./test-fault.ts";

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
const restartWindow = "ten minutes";
const backoffCeiling = 100;
/** Of an error's words and its stack, as the log shows them. */
const crashLines = 6;

export class RunWorker {
  readonly name: WorkerName;
  facts: Readonly<Record<string, unknown>> = {};
  readonly #start: Omit<Start, "kind" | "attempt" | "before">;
  readonly #hooks: WorkerHooks;
  readonly #limits: RestartLimits;
  #worker: Worker | undefined;
  #attempt = 0;
  #ready = false;
  #ended = false;
  /** Undefined until the worker has stopped by itself. */
  #report: unknown;
  #stopping = false;
  #restartsMs: number[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waiting: { resolve: () => void; reject: (error: EdgeError) => void } | undefined;
  #onStopped: (() => void) | undefined;
  #onRenewal: (() => void) | undefined;
  #asked: { resolve: () => void; reject: (error: EdgeError) => void } | undefined;

  constructor(
    name: WorkerName,
    start: Omit<Start, "kind" | "attempt" | "before">,
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
      if (worker === this.#worker) this.#crashed(crashWords(event.message));
    });
    worker.addEventListener("close", () => {
      if (worker === this.#worker) this.#crashed("ended unexpectedly");
    });
    const { facts: before } = this;
    const message: Start = { kind: "start", attempt: this.#attempt, before, ...this.#start };
    worker.postMessage(message);
  }

  /** False before the worker has said that it is ready, in each of its lives. */
  get isReady(): boolean {
    return this.#ready;
  }

  /** Lost when the worker is not there; what must arrive belongs into shared memory. */
  post(message: Order | FaultMessage): void {
    this.#worker?.postMessage(message);
  }

  /** Resolves when the worker has said that it is prepared; throws its refusal. */
  async ask(order: Order, boundMs: number): Promise<void> {
    // Between two lives there is nothing to prepare: the next one begins with the plan as it is then.
    if (this.#worker === undefined) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#asked = { resolve, reject };
    const bound = setTimeout(() => {
      const words = `the ${this.name} thread did not answer within ${boundMs} ms`;
      reject(new EdgeError("WORKER_BUSY", words, "Try again when there is less to do."));
    }, boundMs);
    try {
      this.post(order);
      await promise;
    } finally {
      clearTimeout(bound);
      this.#asked = undefined;
    }
  }

  /**
   * Ends this life in order and begins the next one, which is handed the plan as it is now. Throws
   * what keeps it from starting; then there is no worker until `restore` is called.
   */
  async renew(boundMs: number): Promise<void> {
    const old = this.#worker;
    if (old !== undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onRenewal = resolve;
      this.post({ kind: "stop" });
      const bound = setTimeout(resolve, boundMs);
      await promise;
      clearTimeout(bound);
      this.#onRenewal = undefined;
      if (this.#worker === old) {
        this.#worker = undefined;
        old.terminate();
      }
    }
    if (this.#stopping) {
      this.#report ??= null;
      this.#end();
      return;
    }
    // It crashed too often: the run is over.
    if (this.#ended) return;
    // After a crash the next life does not wait, so that its refusal is heard here.
    clearTimeout(this.#timer);
    this.#ready = false;
    this.#attempt++;
    try {
      await this.start();
    } catch (error) {
      if (!this.#stopping) this.#ended = false;
      throw error;
    }
  }

  /** After a renewal was refused: should the old plan be refused as well, that is a crash. */
  async restore(boundMs: number): Promise<void> {
    try {
      await this.renew(boundMs);
    } catch (error) {
      this.#crashed((error as EdgeError).message);
    }
  }

  #take(message: WorkerMessage): void {
    if (message.kind === "log") {
      this.#hooks.onLog(message.level, message.text, message.fields);
    } else if (message.kind === "ready") {
      this.#ready = true;
      if (this.#attempt > 0)
        this.#hooks.onLog("info", `the ${this.name} thread was started again: it is back`);
      this.facts = message.facts;
      for (const note of message.notes) this.#hooks.onLog("warn", note);
      this.#waiting?.resolve();
      this.#waiting = undefined;
    } else if (message.kind === "prepared") this.#asked?.resolve();
    else if (message.kind === "refused") {
      const { code, message: words, hint } = message.failure;
      this.#asked?.reject(new EdgeError(code, words, hint));
    } else if (message.kind === "failed") {
      const { code, message: words, hint } = message.failure;
      this.#refused(new EdgeError(code, words, hint));
    } else {
      this.#report = message.report;
      if (this.#onRenewal === undefined) this.#end();
      else this.#onRenewal();
    }
  }

  /** The worker said that it cannot start: at the start that ends the run, later it is a crash. */
  #refused(error: EdgeError): void {
    if (this.#waiting !== undefined) {
      this.#worker?.terminate();
      this.#worker = undefined;
      this.#waiting.reject(error);
      this.#waiting = undefined;
      this.#end();
      return;
    }
    this.#crashed(`${error.message} (${error.hint})`);
  }

  #crashed(words: string): void {
    if (this.#ended) return;
    // What is left of it lets go of its sockets before the next one binds them.
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#ready = false;
    this.#onRenewal?.();
    this.#asked?.resolve();
    if (this.#waiting !== undefined) {
      this.#waiting.reject(this.#crashError(`the ${this.name} thread crashed: ${words}`));
      this.#waiting = undefined;
      this.#end();
      return;
    }
    if (this.#stopping) {
      this.#hooks.onLog("error", `the ${this.name} thread crashed while it stopped: ${words}`);
      this.#end();
      return;
    }
    const { restartsMax } = this.#limits;
    const nowMs = performance.now();
    this.#restartsMs = this.#restartsMs.filter((atMs) => nowMs - atMs < restartWindowMs);
    if (this.#restartsMs.length >= restartsMax) {
      this.#end();
      const limit = `thread.restartsMax allows ${restartsMax} restarts in ${restartWindow}`;
      const last = `the ${this.name} thread crashed again, and ${limit}; the last time: ${words}`;
      this.#hooks.onGiveUp(this.name, this.#crashError(last));
      return;
    }
    const backoffMs =
      this.#limits.backoffMs * Math.min(backoffCeiling, 2 ** this.#restartsMs.length);
    this.#restartsMs.push(nowMs);
    this.#attempt++;
    this.#hooks.onLog(
      "error",
      `the ${this.name} thread crashed: ${words}; starting it again in ${backoffMs} ms`,
    );
    this.#hooks.onRestart(this.name, this.#attempt);
    this.#timer = setTimeout(() => this.#spawn(), backoffMs);
  }

  #crashError(words: string): EdgeError {
    return new EdgeError("WORKER_CRASHED", words, "Please report it with the lines above.");
  }

  #end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#onStopped?.();
  }

  /** The stop flag is up: from now on a crash is the end, and no further start follows. */
  stopping(): void {
    this.#stopping = true;
    // Between two lives there is nobody to wait for, and nothing to report.
    if (this.#ended || this.#worker !== undefined) return;
    this.#report = null;
    this.#end();
  }

  /**
   * Waits until the worker has seen the stop flag and reported, at most `boundMs`; then it is
   * ended. Returns its report, null when there was no worker to give one, or undefined when it
   * crashed or was ended.
   */
  async stopped(boundMs: number): Promise<unknown> {
    this.stopping();
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

/** The engine frames an error in its source, line by line: the words are what follows. */
function crashWords(message: string): string {
  const from = /^(?:\w*[eE]rror|.*\bexception\b).*$/m.exec(message)?.index ?? 0;
  return message
    .slice(from)
    .trim()
    .split(/\s*\n\s*/)
    .slice(0, crashLines)
    .join(" ");
}
