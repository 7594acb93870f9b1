/** A symbol's page over the compiled program that asks a model's server, a stand-in. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { type Running, start } from "../support/binary.ts";
import { hasBrowser, openBrowser, watch } from "../support/browser.ts";
import { OllamaServer } from "../support/ollama-server.ts";

/** What the model gives to the first word of its answer. */
const tokens = { BUY: 0.62, SELL: 0.08, HOLD: 0.2, The: 0.1 };

interface Detail {
  /** Null while nobody has an answer for the symbol's state. */
  answer: { version: string } | null;
}

describe.skipIf(!hasBrowser)("a symbol's page over a model", () => {
  let server: OllamaServer;
  let running: Running;
  let browser: Browser;
  let origin = "";
  beforeAll(async () => {
    server = await new OllamaServer({ evalMs: 2, answer: () => ({ tokens }) }).start();
    const model = ["--inference-engine=ollama", `--inference-hosts=${server.url}`];
    running = start(["run", "--demo", "--http-listen", "127.0.0.1:0", ...model]);
    origin = (await running.until("stderr", /http on (http:\/\/\S+)/))[1]!;
    browser = await openBrowser();
  });
  /** The market moves on: a state that has no answer yet is waited out. */
  async function answerOf(symbol: string): Promise<{ version: string }> {
    for (const endMs = performance.now() + 20_000; performance.now() < endMs;) {
      const reply = await fetch(`${origin}/api/v1/symbols/${symbol}`);
      const { answer } = (await reply.json()) as Detail;
      if (answer !== null) return answer;
    }
    throw new Error(`${symbol} has no answer`);
  }

  afterAll(async () => {
    await browser?.close();
    await running?.[Symbol.asyncDispose]();
    await server?.stop();
  });

  test("shows the prompt that was asked and the probabilities of its answer", async () => {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    const seen = watch(page, origin);
    await page.goto(`${origin}/?view=signals`);
    const link = page.locator(".signals-table tbody tr a").first();
    const symbol = (await link.textContent())!;
    await link.click();
    const rows = page.locator(".symbol .probability");
    await rows.first().waitFor();
    const shown = await rows.evaluateAll((all) =>
      all.map((row) => [
        row.querySelector(".decision")!.textContent,
        Number(row.querySelector("meter")!.getAttribute("value")).toFixed(2),
        row.querySelector(".number")!.textContent,
      ]),
    );
    // Shares of the three answers that there are: 0.62, 0.08 and 0.2 of 0.9.
    expect(shown).toEqual([
      ["BUY", "0.69", "68.9 %"],
      ["SELL", "0.09", "8.9 %"],
      ["HOLD", "0.22", "22.2 %"],
    ]);

    const prompt = await page.locator(".symbol .prompt").textContent();
    expect(prompt).toMatch(/BUY.*SELL.*HOLD/s);
    // The page shows the words that the model's server was sent, to the letter.
    expect(server.calls.map((call) => call.prompt)).toContain(prompt!);
    const words = page.locator(".symbol .empty", { hasText: "decided" });
    const answer = await answerOf(symbol);
    expect(await words.textContent()).toMatch(/^10.0 % on other words, decided /);
    expect(await words.textContent()).toContain(`version ${answer.version.slice(0, 8)}`);

    await page.locator("nav a", { hasText: "Inference" }).click();
    await page.locator("main", { hasText: server.url }).waitFor();
    await page.locator("main", { hasText: server.model }).first().waitFor();
    expect(seen).toEqual({ errors: [], foreign: [] });
    await context.close();
  });
});
