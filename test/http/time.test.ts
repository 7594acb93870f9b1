import { describe, expect, test } from "bun:test";
import { durationMs, parseRange, parseStep, parseTime, stepThatFits } from "../../src/http/time.ts";
import { parsePercentiles, percentileField } from "../../src/http/percentile.ts";

const nowMs = Date.UTC(2026, 0, 30, 12, 0, 0);

describe("times", () => {
  test.each([
    ["now", nowMs],
    ["-90s", nowMs - 90_000],
    ["now-1h30m", nowMs - 5_400_000],
    ["-1d12h", nowMs - 129_600_000],
    ["2026-01-30T10:00:00Z", Date.UTC(2026, 0, 30, 10)],
    ["2026-01-30T10:00:00", Date.UTC(2026, 0, 30, 10)],
    ["2026-01-30 10:00", Date.UTC(2026, 0, 30, 10)],
    ["2026-01-30T10:00:00.250+02:00", Date.UTC(2026, 0, 30, 8, 0, 0, 250)],
    ["2026-01-30T10:00:00 02:00", Date.UTC(2026, 0, 30, 8)],
    ["2026-01-30 10:00 0200", Date.UTC(2026, 0, 30, 8)],
    ["2026-01-30", Date.UTC(2026, 0, 30)],
    ["2024-02-29", Date.UTC(2024, 1, 29)],
    ["2026-02", Date.UTC(2026, 1, 1)],
    ["1769767200", 1_769_767_200_000],
    ["1769767200.5", 1_769_767_200_500],
    ["1769767200000", 1_769_767_200_000],
    ["1769767200000000", 1_769_767_200_000],
    ["1769767200000000000", 1_769_767_200_000],
  ])("%s", (text, expected) => {
    expect(parseTime("from", text, nowMs)).toBe(expected);
  });

  test.each([
    "",
    "yesterday",
    "1h",
    "-1",
    "-1x",
    "2026-13-40",
    "2026-02-29",
    "2026-04-31T10:00:00Z",
    "2026-01-30T10:00:00  02:00",
    "Jan 30 2026",
    "1e9",
    "9999-01-01",
  ])("%j is none", (text) => {
    expect(() => parseTime("from", text, nowMs)).toThrow(/^from /);
  });

  test("an empty range is refused, the default is the last hour", () => {
    expect(() => parseRange({ from: "now", to: "-1h" }, nowMs)).toThrow("from is not before to");
    expect(() => parseRange({ to: "0" }, nowMs)).toThrow("from is not before to");
    expect(parseRange({ to: "60" }, nowMs)).toEqual({ fromS: 0, toS: 60 });
    expect(parseRange({}, nowMs)).toEqual({ fromS: nowMs / 1000 - 3600, toS: nowMs / 1000 });
  });
});

describe("steps", () => {
  test.each([
    ["10", 10],
    ["10s", 10],
    ["1m", 60],
    ["1h30m", 5400],
    ["1d", 86_400],
  ])("%s", (text, expected) => {
    expect(parseStep(text, { fromS: 0, toS: 3600 }, 1, 11_000)).toBe(expected);
  });

  test.each(["0", "1.5s", "500ms", "-1m", "x", "9999999999", "999999999999y"])(
    "%s is none",
    (text) => {
      expect(() => parseStep(text, { fromS: 0, toS: 3600 }, 1, 11_000)).toThrow(/^step /);
    },
  );

  test("by default the finest that gives 1,000 points, within the cap of all series", () => {
    expect(parseStep(undefined, { fromS: 0, toS: 3600 }, 1, 11_000)).toBe(5);
    expect(parseStep(undefined, { fromS: 0, toS: 3600 }, 20, 11_000)).toBe(10);
  });

  test("the step that is named fits, and the next finer one does not", () => {
    const range = { fromS: 17, toS: 17 + 31_536_000 };
    const step = stepThatFits(range, 11_000);
    expect(Math.ceil(range.toS / step) - Math.floor(range.fromS / step)).toBeLessThanOrEqual(
      11_000,
    );
    expect(step).toBe(3600);
  });

  test("durations", () => {
    expect(durationMs("1w2d")).toBe(9 * 86_400_000);
    expect(durationMs("1 h")).toBeNaN();
  });
});

describe("percentiles", () => {
  test("are ascending, without repetition, and bounded", () => {
    expect(parsePercentiles("99, 50,99")).toEqual([50, 99]);
    expect(() => parsePercentiles(Array.from({ length: 21 }, (_, i) => i).join(","))).toThrow();
    for (const bad of ["", "50,", "101", "-1", "1e1", "NaN"]) {
      expect(() => parsePercentiles(bad)).toThrow(/^percentiles /);
    }
  });

  test("names that cannot be confused", () => {
    expect([50, 99.9, 99.99, 9.99, 0.5, 100].map(percentileField)).toEqual([
      "p50Ns",
      "p999Ns",
      "p9999Ns",
      "p9_99Ns",
      "p0_5Ns",
      "p100Ns",
    ]);
  });
});
