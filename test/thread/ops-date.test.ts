import { describe, expect, test } from "bun:test";
import { FeedCount, feedCountSize } from "../../src/feed/count.ts";
import type { FeedState } from "../../src/thread/line-board.ts";
import { FeedDates } from "../../src/thread/ops-date.ts";

const feed = {
  name: "deep",
  format: "iex" as const,
  midnightNs: 1_795_410_000_000_000_000n,
  timeZone: "America/New_York",
};

function desk(format: "iex" | "tick" = "iex", strayMs = 1_517_322_600_000) {
  const dates = new FeedDates([{ ...feed, format }]);
  const deltas = new Float64Array(feedCountSize);
  const channels = [{ deltas, totals: deltas }];
  return {
    dates,
    second(badTimes: number, nowMs: number): string[] {
      deltas[FeedCount.badTime] = badTimes;
      return dates.second({ channels } as never, () => ({ strayMs }) as FeedState, nowMs);
    },
  };
}

describe("a feed whose date is wrong", () => {
  test("isSaidOnceWithItsRemedy, and again only after a while", () => {
    const { dates, second } = desk();
    expect(second(0, 0)).toEqual([]);
    expect(second(1204, 1000)).toEqual([
      'feed deep: 1,204 messages refused in a second: their time is too far from 2026-11-23, the feed\'s date; they are of 2018-01-30: set feed.date = "2018-01-30", or send data of 2026-11-23',
    ]);
    for (let s = 2; s < 600; s++) expect(second(1000, s * 1000)).toEqual([]);
    expect(second(1, 601_000)).toHaveLength(1);
    expect(dates.warnings(0)).toHaveLength(1);
  });

  test("standsInTheFeedsWarningsAsLongAsItLasts", () => {
    const { dates, second } = desk();
    expect(dates.warnings(0)).toEqual([]);
    second(5, 1000);
    second(0, 10_000);
    expect(dates.warnings(0)).toHaveLength(1);
    second(0, 11_000);
    expect(dates.warnings(0)).toEqual([]);
  });

  test("doesNotStandForAnHourBecauseTheClockIsSetBackByOne", () => {
    const { dates, second } = desk();
    second(5, 3_600_000);
    second(0, 1000);
    expect(dates.warnings(0)).toEqual([]);
  });

  test("tickFeedIsToldOfItsUnitAsWell", () => {
    const [text] = desk("tick", Number.NaN).second(1, 0);
    expect(text).toContain("1 message refused");
    expect(text).toContain("feed.timestampUnit");
  });
});
