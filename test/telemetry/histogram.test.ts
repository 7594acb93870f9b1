import { describe, expect, test } from "bun:test";
import { cellCount, cellOf, highestNs, highestOf, lowestOf } from "../../src/telemetry/bucket.ts";
import { Histogram } from "../../src/telemetry/histogram.ts";
import { latencies, percentileOf, randomFrom, scale, seedOf } from "./sample.ts";

const percents = [0, 1, 25, 50, 90, 95, 99, 99.9, 99.99, 100];

describe("cells", () => {
  test("follow each other without gap or overlap over the whole range", () => {
    for (let cell = 1; cell < cellCount; cell++) {
      expect(lowestOf(cell)).toBe(highestOf(cell - 1) + 1);
    }
    expect(cellOf(highestNs)).toBeLessThan(cellCount);
  });

  test("hold their own bounds", () => {
    const last = cellOf(highestNs);
    for (let cell = 0; cell < last; cell++) {
      expect(cellOf(lowestOf(cell))).toBe(cell);
      expect(cellOf(highestOf(cell))).toBe(cell);
    }
  });

  test("are never wider than 0.8 % of the value", () => {
    for (let cell = 0; cell < cellCount; cell++) {
      expect(highestOf(cell) - lowestOf(cell)).toBeLessThanOrEqual(lowestOf(cell) * 0.008);
    }
  });
});

describe("an empty histogram", () => {
  test("has no percentile and no mean", () => {
    const histogram = new Histogram();
    expect(histogram.percentile(50)).toBeNaN();
    expect(histogram.meanNs).toBeNaN();
    expect(histogram.countAtMost(1e9)).toBe(0);
  });

  test("is what reset leaves behind", () => {
    const histogram = new Histogram();
    histogram.record(12_345, 7);
    histogram.record(3e12);
    histogram.reset();
    expect(histogram).toEqual(new Histogram());
  });
});

describe("extremes", () => {
  test("are exact, whatever the cells' width", () => {
    const histogram = new Histogram();
    histogram.record(1_000_003);
    histogram.record(1_000_001);
    expect([histogram.percentile(0), histogram.percentile(100)]).toEqual([1_000_001, 1_000_003]);
    expect([histogram.minNs, histogram.maxNs, histogram.sumNs]).toEqual([
      1_000_001, 1_000_003, 2_000_004,
    ]);
  });

  test("above an hour are an hour", () => {
    const histogram = new Histogram();
    histogram.record(1e15);
    expect(histogram.maxNs).toBe(highestNs);
  });

  test("that contradict the cells are put right from the cells", () => {
    const histogram = new Histogram();
    histogram.addCell(cellOf(1_000_000), 3);
    histogram.addCell(cellOf(2_000_000), 1);
    histogram.addExtremes(5, 7, 0);
    histogram.repairExtremes();
    expect(histogram.minNs).toBe(lowestOf(cellOf(1_000_000)));
    expect(histogram.maxNs).toBe(highestOf(cellOf(2_000_000)));
  });
});

describe("against the sorted values", () => {
  test("percentiles of merged histograms are those of all values, within 0.8 %", () => {
    const seed = seedOf("histogram merge");
    const random = randomFrom(seed);
    for (let round = 0; round < 60 * scale; round++) {
      const all: number[] = [];
      const merged = new Histogram();
      const parts = 1 + Math.floor(random() * 8);
      for (let part = 0; part < parts; part++) {
        const highest = 10 ** (1 + random() * 11.5);
        const values = latencies(random, 1 + Math.floor(random() * 500), highest);
        const one = new Histogram();
        for (const value of values) one.record(value);
        merged.merge(one);
        all.push(...values);
      }
      all.sort((a, b) => a - b);
      expect(merged.count).toBe(all.length);
      expect(merged.minNs).toBe(all[0]!);
      expect(merged.maxNs).toBe(all.at(-1)!);
      expect(merged.sumNs).toBe(all.reduce((sum, value) => sum + value, 0));
      const out = new Float64Array(percents.length);
      merged.percentilesInto(percents, out, 0);
      percents.forEach((percent, i) => {
        const truth = percentileOf(all, percent);
        expect(out[i]!, `p${percent} of ${all.length}`).toBeGreaterThanOrEqual(truth);
        expect(out[i]!).toBeLessThanOrEqual(truth * 1.008);
      });
    }
  });

  test("the order of merging does not matter", () => {
    const random = randomFrom(seedOf("histogram order"));
    const parts = Array.from({ length: 6 }, () => {
      const part = new Histogram();
      for (const value of latencies(random, 200, 1e9)) part.record(value);
      return part;
    });
    const forwards = new Histogram();
    const backwards = new Histogram();
    for (const part of parts) forwards.merge(part);
    for (const part of parts.toReversed()) backwards.merge(part);
    expect(backwards).toEqual(forwards);
  });

  test("the count at most a value is the number of values up to the end of its cell", () => {
    const random = randomFrom(seedOf("histogram count"));
    const values = latencies(random, 2000, 1e10);
    const histogram = new Histogram();
    for (const value of values) histogram.record(value);
    for (const limit of [0, 1, 255, 256, 1000, 5e6, 1e10, 1e15]) {
      const top = highestOf(cellOf(Math.min(limit, highestNs)));
      expect(histogram.countAtMost(limit)).toBe(values.filter((v) => v <= top).length);
    }
  });
});

test("p99.9 of 1,000 values is the 999th, not the 1,000th", () => {
  const histogram = new Histogram();
  histogram.record(100, 999);
  histogram.record(200);
  expect(histogram.percentile(99.9)).toBe(100);
  expect(histogram.percentile(99.91)).toBe(200);
});
