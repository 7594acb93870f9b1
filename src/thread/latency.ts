/** Latency since the start of the run, read straight from a stage's cells: for the view and --summary. */
import type { Board } from "../telemetry/board.ts";
import { cellCount } from "../telemetry/bucket.ts";
import { Histogram } from "../telemetry/histogram.ts";
import { type Recorder, RecorderCell, RecorderStat } from "../telemetry/recorder.ts";
import { type Stage, stages } from "../telemetry/stage.ts";
import { type LatencySummary, summarise } from "../telemetry/summary.ts";

/** The stage's cells as they are, to take a difference later. */
export function stageCells(board: Board, stage: Stage): Uint32Array {
  return board.recorders[stage]!.cells.slice(0, cellCount);
}

/** What the stage recorded since `before`, by its cells alone: sum and extremes are left to repair. */
function cellsSince({ cells }: Recorder, before?: Uint32Array): Histogram {
  const histogram = new Histogram();
  for (let cell = 0; cell < cellCount; cell++) {
    const times = ((cells[cell] as number) - (before?.[cell] ?? 0)) >>> 0;
    if (times > 0) histogram.addCell(cell, times);
  }
  return histogram;
}

/** Median of what the stage recorded since its cells were read, ns; 0 when that is nothing. */
export function medianSince(board: Board, stage: Stage, before: Uint32Array): number {
  const histogram = cellsSince(board.recorders[stage]!, before);
  histogram.repairExtremes();
  return histogram.count === 0 ? 0 : histogram.percentile(50);
}

/** The stage's histogram up to now. The cells are read while their thread goes on writing. */
export function stageHistogram(board: Board, stage: Stage): Histogram {
  const recorder = board.recorders[stage]!;
  const histogram = cellsSince(recorder);
  histogram.sumNs = recorder.stats[RecorderStat.sumNs] as number;
  histogram.repairExtremes();
  return histogram;
}

/** Every stage that recorded anything, by name. */
export function latencySummaries(board: Board): Record<string, LatencySummary> {
  const summaries: Record<string, LatencySummary> = {};
  for (const { id, name } of stages) {
    const { cells } = board.recorders[id]!;
    const errors = cells[RecorderCell.errors] as number;
    const histogram = stageHistogram(board, id);
    if (histogram.count + errors === 0) continue;
    summaries[name] = summarise(histogram, errors, cells[RecorderCell.untimed] as number);
  }
  return summaries;
}

/** Percentiles of one stage up to now, ns; NaN while nothing was recorded. */
export function latencyOf(
  board: Board,
  stage: Stage,
): { p50: number; p99: number; p999: number; max: number } {
  const histogram = stageHistogram(board, stage);
  const out = new Float64Array(3);
  histogram.percentilesInto([50, 99, 99.9], out, 0);
  const max = histogram.count === 0 ? Number.NaN : histogram.maxNs;
  return { p50: out[0]!, p99: out[1]!, p999: out[2]!, max };
}
