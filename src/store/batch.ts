/**
 * What one second adds to the history: plain data, so that it can wait in memory while the disk
 * is full.
 */
import type { Alert } from "../telemetry/alert.ts";
import type { DecisionRow, EventRow, GapRow, SignalRow, VersionRow } from "./schema.ts";

export interface LatencyItem {
  stage: string;
  count: number;
  errors: number;
  untimed: number;
  breaches: number;
  minNs: number | null;
  maxNs: number | null;
  sumNs: number;
  /** HdrHistogram V2. */
  histogram: Uint8Array;
}

export interface MetricItem {
  /** With its labels, as in /metrics. */
  metric: string;
  value: number;
}

export type NewSignal = Omit<SignalRow, "id" | "run">;
export type NewGap = Omit<GapRow, "id" | "run">;
export type NewEvent = Omit<EventRow, "id" | "run">;

export interface GapHealed {
  channel: string;
  firstSeq: number;
  recovered: number;
  healedMs: number;
}

/** A decision was used so often since it was last reported. */
export interface DecisionUse {
  version: string;
  state: string;
  uses: number;
  lastUsedMs: number;
}

export interface Batch {
  /** Epoch s of the interval that the latency and metrics belong to. */
  startS: number;
  latency: LatencyItem[];
  metrics: MetricItem[];
  signals: NewSignal[];
  gaps: NewGap[];
  healed: GapHealed[];
  alerts: Alert[];
  versions: VersionRow[];
  decisions: DecisionRow[];
  uses: DecisionUse[];
  events: NewEvent[];
}

export function emptyBatch(startS: number): Batch {
  return {
    startS,
    latency: [],
    metrics: [],
    signals: [],
    gaps: [],
    healed: [],
    alerts: [],
    versions: [],
    decisions: [],
    uses: [],
    events: [],
  };
}

/** Rows in the batch, for counters and bounds. */
export function batchRows(batch: Batch): number {
  let rows = 0;
  for (const value of Object.values(batch)) if (Array.isArray(value)) rows += value.length;
  return rows;
}

export function rowsIn(batches: readonly Batch[]): number {
  return batches.reduce((rows, batch) => rows + batchRows(batch), 0);
}
