import { describe, expect, test } from "bun:test";
import type { AlertNews, Page } from "../../src/web/api.ts";
import { AlertHistory, rowsMax } from "../../src/web/alert-history.ts";

function alert(openedMs: number, more: Partial<AlertNews> = {}): AlertNews {
  const text = { rule: "gap", subject: "demo", severity: "warning", summary: "", unit: "" };
  const times = { openedMs, lastMs: openedMs, resolvedMs: openedMs + 5 };
  return { id: openedMs, limit: 0, count: 1, worst: 1, ...text, ...times, ...more };
}

/** Alerts opened at `to`, `to` - 1 … `from`. */
function page(to: number, from: number, next: string | null = null): Page<AlertNews> {
  const items = Array.from({ length: to - from + 1 }, (_, index) => alert(to - index));
  return { items, next };
}

function opened(history: AlertHistory): number[] {
  return history.alerts().map(({ openedMs }) => openedMs);
}

describe("the alerts that were read", () => {
  test("endOfTheHistoryIsReachedOnce", () => {
    const history = new AlertHistory();
    expect(history.known).toBe(false);
    history.takeNewest(page(20, 11, "11"));
    expect(history.next).toBe("11");
    history.takeOlder(page(10, 1));
    expect(history.next).toBeNull();
    // The newest page still has a cursor behind it; what is there is known.
    history.takeNewest(page(20, 11, "11"));
    expect(history.next).toBeNull();
    expect(opened(history)).toEqual(Array.from({ length: 20 }, (_, index) => 20 - index));
  });

  test("whatTheNewestPageNoLongerReachesToStays", () => {
    const history = new AlertHistory();
    history.takeNewest(page(20, 11, "11"));
    history.takeNewest(page(25, 16, "16"));
    expect(opened(history)).toEqual(Array.from({ length: 15 }, (_, index) => 25 - index));
    expect(history.next).toBe("11");
  });

  test("aPageThatDoesNotJoinBeginsAnew_soThatNoAlertIsLeftOut", () => {
    const history = new AlertHistory();
    history.takeNewest(page(20, 11, "11"));
    history.takeNewest(page(50, 41, "41"));
    expect(opened(history)).toEqual(Array.from({ length: 10 }, (_, index) => 50 - index));
    expect(history.next).toBe("41");
  });

  test("firstAlertAfterNoneIsShown", () => {
    const history = new AlertHistory();
    history.takeNewest({ items: [], next: null });
    expect(history.known).toBe(true);
    history.takeNewest(page(1, 1));
    expect(opened(history)).toEqual([1]);
  });

  test("anAlertIsAsItWasReadLast", () => {
    const history = new AlertHistory();
    history.takeNewest({ items: [alert(7, { resolvedMs: null })], next: null });
    history.takeNewest({ items: [alert(7, { resolvedMs: 99 })], next: null });
    expect(history.alerts().map(({ resolvedMs }) => resolvedMs)).toEqual([99]);
  });

  test("neverGrowsBeyondItsBound_andTheOldestGo", () => {
    const history = new AlertHistory();
    for (let newest = 100; newest <= 3 * rowsMax; newest += 50) {
      history.takeNewest(page(newest, newest - 99, String(newest - 99)));
    }
    expect(history.alerts()).toHaveLength(rowsMax);
    expect(opened(history).at(-1)).toBe(2 * rowsMax + 1);
  });
});
