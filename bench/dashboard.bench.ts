/**
 * What the dashboard costs: its weight on the wire, the time to its first paint on loopback, and
 * whether a page that is left open grows. The floor is an empty page from the same server in the
 * same browser: what the browser alone takes.
 *
 * `bun bench/dashboard.bench.ts [repetitions] [minutes]`: minutes of live data, which pass in a
 * fraction of their time; 0 for none.
 */
import { start } from "../test/support/binary.ts";
import { hasBrowser, openBrowser } from "../test/support/browser.ts";
import { growthOf, liveSeconds } from "../test/support/page-hour.ts";

const repetitions = Number(Bun.argv[2] ?? "15");
/** Multiples of ten. */
const minutes = Number(Bun.argv[3] ?? "60");
if (!hasBrowser) process.exit(0);
/** After this long a page has shown its first numbers on any machine. */
const settleMs = 1500;

await using program = start(["run", "--demo", "--http-listen", "127.0.0.1:0"], {
  timeoutMs: 30 * 60_000,
});
const [, origin] = await program.until("stderr", /http on (http:\/\/\S+)/);
const browser = await openBrowser();
console.log((await weights()).join("\n"));
await paints();
if (minutes > 0) await growth();
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

interface Times {
  /** First contentful paint, ms from the start of the navigation. */
  paint: number;
  /** The first number of the run is on the screen, ms; NaN where there is none. */
  number: number;
  /** Cumulative layout shift (Layout Instability API). */
  shift: number;
}

/**
 * One visit in a browser context without a cache. Nothing is evaluated in the page before it has
 * settled: what a test tool injects takes as long as the page itself.
 */
async function visit(path: string): Promise<Times> {
  const fresh = await browser.newContext({ viewport: { width: 1920, height: 1080 } });
  const page = await fresh.newPage();
  await page.goto(`${origin}${path}`, { waitUntil: "commit" });
  await Bun.sleep(settleMs);
  const times = await page.evaluate(async () => {
    // oxlint-disable-next-line unicorn/consistent-function-scoping -- this function runs in the page
    const entries = <E extends PerformanceEntry>(type: string): Promise<E[]> => {
      const { promise, resolve } = Promise.withResolvers<E[]>();
      const observer = new PerformanceObserver((list) => resolve(list.getEntries() as E[]));
      observer.observe({ type, buffered: true });
      setTimeout(() => resolve([]), 100);
      return promise;
    };
    const shifts = await entries<PerformanceEntry & { value: number }>("layout-shift");
    const numbers = await entries<PerformanceEntry & { renderTime: number }>("element");
    return {
      paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Number.NaN,
      number: Math.min(...numbers.map(({ renderTime }) => renderTime)),
      shift: shifts.reduce((sum, { value }) => sum + value, 0),
    };
  });
  await fresh.close();
  return times;
}

/** Taken in turns, so that what else the machine does weighs on both alike. */
async function paints(): Promise<void> {
  const floor: Times[] = [];
  const dashboard: Times[] = [];
  for (let count = 0; count < repetitions; count++) {
    floor.push(await visit("/healthz"));
    dashboard.push(await visit("/"));
  }
  const floorMs = line("first paint, floor: an empty reply", floor, "paint");
  const paintMs = line("first paint, the dashboard", dashboard, "paint");
  line("first numbers, the dashboard", dashboard, "number");
  console.log(`first paint: floor + ${(paintMs - floorMs).toFixed(0)} ms`);
  const shift = Math.max(...dashboard.map((times) => times.shift));
  console.log(`cumulative layout shift: at most ${shift.toFixed(4)}`);
}

function line(name: string, all: readonly Times[], key: keyof Times): number {
  const times = all.map((one) => one[key]).toSorted((a, b) => a - b);
  const [best, median, worst] = [times[0]!, times[times.length >> 1]!, times.at(-1)!].map((ms) =>
    ms.toFixed(0).padStart(5),
  );
  console.log(`${name.padEnd(36)} median ${median} ms, best ${best} ms, worst ${worst} ms`);
  return times[times.length >> 1]!;
}

/** Live objects after a collection, every tenth of the time, with the overview open. */
async function growth(): Promise<void> {
  const { samples, up } = await liveSeconds(browser, minutes * 60, minutes * 6);
  const heaps = samples.map(({ heap }) => (heap / 1e6).toFixed(2)).join(" ");
  console.log(`live heap over ${minutes} min of live data (${up}), MB: ${heaps}`);
  const { heap, nodes } = growthOf(samples);
  console.log(
    `growth, second half to first: heap × ${heap.toFixed(3)}, nodes × ${nodes.toFixed(3)}`,
  );
}
