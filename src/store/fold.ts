/** Adding a row to one that exists already: exact, because histograms are merged cell by cell. */
import { eq, sql } from "drizzle-orm";
import { encode, mergeEncoded } from "../telemetry/codec.ts";
import { Histogram } from "../telemetry/histogram.ts";
import { latencyTable, metricTable, type LatencyRow, type MetricRow } from "./schema.ts";
import type { History } from "./open.ts";

/** What rows of one stage add up to; `take` gives the sum as a row and begins anew. */
export class LatencySum {
  private readonly histogram = new Histogram();
  private errors = 0;
  private untimed = 0;
  private breaches = 0;
  rows = 0;
  /** Rows whose histogram could not be read: their failures are kept, their durations are not. */
  unreadable = 0;

  add(row: LatencyRow): void {
    const { histogram } = this;
    // Without its cells, a row's sum would belong to no count: the mean of all would be wrong.
    if (!mergeEncoded(row.histogram, histogram)) this.unreadable++;
    else histogram.addExtremes(row.minNs ?? Infinity, row.maxNs ?? -Infinity, row.sumNs);
    this.errors += row.errors;
    this.untimed += row.untimed;
    this.breaches += row.breaches;
    this.rows++;
  }

  take(key: number): LatencyRow {
    const { histogram, errors, untimed, breaches } = this;
    const { count, sumNs } = histogram;
    const row = {
      key,
      count,
      errors,
      untimed,
      breaches,
      sumNs,
      minNs: Number.isFinite(histogram.minNs) ? histogram.minNs : null,
      maxNs: Number.isFinite(histogram.maxNs) ? histogram.maxNs : null,
      histogram: encode(histogram),
    };
    histogram.reset();
    this.errors = 0;
    this.untimed = 0;
    this.breaches = 0;
    this.rows = 0;
    return row;
  }
}

/** Inserts rows, or merges them into the row that is there. */
export class Folder {
  private readonly sum = new LatencySum();
  private readonly insertLatency;
  private readonly selectLatency;
  private readonly replaceLatency;
  private readonly upsertMetric;

  constructor(database: History) {
    const { placeholder } = sql;
    const row = {
      key: placeholder("key"),
      count: placeholder("count"),
      errors: placeholder("errors"),
      untimed: placeholder("untimed"),
      breaches: placeholder("breaches"),
      minNs: placeholder("minNs"),
      maxNs: placeholder("maxNs"),
      sumNs: placeholder("sumNs"),
      histogram: placeholder("histogram"),
    };
    this.insertLatency = database
      .insert(latencyTable)
      .values(row)
      .onConflictDoNothing()
      .returning({ key: latencyTable.key })
      .prepare();
    this.selectLatency = database
      .select()
      .from(latencyTable)
      .where(eq(latencyTable.key, placeholder("key")))
      .prepare();
    this.replaceLatency = database
      .insert(latencyTable)
      .values(row)
      .onConflictDoUpdate({
        target: latencyTable.key,
        set: {
          count: sql`excluded.count`,
          errors: sql`excluded.errors`,
          untimed: sql`excluded.untimed`,
          breaches: sql`excluded.breaches`,
          minNs: sql`excluded.min_ns`,
          maxNs: sql`excluded.max_ns`,
          sumNs: sql`excluded.sum_ns`,
          histogram: sql`excluded.histogram`,
        },
      })
      .prepare();
    this.upsertMetric = database
      .insert(metricTable)
      .values({
        resolution: placeholder("resolution"),
        metric: placeholder("metric"),
        start: placeholder("start"),
        samples: placeholder("samples"),
        sum: placeholder("sum"),
        min: placeholder("min"),
        max: placeholder("max"),
        last: placeholder("last"),
      })
      .onConflictDoUpdate({
        target: [metricTable.resolution, metricTable.metric, metricTable.start],
        set: {
          samples: sql`${metricTable.samples} + excluded.samples`,
          sum: sql`${metricTable.sum} + excluded.sum`,
          min: sql`min(${metricTable.min}, excluded.min)`,
          max: sql`max(${metricTable.max}, excluded.max)`,
          last: sql`excluded.last`,
        },
      })
      .prepare();
  }

  latency(row: LatencyRow): void {
    const fields = { ...row };
    if (this.insertLatency.get(fields) !== undefined) return;
    this.sum.add(this.selectLatency.get({ key: row.key })!);
    this.sum.add(row);
    this.replaceLatency.run({ ...this.sum.take(row.key) });
  }

  metric(row: MetricRow): void {
    this.upsertMetric.run({ ...row });
  }
}
