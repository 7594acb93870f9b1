/** What the dashboard makes of rare and hostile things, in a browser over a made-up API. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import type { Status } from "../../src/web/api.ts";
import { hasBrowser, openBrowser, watch } from "../support/browser.ts";
import { DashboardServer, type FixtureOptions } from "../support/dashboard-server.ts";

const hostile = `<img src=x onerror="window.intruder=1"><b>`;

function makeHostile(status: Status): Status {
  const alerts = status.alerts.map((alert) => ({ ...alert, subject: hostile }));
  const newest = status.signals.newest.map((signal) => ({ ...signal, symbol: hostile }));
  const reasons = [{ part: "feed", status: "degraded", message: hostile }];
  const readiness = { status: "degraded", reasons };
  return { ...status, alerts, readiness, signals: { ...status.signals, newest } };
}

/** Share of the chart's columns of pixels that show a value anywhere. */
async function inked(page: Page): Promise<number> {
  await page.locator("section.latency[data-from]").waitFor();
  return await page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>("#chart canvas")!;
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d")!.getImageData(0, 0, width, height);
    const columns = new Set<number>();
    // The heat is blue; the axes and the hatching are grey, and lines are warm.
    for (let at = 0; at < data.length; at += 4) {
      if (data[at + 2]! - data[at]! > 60) columns.add((at / 4) % width);
    }
    return columns.size / width;
  });
}

describe.skipIf(!hasBrowser)("the dashboard", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
  });

  async function over(options: FixtureOptions, look: (page: Page) => Promise<void>, query = "") {
    const server = new DashboardServer(options);
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    const seen = watch(page, server.url);
    try {
      await page.goto(`${server.url}/${query}`);
      await look(page);
      expect(seen.foreign).toEqual([]);
    } finally {
      await page.close();
      await server.stop();
    }
    return seen.errors;
  }

  test("shows hostile text as text", async () => {
    const errors = await over({ change: makeHostile }, async (page) => {
      await page.locator(".rail", { hasText: hostile }).waitFor();
      await page.locator("#notice", { hasText: hostile }).waitFor();
      expect(await page.locator("main b, main img").filter({ hasNotText: /\d|no/ }).count()).toBe(
        0,
      );
      expect(await page.evaluate(() => "intruder" in window)).toBe(false);
    });
    expect(errors).toEqual([]);
  });

  test("says that clocks do not agree, beside every number that rests on them", async () => {
    await over(
      { change: (status) => ({ ...status, clocksAgree: false }) },
      async (page) => {
        await page.locator(".rail dd", { hasText: "not synchronised" }).waitFor();
        await page.locator(".stages tr", { hasText: "clocks not synchronised" }).waitFor();
        await page.locator(".readout .state", { hasText: "clocks not synchronised" }).waitFor();
      },
      "?stage=network_latency",
    );
  });

  test("paints no value where none was measured", async () => {
    let whole = 0;
    let half = 0;
    await over({}, async (page) => {
      whole = await inked(page);
    });
    await over({ gap: [0.25, 0.75] }, async (page) => {
      half = await inked(page);
    });
    expect(whole).toBeGreaterThan(0.8);
    expect(half / whole).toBeGreaterThan(0.45);
    expect(half / whole).toBeLessThan(0.55);
  });

  test("asks for the token where the run wants one, and keeps it to this tab", async () => {
    await over({ token: "a-token-of-the-test" }, async (page) => {
      await page.locator("#notice", { hasText: "asks for its token" }).waitFor();
      await page.getByLabel("Token").fill("a-token-of-the-test");
      await page.getByRole("button", { name: "Use it" }).click();
      await page.locator("#connection", { hasText: /^live$/ }).waitFor();
      await page.locator("section.latency[data-from]").waitFor();
      expect(page.url()).not.toContain("a-token");
      expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain("a-token");
    });
  });

  test("tells a run that says nothing from one that is gone", async () => {
    await over({ silent: true }, async (page) => {
      await page.locator("#notice", { hasText: "The run sends nothing" }).waitFor();
      await page.locator("#connection", { hasText: "no news for" }).waitFor();
    });
  });

  test("is loaded anew where the program was replaced under it, once", async () => {
    let version = "1.0.0";
    await over(
      { change: (status) => ({ ...status, version }) },
      async (page) => {
        await page.locator(".brand small", { hasText: "1.0.0" }).waitFor();
        let loads = 0;
        page.on("load", () => loads++);
        version = "1.1.0";
        await page.waitForEvent("load");
        await page.locator(".brand small", { hasText: "1.1.0" }).waitFor();
        await page.locator("section.latency[data-stage=cache_access]").waitFor();
        expect(loads).toBe(1);
      },
      "?stage=cache_access",
    );
  });

  test("fits its width at every size, without scrolling sideways", async () => {
    for (const width of [800, 1280, 1920, 3840]) {
      await over({}, async (page) => {
        await page.setViewportSize({ width, height: 1000 });
        await page.locator(".stages tbody tr").first().waitFor();
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect(wide, `at ${width}`).toBeLessThanOrEqual(0);
      });
    }
  });
});
