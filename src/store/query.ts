/**
 * The read side of the history, for HTTP and the command line: its own read-only connection, which
 * neither waits for the writer nor makes it wait.
 */
import { type BandsPerDoubling, type Heatmap, heatmapOf } from "./heatmap-query.ts";
import { LatencyQuery } from "./latency-query.ts";
import type { LatencyRange } from "./range.ts";
import { MetricQuery } from "./metric-query.ts";
import { type History, openForReading } from "./open.ts";
import { RecordQuery } from "./record-query.ts";
import type { Turns } from "./turn.ts";

export class HistoryReader {
  readonly latency: LatencyQuery;
  readonly metric: MetricQuery;
  readonly record: RecordQuery;
  readonly path: string;
  private readonly history: History;

  /**
   * `cacheBytes`: memory for steps of the past that are asked for again and again. Throws EdgeError
   * STORE_MISSING, STORE_NEWER, STORE_FOREIGN or STORE_OPEN.
   */
  constructor(path: string, cacheBytes = 0) {
    this.path = path;
    this.history = openForReading(path);
    this.latency = new LatencyQuery(this.history, cacheBytes);
    this.metric = new MetricQuery(this.history);
    this.record = new RecordQuery(this.history);
  }

  heatmap(
    range: Omit<LatencyRange, "stages">,
    stage: string,
    perDoubling: BandsPerDoubling,
  ): Turns<Heatmap> {
    return heatmapOf(this.latency, range, stage, perDoubling);
  }

  close(): void {
    this.history.$client.close();
  }
}
