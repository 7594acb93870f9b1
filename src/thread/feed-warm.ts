/**
 * Runs the hot path on a synthetic market before the first datagram comes, so that the first real
 * one finds compiled code: cold code was seen to take a hundred times as long. Everything it touches
 * is a scratch copy: books, tables, counters and histograms of the run stay as they are.
 */
import { DemoMarket } from "../demo/market.ts";
import { Origin } from "../decision/answer-word.ts";
import { openTable } from "../decision/table.ts";
import { Decision } from "../decision/signal.ts";
import { createFeedCore } from "./feed-core.ts";
import type { FeedPlan, RunPlan } from "./plan.ts";
import { createShared } from "./shared.ts";
import { Sent, UdpSink } from "./sink.ts";

/** Small, because only the code matters. */
const scratchLimits = {
  instruments: 64,
  orders: 20_000,
  levels: 65_536,
  pending: 64,
  answerRing: 128,
  signalRing: 64,
  tableEntries: 1024,
  heldSymbols: 1,
} as const;
const tableStates = 65_536;
/** What is recorded of the warming falls out of a ring of this size: nobody reads it. */
const scratchRecordBytes = 65_536;
const batch = 256;

/** Warms the formats of the plan for about `durationMs` all together; 0 for not at all. */
export function warmUp(plan: RunPlan, durationMs: number, now: () => number): void {
  const formats = [...new Map(plan.feeds.map((feed) => [feed.format, feed])).values()];
  for (const feed of formats) warmFormat(plan, feed, (durationMs / formats.length) * 1e6, now);
}

function warmFormat(plan: RunPlan, feed: FeedPlan, durationNs: number, now: () => number): void {
  // Formats without a generator of their own warm what lies behind the decoder.
  const format = feed.format === "tick" ? "tick" : "itch50";
  const scratch: RunPlan = {
    ...plan,
    feeds: [{ ...feed, format, symbols: undefined, silenceNs: Infinity, partialBooks: true }],
    targets: [],
    stdout: false,
    config: { ...plan.config, record: { ...plan.config.record, ringBytes: scratchRecordBytes } },
    limits: { ...plan.limits, ...scratchLimits },
    state: { ...plan.state, instruments: scratchLimits.instruments },
  };
  if (plan.state.symbolInKey === true || plan.table.form === "associative") {
    scratch.table = { ...plan.table, form: "associative", capacity: scratchLimits.tableEntries };
  }
  const shared = createShared(scratch);
  fillTable(scratch, shared.table);
  const nowhere = { send: () => Sent.taken, close() {} };
  const encoding = plan.targets[0]?.encoding ?? "binary";
  const sink = new UdpSink(nowhere, { encoding, heartbeatNs: 0 }, new Uint32Array(4096));
  const core = createFeedCore(scratch, shared, [sink], now);
  const market = new DemoMarket({ seed: 1, rate: 2000, startNs: 0 });
  const ticks = format === "tick" ? tickDatagrams() : [];
  const endNs = now() + durationNs;
  for (let nowNs = now(); nowNs < endNs; nowNs = now()) {
    for (let i = 0; i < batch; i++) {
      const bytes = format === "tick" ? ticks[i]! : nextOf(market);
      core.datagram(0, 0, bytes, format === "tick" ? bytes.length : market.length, nowNs, nowNs);
    }
    core.poll(nowNs);
  }
}

/** A walk of the price with changing pressure, one tick a datagram. */
function tickDatagrams(): Buffer[] {
  return Array.from({ length: batch }, (_, i) => {
    const price = (10_000 + Math.abs((i % 64) - 32)) / 100;
    const [bidSize, askSize] = i % 64 < 32 ? [900, 100] : [100, 900];
    const timestamp = 1_700_000_000_000 + i;
    const tick = { symbol: `W${i % 8}`, timestamp, price, volume: 100 };
    return Buffer.from(
      JSON.stringify({ ...tick, bid: price, ask: price + 0.01, bidSize, askSize }),
    );
  });
}

function nextOf(market: DemoMarket): Buffer {
  market.next();
  return market.bytes;
}

/** Every other state has an answer, so that hits and misses both are run. */
function fillTable(plan: RunPlan, memory: SharedArrayBuffer): void {
  if (plan.table.form !== "dense") return;
  const table = openTable(memory, plan.table);
  const key = new Uint32Array(plan.table.keyWords);
  const decisions = [Decision.buy, Decision.sell, Decision.hold];
  const nowS = plan.baseSeconds;
  for (let state = 0; state < Math.min(plan.table.capacity, tableStates); state++) {
    if (state % 4 === 3) continue;
    table.write(key, state, decisions[state % 3]!, 8000, Origin.rules, nowS);
  }
}
