import { expect, test, setDefaultTimeout } from "bun:test";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { backup } from "../../src/store/backup.ts";
import { HistoryReader } from "../../src/store/query.ts";
import { epochS, Folder, latencyBatch, openStore } from "./fixture.ts";
import { atOnce } from "../../src/store/turn.ts";

// Thousands of real transactions take their time on a slow disk.
setDefaultTimeout(60_000);

test("a backup taken while the run writes is a whole history of one moment", () => {
  using folder = new Folder();
  const store = openStore(folder.file);
  for (let s = 0; s < 50; s++) store.commit(latencyBatch(epochS + s, "cache_access", [s]), 0);
  const target = join(folder.path, "copy.db");
  const made = backup(folder.file, target);
  expect(made).toMatchObject({ path: target, version: 2 });
  store.commit(latencyBatch(epochS + 50, "cache_access", [50]), 0);
  const copy = new HistoryReader(target);
  expect(
    atOnce(copy.latency.summary(epochS, epochS + 99, ["cache_access"]))["cache_access"]!.count,
  ).toBe(50);
  copy.close();
  store.close(0);
});

test("a backup never overwrites a file, and leaves nothing behind when it fails", () => {
  using folder = new Folder();
  openStore(folder.file).close(0);
  const target = join(folder.path, "copy.db");
  writeFileSync(target, "precious");
  expect(() => backup(folder.file, target)).toThrow("exists already");
  expect(() => backup(folder.file, join(folder.path, "nowhere", "copy.db"))).toThrow("failed");
  expect(existsSync(join(folder.path, "nowhere"))).toBe(false);
  expect(readdirSync(folder.path).filter((name) => name.includes("partial"))).toEqual([]);
  expect(() => backup(join(folder.path, "none.db"), join(folder.path, "x.db"))).toThrow(
    "no history",
  );
});
