/** The status object: what the API and its stream say about this second. */
import { FeedCount } from "../feed/count.ts";
import type { AlertBody, SignalBody } from "../http/schema.ts";
import type { Readiness, Status } from "../http/status-schema.ts";
import type { Signal } from "../decision/signal.ts";
import type { Alert } from "../telemetry/alert.ts";
import { Metric } from "../telemetry/metric.ts";
import type { BoardReader } from "../telemetry/reader.ts";
import { components, stages } from "../telemetry/stage.ts";
import { summarise } from "../telemetry/summary.ts";
import { type Control, heartbeatThreads } from "./control.ts";
import type { StageWindow } from "./ops-window.ts";
import { beatAgeMs } from "./service-notice.ts";

export interface StatusInputs {
  seq: number;
  atMs: number;
  startedMs: number;
  version: string;
  commit: string;
  run: string;
  readiness: Readiness;
  board: BoardReader;
  window: StageWindow;
  control: Control;
  /** ms since the run's base, as heartbeats are. */
  beatMs: number;
  clocksAgree: boolean;
  feeds: number;
  engine: string;
  inference: InferenceFacts;
  storeWords: string;
  storeWaiting: number;
  newest: readonly Signal[];
  signalsPerS: number;
  signals: number;
  alerts: readonly Alert[];
  /** Number of the run in the history. */
  historyRun: number;
}

export interface InferenceFacts {
  model: string;
  version: string;
}

export function statusOf(inputs: StatusInputs): Status {
  const { seq, atMs, startedMs, version, commit, run, readiness, board } = inputs;
  const ops = board.gauges.ops;
  const main = board.gauges.main;
  return {
    seq,
    atMs,
    startedMs,
    version,
    commit,
    run,
    windowS: inputs.window.seconds,
    readiness,
    threads: threadsOf(inputs),
    stages: stagesOf(inputs),
    clocksAgree: inputs.clocksAgree,
    feed: feedOf(inputs),
    cache: cacheOf(board),
    inference: inferenceOf(inputs),
    store: {
      state: inputs.storeWords,
      bytes: ops[Metric.ops.storeBytes]!,
      diskFreeBytes: finite(ops[Metric.ops.diskFreeBytes]!),
      waitingSeconds: inputs.storeWaiting,
    },
    host: {
      cpuRatio: ops[Metric.ops.cpuRatio]!,
      loadOne: ops[Metric.ops.loadOne]!,
      memoryRatio: ops[Metric.ops.hostMemoryRatio]!,
      residentBytes: ops[Metric.ops.residentBytes]!,
      memoryLimitBytes: main[Metric.main.memoryLimitBytes]!,
      memoryLocked: main[Metric.main.memoryLocked] === 1,
    },
    signals: {
      perS: inputs.signalsPerS,
      total: inputs.signals,
      newest: inputs.newest.map(signalBody),
    },
    alerts: inputs.alerts.map((alert): AlertBody => ({ run: inputs.historyRun, ...alert })),
    http: {
      subscribers: ops[Metric.ops.httpSubscribers]!,
      requests: sumOf(board.counters.ops.totals, Metric.ops.httpRequests, 5),
    },
  };
}

export function signalBody(signal: Signal): SignalBody {
  const { kind: _k, sampled: _s, refresh: _r, revalidating: _v, ...body } = signal;
  return body;
}

function threadsOf({ control, beatMs, board }: StatusInputs): Status["threads"] {
  const restarts = board.counters.main.totals;
  const { workerRestarts } = Metric.main;
  const offset: Readonly<Record<string, number>> = { feed: 0, inference: 1, ops: 2 };
  return heartbeatThreads.map((name) => {
    const last = control.lastBeatMs(name);
    const at = offset[name];
    return {
      name,
      beatAgeMs: last === 0 ? null : Math.max(0, beatAgeMs(control, name, beatMs)),
      restarts: at === undefined ? 0 : restarts[workerRestarts + at]!,
    };
  });
}

/** Components first, each of their parts and the rest after them, as far as they were recorded. */
function stagesOf({ board, window }: StatusInputs): Status["stages"] {
  const rows: Status["stages"] = components.map((name) => stageOf(board, window, name, true));
  for (const { id, name } of stages) {
    if ((components as readonly string[]).includes(name)) continue;
    const { count, errors } = board.stageTotals[id]!;
    if (count + errors > 0) rows.push(stageOf(board, window, name, false));
  }
  return rows;
}

function stageOf(
  board: BoardReader,
  window: StageWindow,
  name: string,
  headline: boolean,
): Status["stages"][number] {
  const ids = stages.filter((s) => s.name === name || s.name.startsWith(`${name}.`));
  // Only total_pipeline is the sum of its parts; elsewhere the parts explain the whole.
  const own = ids.some((s) => s.name === name) ? ids.filter((s) => s.name === name) : ids;
  const second = window.read(name, 1);
  const ratePerS = second.histogram.count;
  const { histogram, errors, untimed } = window.read(name);
  const { count, medianNs, p99Ns, p999Ns, maxNs, successRate } = summarise(
    histogram,
    errors,
    untimed,
  );
  const thresholdNs = board.stages[own[0]!.id]!.thresholdNs;
  return {
    name,
    headline,
    ratePerS,
    count,
    errors,
    p50Ns: medianNs,
    p99Ns,
    p999Ns,
    maxNs,
    successRate,
    thresholdNs: finite(thresholdNs),
    total: own.reduce((sum, { id }) => sum + board.stageTotals[id]!.count, 0),
  };
}

function feedOf({ board, feeds }: StatusInputs): Status["feed"] {
  const gauges = board.gauges.feed;
  const ids = Metric.feed;
  const both = (id: number) => {
    let delta = 0;
    let total = 0;
    for (let i = 0; i < feeds; i++) {
      delta += board.channels[i]!.deltas[id]!;
      total += board.channels[i]!.totals[id]!;
    }
    return { delta, total };
  };
  const datagrams = both(FeedCount.datagrams);
  const messages = both(FeedCount.messages);
  const stale = gauges[ids.staleChannels]!;
  return {
    state: feedWords(datagrams, stale, gauges[ids.channels]!),
    datagramsPerS: datagrams.delta,
    messagesPerS: messages.delta,
    bytesPerS: both(FeedCount.bytes).delta,
    datagrams: datagrams.total,
    messages: messages.total,
    drops: board.counters.ops.totals[Metric.ops.receiveQueueDrops]!,
    gaps: both(FeedCount.gaps).total,
    lostMessages: both(FeedCount.lostMessages).total,
    channels: gauges[ids.channels]!,
    staleChannels: stale,
    instruments: gauges[ids.instruments]!,
    staleInstruments: gauges[ids.staleInstruments]!,
    heldInstruments: gauges[ids.heldInstruments]!,
  };
}

function feedWords(
  { delta, total }: { delta: number; total: number },
  stale: number,
  channels: number,
): string {
  if (total === 0) return "waiting for the first datagram";
  const what = delta > 0 ? "receiving" : "quiet";
  if (stale === 0) return what;
  return `${what}, ${stale} of ${channels} ${channels === 1 ? "channel" : "channels"} stale`;
}

function cacheOf({ counters, gauges }: BoardReader): Status["cache"] {
  const { l1Hits, l1Misses, pending } = Metric.feed;
  const { l2Hits, l2Misses } = Metric.inference;
  const { tableEntries, tableLimit } = Metric.ops;
  const hits = counters.feed.deltas[l1Hits]!;
  const misses = counters.feed.deltas[l1Misses]!;
  const l2 = counters.inference.totals[l2Hits]!;
  return {
    hitsPerS: hits,
    missesPerS: misses,
    l1Share: shareOf(hits, hits + misses),
    l2Share: shareOf(l2, l2 + counters.inference.totals[l2Misses]!),
    entries: gauges.ops[tableEntries]!,
    entriesLimit: gauges.ops[tableLimit]!,
    pending: gauges.feed[pending]!,
  };
}

function inferenceOf({ board, window, engine, inference }: StatusInputs): Status["inference"] {
  const gauges = board.gauges.inference;
  const { deltas, totals } = board.counters.inference;
  const ids = Metric.inference;
  const { histogram, errors, untimed } = window.read("ollama_processing");
  const { medianNs, p99Ns } = summarise(histogram, errors, untimed);
  const hosts = gauges[ids.hosts]!;
  const hostsUp = gauges[ids.hostsUp]!;
  return {
    state:
      engine === "rules" ? "rules decide" : modelWords(hosts, hostsUp, gauges[ids.queueDepth]!),
    engine,
    ...inference,
    answersPerS: deltas[ids.ok]!,
    queued: gauges[ids.queueDepth]!,
    inFlight: gauges[ids.inFlight]!,
    errors: sumOf(totals, ids.errors, 10),
    hosts,
    hostsUp,
    p50Ns: medianNs,
    p99Ns,
  };
}

function modelWords(hosts: number, up: number, queued: number): string {
  if (up === 0) return hosts === 0 ? "not asked yet" : "no model server answers";
  const servers = `${up} of ${hosts} model ${hosts === 1 ? "server" : "servers"} up`;
  return queued === 0 ? servers : `${servers}, ${queued} states wait`;
}

function shareOf(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

export function sumOf(cells: Float64Array, from: number, count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += cells[from + i]!;
  return sum;
}
