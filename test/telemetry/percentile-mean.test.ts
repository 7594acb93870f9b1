/**
 * The README's example of why averages of percentiles lie. The figures in it are these: an hour of
 * seconds with 1,000 fast events each, and one minute of it a burst with thirty times as many.
 */
import { expect, test } from "bun:test";
import { Histogram } from "../../src/telemetry/histogram.ts";

/** 3,600 seconds: all events of a second take the same time, so that the sums can be checked by hand. */
function bursty(): { perSecond: Histogram[]; hour: Histogram } {
  const hour = new Histogram();
  const perSecond = Array.from({ length: 3600 }, (_, second) => {
    const histogram = new Histogram();
    const burst = second >= 1800 && second < 1860;
    if (burst) histogram.record(180_000, 30_000);
    else histogram.record(6000, 1000);
    hour.merge(histogram);
    return histogram;
  });
  return { perSecond, hour };
}

function readmeFigures() {
  const { perSecond, hour } = bursty();
  const p99 = perSecond.map((histogram) => histogram.percentile(99));
  return {
    meanOfP99Us: p99.reduce((sum, value) => sum + value, 0) / p99.length / 1000,
    trueP99Us: hour.percentile(99) / 1000,
  };
}

test("in a bursty hour the mean of the p99s is twenty times below the p99", () => {
  const { meanOfP99Us, trueP99Us } = readmeFigures();
  expect(meanOfP99Us).toBeCloseTo(8.9, 1);
  expect(trueP99Us).toBe(180);
  expect(trueP99Us / meanOfP99Us).toBeGreaterThan(20);
});
