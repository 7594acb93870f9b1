/** Tables are in memory before the first datagram, not with it. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { parseResident } from "../../bench/soak/run.ts";
import { touchTables } from "../../src/thread/touch.ts";
import { startRun } from "../support/hftedge-run.ts";

test("everyTableIsTouchedOnceAndNothingIsChanged", () => {
  const table = new Uint32Array(10_000).map((_, i) => i);
  const root = {
    table,
    view: new Uint8Array(table.buffer, 0, 8),
    deeper: [{ more: new Float64Array(4096).fill(0.5) }],
  };
  expect(touchTables({ ...root, root })).toBe(40_000 + 32_768);
  expect(table.every((value, i) => value === i)).toBe(true);
  expect(root.deeper[0]!.more.every((value) => value === 0.5)).toBe(true);
});

async function resident(touch: boolean): Promise<number> {
  await using edge = await startRun("udp://127.0.0.1:0?format=itch50", [
    `--memory-touch=${touch}`,
    "--thread-warm-up-ms",
    "0",
  ]);
  return parseResident(readFileSync(`/proc/${edge.running.pid}/status`, "utf8"));
}

test("theCompiledProgramHasItsBooksInMemoryWhenItIsReady", async () => {
  // The order table alone is 128 MiB.
  expect((await resident(true)) - (await resident(false))).toBeGreaterThan(100 * 1024 ** 2);
});
