/**
 * What the dashboard costs: its weight on the wire, the time to its first paint on loopback, and
 * whether a page that is left open grows. The floor is an empty page from the same server in the
 * same browser: what the browser alone takes.
 *
 * `bun bench/dashboard.bench.ts [repetitions] [minutes]`; an hour of live data is 60 minutes.
 */
import type { BrowserContext, CDPSession } from "playwright-core";
import { start } from "../test/support/binary.ts";
import { hasBrowser, openBrowser } from "../test/support/browser.ts";

const repetitions = Number(Bun.argv[2] ?? "15");
const minutes = Number(Bun.argv[3] ?? "1");
if (!hasBrowser) process.exit(0);

await using program = start(["run", "--demo", "--http-listen", "127.0.0.1:0"], {
  timeoutMs: (minutes + 10) * 60_000,
});
const [, origin] = await program.until("stderr", /http on (http:\/\/\S+)/);
const browser = await openBrowser();
console.log((await weights()).join("\n"));
const context = await browser.newContext({ viewport: { width: 1920, height: 1080 } });
await paints("floor: an empty reply", "/healthz");
await paints("the dashboard", "/");
await growth(context);
await browser.close();

async function weights(): Promise<string[]> {
  const lines: string[] = [];
  for (const encoding of ["identity", "gzip", "zstd"]) {
    const headers = { "accept-encoding": encoding };
    const response = await fetch(`${origin}/`, { headers, decompress: false });
    const { length } = await response.bytes();
    lines.push(`weight, ${encoding.padEnd(8)} ${(length / 1000).toFixed(1).padStart(8)} kB`);
  }
  return lines;
}

/** Navigation start to first contentful paint, each in a browser context without a cache. */
async function paints(name: string, path: string): Promise<void> {
  const times: number[] = [];
  for (let count = 0; count < repetitions; count++) {
    const fresh = await browser.newContext({ viewport: { width: 1920, height: 1080 } });
    const page = await fresh.newPage();
    await page.goto(`${origin}${path}`);
    const handle = await page.waitForFunction(
      () => performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
    );
    times.push((await handle.jsonValue()) as number);
    await fresh.close();
  }
  times.sort((a, b) => a - b);
  const [median, worst] = [times[times.length >> 1]!, times.at(-1)!];
  console.log(
    `first paint, ${name.padEnd(24)} median ${median.toFixed(0).padStart(5)} ms, worst ${worst.toFixed(0).padStart(5)} ms`,
  );
}

/** Live objects after a collection, every tenth of the time, with the overview open. */
async function growth(where: BrowserContext): Promise<void> {
  const page = await where.newPage();
  await page.goto(`${origin}/`);
  await page.locator("section.latency[data-from]").waitFor();
  const session = await where.newCDPSession(page);
  await Bun.sleep(10_000);
  const samples: { heap: number; nodes: number }[] = [];
  for (let step = 0; step <= 10; step++) {
    if (step > 0) await Bun.sleep(minutes * 6000);
    samples.push(await collected(session));
  }
  const [first, last] = [samples[0]!, samples.at(-1)!];
  const heaps = samples.map(({ heap }) => (heap / 1e6).toFixed(2)).join(" ");
  console.log(`live heap over ${minutes} min, MB: ${heaps}`);
  console.log(
    `growth: heap × ${(last.heap / first.heap).toFixed(3)}, nodes ${first.nodes} → ${last.nodes}`,
  );
}

async function collected(session: CDPSession): Promise<{ heap: number; nodes: number }> {
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  const { nodes } = await session.send("Memory.getDOMCounters");
  return { heap: usedSize, nodes };
}
