/**
 * Hours of the overview in a fraction of the time: every second's status is sent and taken, the
 * page's clock is set forward with them, and its live objects are counted after a collection.
 */
import type { Browser } from "playwright-core";
import type { Status } from "../../src/web/api.ts";
import { until } from "./until.ts";
import { DashboardServer, fixtureSignal } from "./dashboard-server.ts";

export interface PageSample {
  /** Seconds of live data so far. */
  second: number;
  /** Bytes of live objects of the script, after a forced collection. */
  heap: number;
  /** Nodes of the document and of what the script still holds. */
  nodes: number;
  listeners: number;
}

/** Symbols that come and go in the list of the newest signals, and alerts that open and resolve. */
function restless(status: Status): Status {
  const { seq, atMs } = status;
  const newest = Array.from({ length: 12 }, (_, index) => {
    const name = `S${(seq * 3 + index * 7) % 97}`;
    return fixtureSignal(name, index, atMs);
  });
  const alerts = seq % 40 < 20 ? status.alerts : [];
  return { ...status, signals: { ...status.signals, newest }, alerts };
}

/** Seconds that pass at once: less than the silence after which a page gives a connection up. */
const stride = 10;

export interface PageHour {
  samples: PageSample[];
  /** What the page says of the run's age at its end, and what it is. */
  up: string;
  upMs: number;
  errors: string[];
}

/** `every`: seconds between two samples; both are multiples of ten. */
export async function liveSeconds(
  browser: Browser,
  seconds: number,
  every: number,
): Promise<PageHour> {
  const server = new DashboardServer({ byHand: true, change: restless });
  const startedMs = server.nowMs - 3_600_000;
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  try {
    const page = await context.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.clock.install({ time: server.nowMs });
    await page.goto(server.url);
    const session = await context.newCDPSession(page);
    const up = page.locator(".panel", { hasText: "Machine" }).locator(".panel-head .aside");
    const samples: PageSample[] = [];
    for (let second = 0; second < seconds; second += stride) {
      server.pass(stride);
      await page.clock.runFor(stride * 1000);
      if ((second + stride) % every !== 0) continue;
      await page.locator("section.latency[data-from]").waitFor();
      await session.send("HeapProfiler.collectGarbage");
      const { usedSize } = await session.send("Runtime.getHeapUsage");
      const { nodes, jsEventListeners } = await session.send("Memory.getDOMCounters");
      const listeners = jsEventListeners;
      samples.push({ second: second + stride, heap: usedSize, nodes, listeners });
    }
    // A page whose clock outran its events has opened a stream anew: the old one ends, or it leaks.
    await until(() => server.streams === 1);
    await page.clock.runFor(1000);
    const words = (await up.textContent()) ?? "";
    return { samples, up: words, upMs: server.nowMs - startedMs, errors };
  } finally {
    await context.close();
    await server.stop();
  }
}

/** The second half's least beside the first half's: what is only not collected yet is no growth. */
export function growthOf(samples: readonly PageSample[]): { heap: number; nodes: number } {
  const half = samples.length >> 1;
  const least = (from: number, to: number, of: (sample: PageSample) => number): number =>
    Math.min(...samples.slice(from, to).map(of));
  const ratio = (of: (sample: PageSample) => number): number =>
    least(half, samples.length, of) / least(0, half, of);
  return { heap: ratio(({ heap }) => heap), nodes: ratio(({ nodes }) => nodes) };
}
