/**
 * A disk that really fills up: a small tmpfs. Mounting it needs root and the permission to mount,
 * so that the test is skipped elsewhere, and says so.
 */
import { Database } from "bun:sqlite";
import { describe, expect, test, setDefaultTimeout } from "bun:test";
import { existsSync, readFileSync, statfsSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HistoryReader } from "../../src/store/query.ts";
import type { StoreOptions } from "../../src/store/store.ts";
import { mountRefusal, smallDisk } from "../support/small-disk.ts";
import { latencies } from "../telemetry/sample.ts";
import { epochS, latencyBatch, newRun, openStore, randomFrom } from "./fixture.ts";
import { atOnce } from "../../src/store/turn.ts";

// Thousands of real transactions take their time on a slow disk.
setDefaultTimeout(60_000);

const megabyte = 1_048_576;

const noDisk = mountRefusal();
if (noDisk !== undefined) console.log(`disk-full tests skipped: ${noDisk}`);

const options: Partial<StoreOptions> = {
  freeBytesMin: 3 * megabyte,
  ballastBytes: megabyte,
  bufferSecondsMax: 40,
};

const free = (path: string) => statfsSync(path).bavail * statfsSync(path).bsize;

/** Somebody else's file that leaves only `left` bytes. */
function squeeze(path: string, left: number): void {
  const filler = join(path, "filler");
  const size = Math.max(0, free(path) - left);
  writeFileSync(filler, new Uint8Array(size).fill(7), { flag: "a" });
}

describe.skipIf(noDisk !== undefined)("a disk that is full", () => {
  test("does not stop the run; memory takes over, says so, and everything is written later", () => {
    using disk = smallDisk(16 * megabyte)!;
    const file = join(disk.path, "history.db");
    const store = openStore(file, options);
    const random = randomFrom(1);
    let s = 0;
    const kinds: string[] = [];
    const second = () => {
      const nowMs = (epochS + s) * 1000;
      const batch = latencyBatch(epochS + s, "cache_access", latencies(random, 300, 1e9));
      const result = store.commit(batch, nowMs);
      store.maintain(nowMs);
      kinds.push(...store.notices().map(({ kind }) => kind));
      s++;
      return result;
    };
    for (let i = 0; i < 100; i++) second();
    squeeze(disk.path, 0);
    while (!store.memoryOnly) {
      second();
      expect(s).toBeLessThan(8000);
    }
    expect(kinds).toContain("ballast_dropped");
    expect(kinds).toContain("memory_only");
    // Twenty seconds with nothing to write to: nothing is lost, and reading goes on.
    for (let i = 0; i < 20; i++) expect(second().dropped).toBe(0);
    expect(store.waitingBatches).toBeGreaterThanOrEqual(20);
    const reader = new HistoryReader(file);
    expect(
      atOnce(reader.latency.summary(epochS, epochS + s, ["cache_access"]))["cache_access"]!.count,
    ).toBeGreaterThan(100 * 300);
    truncateSync(join(disk.path, "filler"), 0);
    second();
    expect<boolean>(store.memoryOnly).toBe(false);
    expect(store.waitingBatches).toBe(0);
    expect(kinds).toContain("writable_again");
    const { count } = atOnce(reader.latency.summary(epochS, epochS + s, ["cache_access"]))[
      "cache_access"
    ]!;
    expect(count).toBe(s * 300);
    reader.close();
    store.close((epochS + s) * 1000);
    const database = new Database(file, { readonly: true });
    expect(database.query("PRAGMA integrity_check").values()).toEqual([["ok"]]);
    database.close();
  });

  test("for longer than memory holds loses the oldest seconds, and counts them", () => {
    using disk = smallDisk(8 * megabyte)!;
    const store = openStore(join(disk.path, "history.db"), { ...options, ballastBytes: 0 });
    const random = randomFrom(2);
    squeeze(disk.path, 0);
    let dropped = 0;
    let s = 0;
    const second = () => {
      const batch = latencyBatch(epochS + s, "cache_access", latencies(random, 300, 1e9));
      dropped += store.commit(batch, (epochS + s) * 1000).dropped;
      s++;
    };
    while (!store.memoryOnly) {
      second();
      expect(s).toBeLessThan(8000);
    }
    for (let i = 0; i < 100; i++) second();
    expect(store.waitingBatches).toBe(40);
    expect(dropped).toBeGreaterThanOrEqual(60);
    truncateSync(join(disk.path, "filler"), 0);
    second();
    expect(store.waitingBatches).toBe(0);
    store.close(0);
  });

  test("to the end costs what waits, and the end says how much that is", () => {
    using disk = smallDisk(8 * megabyte)!;
    const store = openStore(join(disk.path, "history.db"), { ...options, ballastBytes: 0 });
    const random = randomFrom(4);
    squeeze(disk.path, 0);
    let s = 0;
    while (store.waitingBatches < 10) {
      const batch = latencyBatch(epochS + s, "cache_access", latencies(random, 300, 1e9));
      store.commit(batch, (epochS + s) * 1000);
      expect(s++).toBeLessThan(8000);
    }
    expect(store.close(0)).toBe(10);
  });

  test("when a run starts after a crash stops nothing: the reserve is given up, or it is said", () => {
    using disk = smallDisk(8 * megabyte)!;
    const file = join(disk.path, "history.db");
    const start = (key: string, ballastBytes: number) =>
      openStore(file, { ...options, ballastBytes, freeBytesMin: 0 }, newRun(key));
    const crash = start("00000000000000a1", megabyte);
    crash.commit(latencyBatch(epochS, "cache_access", [1]), epochS * 1000);
    squeeze(disk.path, 0);
    const second = start("00000000000000a2", 0);
    expect(existsSync(`${file}.ballast`)).toBe(false);
    expect(second.previous).toMatchObject({ key: "00000000000000a1", clean: false });
    // Now there is no reserve, and no room even for the row of a run.
    squeeze(disk.path, 0);
    let refusal: unknown;
    try {
      start("00000000000000a3", 0);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toMatchObject({ code: "STORE_OPEN" });
    truncateSync(join(disk.path, "filler"), 0);
    const third = start("00000000000000a3", 0);
    expect(third.previous).toMatchObject({ key: "00000000000000a2", clean: false });
    expect(third.notices()).toMatchObject([{ kind: "unclean_stop" }]);
    for (const store of [third, second, crash]) store.close(epochS * 1000);
  });

  test("on which the history turns out to be damaged has room for a new one in the reserve", () => {
    using disk = smallDisk(8 * megabyte)!;
    const file = join(disk.path, "history.db");
    openStore(file, { ...options, ballastBytes: 0 }).close(epochS * 1000);
    const database = new Database(file);
    const [[root]] = database
      .query("SELECT rootpage FROM sqlite_schema WHERE name = 'name_name_unique'")
      .values() as [[number]];
    database.close();
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0xa5, 4096 * (root - 1), 4096 * root));
    const store = openStore(file, { ...options, freeBytesMin: 0 }, newRun("00000000000000a2"));
    // Room for the second at hand, not for a file beside the damaged one.
    squeeze(disk.path, 65_536);
    const batch = latencyBatch(epochS, "cache_access", [1]);
    expect(store.commit(batch, epochS * 1000)).toMatchObject({ failed: false, dropped: 0 });
    expect(store.notices().map(({ kind }) => kind)).toContain("history_damaged");
    expect(existsSync(`${file}.ballast`)).toBe(false);
    store.close(epochS * 1000);
    const reader = new HistoryReader(file);
    const { cache_access: summary } = atOnce(
      reader.latency.summary(epochS, epochS + 1, ["cache_access"]),
    );
    expect(summary!.count).toBe(1);
    reader.close();
  });

  test("that is nearly full costs the oldest seconds before anything is refused", () => {
    using disk = smallDisk(24 * megabyte)!;
    const changes = { ...options, freeBytesMin: 6 * megabyte };
    const store = openStore(join(disk.path, "history.db"), changes);
    const random = randomFrom(3);
    const kinds: string[] = [];
    const values = latencies(random, 600, 1e9);
    for (let s = 0; s < 6500; s++) {
      const nowMs = (epochS + s) * 1000;
      store.commit(latencyBatch(epochS + s, "cache_access", values), nowMs);
      store.maintain(nowMs);
      kinds.push(...store.notices().map(({ kind }) => kind));
      if (s === 5500) {
        squeeze(disk.path, 5.5 * megabyte);
      }
      if (s < 5500) expect(kinds).toEqual([]);
    }
    expect(kinds).toContain("disk_low");
    expect(kinds).not.toContain("memory_only");
    expect<boolean>(store.memoryOnly).toBe(false);
    store.close(0);
  });
});
