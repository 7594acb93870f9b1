/** The bench's arithmetic: numbers in ticks, and the search for the highest rate. */
import { describe, expect, test } from "bun:test";
import {
  type LoadResult,
  prepareTicks,
  readNumber,
  writeNumber,
} from "../../src/thread/bench-load.ts";
import { findCapacity } from "../../src/thread/bench-run.ts";

function result(rate: number, lost: number, late = 0): LoadResult {
  const times = { p50Ns: 1, p99Ns: 1, p999Ns: 1, maxNs: 1 };
  return { rate, sent: 1000, answered: 1000 - lost, late, ...times };
}

describe("ticks", () => {
  test("carry a number of sixteen digits that can be read back, and stay JSON", () => {
    for (const tick of prepareTicks().slice(0, 100)) {
      const number = 1_700_000_000_000_000 + tick.length;
      writeNumber(tick, number);
      expect(readNumber(tick)).toBe(number);
      expect(JSON.parse(tick.toString())).toMatchObject({ timestamp: number });
    }
  });
});

describe("the highest rate without loss", () => {
  test("is found between the last that was whole and the first that was not", async () => {
    const most = 250_000;
    const tried: number[] = [];
    const report = await findCapacity(async (rate) => {
      tried.push(rate);
      return result(rate, rate > most ? 1 : 0);
    });
    expect(report.endedBy).toBe("loss");
    expect(report.lossFreeRate).toBeLessThanOrEqual(most);
    expect(report.lossFreeRate).toBeGreaterThan(most * 0.9);
    expect(tried.length).toBeLessThanOrEqual(10);
  });

  test("a sender that is late says nothing about loss", async () => {
    const report = await findCapacity(async (rate) => result(rate, 0, rate > 100_000 ? 500 : 0));
    expect(report.endedBy).toBe("sender");
    expect(report.lossFreeRate).toBeLessThanOrEqual(100_000);
  });

  test("is nothing when even the lowest rate loses", async () => {
    expect(await findCapacity(async (rate) => result(rate, 1))).toEqual({
      lossFreeRate: 0,
      endedBy: "loss",
    });
  });

  test("ends when the time is up", async () => {
    let nowMs = 0;
    const report = await findCapacity(
      async (rate) => {
        nowMs += 7000;
        return result(rate, 0);
      },
      () => nowMs,
    );
    expect(report).toEqual({ lossFreeRate: 40_000, endedBy: "time" });
  });
});
