/**
 * Runs the hot path on a synthetic market before the first datagram comes, so that the first real
 * one finds compiled code: cold code was seen to take a hundred times as long.
 */
import { DemoMarket } from "../demo/market.ts";
import type { FeedPlan, RunPlan } from "./plan.ts";
import { tickDatagrams } from "./rehearsal.ts";
import { createScratchCore, scratchFormat } from "./scratch-core.ts";

const batch = 256;

/** Warms the formats of the plan for about `durationMs` all together; 0 for not at all. */
export function warmUp(plan: RunPlan, durationMs: number, now: () => number): void {
  const formats = [...new Map(plan.feeds.map((feed) => [feed.format, feed])).values()];
  for (const feed of formats) warmFormat(plan, feed, (durationMs / formats.length) * 1e6, now);
}

function warmFormat(plan: RunPlan, feed: FeedPlan, durationNs: number, now: () => number): void {
  const core = createScratchCore(plan, feed, now);
  const isTick = scratchFormat(feed) === "tick";
  const market = new DemoMarket({ seed: 1, rate: 2000, startNs: 0 });
  const ticks = isTick ? tickDatagrams(feed, batch) : [];
  const endNs = now() + durationNs;
  for (let nowNs = now(); nowNs < endNs; nowNs = now()) {
    for (let i = 0; i < batch; i++) {
      const bytes = isTick ? ticks[i]! : nextOf(market);
      core.datagram(0, 0, bytes, isTick ? bytes.length : market.length, nowNs, nowNs);
    }
    core.poll(nowNs);
  }
}

function nextOf(market: DemoMarket): Buffer {
  market.next();
  return market.bytes;
}
