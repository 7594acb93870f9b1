/** Feed, cache and inference in detail, from the board and from what inference last said. */
import { FeedCount, feedCounts } from "../feed/count.ts";
import type { CacheBody, FeedBody, InferenceBody, InterfaceBody } from "../http/part-schema.ts";
import type { HostReport } from "../inference/host.ts";
import type { InferenceReport } from "../inference/port.ts";
import type { RulesReport } from "../inference/rules-engine.ts";
import { inferenceErrorLabels, Metric, metricSpecs } from "../telemetry/metric.ts";
import type { BoardReader } from "../telemetry/reader.ts";
import type { ThreadName } from "../telemetry/stage.ts";
import { stages } from "../telemetry/stage.ts";
import type { FeedGap, FeedState } from "./line-board.ts";
import { recoveryBody } from "./ops-line.ts";
import type { StageWindow } from "./ops-window.ts";
import type { FeedPlan, RunPlan } from "./plan.ts";

/** When each feed's counters last moved, epoch ms to the second. */
export class FeedActivity {
  readonly lastMs: number[];

  constructor(feeds: number) {
    this.lastMs = Array.from({ length: feeds }, () => 0);
  }

  second({ channels }: BoardReader, nowMs: number): void {
    for (let feed = 0; feed < this.lastMs.length; feed++) {
      const moved = channels[feed]!.deltas[FeedCount.datagrams]! > 0;
      // A clock that was set back must not let a silent feed look alive for as long as the step was.
      if (moved || this.lastMs[feed]! > nowMs) this.lastMs[feed] = nowMs;
    }
  }
}

/** What ops knows of each feed besides the board, by its index. */
export interface FeedNews {
  /** Undefined before the feed thread has shown anything. */
  state(feed: number): FeedState | undefined;
  lastGap(feed: number): FeedGap | undefined;
  interfaces(feed: number): InterfaceBody[];
  warnings(feed: number): string[];
}

export function feedBody(
  { feeds }: RunPlan,
  board: BoardReader,
  { lastMs }: FeedActivity,
  nowMs: number,
  news: FeedNews,
): FeedBody {
  const { totals } = board.counters.feed;
  return {
    feeds: feeds.map((feed, index) => {
      const channel = board.channels[index]!;
      const last = lastMs[index]!;
      const state = news.state(index);
      return {
        name: feed.name,
        format: feed.format,
        lines: feed.lines.map((line, which) => lineText(line, state?.ports[which] ?? 0)),
        interfaces: news.interfaces(index),
        warnings: news.warnings(index),
        state: activityWords(last, nowMs, feed),
        lastDatagramMs: last === 0 ? null : last,
        silenceMs: feed.silenceNs / 1e6,
        perS: countsOf(channel.deltas),
        totals: countsOf(channel.totals),
        recovery: recoveryBody(state, news.lastGap(index)),
      };
    }),
    receiveBufferBytes: board.gauges.feed[Metric.feed.receiveBufferBytes]!,
    drops: board.counters.ops.totals[Metric.ops.receiveQueueDrops]!,
    kernelStamps: {
      samples: totals[Metric.feed.stampSamples]!,
      errors: totals[Metric.feed.stampErrors]!,
    },
    totals: plainCounters(board, "feed"),
    help: Object.fromEntries(feedCounts.map(({ name, help }) => [name, help])),
  };
}

/** `bound`: the port that the socket got; 0 before it is open. */
function lineText(
  { host, port: configured, interface: name, source }: FeedPlan["lines"][number],
  bound: number,
): string {
  const port = bound === 0 ? configured : bound;
  const parameters = new URLSearchParams();
  if (name !== null) parameters.set("interface", name);
  if (source !== null) parameters.set("source", source);
  const query = parameters.size === 0 ? "" : `?${parameters.toString()}`;
  return `udp://${host.includes(":") ? `[${host}]` : host}:${port}${query}`;
}

function activityWords(lastMs: number, nowMs: number, { silenceNs }: FeedPlan): string {
  if (lastMs === 0) return "nothing received yet";
  const quietMs = nowMs - lastMs;
  if (quietMs < Math.max(1500, silenceNs / 1e6)) return "receiving";
  return `silent for ${Math.round(quietMs / 1000)} s`;
}

function countsOf(cells: Float64Array): Record<string, number> {
  return Object.fromEntries(feedCounts.map(({ id, name }) => [name, cells[id]!]));
}

/** A thread's counters without labels, by their keys. */
function plainCounters(board: BoardReader, thread: ThreadName): Record<string, number> {
  const { totals } = board.counters[thread];
  const own = metricSpecs.filter(
    (m) => m.thread === thread && m.kind === "counter" && m.cells === 1,
  );
  return Object.fromEntries(own.map(({ key, id }) => [key, totals[id]!]));
}

export interface CacheFacts {
  features: readonly string[];
  states: number;
}

export function cacheBody(
  { table, limits, state }: RunPlan,
  { features, states }: CacheFacts,
  board: BoardReader,
  window: StageWindow,
): CacheBody {
  const feed = board.counters.feed.totals;
  const inference = board.counters.inference.totals;
  const f = Metric.feed;
  const i = Metric.inference;
  const l1 = percentiles(window, "cache_access");
  const l2 = percentiles(window, "cache_access.l2");
  return {
    l1: {
      ...level(feed[f.l1Hits]!, feed[f.l1Misses]!),
      form: table.form,
      entries: board.gauges.ops[Metric.ops.tableEntries]!,
      capacity: table.capacity,
      evictions: inference[i.evictions]!,
      writes: inference[i.tableWrites]!,
      generations: inference[i.generations]!,
    },
    l2: {
      ...level(inference[i.l2Hits]!, inference[i.l2Misses]!),
      errors: inference[i.l2Errors]!,
      promotions: inference[i.promotions]!,
    },
    pending: {
      states: board.gauges.feed[f.pending]!,
      capacity: limits.pending,
      added: feed[f.pendingAdded]!,
      coalesced: feed[f.pendingCoalesced]!,
      full: feed[f.pendingFull]!,
      dropped: feed[f.pendingDropped]!,
    },
    refreshes: inference[i.refreshes]!,
    expired: inference[i.expiredEntries]!,
    preset: state.preset,
    features: [...features],
    states,
    accessNs: { l1P50Ns: l1.p50Ns, l1P99Ns: l1.p99Ns, l2P50Ns: l2.p50Ns, l2P99Ns: l2.p99Ns },
  };
}

function level(hits: number, misses: number) {
  return { hits, misses, share: hits + misses === 0 ? null : hits / (hits + misses) };
}

const out = new Float64Array(2);

function percentiles(window: StageWindow, name: string) {
  const { histogram } = window.read(name);
  const { count } = histogram;
  if (count === 0) return { count, p50Ns: null, p99Ns: null };
  histogram.percentilesInto([50, 99], out, 0);
  return { count, p50Ns: out[0]!, p99Ns: out[1]! };
}

export function inferenceBody(
  { config }: RunPlan,
  report: InferenceReport | RulesReport | undefined,
  board: BoardReader,
  window: StageWindow,
  words: string,
): InferenceBody {
  const gauges = board.gauges.inference;
  const { totals } = board.counters.inference;
  const ids = Metric.inference;
  const model = report?.engine === "ollama" ? report : undefined;
  const parts = stages.filter(({ name }) => name.startsWith("ollama_processing"));
  return {
    state: words,
    engine: config.inference.engine,
    version: report?.version ?? "",
    model: config.inference.engine === "rules" ? null : (model?.model ?? config.inference.model),
    mode: model?.mode ?? null,
    hosts: model?.hosts.map(hostBody) ?? [],
    queued: gauges[ids.queueDepth]!,
    queueMax: config.inference.queueMax,
    inFlight: gauges[ids.inFlight]!,
    warm: warmBody(model?.warm ?? null),
    shadow: shadowBody(model?.shadow ?? null),
    totals: plainCounters(board, "inference"),
    errors: Object.fromEntries(
      inferenceErrorLabels.map((label, offset) => [label, totals[ids.errors + offset]!]),
    ),
    stages: parts.map(({ name }) => ({ name, ...percentiles(window, name) })),
  };
}

function hostBody(host: HostReport): InferenceBody["hosts"][number] {
  const { url, status, serverVersion, digest, contextLength } = host;
  const { vramRatio, breaker, inFlight, meanMs, lastError } = host;
  const known = { url, status, serverVersion, digest, contextLength, vramRatio, breaker };
  return { ...known, inFlight, meanMs: Number.isFinite(meanMs) ? meanMs : null, lastError };
}

function shadowBody(shadow: InferenceReport["shadow"]): InferenceBody["shadow"] {
  if (shadow === null) return null;
  const { model, version, hosts, warm } = shadow;
  return { model, version, hosts: hosts.map(hostBody), warm: warmBody(warm) };
}

function warmBody(warm: InferenceReport["warm"]): InferenceBody["warm"] {
  if (warm === null) return null;
  const { done, failed, total, ratePerS, leftS, finished } = warm;
  const rate = Number.isFinite(ratePerS) ? ratePerS : null;
  return { done, failed, total, ratePerS: rate, leftS, finished };
}
