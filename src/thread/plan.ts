/**
 * A run in plain values: what the workers are handed. Made once by the supervisor from the
 * configuration, cloned into each Worker.
 */
import {
  accepted,
  type FeedLine,
  parseFeedLine,
  parseSinkUrl,
  parseTcpUrl,
  parseServerUrl,
} from "../config/address.ts";
import type { Config } from "../config/schema.ts";
import type { RecoveryOptions } from "../feed/recovery.ts";
import type { GlimpseOptions } from "../feed/glimpse.ts";
import { formats, type FormatName } from "../feed/format.ts";
import type { StateOptions } from "../market/state.ts";
import type { TableSpec } from "../decision/table-plane.ts";
import { StateSpace } from "../market/state.ts";
import type { UdpTarget } from "./sink.ts";

/** The history database in the data directory: written by ops, read by inference. */
export const historyFile = "history.db";

export interface FeedPlan {
  name: string;
  format: FormatName;
  lines: readonly FeedLine[];
  symbols: readonly string[] | undefined;
  silenceNs: number;
  partialBooks: boolean;
  /** Decimals of scaled prices. */
  priceDecimals: number;
  /** A scaled size / sizeScale = shares: what books and the publication have is scaled. */
  sizeScale: number;
  /** Scaled price units. */
  tickSize: number;
  tickSizes: Readonly<Record<string, number>>;
  timestampUnit: "s" | "ms" | "us" | "ns";
  /** Epoch ns of the feed's midnight. */
  midnightNs: bigint;
  timeZone: string;
  receiveBufferBytes: number;
  busyPollUs: number;
  shareAddress: boolean;
  ack: boolean;
  /** How datagrams come: by the event loop, or read by the thread itself. */
  receive: "event" | "poll";
  recovery: RecoveryOptions;
  /** The retransmission server; undefined for none. */
  rerequest: { host: string; port: number } | undefined;
  snapshot: ({ host: string; port: number } & GlimpseOptions) | undefined;
}

export interface RunPlan {
  /** Epoch ms of the start: unique enough for a box, and it sorts. */
  runId: number;
  /** Epoch seconds that all process-wide times count from. */
  baseSeconds: number;
  dataDirectory: string;
  feeds: readonly FeedPlan[];
  targets: readonly UdpTarget[];
  stdout: boolean;
  state: StateOptions;
  table: TableSpec;
  limits: RunLimits;
  config: Config;
  /** Where the configuration came from; null for defaults, environment and flags. */
  configFile: string | null;
}

export interface RunLimits {
  instruments: number;
  orders: number;
  levels: number;
  levelsPerSide: number;
  channels: number;
  maxJump: number;
  pending: number;
  heldSymbols: number;
  /** Records; powers of two. */
  answerRing: number;
  signalRing: number;
  tableEntries: number;
  denseStates: number;
}

function limitsOf({ limit }: Config): RunLimits {
  let answerRing = 2;
  // Every pending state may be answered at once, and late answers come on top.
  while (answerRing < limit.pendingStates * 2) answerRing *= 2;
  return {
    instruments: limit.symbols,
    orders: limit.orders,
    levels: limit.levels,
    levelsPerSide: limit.levelsPerSide,
    channels: limit.channels,
    maxJump: limit.sequenceJump,
    pending: limit.pendingStates,
    heldSymbols: limit.heldSymbols,
    answerRing,
    signalRing: limit.signalRing,
    tableEntries: limit.tableEntries,
    denseStates: limit.denseStates,
  };
}

/** Of the sizes of ticks, which may be fractions; every other format tells whole shares. */
const sizeDecimals = 4;

/** Epoch ns of the midnight that begins the date ("" = today) in the time zone. */
export function midnightNs(date: string, timeZone: string, nowMs: number): bigint {
  const day =
    date === ""
      ? Temporal.Instant.fromEpochMilliseconds(nowMs).toZonedDateTimeISO(timeZone).toPlainDate()
      : Temporal.PlainDate.from(date);
  return day.toZonedDateTime({ timeZone }).epochNanoseconds;
}

export function planRun(config: Config, dataDirectory: string, nowMs: number): RunPlan {
  const limits = limitsOf(config);
  const feeds = config.feed.map((feed) => planFeed(feed, nowMs));
  const sinks = config.sink.map((sink) => ({ sink, target: accepted(parseSinkUrl(sink.url)) }));
  const state = planState(config, limits);
  const space = new StateSpace(state);
  return {
    runId: nowMs,
    baseSeconds: Math.floor(nowMs / 1000),
    dataDirectory,
    feeds,
    targets: sinks.flatMap(({ sink, target }) =>
      target.kind === "udp" ? [{ ...target, heartbeatNs: sink.heartbeatMs * 1e6 }] : [],
    ),
    stdout: sinks.some(({ target }) => target.kind === "stdout"),
    state,
    table: {
      form: space.finite ? "dense" : "associative",
      capacity: space.finite ? space.size : limits.tableEntries,
      keyWords: space.keyWords,
    },
    limits,
    config,
    configFile: null,
  };
}

function planFeed(feed: Config["feed"][number], nowMs: number): FeedPlan {
  const day = midnightNs(feed.date, feed.timeZone, nowMs);
  const format = feed.format;
  const priceDecimals = formats[format].priceDecimals(feed.priceDecimals);
  const scale = 10 ** priceDecimals;
  const scaled = (tick: number): number => Math.max(1, Math.round(tick * scale));
  return {
    name: feed.name,
    format,
    lines: feed.lines.map((line) => accepted(parseFeedLine(line))),
    symbols: feed.symbols.length === 0 ? undefined : feed.symbols,
    silenceNs: feed.silenceMs * 1e6,
    partialBooks: feed.partialBooks,
    priceDecimals,
    sizeScale: format === "tick" ? 10 ** sizeDecimals : 1,
    tickSize: scaled(feed.tickSize),
    tickSizes: Object.fromEntries(
      Object.entries(feed.tickSizes).map(([symbol, tick]) => [symbol, scaled(tick)]),
    ),
    timestampUnit: feed.timestampUnit,
    midnightNs: day,
    timeZone: feed.timeZone,
    receiveBufferBytes: feed.receiveBufferBytes,
    busyPollUs: feed.busyPollUs,
    shareAddress: feed.shareAddress,
    ack: feed.ack,
    receive: feed.receive,
    recovery: planRecovery(feed),
    rerequest: feed.rerequest === "" ? undefined : accepted(parseServerUrl(feed.rerequest)),
    snapshot:
      feed.snapshot === ""
        ? undefined
        : {
            ...accepted(parseTcpUrl(feed.snapshot)),
            username: feed.snapshotUser,
            password: feed.snapshotPassword,
            timeoutNs: feed.snapshotTimeoutMs * 1e6,
            attempts: feed.snapshotAttempts,
            retryNs: feed.snapshotRetryMs * 1e6,
          },
  };
}

/** Gaps that have ended and wait for the feed thread to hand them on. */
const gapRecords = 1024;

function planRecovery(feed: Config["feed"][number]): RecoveryOptions {
  return {
    lines: feed.lines.length,
    holdNs: feed.holdUs * 1000,
    holdDatagrams: feed.holdDatagrams,
    reorderDatagrams: feed.reorderDatagrams,
    reorderBytes: feed.reorderBytes,
    requests: feed.rerequest === "" ? 0 : feed.requestsMax,
    requestTimeoutNs: feed.requestTimeoutMs * 1e6,
    requestMessages: feed.requestMessages,
    requestGapMessages: feed.requestGapMessages,
    giveUpNs: feed.giveUpMs * 1e6,
    gapRecords,
  };
}

function planState({ state }: Config, limits: RunLimits): StateOptions {
  const { symbolInKey } = state;
  return {
    preset: state.preset,
    features: state.preset === "custom" ? state.features : undefined,
    ...(symbolInKey === "auto" ? {} : { symbolInKey: symbolInKey === "always" }),
    windows: {
      momentumNs: state.momentumMs * 1e6,
      flowNs: state.flowMs * 1e6,
      volatilityNs: state.volatilityMs * 1e6,
    },
    instruments: limits.instruments,
    denseStates: limits.denseStates,
  };
}

/** More live orders than these do not fit the cache of one core (about 53 bytes each). */
const cachedOrders = 100_000;

/** What a format's decoder is made with. */
export function formatOptions(feed: FeedPlan, limits: RunLimits) {
  return {
    channels: limits.channels,
    maxJump: limits.maxJump,
    prefetch: limits.orders > cachedOrders,
    instruments: limits.instruments,
    baseEpochNs: feed.midnightNs,
    priceDecimals: feed.priceDecimals,
    sizeDecimals,
    timestampUnit: feed.timestampUnit,
    recovery: feed.recovery,
  };
}
