import { describe, expect, test, setDefaultTimeout } from "bun:test";
import { emptyBatch } from "../../src/store/batch.ts";
import { bandsPerDoubling } from "../../src/store/heatmap-query.ts";
import { HistoryReader } from "../../src/store/query.ts";
import { spansOf } from "../../src/store/span.ts";
import type { Store } from "../../src/store/store.ts";
import { type Resolution, resolutions } from "../../src/store/tier.ts";
import { Histogram } from "../../src/telemetry/histogram.ts";
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
import { atOnce } from "../../src/store/turn.ts";

// Thousands of real transactions take their time on a slow disk.
setDefaultTimeout(60_000);

const percents = [50, 95, 99, 99.9];
type Values = Map<number, number[]>;

/** Seconds with holes, cached and uncached, written and maintained as in a run. */
function fill(store: Store, random: () => number, seconds: number): Record<string, Values> {
  const cached: Values = new Map();
  const uncached: Values = new Map();
  for (let s = epochS; s < epochS + seconds; s++) {
    const batch = emptyBatch(s);
    for (const [stage, values] of [
      ["total_pipeline.cached", cached],
      ["total_pipeline.uncached", uncached],
    ] as const) {
      if (random() < 0.3) continue;
      const some = latencies(random, 1 + Math.floor(random() * 10), 1e9);
      values.set(s, some);
      batch.latency.push(item(stage, histogramOf(some), 2, 1));
    }
    batch.metrics.push({ metric: "hftedge_evaluations_total", value: s % 7 });
    store.commit(batch, s * 1000);
    store.maintain((s + 1) * 1000);
  }
  const both: Values = new Map();
  for (const [s, values] of [...cached, ...uncached])
    both.set(s, [...(both.get(s) ?? []), ...values]);
  return { "total_pipeline.cached": cached, total_pipeline: both };
}

function truthOf(values: Values, from: number, to: number): Histogram {
  const histogram = new Histogram();
  for (let s = from; s < to; s++) for (const value of values.get(s) ?? []) histogram.record(value);
  return histogram;
}

describe("latency", () => {
  test("over any range and step is what recording the values one by one gives", () => {
    const random = randomFrom(seedOf("query series"));
    using folder = new Folder();
    const store = openStore(folder.file);
    const truth = fill(store, random, 3800);
    const reader = new HistoryReader(folder.file);
    const stages = Object.keys(truth);
    const used = new Set<number>();
    const steps = [1, 2, 7, 10, 30, 60, 120, 600, 3600];
    for (let round = 0; round < 40 * scale; round++) {
      // Every step once over all that there is, so that each tier's rows are read whatever the seed.
      const whole = round < steps.length;
      const stepS = steps[whole ? round : Math.floor(random() * steps.length)]!;
      const fromS = epochS - 100 + (whole ? 0 : Math.floor(random() * 3000));
      const lengthS = whole ? 4000 : 1 + Math.floor(random() * 3000);
      const toS = Math.min(fromS + lengthS, fromS + 500 * stepS);
      const answer = atOnce(reader.latency.series({ fromS, toS, stepS, stages }, percents));
      expect(answer.fromS).toBe(Math.floor(fromS / stepS) * stepS);
      expect(answer.unreadable).toBe(0);
      for (const { resolution } of answer.spans) used.add(resolution);
      for (const series of answer.series) {
        for (let i = 0; i < answer.steps; i++) {
          const start = answer.fromS + i * stepS;
          const expected = truthOf(truth[series.stage]!, start, start + stepS);
          expect(series.count[i]).toBe(expected.count);
          if (expected.count === 0) {
            expect([series.minNs[i], series.percentilesNs[0]![i]]).toEqual([NaN, NaN]);
            continue;
          }
          expect([series.minNs[i], series.maxNs[i]]).toEqual([expected.minNs, expected.maxNs]);
          expect(series.meanNs[i]).toBeCloseTo(expected.meanNs, 3);
          percents.forEach((percent, p) => {
            expect(series.percentilesNs[p]![i]).toBe(expected.percentile(percent));
          });
        }
      }
    }
    expect([...used].toSorted((a, b) => a - b)).toEqual([...resolutions]);
    reader.close();
    store.close(0);
  });

  test("summary covers exactly the seconds asked for, from the coarsest rows that fit", () => {
    const random = randomFrom(seedOf("query summary"));
    using folder = new Folder();
    const store = openStore(folder.file);
    const truth = fill(store, random, 3800);
    const reader = new HistoryReader(folder.file);
    for (let round = 0; round < 20 * scale; round++) {
      const fromS = epochS + Math.floor(random() * 2000);
      const toS = fromS + 1 + Math.floor(random() * 3000);
      const summary = atOnce(
        reader.latency.summary(fromS, toS, ["total_pipeline", "cache_access"]),
      );
      const expected = truthOf(truth["total_pipeline"]!, fromS, toS);
      expect(summary["total_pipeline"]).toMatchObject({
        count: expected.count,
        minNs: expected.minNs,
        maxNs: expected.maxNs,
        medianNs: expected.percentile(50),
        p999Ns: expected.percentile(99.9),
      });
      expect(summary["cache_access"]).toMatchObject({ count: 0, successRate: null, p99Ns: null });
    }
    reader.close();
    store.close(0);
  });

  test("counts failures beside the durations", () => {
    using folder = new Folder();
    const store = openStore(folder.file);
    const batch = emptyBatch(epochS);
    batch.latency.push(item("ollama_processing", histogramOf([1, 2, 3]), 2, 1));
    store.commit(batch, 0);
    const reader = new HistoryReader(folder.file);
    const summary = atOnce(reader.latency.summary(epochS, epochS + 1, ["ollama_processing"]));
    expect(summary["ollama_processing"]).toMatchObject({ count: 3, errors: 2, successRate: 0.5 });
    reader.close();
    store.close(0);
  });

  test("of what only coarser rows remember is shown where those begin, and once", () => {
    using folder = new Folder();
    const tierS = { 1: 300, 10: 600, 60: 1200, 600: 1200, 3600: 864_000 };
    const retention = { ...optionsFor("").retention, tierS };
    const store = openStore(folder.file, { retention });
    const random = randomFrom(seedOf("query pruned"));
    const truth = fill(store, random, 5400)["total_pipeline"]!;
    const reader = new HistoryReader(folder.file);
    const total = truthOf(truth, epochS, epochS + 5400).count;
    for (const stepS of [1, 10, 60, 3600]) {
      const range = { fromS: epochS, toS: epochS + 7200, stepS, stages: ["total_pipeline"] };
      const answer = atOnce(reader.latency.series(range, percents));
      expect(answer.series[0]!.count.reduce((sum, count) => sum + count, 0)).toBe(total);
      expect(answer.spans.at(0)!.resolution).toBe(3600);
      expect(answer.spans.at(-1)!.to).toBe(epochS + 7200);
    }
    // Ten minutes of an hour that is one row by now: that row, in the first step.
    const range = {
      fromS: epochS + 600,
      toS: epochS + 1200,
      stepS: 60,
      stages: ["total_pipeline"],
    };
    const [series] = atOnce(reader.latency.series(range, percents)).series;
    const hour = truthOf(truth, epochS, epochS + 3600).count;
    expect([...series!.count]).toEqual([hour, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    const summary = atOnce(reader.latency.summary(epochS + 605, epochS + 1205, ["total_pipeline"]));
    expect(summary["total_pipeline"]!.count).toBe(hour);
    reader.close();
    store.close(0);
  });

  test("of a damaged row is left out and said, wherever the damage is", () => {
    using folder = new Folder();
    const store = openStore(folder.file);
    const damages = [
      (bytes: Uint8Array) => (bytes[0]! ^= 1),
      // The last count says that more bytes follow: the cells before it are well-formed.
      (bytes: Uint8Array) => (bytes[bytes.length - 1]! |= 0x80),
    ];
    damages.forEach((damage, i) => {
      const batch = latencyBatch(epochS + 2 * i, "cache_access", [10, 30, 5000]);
      damage(batch.latency[0]!.histogram);
      store.commit(batch, 0);
      store.commit(latencyBatch(epochS + 2 * i + 1, "cache_access", [20]), 0);
    });
    // A step of many rows that span the cells which the damaged one touched.
    for (const s of [4, 5])
      store.commit(latencyBatch(epochS + s, "cache_access", [1, 2, 40, 9000]), 0);
    const reader = new HistoryReader(folder.file);
    const range = { fromS: epochS, toS: epochS + 6, stepS: 2, stages: ["cache_access"] };
    const answer = atOnce(reader.latency.series(range, percents));
    const [series] = answer.series;
    expect([answer.unreadable, ...series!.count]).toEqual([2, 1, 1, 8]);
    expect([...series!.percentilesNs[0]!]).toEqual([20, 20, 2]);
    const map = atOnce(reader.heatmap(range, "cache_access", 1));
    expect(map.counts.reduce((sum, count) => sum + count, 0)).toBe(10);
    reader.close();
    store.close(0);
  });

  test("asked for wrongly is refused with what is right", () => {
    using folder = new Folder();
    const store = openStore(folder.file);
    const reader = new HistoryReader(folder.file);
    const range = { fromS: 10, toS: 20, stepS: 1, stages: ["cache_access"] };
    expect(() => atOnce(reader.latency.series({ ...range, toS: 10 }, []))).toThrow("no range");
    expect(() => atOnce(reader.latency.series({ ...range, stepS: 0.5 }, []))).toThrow("no range");
    expect(() => atOnce(reader.latency.series({ ...range, stages: ["x"] }, []))).toThrow(
      'no stage "x"',
    );
    reader.close();
    store.close(0);
  });
});

test("spans cover the range without gap or overlap, whatever the tiers hold", () => {
  const random = randomFrom(seedOf("spans"));
  for (let round = 0; round < 2000 * scale; round++) {
    let rolledTo = 200_000;
    let prunedTo = 200_000;
    const tiers = resolutions.map((resolution: Resolution, i) => {
      const coarser = resolutions[i + 1] ?? resolution;
      rolledTo -= Math.floor(random() * 3) * 3600 + (rolledTo % resolution);
      prunedTo = Math.floor((prunedTo * random()) / coarser) * coarser;
      return { resolution, rolledTo: resolution === 1 ? 0 : rolledTo, prunedTo };
    });
    const step = [1, 10, 60, 3600][Math.floor(random() * 4)]!;
    const from = Math.floor((random() * 100_000) / step) * step;
    const to = from + step * (1 + Math.floor(random() * 50));
    const spans = spansOf(tiers, from, to, step);
    expect(spans[0]!.from).toBe(from);
    expect(spans.at(-1)!.to).toBe(to);
    for (let i = 1; i < spans.length; i++) expect(spans[i]!.from).toBe(spans[i - 1]!.to);
  }
});

test("a heat map has every value in the band and step it belongs to", () => {
  const random = randomFrom(seedOf("heatmap"));
  using folder = new Folder();
  const store = openStore(folder.file);
  const truth = fill(store, random, 600)["total_pipeline"]!;
  const reader = new HistoryReader(folder.file);
  for (const perDoubling of bandsPerDoubling) {
    const range = { fromS: epochS, toS: epochS + 600, stepS: 60 };
    const map = atOnce(reader.heatmap(range, "total_pipeline", perDoubling));
    const bands = map.edgesNs.length - 1;
    expect(map.edgesNs).toEqual(map.edgesNs.toSorted((a, b) => a - b));
    for (let step = 0; step < 10; step++) {
      const values = [];
      for (let s = 0; s < 60; s++) values.push(...(truth.get(epochS + step * 60 + s) ?? []));
      for (let band = 0; band < bands; band++) {
        const [low, high] = [map.edgesNs[band]!, map.edgesNs[band + 1]!];
        const inBand = values.filter((value) => value >= low && value < high).length;
        expect(map.counts[band * map.steps + step]).toBe(inBand);
      }
    }
    expect(map.counts.reduce((sum, count) => sum + count, 0)).toBe(
      truthOf(truth, epochS, epochS + 600).count,
    );
  }
  const nothing = atOnce(reader.heatmap({ fromS: 0, toS: 60, stepS: 60 }, "cache_access", 4));
  expect([nothing.edgesNs, nothing.counts.length]).toEqual([[], 0]);
  reader.close();
  store.close(0);
});

test("counters add up over any step, and gauges keep their last value", () => {
  const random = randomFrom(seedOf("metric query"));
  using folder = new Folder();
  const store = openStore(folder.file);
  fill(store, random, 1300);
  const batch = emptyBatch(epochS + 1301);
  batch.metrics.push({ metric: "hftedge_pending_states", value: 9 });
  store.commit(batch, 0);
  const reader = new HistoryReader(folder.file);
  for (const stepS of [1, 10, 60]) {
    const range = { fromS: epochS, toS: epochS + 1200, stepS };
    const answer = reader.metric.series(range, ["hftedge_evaluations_total", "unknown"]);
    for (let i = 0; i < answer.steps; i++) {
      let sum = 0;
      for (let s = 0; s < stepS; s++) sum += (epochS + i * stepS + s) % 7;
      expect(answer.series[0]!.sum[i]).toBe(sum);
      expect(answer.series[1]!.sum[i]).toBeNaN();
    }
  }
  const range = { fromS: epochS + 1300, toS: epochS + 1360, stepS: 60 };
  expect(reader.metric.series(range, ["hftedge_pending_states"]).series[0]!.last[0]).toBe(9);
  reader.close();
  store.close(0);
});

test("pages follow each other by cursor while rows are added", () => {
  using folder = new Folder();
  const store = openStore(folder.file);
  const event = { kind: "test", severity: "info", message: "", detail: "" };
  const add = (from: number, count: number) => {
    const batch = emptyBatch(epochS);
    for (let i = 0; i < count; i++) batch.events.push({ ...event, atMs: from + i });
    store.commit(batch, 0);
  };
  add(0, 25);
  const reader = new HistoryReader(folder.file);
  const seen: number[] = [];
  let before: number | undefined;
  for (;;) {
    const { rows, next } = reader.record.events({ before, limit: 10 });
    seen.push(...rows.map(({ atMs }) => atMs));
    add(1000, 5);
    if (next === null) break;
    before = next;
  }
  expect(seen).toEqual(Array.from({ length: 25 }, (_, i) => 24 - i));
  const { rows, next } = reader.record.events({ limit: 100, fromMs: 3, toMs: 7 });
  expect([rows.map(({ atMs }) => atMs), next]).toEqual([[7, 6, 5, 4, 3], null]);
  reader.close();
  store.close(0);
});
