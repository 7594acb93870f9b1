/**
 * The history database. Everything else is derived from these tables: row types by Drizzle, the
 * migrations in sql/ by drizzle-kit (STRICT and WITHOUT ROWID are added to them by hand).
 *
 * Times are epoch seconds where a row is an interval (`start`) and epoch ms (`…Ms`) elsewhere;
 * durations are ns; u64s are decimal or hexadecimal text, because a double cannot hold them.
 */
import { sql } from "drizzle-orm";
import {
  blob,
  index,
  integer,
  primaryKey,
  real,
  sqliteTable,
  sqliteView,
  text,
  uniqueIndex,
} from "drizzle-orm/sqlite-core";

/** Names of stages and metrics, so that rows carry small numbers and outlive renumbering. */
export const nameTable = sqliteTable("name", {
  id: integer().primaryKey(),
  name: text().notNull().unique(),
});

/** How far each resolution has been filled from the finer one, and deleted from its old end. */
export const tierTable = sqliteTable("tier", {
  /** Seconds. */
  resolution: integer().primaryKey(),
  /** Epoch s: everything before it has been merged into this resolution. */
  rolledTo: integer("rolled_to").notNull(),
  /** Epoch s: everything before it has been deleted from this resolution. */
  prunedTo: integer("pruned_to").notNull(),
  /** How often a row that had been merged from complete time was changed after all. */
  revision: integer().notNull().default(0),
});

/**
 * One row for each stage and interval. The key is packed (key.ts): rows of one stage and resolution
 * lie together in order of time, and unlike in a table WITHOUT ROWID a row of a few hundred bytes
 * stays within its page.
 */
export const latencyTable = sqliteTable("latency", {
  key: integer().primaryKey(),
  /** Durations in the histogram. */
  count: integer().notNull(),
  /** Failures, and those of them that have no duration. */
  errors: integer().notNull(),
  untimed: integer().notNull(),
  /** Durations above the threshold of their time. */
  breaches: integer().notNull(),
  /** Exact, ns; null when count is 0. */
  minNs: integer("min_ns"),
  maxNs: integer("max_ns"),
  /** Exact up to 2^53 ns. */
  sumNs: real("sum_ns").notNull(),
  /** HdrHistogram V2, uncompressed (telemetry/codec.ts). */
  histogram: blob({ mode: "buffer" }).$type<Uint8Array>().notNull(),
});

/** The rows with their keys taken apart: for people and other tools, nothing here reads it. */
export const latencyView = sqliteView("latency_row", {
  /** Seconds that the row covers: 1, 10, 60, 600 or 3,600. */
  resolution: integer(),
  /** `name.id` of the stage, and its name. */
  stage: integer(),
  name: text(),
  /** Epoch s, a multiple of the resolution. */
  start: integer(),
  count: integer(),
  errors: integer(),
  untimed: integer(),
  breaches: integer(),
  minNs: integer("min_ns"),
  maxNs: integer("max_ns"),
  sumNs: real("sum_ns"),
  histogram: blob({ mode: "buffer" }).$type<Uint8Array>(),
}).as(
  sql`SELECT CASE key >> 50 WHEN 0 THEN 1 WHEN 2 THEN 10 WHEN 4 THEN 60 WHEN 5 THEN 600 ELSE 3600 END AS resolution, key >> 32 & 262143 AS stage, name, key & 4294967295 AS start, count, errors, untimed, breaches, min_ns, max_ns, sum_ns, histogram FROM latency LEFT JOIN name ON id = (key >> 32 & 262143)`,
);

/**
 * Counters and gauges. A counter has a row only when it moved, with what was added; a gauge only
 * when it changed and once a minute.
 */
export const metricTable = sqliteTable(
  "metric",
  {
    resolution: integer().notNull(),
    /** `name.id` of the metric with its labels. */
    metric: integer().notNull(),
    start: integer().notNull(),
    /** Seconds that were merged into the row. */
    samples: integer().notNull(),
    sum: real().notNull(),
    /** Of the seconds that have a row: smallest, largest and last value. */
    min: real().notNull(),
    max: real().notNull(),
    last: real().notNull(),
  },
  (row) => [primaryKey({ columns: [row.resolution, row.metric, row.start] })],
);

export const runTable = sqliteTable("run", {
  id: integer().primaryKey({ autoIncrement: true }),
  /** The run's id in signals: 16 hexadecimal digits. */
  key: text().notNull(),
  startMs: integer("start_ms").notNull(),
  /** Last second that was written: where a crashed run ended. */
  lastMs: integer("last_ms").notNull(),
  /** Null while it runs, and for good when it crashed. */
  stopMs: integer("stop_ms"),
  /** Whether it was stopped in order. */
  clean: integer({ mode: "boolean" }).notNull(),
  version: text().notNull(),
  commit: text().notNull(),
  configHash: text("config_hash").notNull(),
  /** JSON: facts about the machine. */
  host: text().notNull(),
});

export const alertTable = sqliteTable(
  "alert",
  {
    id: integer().primaryKey({ autoIncrement: true }),
    run: integer().notNull(),
    /** Counts the run's alerts from 1. */
    number: integer().notNull(),
    rule: text().notNull(),
    subject: text().notNull(),
    severity: text().notNull(),
    summary: text().notNull(),
    /** In `unit`, like `worst`. */
    threshold: real().notNull(),
    unit: text().notNull(),
    openedMs: integer("opened_ms").notNull(),
    lastMs: integer("last_ms").notNull(),
    resolvedMs: integer("resolved_ms"),
    count: integer().notNull(),
    worst: real().notNull(),
  },
  (row) => [uniqueIndex("alert_number").on(row.run, row.number)],
);

/** Signals whose decision differs from the one before, newest `store.signalRowsMax` of them. */
export const signalTable = sqliteTable(
  "signal",
  {
    id: integer().primaryKey({ autoIncrement: true }),
    run: integer().notNull(),
    seq: integer().notNull(),
    /** Emit time. */
    atMs: integer("at_ms").notNull(),
    feed: text().notNull(),
    inputSeq: integer("input_seq").notNull(),
    symbol: text().notNull(),
    signal: text().notNull(),
    confidence: real().notNull(),
    source: text().notNull(),
    reason: text().notNull(),
    ageMs: integer("age_ms"),
    version: text().notNull(),
    state: text().notNull(),
    price: real().notNull(),
    /** Epoch ns as decimal text. */
    exchangeTime: text("exchange_time").notNull(),
    receiveTime: text("receive_time").notNull(),
    emitTime: text("emit_time").notNull(),
    ttlMs: integer("ttl_ms").notNull(),
    latencyNs: integer("latency_ns").notNull(),
  },
  (row) => [index("signal_symbol").on(row.symbol, row.id)],
);

export const gapTable = sqliteTable(
  "gap",
  {
    id: integer().primaryKey({ autoIncrement: true }),
    run: integer().notNull(),
    atMs: integer("at_ms").notNull(),
    feed: text().notNull(),
    channel: text().notNull(),
    session: text().notNull(),
    /** Sequence numbers that are missing: first, and how many. */
    firstSeq: integer("first_seq").notNull(),
    lost: integer().notNull(),
    /** How many of them a retransmission brought back. */
    recovered: integer().notNull(),
    /** When the channel's books could be used again; null while they cannot. */
    healedMs: integer("healed_ms"),
  },
  (row) => [index("gap_channel").on(row.channel, row.firstSeq)],
);

/** The second level of the decision cache: what a version of the model said about a state. */
export const decisionTable = sqliteTable(
  "decision",
  {
    version: text().notNull(),
    /** Canonical text of the state's key. */
    state: text().notNull(),
    decision: text().notNull(),
    confidence: real().notNull(),
    /** JSON: probability of each answer; null where the server gave none. */
    probabilities: text(),
    decidedAtMs: integer("decided_at_ms").notNull(),
    uses: integer().notNull(),
    lastUsedMs: integer("last_used_ms").notNull(),
  },
  (row) => [primaryKey({ columns: [row.version, row.state] })],
);

/** What a decision version stands for: model, its digest, the prompt and the state space. */
export const versionTable = sqliteTable("version", {
  version: text().primaryKey(),
  model: text().notNull(),
  digest: text().notNull(),
  createdMs: integer("created_ms").notNull(),
  lastUsedMs: integer("last_used_ms").notNull(),
  /** JSON: everything else that the version is a hash of. */
  detail: text().notNull(),
});

/** What happened to the appliance itself: starts, crashes, a file set aside, a full disk. */
export const eventTable = sqliteTable("event", {
  id: integer().primaryKey({ autoIncrement: true }),
  run: integer().notNull(),
  atMs: integer("at_ms").notNull(),
  kind: text().notNull(),
  severity: text().notNull(),
  message: text().notNull(),
  /** JSON, or empty. */
  detail: text().notNull(),
});

export type RunRow = typeof runTable.$inferSelect;
/** Without the columns that the key stands for. */
export type LatencyRow = typeof latencyTable.$inferInsert & { key: number };
export type MetricRow = typeof metricTable.$inferSelect;
export type AlertRow = typeof alertTable.$inferSelect;
export type SignalRow = typeof signalTable.$inferSelect;
export type GapRow = typeof gapTable.$inferSelect;
export type DecisionRow = typeof decisionTable.$inferSelect;
export type VersionRow = typeof versionTable.$inferSelect;
export type EventRow = typeof eventTable.$inferSelect;
