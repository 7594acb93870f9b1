import { describe, expect, test } from "bun:test";
import {
  bandOf,
  countRange,
  emptyRuns,
  type HeatData,
  heatPixels,
  stepTotals,
} from "../../src/web/heat.ts";
import { ramp } from "../../src/web/palette.ts";

/** Two bands, four steps; nothing in the third. */
const heat: HeatData = {
  stage: "total_pipeline",
  fromS: 1000,
  stepS: 1,
  steps: 4,
  edgesNs: [1024, 2048, 4096],
  counts: [5, 1, 0, 90, 0, 2, 0, 1],
};
const colours = ramp(["#000000", "#ffffff"]);

describe("a heat map", () => {
  test("countsEachStep", () => {
    expect([...stepTotals(heat)]).toEqual([5, 3, 0, 91]);
    expect(countRange(heat)).toEqual({ least: 1, most: 90 });
    expect(countRange({ ...heat, counts: [0, 0] })).toEqual({ least: 0, most: 0 });
  });

  test("stepsWithNothingAreRuns", () => {
    expect(emptyRuns(stepTotals(heat))).toEqual([[2, 3]]);
    expect(emptyRuns(new Float64Array(3))).toEqual([[0, 3]]);
    expect(emptyRuns(new Float64Array([0, 0, 1, 0]))).toEqual([
      [0, 2],
      [3, 4],
    ]);
  });

  test("theSlowestBandIsOnTop_andNothingIsTransparent", () => {
    const pixels = heatPixels(heat, colours);
    const alpha = (row: number, step: number): number => pixels[(row * heat.steps + step) * 4 + 3]!;
    expect([0, 1, 2, 3].map((step) => alpha(0, step))).toEqual([0, 255, 0, 255]);
    expect([0, 1, 2, 3].map((step) => alpha(1, step))).toEqual([255, 255, 0, 255]);
  });

  test("moreIsBrighter_andOneIsStillSeen", () => {
    const pixels = heatPixels(heat, colours);
    const level = (row: number, step: number): number => pixels[(row * heat.steps + step) * 4]!;
    expect(level(1, 3)).toBe(255);
    expect(level(1, 0)).toBeLessThan(level(1, 3));
    expect(level(1, 1)).toBeLessThan(level(1, 0));
    expect(level(1, 1)).toBeGreaterThan(30);
  });

  test("withoutAValueHasNoPixels", () => {
    expect(heatPixels({ ...heat, edgesNs: [], counts: [] }, colours)).toHaveLength(0);
  });

  test("bandsHoldTheirLowerEdge", () => {
    expect(bandOf(heat.edgesNs, 1023)).toBe(-1);
    expect(bandOf(heat.edgesNs, 1024)).toBe(0);
    expect(bandOf(heat.edgesNs, 2047)).toBe(0);
    expect(bandOf(heat.edgesNs, 2048)).toBe(1);
    expect(bandOf(heat.edgesNs, 4096)).toBe(-1);
    expect(bandOf([], 5)).toBe(-1);
  });
});
