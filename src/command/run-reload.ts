/** SIGHUP: reads the configuration again, and has the run take over what it can. */
import type { LoadedConfig } from "../config/load.ts";
import { describeChange, refusal } from "../thread/change.ts";
import type { LogLevel } from "../thread/log.ts";
import type { Supervisor } from "../thread/supervisor.ts";

export interface ReloadOptions {
  supervisor: Supervisor;
  load(): LoadedConfig;
  log(level: LogLevel, text: string): void;
  /** Around each reload: the service manager waits for the end of it. */
  began(): void;
  ended(): void;
}

export class Reloads implements Disposable {
  readonly #options: ReloadOptions;
  readonly #onSignal = (): void => this.request();
  #wanted = false;
  /** A signal that comes before the run is ready waits for it. */
  #running = true;

  constructor(options: ReloadOptions) {
    this.#options = options;
    process.on("SIGHUP", this.#onSignal);
  }

  /** The run is ready. */
  begin(): void {
    this.#running = false;
    if (this.#wanted) void this.#run();
  }

  /** Signals that come during a reload are one more reload after it. */
  request(): void {
    this.#wanted = true;
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#wanted) {
      this.#wanted = false;
      this.#options.began();
      await this.#reload();
      this.#options.ended();
    }
    this.#running = false;
  }

  async #reload(): Promise<void> {
    const { supervisor, load, log } = this.#options;
    try {
      const [first, ...rest] = describeChange(await supervisor.change(load().config));
      log("info", first!);
      for (const line of rest) log("warn", line);
    } catch (error) {
      for (const line of refusal(error).split("\n")) log("error", line.trim());
    }
  }

  [Symbol.dispose](): void {
    process.off("SIGHUP", this.#onSignal);
  }
}
