/** A latency answer as flat rows: what tables, CSV and data sources of other tools want. */
import type { LatencyAnswer, LatencySeries } from "../store/latency-query.ts";
import type { Row } from "./format.ts";
import { percentileField } from "./percentile.ts";

export const rowColumns = [
  "time",
  "atMs",
  "stage",
  "count",
  "errors",
  "successRate",
  "breaches",
  "minNs",
  "meanNs",
  "maxNs",
] as const;

export function columnsFor(percents: readonly number[]): string[] {
  return [...rowColumns, ...percents.map(percentileField)];
}

/** Steps in which anything was measured or failed, stage by stage. */
export function* rowsOf(answer: LatencyAnswer, percents: readonly number[]): Generator<Row> {
  const fields = percents.map(percentileField);
  for (const series of answer.series) {
    for (let i = 0; i < answer.steps; i++) {
      const count = series.count[i]!;
      const errors = series.errors[i]!;
      if (count + errors === 0) continue;
      const atMs = (answer.fromS + i * answer.stepS) * 1000;
      const row: Record<string, string | number | null> = {
        time: new Date(atMs).toISOString(),
        atMs,
        stage: series.stage,
        count,
        errors,
        successRate: successRate(series, i),
        breaches: series.breaches[i]!,
        minNs: known(series.minNs[i]!),
        meanNs: known(series.meanNs[i]!),
        maxNs: known(series.maxNs[i]!),
      };
      fields.forEach((field, p) => {
        row[field] = known(series.percentilesNs[p]![i]!);
      });
      yield row;
    }
  }
}

export function successRate({ count, errors, untimed }: LatencySeries, i: number): number | null {
  const attempts = count[i]! + untimed[i]!;
  return attempts === 0 ? null : Math.max(0, attempts - errors[i]!) / attempts;
}

export function known(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
