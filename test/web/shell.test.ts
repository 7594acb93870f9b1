import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { stages } from "../../src/telemetry/stage.ts";
import { bundlePage } from "../../src/web/bundle.ts";
import { shellStages } from "../../src/web/shell/status.ts";
import { hasBrowser, openBrowser } from "../support/browser.ts";
import { DashboardServer } from "../support/dashboard-server.ts";

const html = await bundlePage();
const body = html.slice(html.indexOf("<header"), html.lastIndexOf("<script"));

describe("the static shell", () => {
  test("hasTheRoomOfNumbers_andNone", () => {
    const blanks = [...body.matchAll(/<i>(.*?)<\/i>/g)].map(([, text]) => text!);
    expect(blanks.length).toBeGreaterThan(100);
    for (const blank of blanks) expect(blank).not.toMatch(/[1-9]/);
    expect(blanks).toContain("00.0 µs");
  });

  test("claimsNothingOfARun", () => {
    expect(body).not.toMatch(/data-state|data-decision|aria-current|aria-selected/);
    expect(body).not.toContain("\u200b");
    expect(body).toMatch(/<div class="view overview shell" aria-hidden="true">/);
    const words = body.replaceAll(/<i>.*?<\/i>/g, "").replaceAll(/<[^>]+>/g, " ");
    expect(words).not.toMatch(/ready|live\b|receiving|HOLD|undefined|NaN/);
  });

  test("namesStagesThatThereAre", () => {
    const names = [...stages.map(({ name }) => name), "total_pipeline"];
    for (const name of shellStages) expect(names).toContain(name);
  });
});

/** Run in the page. */
function places(): [string, number, number][] {
  const marked = document.querySelectorAll<HTMLElement>(".tile, .panel-head, thead th, #chart");
  return [...marked].map((node) => {
    const { top, height } = node.getBoundingClientRect();
    return [node.className, Math.round(top), Math.round(height)];
  });
}

describe.skipIf(!hasBrowser)("the static shell in a browser", () => {
  let server: DashboardServer;
  let browser: Browser;
  beforeAll(async () => {
    server = new DashboardServer();
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  test("isThereWithoutAScript", async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(server.url);
    expect(await page.locator(".shell .tile").count()).toBe(8);
    expect(await page.locator("nav a").count()).toBe(6);
    expect(await page.locator("#stage").inputValue()).toBe("total_pipeline");
    const blank = page.locator(".shell td i").first();
    expect(await blank.evaluate((node) => getComputedStyle(node).color)).toBe("rgba(0, 0, 0, 0)");
    await context.close();
  });

  test("hasThePlacesOfWhatFollows", async () => {
    const viewport = { width: 1920, height: 1080 };
    const still = await browser.newContext({ viewport, javaScriptEnabled: false });
    const shell = await still.newPage();
    await shell.goto(server.url);
    const moving = await browser.newContext({ viewport });
    const page = await moving.newPage();
    await page.goto(server.url);
    await page.locator("section.latency[data-from]").waitFor();
    const [before, after] = [await shell.evaluate(places), await page.evaluate(places)];
    const left = (all: typeof before) => all.filter(([name]) => name.startsWith("tile"));
    expect(left(before)).toEqual(left(after));
    expect(before.length).toBe(after.length);
    await still.close();
    await moving.close();
  });
});
