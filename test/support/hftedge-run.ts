/** `hftedge run` as a child process, ready to take datagrams on a port of its own. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { RunReport } from "../../src/thread/supervisor.ts";
import { type Finished, type Running, start } from "./binary.ts";

export interface RunningEdge extends AsyncDisposable {
  running: Running;
  /** Ports of the feed's lines, in order. */
  ports: number[];
  /** SIGTERM, the end, and the summary that it wrote. */
  stop(): Promise<Finished & { report: RunReport }>;
}

/** `feed` is a feed URL with port 0, which asks the system for a free one. */
export async function startRun(
  feed: string,
  args: string[] = [],
  env: Record<string, string> = {},
): Promise<RunningEdge> {
  const running = start(
    [
      "run",
      "--feed",
      feed,
      "--inference-engine",
      "rules",
      "--http-listen",
      "127.0.0.1:0",
      "--summary",
      "summary.json",
      "--log-format",
      "text",
      ...args,
    ],
    { env },
  );
  await running.until("stderr", /ready: /);
  const ports = [...running.text("stderr").matchAll(/on udp:\/\/\S+:(\d+)/g)].map(([, port]) =>
    Number(port),
  );
  return {
    running,
    ports,
    async stop() {
      const path = join(running.directory, "summary.json");
      running.signal("SIGTERM");
      // The directory goes with the process, so the summary is read as soon as it is announced.
      await running.until("stderr", /signals from \d+ instruments/);
      const report = JSON.parse(readFileSync(path, "utf8")) as RunReport;
      return { ...(await running.finished), report };
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

/** Signals as they came out on stdout. */
export function signalsOf(running: Running): Record<string, unknown>[] {
  const text = running.text("stdout");
  // What follows the last end of a line is still on its way.
  return text
    .slice(0, text.lastIndexOf("\n") + 1)
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
