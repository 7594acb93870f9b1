/** What a feed thread says when it stops: counts, gaps and final books, for people and --summary. */
import { decisionNames, sourceNames } from "../decision/signal.ts";
import { feedCounts } from "../feed/count.ts";
import { BookFault } from "../market/fault.ts";
import type { BoardWriter } from "../telemetry/board.ts";
import { Metric } from "../telemetry/metric.ts";
import type { FeedCore } from "./feed-core.ts";
import type { RunPlan } from "./plan.ts";

export interface BookReport {
  symbol: string;
  feed: string;
  /** Prices in the currency; null for an empty side. */
  bid: number | null;
  bidSize: number;
  ask: number | null;
  askSize: number;
  last: number | null;
  /** "ok", or why the book has no state. */
  condition: string;
  decision: string;
  source: string;
  state: number | null;
}

export interface FeedReport {
  feeds: { name: string; format: string; counts: Record<string, number> }[];
  signals: { total: number; bySource: Record<string, Record<string, number>> };
  counts: Record<string, number>;
  instruments: number;
  books: BookReport[];
}

const faultNames = Object.keys(BookFault);

export function reportFeed(plan: RunPlan, core: FeedCore, board: BoardWriter): FeedReport {
  const { counters } = board;
  const feeds = plan.feeds.map((feed, index) => {
    const cells = board.channel(index);
    const counts = Object.fromEntries(
      feedCounts.map(({ id, name }) => [name, cells[id] as number]),
    );
    return { name: feed.name, format: feed.format, counts };
  });
  const bySource: Record<string, Record<string, number>> = {};
  for (let source = 1; source < sourceNames.length; source++) {
    for (let decision = 1; decision < decisionNames.length; decision++) {
      const value = counters[Metric.feed.signals + (source - 1) * 4 + decision] as number;
      if (value > 0) {
        (bySource[sourceNames[source]!] ??= {})[decisionNames[decision]!] = value;
      }
    }
  }
  const named: Record<string, number> = {};
  for (const key of reported) named[key] = counters[Metric.feed[key]] as number;
  return {
    feeds,
    signals: { total: core.emitter.sequence, bySource },
    counts: named,
    instruments: core.instruments.count,
    books: reportBooks(plan, core),
  };
}

const reported = [
  "receivedDatagrams",
  "receivedBytes",
  "truncatedDatagrams",
  "socketErrors",
  "lateDatagrams",
  "channelStale",
  "silences",
  "evaluations",
  "stateless",
  "l1Hits",
  "l1Misses",
  "pendingAdded",
  "pendingCoalesced",
  "pendingFull",
  "answersApplied",
  "signalsSuppressed",
  "signalsLimited",
  "sinkSends",
  "sinkErrors",
  "sinkDrops",
  "ringDrops",
  "unknownOrders",
] as const;

function reportBooks(plan: RunPlan, core: FeedCore): BookReport[] {
  const reports: BookReport[] = [];
  for (let i = 0; i < core.instruments.count; i++) {
    const feed = core.instruments.feed[i] as number;
    const books = core.books[feed]!;
    const scale = core.instruments.priceScale[i] as number;
    const { sizeScale } = plan.feeds[feed]!;
    const price = (scaled: number): number | null => (scaled > 0 ? scaled / scale : null);
    const state = core.emitter.lastState(i);
    reports.push({
      symbol: core.instruments.symbol(i),
      feed: plan.feeds[feed]!.name,
      bid: price(books.bidPrice(i)),
      bidSize: books.bidSize(i) / sizeScale,
      ask: price(books.askPrice(i)),
      askSize: books.askSize(i) / sizeScale,
      last: price(books.lastPrice(i)),
      condition: faultNames[books.bookFault(i)] ?? "unknown",
      decision: decisionNames[core.emitter.lastDecision(i)] ?? "NONE",
      source: sourceNames[core.emitter.lastSource(i)] ?? "none",
      state: state < 0 ? null : state,
    });
  }
  return reports;
}
