import { Database } from "bun:sqlite";
import { describe, expect, test, setDefaultTimeout } from "bun:test";
import { type Batch, emptyBatch } from "../../src/store/batch.ts";
import { HistoryReader } from "../../src/store/query.ts";
import type { MetricRow } from "../../src/store/schema.ts";
import type { Store } from "../../src/store/store.ts";
import { resolutions } from "../../src/store/tier.ts";
import { atOnce } from "../../src/store/turn.ts";
import { encode } from "../../src/telemetry/codec.ts";
import { Histogram } from "../../src/telemetry/histogram.ts";
import { latencies } from "../telemetry/sample.ts";
import {
  epochS,
  Folder,
  histogramOf,
  item,
  newRun,
  openStore,
  optionsFor,
  randomFrom,
  scale,
  seedOf,
} from "./fixture.ts";

// Thousands of real transactions take their time on a slow disk.
setDefaultTimeout(60_000);

type Second = { startS: number; values: number[]; counter: number };

function batchOf({ startS, values, counter }: Second): Batch {
  const batch = emptyBatch(startS);
  if (values.length > 0) batch.latency.push(item("cache_access", histogramOf(values), 1, 1));
  if (counter > 0) batch.metrics.push({ metric: "hftedge_evaluations_total", value: counter });
  return batch;
}

function rowsOf<T>(path: string, query: string): T[] {
  const database = new Database(path, { readonly: true });
  try {
    return database.query(query).all() as T[];
  } finally {
    database.close();
  }
}

/** The naive truth: for each resolution, all the values of its interval recorded one by one. */
function expectTiers(path: string, seconds: readonly Second[], complete: (r: number) => number) {
  for (const resolution of resolutions) {
    const buckets = Map.groupBy(
      seconds.filter(({ startS, values }) => values.length > 0 && startS < complete(resolution)),
      ({ startS }) => startS - (startS % resolution),
    );
    const rows = rowsOf<Record<string, unknown>>(
      path,
      `SELECT * FROM latency_row WHERE resolution = ${resolution} ORDER BY start`,
    );
    expect(rows.map((row) => row["start"])).toEqual([...buckets.keys()].toSorted((a, b) => a - b));
    for (const row of rows) {
      const merged = new Histogram();
      const bucket = buckets.get(row["start"] as number)!;
      for (const { values } of bucket) for (const value of values) merged.record(value);
      const { count, minNs, maxNs, sumNs } = merged;
      expect(row).toMatchObject({ count, min_ns: minNs, max_ns: maxNs, sum_ns: sumNs });
      expect(Buffer.from(row["histogram"] as Uint8Array)).toEqual(Buffer.from(encode(merged)));
    }
    const counters = rowsOf<MetricRow>(
      path,
      `SELECT sum(sum) AS sum FROM metric WHERE resolution = ${resolution}`,
    );
    const counted = seconds.filter(({ startS }) => startS < complete(resolution));
    expect(counters[0]!.sum ?? 0).toBe(counted.reduce((sum, second) => sum + second.counter, 0));
  }
}

function someSeconds(random: () => number, count: number, from = epochS): Second[] {
  return Array.from({ length: count }, (_, i) => ({
    startS: from + i,
    values: random() < 0.2 ? [] : latencies(random, 1 + Math.floor(random() * 20), 1e9),
    counter: Math.floor(random() * 3),
  }));
}

function catchUp(store: Store, nowS: number): void {
  for (let i = 0; i < 10_000; i++) if (store.maintain(nowS * 1000).rolled === 0) return;
  throw new Error("the roll-up does not come to an end");
}

describe("rolling up", () => {
  test("is exact at every resolution, second by second", () => {
    const random = randomFrom(seedOf("rollup"));
    using folder = new Folder();
    const store = openStore(folder.file);
    const seconds = someSeconds(random, 3700 * Math.min(scale, 5));
    for (const second of seconds) {
      store.commit(batchOf(second), second.startS * 1000);
      store.maintain((second.startS + 1) * 1000);
    }
    const nowS = seconds.at(-1)!.startS + 3;
    catchUp(store, nowS);
    expectTiers(folder.file, seconds, (r) => (r === 1 ? Infinity : nowS - 2 - ((nowS - 2) % r)));
    store.close(nowS * 1000);
  });

  test("takes seconds that come late, even days late, into every resolution", () => {
    const random = randomFrom(seedOf("rollup late"));
    using folder = new Folder();
    const years = 730 * 86_400;
    const tierS = { 1: years, 10: years, 60: years, 600: years, 3600: years };
    const retention = { ...optionsFor("").retention, tierS };
    const store = openStore(folder.file, { retention });
    const seconds = someSeconds(random, 400);
    // A clock that leapt two days ahead and was set back afterwards.
    const leap = someSeconds(random, 20, epochS + 172_800);
    const back = someSeconds(random, 300, epochS + 400);
    for (const second of [...seconds, ...leap, ...back]) {
      store.commit(batchOf(second), second.startS * 1000);
      store.maintain((second.startS + 1) * 1000);
    }
    const nowS = epochS + 180_000;
    catchUp(store, nowS);
    expectTiers(folder.file, [...seconds, ...leap, ...back], () => Infinity);
    store.close(nowS * 1000);
  });

  test("done twice, or stopped anywhere, gives the same as done once", () => {
    const random = randomFrom(seedOf("rollup restart"));
    using folder = new Folder();
    let store = openStore(folder.file);
    const seconds = someSeconds(random, 700);
    for (const second of seconds) {
      store.commit(batchOf(second), second.startS * 1000);
      if (random() < 0.1) store.maintain((second.startS + 1) * 1000);
      if (random() < 0.02) {
        store.close(second.startS * 1000);
        store = openStore(folder.file, {}, newRun(String(second.startS)));
      }
    }
    const nowS = epochS + 7200;
    catchUp(store, nowS);
    catchUp(store, nowS);
    expectTiers(folder.file, seconds, () => Infinity);
    store.close(nowS * 1000);
  });

  test("leaves out what a damaged row held, and tells nothing wrong about the others", () => {
    using folder = new Folder();
    const store = openStore(folder.file);
    const good: Second[] = [];
    for (let s = 0; s < 60; s++) {
      const second = { startS: epochS + s, values: [100 + s, 5000 * (s + 1)], counter: 1 };
      const batch = batchOf(second);
      if (s % 10 !== 3) good.push(second);
      else {
        // The last count says that more bytes follow: the cells before it are well-formed.
        const { histogram } = batch.latency[0]!;
        histogram[histogram.length - 1]! |= 0x80;
      }
      store.commit(batch, second.startS * 1000);
    }
    catchUp(store, epochS + 70);
    expect(store.notices().map(({ kind }) => kind)).toContain("row_unreadable");
    for (const resolution of [10, 60]) {
      const rows = rowsOf<Record<string, unknown>>(
        folder.file,
        `SELECT * FROM latency_row WHERE resolution = ${resolution} ORDER BY start`,
      );
      expect(rows).toHaveLength(60 / resolution);
      for (const row of rows) {
        const start = row["start"] as number;
        const within = good.filter((s) => s.startS >= start && s.startS < start + resolution);
        const merged = histogramOf(within.flatMap(({ values }) => values));
        const { count, minNs, maxNs, sumNs } = merged;
        expect(row).toMatchObject({ count, min_ns: minNs, max_ns: maxNs, sum_ns: sumNs });
        expect(Buffer.from(row["histogram"] as Uint8Array)).toEqual(Buffer.from(encode(merged)));
      }
    }
    store.close(0);
  });

  test("works in bounded steps after a long pause, and skips the empty time", () => {
    using folder = new Folder();
    const store = openStore(folder.file);
    const seconds = Array.from({ length: 900 }, (_, i) => ({
      startS: epochS + i + (i > 450 ? 40 * 86_400 : 0),
      values: [i],
      counter: 1,
    }));
    for (const second of seconds) store.commit(batchOf(second), second.startS * 1000);
    const nowS = seconds.at(-1)!.startS + 4000;
    let steps = 0;
    for (; steps < 50; steps++) {
      const { rolled } = store.maintain(nowS * 1000);
      // 600 s of one stage and one counter, then what they became: 60 rows of each, and so on.
      expect(rolled).toBeLessThanOrEqual(2 * (600 + 360 + 60));
      if (rolled === 0) break;
    }
    expect(steps).toBeLessThan(20);
    store.close(nowS * 1000);
  });
});

describe("retention", () => {
  test("deletes from each resolution what is too old there and nothing that was not merged", () => {
    using folder = new Folder();
    const retention = {
      ...optionsFor("").retention,
      tierS: { 1: 300, 10: 900, 60: 1800, 600: 3600, 3600: 86_400 } as const,
    };
    const store = openStore(folder.file, { retention });
    const random = randomFrom(seedOf("retention"));
    const seconds = someSeconds(random, 5600);
    for (const second of seconds) {
      store.commit(batchOf(second), second.startS * 1000);
      store.maintain((second.startS + 1) * 1000);
    }
    const nowS = seconds.at(-1)!.startS + 1;
    // Whole rows of the next resolution go, at most fifteen seconds after they may.
    for (const [resolution, keep, coarser] of [
      [1, 300, 10],
      [10, 900, 60],
      [60, 1800, 600],
    ] as const) {
      const [first] = rowsOf<{ start: number }>(
        folder.file,
        `SELECT min(start) AS start FROM latency_row WHERE resolution = ${resolution}`,
      );
      expect(first!.start).toBeGreaterThanOrEqual(nowS - keep - coarser - 15);
      expect(first!.start).toBeLessThanOrEqual(nowS - keep + coarser);
    }
    const counted = rowsOf<{ sum: number }>(
      folder.file,
      "SELECT sum(count) AS sum FROM latency_row WHERE resolution = 3600",
    );
    const hours = seconds.filter(({ startS }) => startS < epochS + 3600);
    expect(counted[0]!.sum).toBe(hours.reduce((sum, { values }) => sum + values.length, 0));
    store.close(nowS * 1000);
  });

  test("goes on when a clock that had leapt ahead is set back", () => {
    const random = randomFrom(seedOf("retention leap"));
    using folder = new Folder();
    const year = 365 * 86_400;
    const retention = {
      ...optionsFor("").retention,
      tierS: { 1: 300, 10: 900, 60: 1800, 600: 3600, 3600: 20 * year } as const,
    };
    const store = openStore(folder.file, { retention });
    const leap = someSeconds(random, 100, epochS + 10 * year);
    const back = someSeconds(random, 2000);
    for (const second of [...leap, ...back]) {
      store.commit(batchOf(second), second.startS * 1000);
      store.maintain((second.startS + 1) * 1000);
      // All of it reached the hours, so that seconds may go although they never were "merged".
      if (second === leap.at(-1)) catchUp(store, epochS + 10 * year + 7200);
    }
    const nowS = epochS + 2000;
    const [first] = rowsOf<{ start: number }>(
      folder.file,
      "SELECT min(start) AS start FROM latency_row WHERE resolution = 1",
    );
    expect(first!.start).toBeGreaterThanOrEqual(nowS - 300 - 10 - 15);
    expect(first!.start).toBeLessThanOrEqual(nowS - 300 + 10);
    const [hours] = rowsOf<{ sum: number }>(
      folder.file,
      "SELECT sum(count) AS sum FROM latency_row WHERE resolution = 3600",
    );
    expect(hours!.sum).toBe([...leap, ...back].reduce((sum, { values }) => sum + values.length, 0));
    // And the last minutes can be looked at second by second, as ever.
    const reader = new HistoryReader(folder.file);
    const range = { fromS: nowS - 200, toS: nowS, stepS: 1, stages: ["cache_access"] };
    const answer = atOnce(reader.latency.series(range, []));
    expect(answer.spans.map(({ resolution }) => resolution)).toEqual([1]);
    expect([...answer.series[0]!.count]).toEqual(back.slice(-200).map((s) => s.values.length));
    reader.close();
    store.close(nowS * 1000);
  });

  test("keeps the file below its size, at the cost of the oldest and finest", () => {
    using folder = new Folder();
    const sizeBytes = 7_000_000;
    const retention = { ...optionsFor("").retention, sizeBytes };
    const store = openStore(folder.file, { retention });
    const random = randomFrom(seedOf("size cap"));
    const histogram = histogramOf(latencies(random, 250, 1e9));
    let largest = 0;
    for (let s = 0; s < 9000; s++) {
      const batch = emptyBatch(epochS + s);
      for (const stage of ["a", "b"]) batch.latency.push(item(stage, histogram));
      store.commit(batch, (epochS + s) * 1000);
      if (s % 5 === 4) store.maintain((epochS + s) * 1000);
      if (s % 100 === 99) largest = Math.max(largest, store.sizes().bytes);
    }
    const [row] = rowsOf<{ minutes: number; first: number }>(
      folder.file,
      `SELECT (SELECT count(*) FROM latency_row WHERE resolution = 60 AND stage = 1) AS minutes,
              (SELECT min(start) FROM latency_row WHERE resolution = 1) AS first`,
    );
    expect(row!.minutes).toBe(149);
    expect(row!.first).toBeGreaterThan(epochS);
    expect(row!.first).toBeLessThanOrEqual(epochS + 9000 - 3600);
    expect(largest).toBeGreaterThan(sizeBytes / 2);
    expect(largest).toBeLessThan(1.3 * sizeBytes);
    expect(store.sizes().bytes).toBeLessThan(1.1 * sizeBytes);
    store.close((epochS + 9000) * 1000);
  });
});
