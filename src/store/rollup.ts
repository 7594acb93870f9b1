/**
 * Merging 1 s → 10 s → 1 min → 10 min → 1 h. Rows of one resolution become rows of the next in the
 * same transaction that moves `rolledTo`, so a crash can neither lose nor repeat a merge.
 */
import { and, asc, eq, gte, lt, sql } from "drizzle-orm";
import { Folder, LatencySum } from "./fold.ts";
import { keyBase, startOf } from "./key.ts";
import { latencyTable, metricTable, nameTable } from "./schema.ts";
import type { Tier, Tiers } from "./tier.ts";
import type { History } from "./open.ts";

/** Rows may come this late and still be merged in the ordinary way, seconds. */
const graceS = 2;
/** Most coarser rows of one stage made in one step: bounds how long ops is busy with it. */
const stepRows = 60;

export interface RollupStep {
  /** Rows merged. */
  rows: number;
  /** Rows whose histogram was damaged. */
  unreadable: number;
}

export class Rollup {
  private readonly database: History;
  private readonly tiers: Tiers;
  private readonly folder: Folder;
  private readonly statements: ReturnType<typeof prepare>;
  private readonly sum = new LatencySum();

  constructor(database: History, tiers: Tiers) {
    this.database = database;
    this.tiers = tiers;
    this.folder = new Folder(database);
    this.statements = prepare(database);
  }

  /** One bounded step for each resolution. `nowS`: epoch seconds. */
  step(nowS: number): RollupStep {
    const total: RollupStep = { rows: 0, unreadable: 0 };
    this.sum.unreadable = 0;
    const { all } = this.tiers;
    for (let i = 1; i < all.length; i++) {
      const finer = all[i - 1]!;
      const tier = all[i]!;
      const complete = i === 1 ? nowS - graceS : finer.rolledTo;
      const end = complete - (complete % tier.resolution);
      if (end <= tier.rolledTo) continue;
      try {
        this.database.transaction(() => this.stepTier(finer, tier, end, total));
      } catch (error) {
        this.tiers.load();
        throw error;
      }
    }
    total.unreadable = this.sum.unreadable;
    return total;
  }

  private stepTier(finer: Tier, tier: Tier, end: number, total: RollupStep): void {
    const { names, firstLatency, firstMetric } = this.statements;
    const ids = names.all().map(({ id }) => id);
    // After a pause of days the first row is far behind: empty time is skipped, not walked.
    const { resolution } = finer;
    let first = end;
    for (const id of ids) {
      const base = keyBase(resolution, id);
      const range = { from: base + tier.rolledTo, to: base + end };
      const latency = firstLatency.get(range);
      if (latency !== undefined) first = Math.min(first, startOf(latency.key));
      const metric = firstMetric.get({ resolution, id, from: tier.rolledTo, to: end });
      if (metric !== undefined) first = Math.min(first, metric.start);
    }
    const start = first - (first % tier.resolution);
    const stop = Math.min(end, start + stepRows * tier.resolution);
    for (const id of ids) {
      total.rows += this.mergeLatency(finer, tier, id, start, stop);
      total.rows += this.mergeMetric(finer, tier, id, start, stop);
    }
    tier.rolledTo = stop;
    this.tiers.save(tier);
  }

  private mergeLatency(finer: Tier, tier: Tier, stage: number, from: number, to: number): number {
    const base = keyBase(tier.resolution, stage);
    const finerBase = keyBase(finer.resolution, stage);
    const range = { from: finerBase + from, to: finerBase + to };
    const rows = this.statements.latency.all(range);
    let current = 0;
    for (const row of rows) {
      const start = startOf(row.key);
      const next = start - (start % tier.resolution);
      if (next !== current && this.sum.rows > 0) this.folder.latency(this.sum.take(base + current));
      current = next;
      this.sum.add(row);
    }
    if (this.sum.rows > 0) this.folder.latency(this.sum.take(base + current));
    return rows.length;
  }

  private mergeMetric(finer: Tier, tier: Tier, metric: number, from: number, to: number): number {
    const key = { resolution: finer.resolution, id: metric, from, to };
    const rows = this.statements.metric.all(key);
    for (const row of rows) {
      const start = row.start - (row.start % tier.resolution);
      this.folder.metric({ ...row, resolution: tier.resolution, start });
    }
    return rows.length;
  }
}

function prepare(database: History) {
  const { placeholder } = sql;
  const latencyRange = and(
    gte(latencyTable.key, placeholder("from")),
    lt(latencyTable.key, placeholder("to")),
  );
  const metricRange = and(
    eq(metricTable.resolution, placeholder("resolution")),
    eq(metricTable.metric, placeholder("id")),
    gte(metricTable.start, placeholder("from")),
    lt(metricTable.start, placeholder("to")),
  );
  return {
    names: database.select({ id: nameTable.id }).from(nameTable).prepare(),
    firstLatency: database
      .select({ key: latencyTable.key })
      .from(latencyTable)
      .where(latencyRange)
      .orderBy(asc(latencyTable.key))
      .limit(1)
      .prepare(),
    firstMetric: database
      .select({ start: metricTable.start })
      .from(metricTable)
      .where(metricRange)
      .orderBy(asc(metricTable.start))
      .limit(1)
      .prepare(),
    latency: database
      .select()
      .from(latencyTable)
      .where(latencyRange)
      .orderBy(asc(latencyTable.key))
      .prepare(),
    metric: database
      .select()
      .from(metricTable)
      .where(metricRange)
      .orderBy(asc(metricTable.start))
      .prepare(),
  };
}
