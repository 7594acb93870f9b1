/**
 * Takes the README's picture of the dashboard anew: `bun bench/screenshot.ts [seconds] [folder]`.
 * The compiled program runs its demo for so long, and what the page then shows is what is taken.
 * With a folder it takes both themes at two widths into it, and leaves the README's alone.
 */
import { join } from "node:path";
import { start } from "../test/support/binary.ts";
import { hasBrowser, openBrowser } from "../test/support/browser.ts";

const seconds = Number(Bun.argv[2] ?? "90");
const folder = Bun.argv[3];
if (!hasBrowser) throw new Error("there is no Chromium to take the picture with");

const readme = join(import.meta.dir, "../src/web/screenshot.png");
const readmeSize = { width: 1600, height: 1120 };
const sizes = [
  { width: 1280, height: 900 },
  { width: 1920, height: 1080 },
];

await using program = start(["run", "--demo", "--http-listen", "127.0.0.1:0"], {
  timeoutMs: (seconds + 300) * 1000,
});
const [, origin] = await program.until("stderr", /http on (http:\/\/\S+)/);
const browser = await openBrowser();

interface Shot {
  path: string;
  size: { width: number; height: number };
  theme: "dark" | "light";
  query: string;
}

async function open({ size, theme, query }: Shot) {
  const context = await browser.newContext({ viewport: size, colorScheme: theme });
  const page = await context.newPage();
  // A machine that is busy with more than the demo takes its time.
  await page.goto(`${origin}/${query}`, { timeout: 120_000 });
  return { context, page };
}

function shots(): Shot[] {
  if (folder === undefined) {
    return [{ path: readme, size: readmeSize, theme: "dark", query: "" }];
  }
  const views = ["overview", "signals", "alerts", "feed", "inference", "machine"];
  return views.flatMap((view) =>
    sizes.flatMap((size) =>
      (["dark", "light"] as const).map((theme) => {
        const path = join(folder, `${view}-${size.width}-${theme}.png`);
        return { path, size, theme, query: view === "overview" ? "" : `?view=${view}` };
      }),
    ),
  );
}

// The sparklines are of what the page itself has seen: the overviews are open from the start.
const early = shots().filter(({ query }) => query === "");
const opened = await Promise.all(early.map(async (shot) => ({ shot, ...(await open(shot)) })));
await Bun.sleep(seconds * 1000);
for (const { shot, page, context } of opened) {
  // The range that the run fills, so that the chart is not mostly empty.
  await page.evaluate((length) => history.replaceState(null, "", `/?from=-${length}s`), seconds);
  await page.evaluate(() => dispatchEvent(new PopStateEvent("popstate")));
  await page.waitForTimeout(3000);
  await page.screenshot({ path: shot.path });
  await context.close();
}
for (const shot of shots().filter(({ query }) => query !== "")) {
  const { page, context } = await open(shot);
  await page.waitForTimeout(3000);
  await page.screenshot({ path: shot.path });
  await context.close();
}
await browser.close();
