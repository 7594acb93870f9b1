/** Counters and gauges over any range and step, across resolutions. */
import type { Statement } from "bun:sqlite";
import { alignRange } from "./range.ts";
import type { History } from "./open.ts";
import { reachBack, type Span, spansOf } from "./span.ts";
import { tiersOf } from "./tier.ts";

export interface MetricSeries {
  /** With its labels, as in /metrics. */
  metric: string;
  /** A counter: what was added in the step. NaN where there is no row. */
  sum: Float64Array;
  /** Of the rows in the step; for a counter, of what was added in a second. */
  min: Float64Array;
  max: Float64Array;
  /** A gauge's last value in the step. It has a row when it changes, and once a minute. */
  last: Float64Array;
}

export interface MetricAnswer {
  fromS: number;
  steps: number;
  stepS: number;
  spans: Span[];
  series: MetricSeries[];
}

/** start, sum, min, max, last */
type Row = [number, number, number, number, number];

export class MetricQuery {
  private readonly history: History;
  private readonly rows: Statement;

  constructor(history: History) {
    this.history = history;
    this.rows = history.$client.prepare(
      `SELECT start, sum, min, max, last FROM metric
       WHERE resolution = ?1 AND metric = (SELECT id FROM name WHERE name = ?2)
       AND start >= ?3 AND start < ?4 ORDER BY start`,
    );
  }

  /** An unknown metric has no values. Throws EdgeError QUERY_RANGE. */
  series(
    range: { fromS: number; toS: number; stepS: number },
    metrics: readonly string[],
  ): MetricAnswer {
    const { fromS, toS, stepS, steps } = alignRange({ ...range, stages: [] });
    return this.history.$client.transaction(() => {
      const spans = reachBack(spansOf(tiersOf(this.history), fromS, toS, stepS), stepS);
      const series = metrics.map((metric) => this.one(metric, spans, fromS, stepS, steps));
      return { fromS, steps, stepS, spans, series };
    })();
  }

  private one(
    metric: string,
    spans: readonly Span[],
    fromS: number,
    stepS: number,
    steps: number,
  ): MetricSeries {
    const nothing = () => new Float64Array(steps).fill(Number.NaN);
    const series = { metric, sum: nothing(), min: nothing(), max: nothing(), last: nothing() };
    for (const { resolution, from, to } of spans) {
      for (const row of this.rows.values(resolution, metric, from, to) as Row[]) {
        const [start, sum, min, max, last] = row;
        const at = Math.max(0, Math.floor((start - fromS) / stepS));
        const first = Number.isNaN(series.sum[at]!);
        series.sum[at] = first ? sum : series.sum[at]! + sum;
        series.min[at] = first ? min : Math.min(series.min[at]!, min);
        series.max[at] = first ? max : Math.max(series.max[at]!, max);
        series.last[at] = last;
      }
    }
    return series;
  }
}
