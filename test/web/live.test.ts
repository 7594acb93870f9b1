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

describe("a sparkline", () => {
  test("isBrokenWhereNothingIsKnown", () => {
    const values = new Float64Array([1, 2, Number.NaN, 4, 4]);
    const { stroke, fill } = sparkPaths(values);
    expect(stroke.match(/M/g)).toHaveLength(2);
    expect(fill.match(/Z/g)).toHaveLength(2);
  });

  test("ofNothingIsEmpty", () => {
    expect(sparkPaths(new Float64Array(5).fill(Number.NaN))).toEqual({ stroke: "", fill: "" });
  });
});
