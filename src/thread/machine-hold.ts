/** What a run does for its machine, and says about it: `[tune]` of the configuration. */
import { pathToFileURL } from "node:url";
import type { Config } from "../config/schema.ts";
import { holdCpuLatency } from "../tune/hold.ts";
import type { LogLevel } from "./log.ts";

/** Holds the CPUs awake until it is disposed of; a crash lets them go as well. */
export function holdMachine(
  { tune }: Pick<Config, "tune">,
  log: (level: LogLevel, text: string) => void,
): Disposable {
  if (!tune.holdCpuLatency) return { [Symbol.dispose]() {} };
  const hold = holdCpuLatency();
  if (hold.held) {
    log("debug", `CPUs are kept out of idle states of more than ${hold.latencyUs} us`);
  } else {
    const { reason } = hold;
    // What the machine does not have is no news; what it refuses has a remedy.
    log(reason?.startsWith("not applicable") === true ? "debug" : "info", reason ?? "");
  }
  return hold;
}

/** Longest look at the machine; tools may hang. */
const driftLimitMs = 30_000;

/** Says in one line what is in drift, when it is known; nothing waits for it. */
export function sayDrift(
  { tune }: Pick<Config, "tune">,
  log: (level: LogLevel, text: string) => void,
): Disposable {
  if (!tune.driftLine) return { [Symbol.dispose]() {} };
  const worker = new Worker(new URL("./thread/drift.ts", pathToFileURL(Bun.main)).href);
  const end = (): void => {
    clearTimeout(limit);
    worker.terminate();
  };
  const limit = setTimeout(end, driftLimitMs);
  limit.unref();
  worker.addEventListener("message", ({ data }: MessageEvent<string | null>) => {
    if (data !== null) log("info", data);
    end();
  });
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    log("debug", `tune: the state of this machine is not known: ${event.message}`);
    end();
  });
  return { [Symbol.dispose]: end };
}
