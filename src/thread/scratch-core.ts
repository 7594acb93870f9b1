/**
 * A feed core beside the run's own: small, on a made-up market, with answers for most states and
 * nobody to hear its signals. What it runs is the run's code; what it touches is its own, so books,
 * tables, counters and histograms of the run stay as they are.
 */
import { Origin } from "../decision/answer-word.ts";
import { Decision } from "../decision/signal.ts";
import { openTable } from "../decision/table.ts";
import { createFeedCore, type FeedCore } from "./feed-core.ts";
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
/** What is recorded falls out of a ring of this size: nobody reads it. */
const scratchRecordBytes = 65_536;

/** Formats without a generator of their own are stood for by one that has: the decoder differs. */
export type ScratchFormat = "tick" | "itch50";

export function scratchFormat({ format }: FeedPlan): ScratchFormat {
  return format === "tick" ? "tick" : "itch50";
}

/** A core with the one feed, in its `scratchFormat`. */
export function createScratchCore(plan: RunPlan, feed: FeedPlan, now: () => number): FeedCore {
  const format = scratchFormat(feed);
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
  return createFeedCore(scratch, shared, [sink], now);
}

/** Three states of four have an answer, so that hits and misses both are run. */
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
