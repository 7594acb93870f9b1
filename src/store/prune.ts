/**
 * Bounds on the history: each resolution has its retention, signals and events a number of rows,
 * and the file a size. Deleting goes in small steps from the old end, and space is given back with
 * incremental vacuum only: a full VACUUM would stop the thread for as long as it copies the file.
 */
import { sql } from "drizzle-orm";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";
import { keyBase } from "./key.ts";
import { alertTable, decisionTable, eventTable, gapTable, signalTable } from "./schema.ts";
import { type Resolution, type Tier, type Tiers } from "./tier.ts";
import type { History } from "./open.ts";

export interface Retention {
  /** Seconds that each resolution is kept; must not fall from a finer to a coarser one. */
  tierS: Readonly<Record<Resolution, number>>;
  signalRows: number;
  /** Of alerts, gaps and events each. */
  recordRows: number;
  decisionRows: number;
  /** Bytes that the file may use. */
  sizeBytes: number;
}

export interface FileSize {
  /** Bytes of the file, and those of them that hold nothing. */
  bytes: number;
  freeBytes: number;
}

/** Most seconds' worth of rows (of 1 s) deleted from one tier in one step. */
const stepRows = 3600;
/** Rows deleted from a record table in one step. */
const stepRecords = 10_000;
/** Free pages worth giving back to the file system, and how many at a time. */
const freePagesMin = 1024;
const vacuumPages = 256;
/** A file that is too large, or a full disk, never costs the last hour of any resolution. */
const keepS = 3600;

export class Pruner {
  private readonly database: History;
  private readonly tiers: Tiers;
  private readonly retention: Retention;

  constructor(database: History, tiers: Tiers, retention: Retention) {
    this.database = database;
    this.tiers = tiers;
    this.retention = retention;
  }

  /** Deletes a bounded number of rows that are too old or too many; returns how many. */
  step(nowS: number): number {
    const { signalRows, recordRows, decisionRows, sizeBytes, tierS } = this.retention;
    let rows = 0;
    for (const tier of this.tiers.all) {
      if (tier.prunedTo > nowS) this.readmit(tier, nowS);
      rows += this.pruneTier(tier, nowS - tierS[tier.resolution]);
    }
    rows += this.pruneRecords(signalTable, signalRows);
    for (const table of [alertTable, gapTable, eventTable]) {
      rows += this.pruneRecords(table, recordRows);
    }
    rows += this.pruneDecisions(decisionRows);
    const { bytes, freeBytes } = this.size();
    if (bytes - freeBytes > sizeBytes) rows += this.shrink(nowS);
    return rows;
  }

  /** Deletes the oldest `rows` of each stage in the finest resolution that has more than an hour. */
  shrink(nowS: number, rows = stepRows): number {
    for (const tier of this.tiers.all) {
      const first = this.firstOf(tier);
      if (first === null || first >= nowS - keepS) continue;
      const deleted = this.pruneTier(tier, Math.min(nowS - keepS, first + rows * tier.resolution));
      if (deleted > 0) return deleted;
    }
    return this.pruneRecords(signalTable, Math.floor(this.count(signalTable) / 2));
  }

  /** Gives free pages back to the file system, in small steps; `eager`: even a few of them. */
  vacuum(eager = false): void {
    if (!eager && pragma(this.database, "freelist_count") < freePagesMin) return;
    // It frees a page for each row that is fetched, so the rows have to be fetched.
    this.database.$client.query(`PRAGMA incremental_vacuum(${vacuumPages})`).all();
  }

  size(): FileSize {
    const page = pragma(this.database, "page_size");
    return {
      bytes: pragma(this.database, "page_count") * page,
      freeBytes: pragma(this.database, "freelist_count") * page,
    };
  }

  /** `cutS`: rows before it go, as far as they have been merged into the next resolution. */
  private pruneTier(tier: Tier, cutS: number): number {
    const coarser = this.coarserThan(tier);
    const step = coarser?.resolution ?? tier.resolution;
    const merged = coarser === undefined ? cutS : Math.min(cutS, coarser.rolledTo);
    const wanted = merged - (merged % step);
    if (wanted === tier.prunedTo) return 0;
    // A clock that leapt ahead and was set back leaves rows where all was deleted before: those
    // that it makes then are in the coarser resolutions from the start.
    const first = this.firstOf(tier) ?? wanted;
    const reach = first - (first % step) + stepRows * tier.resolution;
    const cut = Math.min(wanted, reach - (reach % step));
    if (cut <= tier.prunedTo && first >= cut) return 0;
    let rows = 0;
    const client = this.database.$client;
    const before = tier.prunedTo;
    try {
      client.transaction(() => {
        const stages = client.query("SELECT id FROM name").values() as [number][];
        const latency = client.query("DELETE FROM latency WHERE key >= ?1 AND key < ?2");
        const metric = client.query(
          "DELETE FROM metric WHERE resolution = ?1 AND metric = ?2 AND start < ?3",
        );
        for (const [id] of stages) {
          const base = keyBase(tier.resolution, id);
          rows += latency.run(base, base + cut).changes;
          rows += metric.run(tier.resolution, id, cut).changes;
        }
        tier.prunedTo = Math.max(tier.prunedTo, cut);
        this.tiers.save(tier);
      })();
    } catch (error) {
      tier.prunedTo = before;
      throw error;
    }
    return rows;
  }

  /**
   * After a clock that leapt ahead and was set back, all of today counts as deleted. Nothing of what
   * comes from now on is: it must be read at this resolution, not only from the coarser ones.
   */
  private readmit(tier: Tier, nowS: number): void {
    const step = this.coarserThan(tier)?.resolution ?? tier.resolution;
    const from = Math.ceil(nowS / step) * step;
    if (from >= tier.prunedTo) return;
    tier.prunedTo = from;
    this.tiers.save(tier);
  }

  private coarserThan(tier: Tier): Tier | undefined {
    return this.tiers.all[this.tiers.all.indexOf(tier) + 1];
  }

  /** Epoch s of the tier's oldest row, or null. */
  private firstOf({ resolution }: Tier): number | null {
    const row = this.database.$client
      .query(
        `SELECT min(s) FROM (
           SELECT (SELECT min(key) & 4294967295 FROM latency
                   WHERE key >= ?1 + (name.id << 32) AND key < ?1 + (name.id + 1 << 32)) AS s
           FROM name
           UNION ALL
           SELECT (SELECT min(start) FROM metric WHERE resolution = ?2 AND metric = name.id)
           FROM name)`,
      )
      .values(keyBase(resolution, 0), resolution)[0] as [number | null];
    return row[0];
  }

  private count(table: SQLiteTable): number {
    const row = this.database
      .select({ rows: sql<number | null>`max(id) - min(id) + 1` })
      .from(table)
      .get();
    return row?.rows ?? 0;
  }

  /** Ids only grow, so the newest `rows` are those above the highest id less `rows`. */
  private pruneRecords(table: SQLiteTable, rows: number): number {
    const excess = this.count(table) - rows;
    if (excess <= 0) return 0;
    this.database.run(
      sql`DELETE FROM ${table} WHERE id < (SELECT min(id) FROM ${table}) + ${Math.min(excess, stepRecords)}`,
    );
    return Math.min(excess, stepRecords);
  }

  /** The decisions that were used least recently go first. */
  private pruneDecisions(limit: number): number {
    const { rows } = this.database
      .select({ rows: sql<number>`count(*)` })
      .from(decisionTable)
      .get() as { rows: number };
    const excess = Math.min(rows - limit, stepRecords);
    if (excess <= 0) return 0;
    this.database.run(
      sql`DELETE FROM ${decisionTable} WHERE (version, state) IN (
            SELECT version, state FROM ${decisionTable} ORDER BY last_used_ms LIMIT ${excess})`,
    );
    return excess;
  }
}

function pragma({ $client }: History, name: string): number {
  return ($client.query(`PRAGMA ${name}`).values()[0] as [number])[0];
}
