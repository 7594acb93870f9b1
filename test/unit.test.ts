import { expect, test } from "bun:test";
import { byteCount, count, counted, decimal, duration, percent } from "../src/unit.ts";

test("units suit the size", () => {
  const cases: [number | null, string][] = [
    [null, "-"],
    [Number.NaN, "-"],
    [0, "0 ns"],
    [999, "999 ns"],
    [1000, "1.00 µs"],
    [9_999, "10.0 µs"],
    [999.6, "1.00 µs"],
    [999_499, "999 µs"],
    [999_500, "1.00 ms"],
    [999_499_999, "999 ms"],
    [999_500_000, "1.0 s"],
    [1_000_000, "1.00 ms"],
    [45_600_000, "45.6 ms"],
    [1e9, "1.0 s"],
    [125e9, "2 min 5 s"],
    [7_260e9, "2 h 1 min"],
  ];
  for (const [ns, text] of cases) expect(duration(ns)).toBe(text);
  expect([0, 999, 1000, 1_234_567.4].map(count)).toEqual(["0", "999", "1,000", "1,234,567"]);
  expect([0, 0.5, 0.999999, 1, Number.NaN].map(percent)).toEqual([
    "0.0 %",
    "50.0 %",
    "99.99 %",
    "100 %",
    "-",
  ]);
  expect([1, 189.5, 0.0001, 12.345, Number.NaN].map(decimal)).toEqual([
    "1.00",
    "189.50",
    "0.0001",
    "12.345",
    "-",
  ]);
  expect([12.5, 999, 1_500, 2_500_000, 3_210_000_000].map(byteCount)).toEqual([
    "13 B",
    "999 B",
    "1.5 kB",
    "2.5 MB",
    "3.21 GB",
  ]);
});

test("a number with its noun", () => {
  expect([0, 1, 2041].map((n) => counted(n, "error"))).toEqual([
    "0 errors",
    "1 error",
    "2,041 errors",
  ]);
});
