import { describe, expect, test } from "bun:test";
import { highestNs } from "../../src/telemetry/bucket.ts";
import { boardBytes, openBoard } from "../../src/telemetry/board.ts";
import { Histogram } from "../../src/telemetry/histogram.ts";
import { decisionNames, sourceNames } from "../../src/decision/signal.ts";
import {
  decisionLabels,
  labelsAt,
  Metric,
  metricSpecs,
  sourceLabels,
} from "../../src/telemetry/metric.ts";
import { RecorderCell, RecorderStat, sumModulus } from "../../src/telemetry/recorder.ts";
import { Stage } from "../../src/telemetry/stage.ts";
import { latencies, randomFrom, scale, seedOf } from "./sample.ts";

function newBoard() {
  return openBoard(new SharedArrayBuffer(boardBytes()));
}

describe("recording", () => {
  test("fills the same histogram as recording one by one, over every magnitude", () => {
    const random = randomFrom(seedOf("board record"));
    const board = newBoard();
    const feed = board.writer("feed");
    const truth = new Histogram();
    // Sums stay below 2^53, where adding doubles is exact in any order.
    const values = latencies(random, 20_000 * scale, 1e10);
    for (const value of [...values, 3.6e12, 1e12, 4_294_967_295, 4_294_967_296]) {
      feed.record(Stage.cacheAccess, value);
      truth.record(value);
    }
    const reader = board.reader();
    reader.read();
    expect(reader.stages[Stage.cacheAccess]!.histogram).toEqual(truth);
  });

  test("drops fractions of a nanosecond from value and sum alike", () => {
    const board = newBoard();
    board.writer("feed").record(Stage.cacheAccess, 1234.9);
    const reader = board.reader();
    reader.read();
    const { histogram } = reader.stages[Stage.cacheAccess]!;
    expect([histogram.minNs, histogram.maxNs, histogram.sumNs]).toEqual([1234, 1234, 1234]);
  });

  test("counts what is out of range: below zero, above an hour, not a number", () => {
    const board = newBoard();
    const feed = board.writer("feed");
    feed.record(Stage.networkLatency, -5);
    feed.record(Stage.networkLatency, Number.NEGATIVE_INFINITY);
    feed.record(Stage.networkLatency, 1e13);
    feed.record(Stage.networkLatency, Infinity);
    feed.record(Stage.networkLatency, Number.NaN);
    const reader = board.reader();
    reader.read();
    const { histogram, negatives, clamped, invalid } = reader.stages[Stage.networkLatency]!;
    expect({ negatives, clamped, invalid }).toEqual({ negatives: 2, clamped: 2, invalid: 1 });
    expect([histogram.count, histogram.minNs, histogram.maxNs]).toEqual([4, 0, highestNs]);
  });

  test("a failure that took time is in the histogram, one that did not is counted apart", () => {
    const board = newBoard();
    const inference = board.writer("inference");
    inference.record(Stage.ollamaProcessing, 1000);
    inference.fail(Stage.ollamaProcessing, 5_000_000);
    inference.fail(Stage.ollamaProcessing);
    const reader = board.reader();
    reader.read();
    const { histogram, errors, untimed } = reader.stages[Stage.ollamaProcessing]!;
    expect([histogram.count, histogram.maxNs, errors, untimed]).toEqual([2, 5_000_000, 2, 1]);
  });

  test("a stage belongs to one thread", () => {
    const board = newBoard();
    expect(() => board.writer("ops").recorder(Stage.cacheAccess)).toThrow("assertion failed");
    expect(() => board.writer("ops").channel(0)).toThrow("assertion failed");
  });
});

describe("thresholds", () => {
  test("count every value above, and none without a threshold", () => {
    const board = newBoard();
    const feed = board.writer("feed");
    board.setThresholds(new Map([[Stage.dataIngestion, 1_000_000]]));
    for (const value of [999_999, 1_000_000, 1_000_001, 7_000_000_000]) {
      feed.record(Stage.dataIngestion, value);
      feed.record(Stage.cacheAccess, value);
    }
    const reader = board.reader();
    reader.read();
    expect(reader.stages[Stage.dataIngestion]!.breaches).toBe(2);
    expect(reader.stages[Stage.dataIngestion]!.histogram.maxNs).toBe(7_000_000_000);
    expect(reader.stages[Stage.cacheAccess]!.breaches).toBe(0);
  });
});

describe("thresholds that are set anew", () => {
  test("are all that there are: one that was taken back counts nothing any more", () => {
    const board = newBoard();
    const feed = board.writer("feed");
    const reader = board.reader();
    board.setThresholds(new Map([[Stage.cacheAccess, 10]]));
    board.setThresholds(new Map([[Stage.dataIngestion, 10]]));
    feed.record(Stage.cacheAccess, 11);
    feed.record(Stage.dataIngestion, 11);
    reader.read();
    expect(reader.stages[Stage.cacheAccess]!.breaches).toBe(0);
    expect(reader.stages[Stage.dataIngestion]!.breaches).toBe(1);
  });
});

describe("intervals", () => {
  test("each value is in exactly one of them, with its own extremes", () => {
    const board = newBoard();
    const feed = board.writer("feed");
    const reader = board.reader();
    const { histogram } = reader.stages[Stage.cacheAccess]!;
    const seen: number[][] = [];
    for (const values of [[10, 30], [500], [], [7, 8, 9]]) {
      for (const value of values) feed.record(Stage.cacheAccess, value);
      reader.read();
      seen.push([histogram.count, histogram.minNs, histogram.maxNs, histogram.sumNs]);
    }
    expect(seen).toEqual([
      [2, 10, 30, 40],
      [1, 500, 500, 500],
      [0, Infinity, -Infinity, 0],
      [3, 7, 9, 24],
    ]);
    expect(reader.stageTotals[Stage.cacheAccess]!.count).toBe(6);
    expect(reader.stageTotals[Stage.cacheAccess]!.sumNs).toBe(564);
  });

  test("survive cells, counts and sums that wrap around", () => {
    const board = newBoard();
    const feed = board.writer("feed");
    const recorder = board.recorders[Stage.cacheAccess]!;
    const reader = board.reader();
    recorder.cells[100] = 0xffff_fffe;
    recorder.cells[RecorderCell.count] = 0xffff_fffe;
    recorder.cells[RecorderCell.errors] = 0xffff_ffff;
    recorder.stats[RecorderStat.sumNs] = sumModulus - 150;
    feed.counters[Metric.feed.evaluations] = 0xffff_fff0;
    feed.channel(3)[5] = 0xffff_ffff;
    reader.read();
    for (let i = 0; i < 5; i++) feed.record(Stage.cacheAccess, 100);
    feed.fail(Stage.cacheAccess);
    feed.count(Metric.feed.evaluations, 0x20);
    feed.channel(3)[5]! += 3;
    reader.read();
    const { histogram, errors } = reader.stages[Stage.cacheAccess]!;
    expect([histogram.count, histogram.sumNs, histogram.minNs, errors]).toEqual([5, 500, 100, 1]);
    expect(reader.counters.feed.deltas[Metric.feed.evaluations]).toBe(0x20);
    expect(reader.counters.feed.totals[Metric.feed.evaluations]).toBe(0x1_0000_0010);
    expect(reader.channels[3]!.deltas[5]).toBe(3);
  });

  test("know sums that pass the modulus several times within one interval", () => {
    const board = newBoard();
    const feed = board.writer("feed");
    for (let i = 0; i < 5000; i++) feed.record(Stage.networkLatency, 3_600_000_000_000 - i);
    const reader = board.reader();
    reader.read();
    const { histogram } = reader.stages[Stage.networkLatency]!;
    expect(histogram.sumNs).toBe(5000 * 3_600_000_000_000 - (4999 * 5000) / 2);
  });

  test("go on where they stopped when the writing thread is started again", () => {
    const buffer = new SharedArrayBuffer(boardBytes());
    const first = openBoard(buffer);
    const reader = first.reader();
    first.writer("feed").record(Stage.cacheAccess, 11);
    first.writer("feed").count(Metric.feed.evaluations, 4);
    reader.read();
    first.writer("feed").record(Stage.cacheAccess, 22);
    const second = openBoard(buffer);
    second.writer("feed").record(Stage.cacheAccess, 33);
    second.writer("feed").count(Metric.feed.evaluations, 2);
    reader.read();
    expect(reader.stages[Stage.cacheAccess]!.histogram.sumNs).toBe(55);
    expect(reader.counters.feed.deltas[Metric.feed.evaluations]).toBe(2);
    expect(reader.counters.feed.totals[Metric.feed.evaluations]).toBe(6);
  });

  test("neither lose nor repeat anything when the reading thread is started again", () => {
    const buffer = new SharedArrayBuffer(boardBytes());
    const board = openBoard(buffer);
    const feed = board.writer("feed");
    const first = board.reader();
    feed.record(Stage.cacheAccess, 100);
    feed.count(Metric.feed.evaluations);
    first.read();
    feed.record(Stage.cacheAccess, 2000);
    feed.count(Metric.feed.evaluations, 2);
    const second = openBoard(buffer).reader();
    second.read();
    const { histogram } = second.stages[Stage.cacheAccess]!;
    expect([histogram.count, histogram.minNs, histogram.sumNs]).toEqual([1, 2000, 2000]);
    expect(second.counters.feed.deltas[Metric.feed.evaluations]).toBe(2);
    expect(second.counters.feed.totals[Metric.feed.evaluations]).toBe(3);
    expect(second.stageTotals[Stage.cacheAccess]!.count).toBe(2);
  });

  test("lose nothing while another thread records as fast as it can", async () => {
    const buffer = new SharedArrayBuffer(boardBytes());
    const reader = openBoard(buffer).reader();
    const control = new Int32Array(new SharedArrayBuffer(8));
    const worker = new Worker(new URL("./board-writer.ts", import.meta.url).href);
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a Worker has none.
    worker.postMessage({ buffer, control, total: 3_000_000 });
    const merged = new Histogram();
    let counted = 0;
    const read = () => {
      reader.read();
      const { histogram } = reader.stages[Stage.cacheAccess]!;
      if (histogram.count > 0) {
        expect(histogram.minNs).toBeGreaterThanOrEqual(100);
        // Caught in mid-record, an extreme is only as good as its cell: 1120 … 1127.
        expect(histogram.maxNs).toBeLessThanOrEqual(1127);
      }
      merged.merge(histogram);
      counted += reader.counters.feed.deltas[Metric.feed.evaluations]!;
      if (histogram.count > 0) Atomics.add(control, 1, 1);
    };
    while (Atomics.load(control, 0) === 0) {
      read();
      await new Promise(setImmediate);
    }
    read();
    worker.terminate();
    const total = Atomics.load(control, 0);
    expect(merged.count).toBe(total);
    expect(counted).toBe(total);
    let sum = 0;
    for (let i = 0; i < total; i++) sum += 100 + (i & 1023);
    expect(merged.sumNs).toBe(sum);
    expect(reader.stageTotals[Stage.cacheAccess]!.sumNs).toBe(sum);
  });
});

describe("metrics", () => {
  test("no two share a cell or a name", () => {
    const taken = new Set<string>();
    for (const { thread, kind, id, cells } of metricSpecs) {
      for (let cell = id; cell < id + cells; cell++) {
        const place = `${thread} ${kind} ${cell}`;
        expect(taken).not.toContain(place);
        taken.add(place);
      }
    }
    expect(new Set(metricSpecs.map(({ name }) => name)).size).toBe(metricSpecs.length);
  });

  test("are named as Prometheus wants it", () => {
    for (const { name, kind, help } of metricSpecs) {
      expect(name).toMatch(/^hftedge_[a-z0-9_]+$/);
      expect(name.endsWith("_total")).toBe(kind === "counter");
      expect(help).toMatch(/^\S.*\.$/);
    }
  });

  test("families number their labels with the last one fastest", () => {
    const signals = metricSpecs.find(({ key }) => key === "signals")!;
    expect(signals.cells).toBe(40);
    expect(labelsAt(signals, 0)).toEqual({ source: "l1", decision: "none" });
    expect(labelsAt(signals, 2 * 4 + 1)).toEqual({ source: "model", decision: "buy" });
  });

  test("label signals in the order of the signal's own enumerations", () => {
    expect<string[]>(["none", ...sourceLabels]).toEqual([...sourceNames]);
    expect(decisionLabels.map((name) => name.toUpperCase())).toEqual([...decisionNames]);
  });
});
