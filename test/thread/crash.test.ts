/** Threads of the compiled program that crash, hang, and crash again. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { RunReport } from "../../src/thread/supervisor.ts";
import { run } from "../support/binary.ts";
import { type RunningEdge, signalsOf, startRun } from "../support/hftedge-run.ts";
import { buyUntil, tickUntil } from "../support/tick.ts";
import { until } from "../support/until.ts";

const feed = "udp://127.0.0.1:0?format=tick&silenceMs=60000";

/** On a busy machine a datagram may be old when it is read: here that is no reason for HOLD. */
function startFaulty(fault: string, ...args: string[]): Promise<RunningEdge> {
  const patient = ["--signal-max-age-ms", "60000", ...args];
  return startRun(feed, patient, { HFTEDGE_TEST_FAULT: fault });
}

/** Lets the thread fail as the environment says. */
function strike(edge: RunningEdge): void {
  edge.running.signal("SIGUSR2");
}

function errors(edge: RunningEdge): string[] {
  return edge.running
    .text("stderr")
    .split("\n")
    .filter((line) => / error: /.test(line));
}

async function restarted(edge: RunningEdge, thread: string, times = 1): Promise<void> {
  const again = new RegExp(
    `(?:the ${thread} thread crashed[\\s\\S]*?it is back[\\s\\S]*?){${times}}`,
  );
  await edge.running.until("stderr", again);
}

/** BUY and SELL of a symbol after the first `from` signals. */
function decided(edge: RunningEdge, symbol: string, from = 0): Record<string, unknown>[] {
  return signalsOf(edge.running)
    .slice(from)
    .filter((signal) => signal["symbol"] === symbol && signal["signal"] !== "HOLD");
}

function standing(edge: RunningEdge, symbol: string): unknown {
  return signalsOf(edge.running).findLast((signal) => signal["symbol"] === symbol)?.["signal"];
}

function isStale({ source }: Record<string, unknown>): boolean {
  return source === "stale";
}

describe("the feed thread crashes", () => {
  for (const fault of ["throw", "reject", "close"]) {
    test(`${fault}: what stood becomes HOLD, then it goes on where it was`, async () => {
      await using edge = await startFaulty(`feed:${fault}`);
      const port = edge.ports[0]!;
      for (const symbol of ["AAA", "ZZZ"]) {
        await buyUntil(port, symbol, () => standing(edge, symbol) === "BUY");
      }
      strike(edge);
      await restarted(edge, "feed");
      // Nobody sends now: what is said comes from the crash alone.
      await until(() => standing(edge, "AAA") === "HOLD" && standing(edge, "ZZZ") === "HOLD");
      const before = signalsOf(edge.running);
      expect(before.at(-1)).toMatchObject({ signal: "HOLD", source: "stale", confidence: 0 });
      // On the same port, with the symbols in another order than before.
      await tickUntil(port, "ZZZ", () => decided(edge, "ZZZ", before.length).length > 0);
      await tickUntil(port, "AAA", () => decided(edge, "AAA", before.length).length > 0);
      const { report, code } = await edge.stop();
      const seqs = signalsOf(edge.running).map(({ seq }) => seq);
      expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, i) => i + 1));
      expect(code).toBe(0);
      expect(report).toMatchObject({ clean: true, workerRestarts: 1 });
      // One count over both lives, and the symbols under their old numbers.
      expect(report.feed!.signals.total).toBe(seqs.length);
      expect(report.feed!.books.map(({ symbol }) => symbol)).toEqual(["AAA", "ZZZ"]);
      expect(report.latency["total_pipeline.cached"]!.count).toBe(
        report.feed!.counts["receivedDatagrams"]!,
      );
    });
  }

  test("aBookOfOrdersIsNotUsedAgainBeforeItIsHealed", async () => {
    await using edge = await startRun(
      "udp://127.0.0.1:0?format=itch50",
      // Every datagram says something, so that the second life is heard whatever stood in the first.
      ["--demo", "--demo-rate", "4000", "--signal-emit=every", "--signal-rate-per-symbol=0"],
      { HFTEDGE_TEST_FAULT: "feed:throw" },
    );
    await until(() => signalsOf(edge.running).some(({ signal }) => signal !== "HOLD"));
    strike(edge);
    await restarted(edge, "feed");
    const from = signalsOf(edge.running).length;
    await until(() => signalsOf(edge.running).slice(from).some(isStale));
    const before = from + signalsOf(edge.running).slice(from).findIndex(isStale);
    const { report } = await edge.stop();
    const after = signalsOf(edge.running).slice(before);
    expect(after.filter(({ signal }) => signal !== "HOLD")).toEqual([]);
    expect(report.feed!.books.length).toBeGreaterThan(0);
    expect(report.feed!.books.filter(({ decision }) => decision !== "HOLD")).toEqual([]);
  });
});

describe("another thread crashes", () => {
  test("inference: the table serves on while it is away, and so does a hold", async () => {
    // It stays away for as long as the test may last, so that nothing here has to be quick.
    await using edge = await startFaulty("inference:throw", "--thread-restart-backoff-ms", "60000");
    await tickUntil(edge.ports[0]!, "ACME", () => decided(edge, "ACME").length > 0);
    strike(edge);
    await edge.running.until("stderr", /inference thread crashed/);
    const before = signalsOf(edge.running).length;
    await tickUntil(edge.ports[0]!, "ACME", () => decided(edge, "ACME", before).length > 0);
    const held = await run(["hold", "--data-directory", edge.running.directory]);
    expect(held.stdout).toContain("everything is on hold");
    await until(() => standing(edge, "ACME") === "HOLD");
    expect(edge.running.text("stderr")).not.toContain("it is back");
    const { report } = await edge.stop();
    expect(report).toMatchObject({ clean: true, workerRestarts: 1 });
  });

  test("inference: it comes back, and the table serves on", async () => {
    await using edge = await startFaulty("inference:throw");
    await tickUntil(edge.ports[0]!, "ACME", () => decided(edge, "ACME").length > 0);
    strike(edge);
    await restarted(edge, "inference");
    const before = signalsOf(edge.running).length;
    await tickUntil(edge.ports[0]!, "ACME", () => decided(edge, "ACME", before).length > 0);
    const { report } = await edge.stop();
    expect(report).toMatchObject({ clean: true, workerRestarts: 1 });
  });

  test("ops: HTTP comes back on its port, and the history goes on", async () => {
    await using edge = await startFaulty("ops:throw");
    const [, url] = await edge.running.until("stderr", /http on (http:\S+)/);
    strike(edge);
    await restarted(edge, "ops");
    const answer = await fetch(`${url}/healthz`);
    expect(answer.status).toBe(200);
    const before = signalsOf(edge.running).length;
    await tickUntil(edge.ports[0]!, "ACME", () => decided(edge, "ACME", before).length > 0);
    expect((await edge.stop()).report).toMatchObject({ clean: true, workerRestarts: 1 });
  });
});

describe("the end", () => {
  test("ops is the last to stop: it works on while another thread drains", async () => {
    await using edge = await startFaulty(
      "feed:hang",
      "--thread-stop-ms",
      "60000",
      "--thread-heartbeat-ms",
      "200",
    );
    const [, url] = await edge.running.until("stderr", /http on (http:\S+)/);
    strike(edge);
    await edge.running.until("stderr", /the feed thread gives no sign of life/);
    edge.running.signal("SIGTERM");
    await edge.running.until("stderr", /SIGTERM: draining/);
    const seconds = async (): Promise<number> => {
      const status = (await (await fetch(`${url}/api/v1/status`)).json()) as { seq: number };
      return status.seq;
    };
    const from = await seconds();
    while ((await seconds()) < from + 2) await Bun.sleep(20);
    // Who asks twice does not wait for the drain.
    edge.running.signal("SIGTERM");
    expect((await edge.running.finished).signal).toBe("SIGKILL");
  });

  test("too many crashes end the run with exit code 1 and say why", async () => {
    await using edge = await startFaulty("feed:throw", "--thread-restarts-max", "2");
    strike(edge);
    await restarted(edge, "feed");
    strike(edge);
    await restarted(edge, "feed", 2);
    strike(edge);
    const { code, stderr } = await edge.running.finished;
    expect(code).toBe(1);
    expect(stderr).toContain(
      "hftedge: the feed thread crashed again, and thread.restartsMax allows 2 restarts in ten minutes",
    );
    // Alerts about the crashes are errors too, and come when their second ends.
    const crashes = errors(edge).filter((line) => line.includes("thread crashed"));
    expect(crashes[0]).toContain("in 100 ms");
    expect(crashes[1]).toContain("in 200 ms");
  });

  test("SIGTERM between two lives ends it at once and in order", async () => {
    await using edge = await startFaulty("feed:throw", "--thread-restart-backoff-ms", "60000");
    strike(edge);
    await edge.running.until("stderr", /feed thread crashed/);
    edge.running.signal("SIGTERM");
    const report = await summaryOf(edge, /was between two starts/);
    expect(report).toMatchObject({ clean: true, feed: null, workerRestarts: 1 });
    // Far below what it would wait for a thread that does not answer.
    expect(report.durationMs).toBeLessThan(30_000);
    expect((await edge.running.finished).code).toBe(0);
  });

  test("a thread that hangs is ended after its time, and the summary says so", async () => {
    await using edge = await startFaulty(
      "feed:hang",
      "--thread-stop-ms",
      "300",
      "--thread-heartbeat-ms",
      "200",
    );
    strike(edge);
    await edge.running.until("stderr", /the feed thread gives no sign of life/);
    edge.running.signal("SIGTERM");
    const report = await summaryOf(edge, /did not end in order/);
    expect(report).toMatchObject({ clean: false, feed: null });
    expect((await edge.running.finished).signal).toBeNull();
  });
});

/** The directory goes with the process, so the summary is read as soon as it is announced. */
async function summaryOf(edge: RunningEdge, words: RegExp): Promise<RunReport> {
  await edge.running.until("stderr", words);
  return JSON.parse(readFileSync(join(edge.running.directory, "summary.json"), "utf8"));
}
