/** A signal of the compiled program, explained out of its history and its recording. */
import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Explanation } from "../../src/thread/explain.ts";
import { capturePath, hasCapture } from "../support/capture.ts";
import { run } from "../support/binary.ts";
import { signalsOf, startRun } from "../support/hftedge-run.ts";

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

test("a signal that the history does not have is said so", async () => {
  await using edge = await startRun("udp://127.0.0.1:0?format=tick");
  const args = ["explain", "12345", "--data-directory", edge.running.directory];
  const { code, stderr } = await run(args);
  expect(code).toBe(1);
  expect(stderr).toContain("the history has no signal 12345");
});
