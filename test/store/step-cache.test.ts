/** What is kept of the past must be indistinguishable from the file, whatever happens to the file. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import type { LatencyAnswer } from "../../src/store/latency-query.ts";
import { HistoryReader } from "../../src/store/query.ts";
import { blockSteps, StepCache } from "../../src/store/step-cache.ts";
import { StepColumns } from "../../src/store/step-column.ts";
import type { Store } from "../../src/store/store.ts";
import { atOnce, type Turns } from "../../src/store/turn.ts";
import { emptyBatch } from "../../src/store/batch.ts";
import { latencies } from "../telemetry/sample.ts";
import {
  epochS,
  Folder,
  histogramOf,
  item,
  latencyBatch,
  openStore,
  optionsFor,
  randomFrom,
  scale,
  seedOf,
} from "./fixture.ts";

setDefaultTimeout(60_000);

const percents = [50, 99, 99.9];
const stages = ["total_pipeline", "cache_access", "ollama_processing"];

function write(store: Store, random: () => number, s: number, maintainS = s + 1): void {
  const batch = emptyBatch(s);
  for (const stage of ["total_pipeline.cached", "total_pipeline.uncached", "cache_access"]) {
    if (random() < 0.3) continue;
    const values = latencies(random, 1 + Math.floor(random() * 5), 1e9);
    batch.latency.push(item(stage, histogramOf(values), 1, 1));
  }
  store.commit(batch, s * 1000);
  store.maintain(maintainS * 1000);
}

/** As arrays of numbers: two NaN of different bits are the same. */
function plain({ series, ...head }: LatencyAnswer) {
  const numbers = series.map(({ stage, percentilesNs, ...columns }) => [
    stage,
    ...[...Object.values(columns), ...percentilesNs].map((column) => Array.from(column)),
  ]);
  return { ...head, numbers };
}

function expectSame(
  kept: HistoryReader,
  fresh: HistoryReader,
  random: () => number,
  untilS: number,
) {
  const stepS = [1, 2, 10, 30, 60, 600][Math.floor(random() * 6)]!;
  const fromS = epochS + Math.floor(random() * (untilS - epochS)) - 300;
  const range = { fromS, toS: fromS + 1 + Math.floor(random() * 3000), stepS, stages };
  const ask = (reader: HistoryReader) => plain(atOnce(reader.latency.series(range, percents)));
  expect(ask(kept)).toEqual(ask(fresh));
  const map = { fromS, toS: range.toS, stepS };
  const heat = (reader: HistoryReader) => {
    const { counts, ...head } = atOnce(reader.heatmap(map, "total_pipeline", 4));
    return { ...head, counts: Array.from(counts) };
  };
  expect(heat(kept)).toEqual(heat(fresh));
}

const minute = (i: number) => epochS + i * 60;
const block = (first: number) => new StepColumns(first, blockSteps, 0);

describe("answers out of memory", () => {
  test("are those of the file, while seconds come, late ones too, and old ones go", () => {
    const random = randomFrom(seedOf("step cache"));
    using folder = new Folder();
    const tierS = { 1: 400, 10: 800, 60: 1200, 600: 7200, 3600: 864_000 };
    const retention = { ...optionsFor("").retention, tierS };
    const store = openStore(folder.file, { retention });
    // Room for some of the blocks only, so that others have to go.
    const kept = new HistoryReader(folder.file, 200_000);
    const fresh = new HistoryReader(folder.file);
    let s = epochS;
    const seconds = 2000 * Math.min(scale, 8);
    for (; s < epochS + seconds; s++) {
      write(store, random, s);
      if (random() < 0.01)
        write(store, random, epochS + Math.floor(random() * (s - epochS)), s + 1);
      if (random() < 0.04) expectSame(kept, fresh, random, s);
    }
    kept.close();
    fresh.close();
    store.close(s * 1000);
  });

  test("have a second in them that came after it had been merged", () => {
    using folder = new Folder();
    const store = openStore(folder.file);
    for (let i = 0; i < 200; i++) {
      store.commit(latencyBatch(minute(i), "cache_access", [1000]), 0);
      store.maintain(minute(i + 1) * 1000);
    }
    const reader = new HistoryReader(folder.file, 1e6);
    const range = { fromS: epochS, toS: minute(200), stepS: 60, stages: ["cache_access"] };
    const countAt = (i: number) => atOnce(reader.latency.series(range, [])).series[0]!.count[i];
    const beats = () => reader.heatmap(range, "cache_access", 1);
    expect([countAt(100), Math.max(...atOnce(beats()).counts)]).toEqual([1, 1]);
    store.commit(latencyBatch(minute(100) + 7, "cache_access", [1000]), 0);
    expect([countAt(100), Math.max(...atOnce(beats()).counts)]).toEqual([2, 2]);
    reader.close();
    store.close(0);
  });

  test("are complete, though rows move and go between two turns of a query", () => {
    const random = randomFrom(seedOf("query between"));
    using folder = new Folder();
    const tierS = { 1: 600, 10: 864_000, 60: 864_000, 600: 864_000, 3600: 864_000 };
    const retention = { ...optionsFor("").retention, tierS };
    const store = openStore(folder.file, { retention });
    for (let i = 0; i < 3000; i++) {
      const s = epochS + i;
      store.commit(latencyBatch(s, "cache_access", [1 + Math.floor(random() * 1e6)]), s * 1000);
    }
    const reader = new HistoryReader(folder.file);
    const range = { fromS: epochS, toS: epochS + 3000, stepS: 60, stages: ["cache_access"] };
    const query: Turns<unknown> = reader.latency.series(range, percents);
    const expected = new HistoryReader(folder.file);
    const truth = atOnce(expected.latency.series(range, percents));
    // All of it is still in seconds; before the query is through, none of the first half is.
    query.next();
    query.next();
    for (let i = 0; i < 400; i++) store.maintain((epochS + 3600) * 1000);
    const answer = atOnce(query) as typeof truth;
    expect(plain(answer).numbers).toEqual(plain(truth).numbers);
    const rows = atOnce(reader.latency.series({ ...range, stepS: 1 }, [])).spans;
    expect(rows[0]!.resolution).not.toBe(1);
    for (const open of [reader, expected]) open.close();
    store.close(0);
  });
});

describe("the memory", () => {
  test("is bounded in bytes, and what was not asked for longest goes first", () => {
    const { bytes } = block(0);
    const cache = new StepCache(4 * (bytes + 500));
    for (let i = 0; i < 4; i++) cache.put(String(i), block(i), 0);
    expect(cache.get("0")).toBeDefined();
    cache.put("4", block(4), 0);
    expect(["0", "1", "2", "3", "4"].map((key) => cache.has(key))).toEqual([
      true,
      false,
      true,
      true,
      true,
    ]);
    for (let i = 0; i < 100; i++) cache.put(`x${i}`, block(i), 0);
    expect(cache.bytes).toBeLessThanOrEqual(4 * (bytes + 500));
    cache.put("large", new StepColumns(0, 5000, 20), 0);
    expect(cache.has("large")).toBe(false);
  });

  test("forgets everything with a new revision, and takes nothing that was read before it", () => {
    const cache = new StepCache(1e6);
    cache.put("a", block(0), 0);
    cache.at(1);
    cache.put("b", block(0), 0);
    cache.put("c", block(0), 1);
    expect(["a", "b", "c"].map((key) => cache.has(key))).toEqual([false, false, true]);
  });
});
