import { describe, expect, test } from "bun:test";
import { Trail, trailSeconds } from "../../src/web/live.ts";
import { sparkPaths } from "../../src/web/spark.ts";

describe("the trail of a number", () => {
  test("endsWithTheNewest_andNeverGrows", () => {
    const trail = new Trail();
    for (let second = 1; second <= 2 * trailSeconds; second++) trail.push(second, second);
    expect(trail.values).toHaveLength(trailSeconds);
    expect(trail.values.at(-1)).toBe(2 * trailSeconds);
    expect(trail.values[0]).toBe(trailSeconds + 1);
  });

  test("secondsThatWereMissedStayUnknown", () => {
    const trail = new Trail();
    trail.push(100, 7);
    trail.push(103, 8);
    expect(Array.from(trail.values.slice(-4))).toEqual([7, Number.NaN, Number.NaN, 8]);
    trail.push(103 + trailSeconds * 9, 9);
    expect(Array.from(trail.values.slice(-2))).toEqual([Number.NaN, 9]);
  });

  test("aSecondThatComesTwiceOrLateChangesNothing", () => {
    const trail = new Trail();
    trail.push(100, 7);
    trail.push(100, 8);
    trail.push(99, 9);
    expect(Array.from(trail.values.slice(-2))).toEqual([Number.NaN, 7]);
  });
});

test("the trail goes on when the run's clock was set back", () => {
  const trail = new Trail();
  trail.push(10_000, 7);
  trail.push(6400, 8);
  trail.push(6401, 9);
  expect(Array.from(trail.values.slice(-3))).toEqual([Number.NaN, 8, 9]);
});

describe("a sparkline", () => {
  test("isBrokenWhereNothingIsKnown", () => {
    const values = new Float64Array([1, 2, Number.NaN, 4, 4]);
    const { stroke, fill } = sparkPaths(values);
    expect(stroke.match(/M/g)).toHaveLength(2);
    expect(fill.match(/Z/g)).toHaveLength(2);
  });

  test("ofAPageThatWasJustOpenedIsOfWhatItHasSeen", () => {
    const values = new Float64Array(trailSeconds).fill(Number.NaN);
    values.set([2, 2], trailSeconds - 2);
    // Two of the least that fills it: at its end.
    expect(sparkPaths(values).stroke).toBe("M115.9,1.5L120.0,1.5");
    values.fill(2, trailSeconds - 100);
    expect(sparkPaths(values).stroke).toStartWith("M0.0,1.5L1.2,1.5");
    values.fill(2);
    expect(sparkPaths(values).stroke).toStartWith("M0.0,1.5L0.4,1.5");
  });

  test("ofNothingIsEmpty", () => {
    expect(sparkPaths(new Float64Array(5).fill(Number.NaN))).toEqual({ stroke: "", fill: "" });
  });
});
