/** A signal of the compiled program, explained out of its history and its recording. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Explanation } from "../../src/thread/explain.ts";
import { capturePath, hasCapture } from "../support/capture.ts";
import { run } from "../support/binary.ts";
import { type RunningEdge, signalsOf, startRun } from "../support/hftedge-run.ts";
import { OllamaServer } from "../support/ollama-server.ts";
import { openTestSender } from "../support/sender.ts";
import { tick } from "../support/tick.ts";
import { until } from "../support/until.ts";

const capture = "aapl-20200130.itch50";
const absent = hasCapture(capture) ? "" : " (skipped: the capture is not here)";
const limitMs = 60_000;

/** Asks again until the history has the second in which the signal was given. */
async function explained(directory: string, seq: number) {
  const args = ["explain", String(seq), "--json", "--data-directory", directory];
  for (const endMs = performance.now() + limitMs; performance.now() < endMs;) {
    const finished = await run(args);
    if (!finished.stdout.includes("SIGNAL_UNKNOWN")) return finished;
    await Bun.sleep(100);
  }
  throw new Error(`signal ${seq} did not come into the history`);
}

describe.each(["event", "poll"])("a recorded run, received by %s", (receive) => {
  test.skipIf(absent !== "")(
    `explains its signals, and gives them again out of the recording${absent}`,
    async () => {
      const url = `udp://127.0.0.1:0?format=itch50&date=2020-01-30&ack=true&receive=${receive}`;
      const feed = `${url}&partialBooks=true`;
      await using edge = await startRun(feed, [
        "--record-enabled",
        "true",
        "--signal-max-age-ms",
        "60000",
        "--signal-rate-per-symbol",
        "0",
        "--thread-poll-spin-us",
        "1000",
      ]);
      const { directory } = edge.running;
      const to = `udp://127.0.0.1:${edge.ports[0]!}`;
      const sent = await run([
        "replay",
        capturePath(capture),
        "--to",
        to,
        "--speed",
        "max",
        "--ack",
      ]);
      expect(sent.code).toBe(0);
      await edge.running.until("stdout", /"inputSeq":9\d{3},/);
      const changes = signalsOf(edge.running).filter(
        ({ signal, source }) => signal !== "HOLD" && source === "rules",
      );
      const wanted = changes.at(Math.floor(changes.length / 2))!;
      const { stdout, code } = await explained(directory, Number(wanted["seq"]));
      const { signal, state, replay } = JSON.parse(stdout) as Explanation;
      expect(signal).toMatchObject({
        seq: wanted["seq"],
        inputSeq: wanted["inputSeq"],
        signal: wanted["signal"],
        symbol: "AAPL",
      });
      expect(state.length).toBeGreaterThan(0);
      expect(replay).toMatchObject({ reproduced: true, differences: {}, files: 1 });
      expect(replay!.book!.bid!).toBeGreaterThan(300);
      expect(code).toBe(0);
      const files = readdirSync(join(directory, "record"));
      expect(files.some((name) => name.endsWith(".pcapng"))).toBe(true);
    },
    limitMs * 2,
  );
});

/** The symbol's first signal of a source, once there is one. */
function firstOf(edge: RunningEdge, symbol: string, source: string) {
  return signalsOf(edge.running).find(
    (signal) => signal["symbol"] === symbol && signal["source"] === source,
  );
}

/** Whether every thread of the process stands still: SIGSTOP is not done when it was sent. */
function isStopped(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every((task) => {
    try {
      return /\) [Tt] /.test(readFileSync(`/proc/${pid}/task/${task}/stat`, "utf8"));
    } catch {
      // A thread that ends meanwhile has yet to be gone.
      return false;
    }
  });
}

test(
  "a recorded run explains what came of the model, the clock and the operator, and gives it again",
  async () => {
    const server = await new OllamaServer().start();
    await using _server = { [Symbol.asyncDispose]: () => server.stop() };
    await using edge = await startRun("udp://127.0.0.1:0?format=tick&silenceMs=3000", [
      "--inference-engine=ollama",
      `--inference-hosts=${server.url}`,
      "--inference-retry-ms=50",
      "--inference-deadline-ms=1000",
      "--inference-check-ms=50",
      "--inference-hung-ms=1500",
      "--inference-breaker-open-ms=20",
      "--inference-breaker-open-max-ms=50",
      // Each symbol has states of its own, so that each meets unknown ones.
      "--state-symbol-in-key=always",
      "--signal-emit=every",
      "--signal-max-age-ms=250",
      "--record-enabled=true",
    ]);
    const { directory } = edge.running;
    const socket = await openTestSender(edge.ports[0]!);
    const wanted = new Map<string, string>();
    const quote = (symbol: string): boolean => socket.send(tick(symbol, 900, 100));
    const ticks = async (symbol: string, source: string): Promise<void> => {
      wanted.set(symbol, source);
      await until(() => {
        quote(symbol);
        return firstOf(edge, symbol, source) !== undefined;
      });
    };
    // One tick each: another one might find the answer in the table before the feed is told of it.
    // On a busy machine a tick may be late, and a symbol whose only one was has no answer to come.
    let model = "";
    for (let i = 0; firstOf(edge, model, "model") === undefined; i++) {
      model = `MODEL${i}`;
      quote(model);
      await until(() => ["model", "late"].some((source) => firstOf(edge, model, source)));
    }
    wanted.set(model, "model");
    await ticks("TABLE", "l1");
    server.fault = "500";
    await ticks("ERROR", "error");
    server.fault = "hang";
    await ticks("TIMEOUT", "timeout");
    await ticks("PENDING", "pending");
    server.fault = "none";
    expect(await run(["hold", "HELD", "--data-directory", directory])).toMatchObject({ code: 0 });
    await ticks("HELD", "held");
    wanted.set("LATE", "late");
    edge.running.signal("SIGSTOP");
    await until(() => isStopped(edge.running.pid));
    const stoppedMs = performance.now();
    quote("LATE");
    await until(() => performance.now() - stoppedMs > 500);
    edge.running.signal("SIGCONT");
    await until(() => firstOf(edge, "LATE", "late") !== undefined);
    // The market falls silent: who stood at BUY is told.
    const stands = (): boolean =>
      signalsOf(edge.running).some(({ symbol, signal }) => symbol === "STALE" && signal === "BUY");
    await until(() => quote("STALE") && stands());
    wanted.set("STALE", "stale");
    await until(() => firstOf(edge, "STALE", "stale") !== undefined);
    socket.close();
    for (const [symbol, source] of wanted) {
      const given = firstOf(edge, symbol, source)!;
      const { stdout, code } = await explained(directory, Number(given["seq"]));
      const explanation = JSON.parse(stdout) as Explanation;
      expect(explanation.signal, source).toMatchObject({ symbol, source });
      expect(explanation.replay, source).toMatchObject({ reproduced: true, differences: {} });
      expect(explanation.replay!.book, source).toMatchObject({ bidSize: 900, askSize: 100 });
      const prompted = ["model", "l1", "error", "timeout", "pending"].includes(source);
      expect(typeof explanation.prompt, source).toBe(prompted ? "string" : "object");
      const { answer } = explanation.replay!;
      const outcomes: Record<string, "answered" | "error" | "timeout"> = {
        error: "error",
        timeout: "timeout",
        model: "answered",
      };
      expect(answer?.outcome, source).toBe(outcomes[source]);
      expect(code, source).toBe(0);
    }
    const seq = String(firstOf(edge, "TIMEOUT", "timeout")!["seq"]);
    const words = await run(["explain", seq, "--data-directory", directory]);
    expect(words.stdout).toContain("reproduced: gives the same signal");
    expect(words.stdout).toMatch(/answer +timeout \(deadline\), [\d.]+ (ms|s) after/);
  },
  limitMs * 3,
);

const feedNamed = (name: string): string => `udp://127.0.0.1:0?format=tick&name=${name}`;

test(
  "the book of a symbol on two feeds is that of the signal's own feed",
  async () => {
    await using edge = await startRun(feedNamed("one"), [
      `--feed=${feedNamed("two")}`,
      "--signal-emit=every",
      "--signal-max-age-ms=60000",
      "--record-enabled=true",
    ]);
    const { directory } = edge.running;
    const sizes = { one: [900, 100], two: [100, 900] } as const;
    for (const [index, [name, [bidSize, askSize]]] of Object.entries(sizes).entries()) {
      const socket = await openTestSender(edge.ports[index]!);
      const isOwn = (signal: Record<string, unknown>): boolean => signal["feed"] === name;
      await until(() => {
        socket.send(tick("SAME", bidSize, askSize));
        return signalsOf(edge.running).some(isOwn);
      });
      socket.close();
    }
    for (const [name, [bidSize, askSize]] of Object.entries(sizes)) {
      const given = signalsOf(edge.running).find((signal) => signal["feed"] === name)!;
      const { stdout } = await explained(directory, Number(given["seq"]));
      const { signal, state, replay } = JSON.parse(stdout) as Explanation;
      expect(signal, name).toMatchObject({ symbol: "SAME", feed: name });
      expect(replay, name).toMatchObject({ reproduced: true, book: { bidSize, askSize } });
      const imbalance = state.find((words) => words.includes("imbalance"));
      expect(imbalance, name).toEndWith(bidSize > askSize ? ": 0.6 or more" : ": below -0.6");
    }
  },
  limitMs * 2,
);

test("a signal that the history does not have is said so", async () => {
  await using edge = await startRun("udp://127.0.0.1:0?format=tick");
  const args = ["explain", "12345", "--data-directory", edge.running.directory];
  const { code, stderr } = await run(args);
  expect(code).toBe(1);
  expect(stderr).toContain("the history has no signal 12345");
});
