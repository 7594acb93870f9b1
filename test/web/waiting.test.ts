/** What the page shows while an answer is awaited, or never comes: nothing that it does not know. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { hasBrowser, openBrowser } from "../support/browser.ts";
import {
  DashboardServer,
  fixtureSymbol,
  type FixtureOptions,
} from "../support/dashboard-server.ts";
import { until } from "../support/until.ts";

function refusal(status: number, detail: string): Response {
  return Response.json({ detail, hint: "Do something." }, { status });
}

/** Refuses one path, and leaves the others to the fixture. */
function refusing(
  path: string,
  status: number,
  detail: string,
): NonNullable<FixtureOptions["answer"]> {
  return ({ pathname }) => (pathname === path ? refusal(status, detail) : undefined);
}

describe.skipIf(!hasBrowser)("a page that waits", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
  });

  async function over(
    answer: NonNullable<FixtureOptions["answer"]>,
    query: string,
    look: (page: Page) => Promise<void>,
    change?: FixtureOptions["change"],
  ): Promise<void> {
    const server = new DashboardServer({ answer, ...(change === undefined ? {} : { change }) });
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    try {
      await page.goto(`${server.url}/${query}`);
      await look(page);
    } finally {
      await page.close();
      await server.stop();
    }
  }

  test("never shows a stage under the name of another, however late its picture comes", async () => {
    const asked: string[] = [];
    const held = Promise.withResolvers<void>();
    const answer = (url: URL): Promise<Response> | undefined => {
      if (url.pathname !== "/api/v1/latency/heatmap") return undefined;
      const stage = url.searchParams.get("stage")!;
      asked.push(stage);
      return stage === "cache_access" ? held.promise.then(() => refusal(500, "late")) : undefined;
    };
    // In the past, so that nothing is loaded again by itself.
    await over(answer, "?from=1769000000&to=1769000300", async (page) => {
      const panel = page.locator("section.latency");
      await page.locator(`section.latency[data-stage="total_pipeline"]`).waitFor();
      await page.locator(`section.latency[aria-busy="false"]`).waitFor();
      await page.locator("#stage").selectOption("cache_access");
      await page.locator(`section.latency[aria-busy="true"]`).waitFor();
      expect(await page.locator("#range-words").textContent()).toContain("loading");
      await until(() => asked.includes("cache_access"));
      await page.locator("#stage").selectOption("total_pipeline");
      await until(() => asked.length >= 3);
      held.resolve();
      await page.locator(`section.latency[aria-busy="false"]`).waitFor();
      expect(await panel.getAttribute("data-stage")).toBe("total_pipeline");
      expect(await page.locator("#range-words").textContent()).not.toContain("not loaded");
      expect(asked).toEqual(["total_pipeline", "cache_access", "total_pipeline"]);
    });
  });

  test("says in the server's words why a picture did not come", async () => {
    await over(refusing("/api/v1/latency", 400, "the step is too fine"), "", async (page) => {
      await page
        .locator("#range-words", { hasText: "not loaded: the step is too fine. Do something." })
        .waitFor();
    });
  });

  test("shows nothing of one symbol below the name of another", async () => {
    await over(
      refusing("/api/v1/symbols/AAP", 404, `there is no "AAP"`),
      "?view=signals&symbol=AAPL",
      async (page) => {
        await page.locator(".symbol .book").waitFor();
        await page.evaluate(() => {
          history.pushState(null, "", "/?view=signals&symbol=AAP");
          dispatchEvent(new PopStateEvent("popstate"));
        });
        await page
          .locator(".symbol .empty", { hasText: `there is no "AAP". Do something.` })
          .waitFor();
        expect(await page.locator(".symbol h2").textContent()).toBe("AAP");
        for (const part of [".book", ".decision", ".prompt", "table"]) {
          for (const shown of await page.locator(`.symbol ${part}`).all()) {
            expect(await shown.isVisible(), part).toBe(false);
          }
        }
      },
    );
  });

  test("asks for a symbol of the feed whose row it was, where two feeds have it", async () => {
    const asked: string[] = [];
    const feeds = ["nasdaq", "iex"];
    const answer = (url: URL): Response | undefined => {
      if (url.pathname === "/api/v1/symbols/AAPL") asked.push(url.searchParams.get("feed") ?? "");
      if (url.pathname !== "/api/v1/symbols") return undefined;
      const items = feeds.map((feed) => ({ ...fixtureSymbol("AAPL", 0), feed }));
      return Response.json({ items, next: null });
    };
    await over(answer, "?view=signals", async (page) => {
      const row = page.locator(".signals-table tbody tr", { hasText: "iex" });
      await row.locator("a").click();
      await page.waitForURL(/symbol=AAPL&feed=iex$/);
      await page.locator(".symbol .book").waitFor();
      expect(new Set(asked)).toEqual(new Set(["iex"]));
    });
  });

  test("does not call alerts that it could not read no alerts", async () => {
    const answer = refusing("/api/v1/alerts", 503, "the history is not open");
    let statuses = 0;
    const change: FixtureOptions["change"] = (status) => {
      statuses++;
      return { ...status, alerts: [] };
    };
    const look = async (page: Page): Promise<void> => {
      await page.locator(".alerts-table .aside", { hasText: "not loaded: the history" }).waitFor();
      // Neither at once nor when the next status has come.
      const enough = statuses + 2;
      await until(() => statuses >= enough);
      const text = await page.locator(".alerts-table").textContent();
      expect(text).toContain("not loaded: the history is not open");
      expect(text).not.toContain("There was no alert yet");
    };
    await over(answer, "?view=alerts", look, change);
  });

  test("keeps the range that was chosen in the links to other views", async () => {
    await over(
      () => undefined,
      "",
      async (page) => {
        await page.locator(`section.latency[aria-busy="false"]`).waitFor();
        await page.getByRole("button", { name: "Last 1 hour" }).click();
        await page.waitForURL(/from=-1h/);
        for (const name of ["all symbols", "all and past"]) {
          const link = page.locator(".rail a", { hasText: name });
          expect(await link.getAttribute("href")).toContain("from=-1h");
        }
        await page.locator(".rail td a").first().click();
        await page.waitForURL(/symbol=AAPL.*from=-1h/);
        // Home is the overview as it is by default, wherever the page was opened.
        await page.locator(".brand").click();
        await page.waitForURL((url) => url.search === "");
      },
    );
  });
});
