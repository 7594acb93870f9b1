import { describe, expect, test } from "bun:test";
import { clock, moment, span, tickLabel, timeTicks } from "../../src/web/instant.ts";

const atMs = Date.UTC(2026, 0, 5, 13, 4, 9, 500);

describe("moments", () => {
  test("areUtc_withTheDayWhereItIsAnother", () => {
    expect(clock(atMs)).toBe("13:04:09");
    expect(moment(atMs, atMs + 1000)).toBe("13:04:09");
    expect(moment(atMs, atMs + 86_400_000)).toBe("2026-01-05 13:04:09");
    expect(clock(Number.NaN)).toBe("-");
  });

  test("ticksSayWhatChangesBetweenThem", () => {
    const s = Date.UTC(2026, 0, 5, 0, 0, 0) / 1000;
    expect(tickLabel(s + 30, 30)).toBe("00:00:30");
    expect(tickLabel(s + 3600, 3600)).toBe("01:00");
    expect(tickLabel(s, 3600)).toBe("Jan 5");
    expect(tickLabel(s + 86_400 * 40, 86_400)).toBe("Feb 14");
    expect(tickLabel(s, 604_800)).toBe("Jan 5");
  });

  test("ticksOfMonthsAreTheirFirst_andJanuaryIsItsYear", () => {
    const from = Date.UTC(2025, 10, 23) / 1000;
    const year = timeTicks(from, from + 365 * 86_400, 2_592_000);
    expect(year).toHaveLength(12);
    expect(year.map((tick) => tickLabel(tick, 2_592_000)).slice(0, 4)).toEqual([
      "Dec",
      "2026",
      "Feb",
      "Mar",
    ]);
    const quarters = timeTicks(from, from + 730 * 86_400, 7_776_000);
    expect(quarters.map((tick) => new Date(tick * 1000).getUTCMonth() % 3)).toEqual(
      quarters.map(() => 0),
    );
    expect(timeTicks(100, 131, 10)).toEqual([100, 110, 120, 130]);
  });
});

describe("spans", () => {
  test("haveTwoUnitsAtMost_andNoneThatIsZero", () => {
    const second = 1000;
    expect(span(999)).toBe("0 s");
    expect(span(59 * second)).toBe("59 s");
    expect(span(300 * second)).toBe("5 min");
    expect(span(125 * second)).toBe("2 min 5 s");
    expect(span(3600 * second)).toBe("1 h");
    expect(span((86_400 * 12 + 3 * 3600 + 59) * second)).toBe("12 d 3 h");
    expect(span(-5)).toBe("0 s");
    expect(span(Number.NaN)).toBe("-");
  });
});
