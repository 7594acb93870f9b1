/** The history as ops sees it, on real files: one that cannot be opened, and one that comes later. */
import { expect, test } from "bun:test";
import { mkdirSync, rmdirSync, rmSync } from "node:fs";
import { OpsStore } from "../../src/thread/ops-store.ts";
import { epochS, Folder, latencyBatch, newRun, openStore, optionsFor } from "../store/fixture.ts";

const cacheBytes = 1e6;

function batch(second: number) {
  return latencyBatch(epochS + second, "cache_access", [1000]);
}

test("what waited for a file is written and counted when there is one, a clock set back or not", () => {
  using folder = new Folder();
  // A directory in the file's place.
  mkdirSync(folder.file);
  const options = optionsFor(folder.file, { bufferSecondsMax: 3 });
  const nowMs = epochS * 1000;
  const store = new OpsStore(options, newRun(), nowMs, cacheBytes);
  expect(store.memoryOnly).toBe(true);
  expect(store.notices()).toMatchObject([{ severity: "warning" }]);
  const results = [0, 1, 2, 3, 4].map((s) => store.commit(batch(s), nowMs + s * 1000));
  expect(results.map(({ dropped }) => dropped)).toEqual([0, 0, 0, 1, 1]);
  expect(store.waitingBatches).toBe(3);
  rmdirSync(folder.file);
  expect(store.commit(batch(5), nowMs - 3_600_000)).toEqual({ rows: 4, dropped: 0, failed: false });
  expect(store.memoryOnly).toBe(false);
  expect(store.problem).toBe("");
  store.close(nowMs);
});

test("alerts that are open stay so for the next life of the thread, and end with the run", () => {
  using folder = new Folder();
  const options = optionsFor(folder.file);
  const open = (run = newRun()) => new OpsStore(options, run, epochS * 1000, cacheBytes);
  const times = { openedMs: 1, lastMs: 2, resolvedMs: null };
  const words = { rule: "gap", subject: "a", severity: "critical", summary: "", unit: "" } as const;
  const one = open();
  const first = batch(0);
  first.alerts.push({ id: 1, ...words, ...times, limit: 0, count: 2, worst: 2 });
  one.commit(first, epochS * 1000);
  one.close(epochS * 1000 + 500, true);
  const two = open();
  expect(two.openAlerts()).toMatchObject([{ number: 1, count: 2, resolvedMs: null }]);
  two.close(epochS * 1000 + 900, true);
  // The life that was to follow never began: the next run finds nothing that is open.
  const next = open(newRun("00000000000000bb", epochS * 1000 + 2000));
  const reader = next.reader!;
  expect(reader.record.alerts({ limit: 10 }).rows).toMatchObject([
    { number: 1, resolvedMs: epochS * 1000 + 900 },
  ]);
  expect(next.notices()).toEqual([]);
  next.close(epochS * 1000 + 3000);
  rmSync(folder.file);
  openStore(folder.file).close(0);
});
