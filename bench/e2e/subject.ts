/** What is measured: each a process of its own that takes datagrams on a port and answers. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AnswerName, WorkloadName } from "./workload.ts";

export interface Subject {
  port: number;
  /** Base URL of the API, where it has one. */
  http?: string;
  stop(): Promise<void>;
}

export interface Contender {
  name: string;
  workload: WorkloadName;
  answer: AnswerName;
  start(answerPort: number): Promise<Subject>;
}

const here = import.meta.dir;
const binary = join(here, "../../hftedge");

export async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      yield text.slice(0, end);
      text = text.slice(end + 1);
    }
  }
}

/** A program that prints its port first. */
async function startPlain(command: string[]): Promise<Subject> {
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
  const first = await lines(child.stdout).next();
  return {
    port: Number(first.value),
    async stop() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

/** `prepare` is given the data directory before the start. */
async function startEdge(
  feed: string,
  args: readonly string[],
  prepare: (directory: string) => void = () => {},
): Promise<Subject> {
  const directory = mkdtempSync(join(tmpdir(), "hftedge-bench-"));
  prepare(directory);
  const own = ["--inference-engine", "rules", "--http-listen", "127.0.0.1:0"];
  const child = Bun.spawn(
    [binary, "run", "--feed", feed, ...own, "--data-directory", directory, ...args],
    { stdout: "ignore", stderr: "pipe" },
  );
  const words = lines(child.stderr);
  let port = 0;
  let http = "";
  let ready = false;
  while (!ready) {
    const { value, done } = await words.next();
    if (done === true) throw new Error("hftedge did not start: run it by hand to see why");
    port ||= Number(/on udp:\/\/127\.0\.0\.1:(\d+)/.exec(value)?.[1] ?? 0);
    http ||= /http on (http:\S+)/.exec(value)?.[1] ?? "";
    ready = value.includes("ready:");
  }
  // What is said later must not fill the pipe.
  void (async () => {
    for await (const _line of words) continue;
  })();
  return {
    port,
    http,
    async stop() {
      child.kill("SIGTERM");
      await child.exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** A signal for every datagram, so that each has an answer. */
function everySignalTo(answerPort: number): string[] {
  const sink = `udp://127.0.0.1:${answerPort}?encoding=binary`;
  return ["--signal-emit", "every", "--signal-rate-per-symbol", "0", "--sink", sink];
}

const itchFeed = "udp://127.0.0.1:0?format=itch50&timeZone=UTC";
const tickFeed = "udp://127.0.0.1:0?format=tick&timestampUnit=us";

/** Latency over ITCH: a floor for each way of receiving, and what is built on them. */
export const itchContenders: readonly Contender[] = [
  {
    name: "native echo",
    workload: "itch",
    answer: "echo",
    start: () => startPlain([process.execPath, join(here, "native-echo.ts")]),
  },
  {
    name: "bun echo",
    workload: "itch",
    answer: "echo",
    start: () => startPlain([process.execPath, join(here, "bun-echo.ts")]),
  },
  {
    name: "hftedge",
    workload: "itch",
    answer: "signal",
    start: (answerPort) => startEdge(itchFeed, everySignalTo(answerPort)),
  },
  {
    name: "spinning echo",
    workload: "itch",
    answer: "echo",
    start: () => startPlain([process.execPath, join(here, "spin-echo.ts")]),
  },
  {
    name: "hftedge, polled",
    workload: "itch",
    answer: "signal",
    start: (answerPort) => startEdge(`${itchFeed}&receive=poll`, everySignalTo(answerPort)),
  },
];

const python = Bun.which("python3");

/** Undefined where there is no python3. */
export const guide: Contender | undefined =
  python === null
    ? undefined
    : {
        name: "guides' pipeline",
        workload: "tick",
        answer: "json",
        start: (answerPort) =>
          startPlain([python, join(here, "guide-pipeline.py"), String(answerPort)]),
      };

/** The same ticks, and a signal for each. */
export const edgeOnTicks: Contender = {
  name: "hftedge on ticks",
  workload: "tick",
  answer: "signal",
  start: (answerPort) => startEdge(tickFeed, everySignalTo(answerPort)),
};

/** The same, read by a thread that spins. */
export const edgeOnTicksPolled: Contender = {
  name: "hftedge on ticks, polled",
  workload: "tick",
  answer: "signal",
  start: (answerPort) => startEdge(`${tickFeed}&receive=poll`, everySignalTo(answerPort)),
};

/** As it runs by default: signals where a decision changes; acknowledgements say how far it is. */
export const edgeOnChange: Contender = {
  name: "hftedge on ticks, on change",
  workload: "tick",
  answer: "ack",
  start: () => startEdge(`${tickFeed}&ack=true`, []),
};

export const edgeOnChangePolled: Contender = {
  name: "hftedge on ticks, on change, polled",
  workload: "tick",
  answer: "ack",
  start: () => startEdge(`${tickFeed}&ack=true&receive=poll`, []),
};

/** The same over ITCH. */
export const edgeOnItch: Contender = {
  name: "hftedge on ITCH, on change",
  workload: "itch",
  answer: "ack",
  start: () => startEdge(`${itchFeed}&ack=true`, []),
};

/** Over ITCH with a signal for each datagram, on a data directory that was prepared. */
export function edgeOnHistory(feedCpu: number, prepare: (directory: string) => void): Contender {
  const pinned = ["--thread-feed-cpu", String(feedCpu)];
  return {
    name: "hftedge on a full history",
    workload: "itch",
    answer: "signal",
    start: (port) => startEdge(itchFeed, [...everySignalTo(port), ...pinned], prepare),
  };
}

/** And read by a thread that spins. */
export const edgeOnItchPolled: Contender = {
  name: "hftedge on ITCH, on change, polled",
  workload: "itch",
  answer: "ack",
  start: () => startEdge(`${itchFeed}&ack=true&receive=poll`, []),
};
