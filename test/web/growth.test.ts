/** A page that is left open, over every status of minutes (of hours: HFTEDGE_TEST_SCALE). */
import { describe, expect, test } from "bun:test";
import { hasBrowser, openBrowser } from "../support/browser.ts";
import { growthOf, liveSeconds } from "../support/page-hour.ts";
import { scaled } from "../support/scale.ts";

const tenth = 10 * Math.min(36, scaled(3));

describe.skipIf(!hasBrowser)("a page that is left open", () => {
  test(`does not grow over ${tenth / 6} minutes of live data`, async () => {
    const browser = await openBrowser();
    try {
      const { samples, up, upMs, errors } = await liveSeconds(browser, tenth * 10, tenth);
      expect(errors).toEqual([]);
      // Every status arrived: the page says how long the run is up.
      expect(up).toBe(`up 1 h ${Math.round(upMs / 60_000) - 60} min`.replace("1 h 60 min", "2 h"));
      expect(samples).toHaveLength(10);
      const { heap, nodes } = growthOf(samples);
      expect(nodes).toBeLessThan(1.1);
      expect(heap).toBeLessThan(1.2);
    } finally {
      await browser.close();
    }
  }, 600_000);
});
