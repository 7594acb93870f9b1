/** The dashboard in a real browser, served by the compiled program under the demo. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { run, type Running, start } from "../support/binary.ts";
import { hasBrowser, openBrowser, type Watch, watch } from "../support/browser.ts";
import { emptyDirectory } from "../support/directory.ts";

/** An alert that a test opens and closes at will; slowness, which a busy machine has, is none. */
const config = `
[alert]
networkLatencyMs = 0
dataIngestionMs = 0
cacheAccessMs = 0
ollamaProcessingMs = 0
totalPipelineMs = 0
memoryMax = 1
[[alert.rule]]
name = "operator_hold"
kind = "above"
of = "hftedge_held_instruments"
severity = "critical"
quietMs = 1000
summary = "An operator holds a symbol."
`;

async function shown(page: Page, words: RegExp, selector: string): Promise<void> {
  await page.locator(selector).filter({ hasText: words }).first().waitFor();
}

async function originOf(program: Running): Promise<string> {
  return (await program.until("stderr", /http on (http:\/\/\S+)/))[1]!;
}

describe.skipIf(!hasBrowser)("the dashboard of a run", () => {
  const folder = emptyDirectory();
  let browser: Browser;
  let running: Running;
  let origin = "";

  function startRun(listen: string): Running {
    const flags = ["--config", join(folder.path, "hftedge.toml"), "--data-directory", folder.path];
    return start(["run", "--demo", "--http-listen", listen, ...flags], { timeoutMs: 300_000 });
  }

  beforeAll(async () => {
    writeFileSync(join(folder.path, "hftedge.toml"), config);
    running = startRun("127.0.0.1:0");
    [origin, browser] = await Promise.all([originOf(running), openBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await running?.[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  async function open(
    query = "",
  ): Promise<AsyncDisposable & { page: Page; seen: Watch; context: BrowserContext }> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const page = await context.newPage();
    const seen = watch(page, origin);
    await page.goto(`${origin}/${query}`);
    return { page, seen, context, [Symbol.asyncDispose]: () => context.close() };
  }

  test("loads without an error and without a foreign request, in every view", async () => {
    await using opened = await open();
    const { page, seen } = opened;
    await shown(page, /^live$/, "#connection");
    await shown(page, /total_pipeline/, ".stages tbody tr");
    for (const view of ["Signals", "Alerts", "Feed", "Inference", "Machine", "Overview"]) {
      await page.locator("nav a", { hasText: view }).click();
      await page.locator(`nav a[aria-current="page"]`, { hasText: view }).waitFor();
      await page.locator("main .panel").first().waitFor();
    }
    expect(await page.locator("main").textContent()).not.toContain("not loaded");
    expect(seen).toEqual({ errors: [], foreign: [] });
  });

  test("moves nothing when the numbers come", async () => {
    await using opened = await open();
    const { page } = opened;
    await page.locator("section.latency[data-from]").waitFor();
    const shift = await page.evaluate(async () => {
      const { promise, resolve } = Promise.withResolvers<PerformanceEntryList>();
      const observer = new PerformanceObserver((list) => resolve(list.getEntries()));
      observer.observe({ type: "layout-shift", buffered: true });
      // Without a shift there is nothing to be told of.
      requestAnimationFrame(() => setTimeout(() => resolve([]), 0));
      const shifts = (await promise) as (PerformanceEntry & { value: number })[];
      return shifts.reduce((sum, { value }) => sum + value, 0);
    });
    // Below 0.1 counts as good; what is left are words that are longer than they mostly are.
    expect(shift).toBeLessThan(0.05);
  });

  test("is one reply under a policy that lets only its own scripts and style run", async () => {
    const response = await fetch(`${origin}/`);
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toMatch(
      /default-src 'none'; script-src 'sha256-\S+' 'sha256-\S+'; style-src 'sha256-\S+';/,
    );
    expect(policy).not.toContain("unsafe");
    await using opened = await open();
    const { page, seen } = opened;
    await shown(page, /^live$/, "#connection");
    const ran = await page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "window.intruder = true";
      document.body.append(script);
      return "intruder" in window;
    });
    expect(ran).toBe(false);
    expect(seen.errors.join()).toContain("Content Security Policy");
  });

  test("numbers move", async () => {
    await using opened = await open();
    const { page } = opened;
    const total = page.locator(".tile", { hasText: "Messages" }).locator(".tile-sub");
    await page.locator(".view:not(.shell)").waitFor();
    await shown(page, /\d in all/, ".tile-sub");
    const first = await total.textContent();
    await page.waitForFunction(
      ([text]) =>
        [...document.querySelectorAll(".tile")]
          .find((node) => node.textContent?.startsWith("Messages"))
          ?.querySelector(".tile-sub")?.textContent !== text,
      [first],
    );
    const rate = page.locator(".tile", { hasText: "Datagrams" }).locator(".tile-value");
    expect(await rate.textContent()).toMatch(/^[\d,]+\/s$/);
  });

  test("dragging zooms, the address reproduces it, and the back button takes it back", async () => {
    await using opened = await open();
    const { page } = opened;
    const panel = page.locator("section.latency[data-from]");
    await panel.waitFor();
    const area = (await page.locator("#chart .u-over").boundingBox())!;
    const y = area.y + area.height / 2;
    await page.mouse.move(area.x + area.width * 0.5, y);
    await page.mouse.down();
    await page.mouse.move(area.x + area.width * 0.6, y, { steps: 4 });
    await page.mouse.move(area.x + area.width * 0.9, y, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/from=\d+&to=\d+/);
    const query = new URL(page.url()).searchParams;
    const [from, to] = [Number(query.get("from")), Number(query.get("to"))];
    // 40 % of five minutes, to within the pixels of a hand.
    expect(to - from).toBeGreaterThan(110);
    expect(to - from).toBeLessThan(130);
    await page.locator(`section.latency[data-from="${from}"][data-to="${to}"]`).waitFor();
    expect(await page.locator("#range-words").textContent()).toContain("UTC");

    await using again = await open(new URL(page.url()).search);
    await again.page.locator(`section.latency[data-from="${from}"][data-to="${to}"]`).waitFor();
    expect(await again.page.locator("#range-words").textContent()).toBe(
      await page.locator("#range-words").textContent(),
    );

    await page.goBack();
    await shown(page, /last 5 minutes, live/, "#range-words");
    expect(new URL(page.url()).search).toBe("");
  });

  test("works by keyboard: views, heat map, theme, help", async () => {
    await using opened = await open();
    const { page } = opened;
    await page.locator("section.latency[data-from]").waitFor();
    await page.keyboard.press("h");
    await page.keyboard.press("+");
    await page.waitForURL(/from=\d+&to=\d+/);
    await page.keyboard.press("0");
    await shown(page, /last 5 minutes, live/, "#range-words");
    const theme = () => page.evaluate(() => document.documentElement.dataset["theme"]);
    await page.locator("body").click({ position: { x: 3, y: 500 } });
    await page.keyboard.press("t");
    expect(await theme()).toBe("dark");
    await page.keyboard.press("t");
    expect(await theme()).toBe("light");
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("2");
    await page.waitForURL(/view=signals/);
    await page.keyboard.press("/");
    await page.keyboard.type("nosuchsymbol");
    await page.waitForURL(/filter=nosuchsymbol/);
  });

  test("shows each symbol's decision, and a symbol's book, state and answer", async () => {
    await using opened = await open("?view=signals");
    const { page, seen } = opened;
    const row = page.locator(".signals-table tbody tr").first();
    await row
      .locator(".decision")
      .filter({ hasText: /BUY|SELL|HOLD/ })
      .waitFor();
    const symbol = (await row.locator("a").textContent())!;
    await page.locator("#filter").fill(symbol.toLowerCase());
    await page.waitForFunction(
      () => document.querySelectorAll(".signals-table tbody tr").length === 1,
    );
    await row.locator("a").click();
    await page.waitForURL(new RegExp(`symbol=${symbol}`));
    await shown(page, new RegExp(`${symbol} on demo`), ".symbol h2");
    await page
      .locator(".symbol .book .price")
      .filter({ hasText: /^\d+\.\d+$/ })
      .first()
      .waitFor();
    await shown(page, /spread/i, ".symbol table");
    await page.keyboard.press("Escape");
    await page.waitForURL((url) => !url.searchParams.has("symbol"));
    expect(seen).toEqual({ errors: [], foreign: [] });
  });

  test("an alert appears and resolves", async () => {
    await using opened = await open();
    const { page } = opened;
    await shown(page, /^live$/, "#connection");
    const line = page.locator(".alert-line", { hasText: "operator_hold" });
    expect(await line.count()).toBe(0);
    const env = { STATE_DIRECTORY: folder.path };
    const at = ["--data-directory", folder.path];
    expect(await run(["hold", ...at], { env })).toMatchObject({ code: 0 });
    await line.filter({ hasText: "critical: operator_hold" }).waitFor();
    await page.locator("nav .badge", { hasText: /^[1-9]/ }).waitFor();
    expect(await run(["release", ...at], { env })).toMatchObject({ code: 0 });
    await line.waitFor({ state: "detached" });
    await page.keyboard.press("3");
    const past = page.locator(".alerts-table tbody tr", { hasText: "operator_hold" });
    await past.filter({ hasText: "resolved" }).waitFor();
    // Its link leads to the chart around it.
    await past.locator("a").click();
    await page.waitForURL(/from=\d+&to=\d+/);
    await page.locator("section.latency[data-from]").waitFor();
  });

  test("says that the run is gone, and recovers when it returns", async () => {
    await using opened = await open();
    const { page, seen } = opened;
    await shown(page, /^live$/, "#connection");
    // Live as soon as the stream is open: what is shown later must have come.
    await page.locator("main:not([aria-busy=true])").waitFor();
    const listen = new URL(origin).host;
    await running.stop();
    await shown(page, /^disconnected/, "#connection");
    await shown(page, /Disconnected: .*Trying again\. What is shown is as of .* old\./, "#notice");
    expect(await page.locator("body.old").count()).toBe(1);
    // Nobody knows whether it is ready.
    expect(await page.locator("#readiness").textContent()).toBe("unknown");
    running = startRun(listen);
    expect(await originOf(running)).toBe(origin);
    await shown(page, /^live$/, "#connection");
    await page.waitForFunction(() => !document.body.classList.contains("old"));
    // A refused connection is reported by the browser itself; nothing of ours may be.
    const ours = seen.errors.filter((text) => !text.includes("Failed to load resource"));
    expect(ours).toEqual([]);
  });
});
