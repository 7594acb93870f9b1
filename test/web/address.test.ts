import { describe, expect, test } from "bun:test";
import {
  boundsOf,
  defaultPlace,
  fixedRange,
  parsePlace,
  type Place,
  placeQuery,
  rangeMax,
  rangeMin,
  stepFor,
} from "../../src/web/address.ts";

const nowMs = 1_769_000_000_123;

describe("a place in an address", () => {
  test("theDefaultNeedsNoQuery", () => {
    expect(placeQuery(defaultPlace)).toBe("");
    expect(parsePlace("")).toEqual(defaultPlace);
  });

  test("everyPartIsReproduced", () => {
    const places: Place[] = [
      { ...defaultPlace, view: "signals", symbol: "BRK.B", filter: "a&b=c d" },
      { ...defaultPlace, view: "signals", symbol: "AAPL", feed: "iex deep&1" },
      { ...defaultPlace, stage: "ollama_processing.load", range: { kind: "live", seconds: 3600 } },
      { ...defaultPlace, range: fixedRange(1_769_000_000, 1_769_000_600) },
      { ...defaultPlace, range: { kind: "live", seconds: 31_536_000 } },
      { ...defaultPlace, range: { kind: "live", seconds: 97 } },
    ];
    for (const place of places) expect(parsePlace(placeQuery(place))).toEqual(place);
  });

  test("rangesReadAsPeopleSayThem", () => {
    expect(placeQuery({ ...defaultPlace, range: { kind: "live", seconds: 3600 } })).toBe(
      "?from=-1h",
    );
    expect(placeQuery({ ...defaultPlace, range: { kind: "live", seconds: 5400 } })).toBe(
      "?from=-90m",
    );
  });

  test("damagedPartsFallBackToTheDefault", () => {
    for (const query of [
      "?view=nothing&stage=<script>&from=yesterday",
      "?from=1769000600&to=1769000000",
      "?from=-0s0&to=&stage=",
      "?%%%=&from=99999999999999&to=1",
    ]) {
      expect(parsePlace(query)).toEqual(defaultPlace);
    }
    expect(parsePlace(`?symbol=${"A".repeat(400)}`).symbol).toHaveLength(16);
  });
});

describe("a range", () => {
  test("isNeitherTooShortNorTooLong", () => {
    const short = fixedRange(1_769_000_000, 1_769_000_001);
    expect(short.toS - short.fromS).toBe(rangeMin);
    const long = fixedRange(0, 1e10);
    expect(long.toS - long.fromS).toBe(rangeMax);
    expect(long.fromS).toBeGreaterThanOrEqual(0);
  });

  test("liveEndsNow", () => {
    expect(boundsOf({ kind: "live", seconds: 300 }, nowMs)).toEqual({
      fromS: 1_768_999_700,
      toS: 1_769_000_000,
    });
  });

  test("stepsCutAnyRangeIntoFewEnoughColumns", () => {
    for (let seconds = rangeMin; seconds <= rangeMax; seconds = Math.ceil(seconds * 1.7)) {
      const step = stepFor(seconds, 400);
      expect(seconds / step).toBeLessThanOrEqual(400);
      expect(Number.isInteger(step)).toBe(true);
    }
    expect(stepFor(300, 400)).toBe(1);
  });
});
