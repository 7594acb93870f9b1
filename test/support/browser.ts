/** A headless browser for tests of the dashboard, and a watch over what its pages must not do. */
import { setDefaultTimeout } from "bun:test";
import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";

// A browser starts slowly on a busy machine.
setDefaultTimeout(60_000);

export const chromiumPath = "/usr/bin/chromium";

/** False where no browser is installed: its tests are skipped, and say so. */
export const hasBrowser = existsSync(chromiumPath);
if (!hasBrowser) {
  console.warn(`${chromiumPath} is missing: the dashboard is not tried in a browser`);
}

export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--disable-dev-shm-usage",
    ],
  });
}

export interface Watch {
  /** Errors of the console and uncaught ones. */
  errors: string[];
  /** Requests to anywhere but the page's own origin. */
  foreign: string[];
}

/** Begins before the page is loaded. */
export function watch(page: Page, origin: string): Watch {
  const errors: string[] = [];
  const foreign: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !url.startsWith("data:")) foreign.push(url);
  });
  return { errors, foreign };
}
