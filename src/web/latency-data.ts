/** Fetches what the latency chart shows: heat map, percentile lines, alerts of the range. */
import { type AlertNews, getJson, type Page } from "./api.ts";
import type { HeatData } from "./heat.ts";

export interface LatencyLines {
  /** Epoch s of each point. */
  times: number[];
  /** p50, p99, p99.9 in ns; null where nothing was measured. */
  lines: (number | null)[][];
  maxNs: (number | null)[];
}

export interface LatencyPicture extends LatencyLines {
  heat: HeatData;
  alerts: readonly AlertNews[];
}

/** Alerts drawn at most: a year of a bad system has more than can be told apart. */
const alertsMax = 200;

interface HeatReply {
  stage: string;
  fromMs: number;
  stepMs: number;
  steps: number;
  edgesNs: number[];
  /** [step, band, count] of every cell that is not empty. */
  cells: [number, number, number][];
}

interface SeriesReply {
  stepMs: number;
  /** Start of each step. */
  atMs: number[];
  series: {
    maxNs: (number | null)[];
    p50Ns: (number | null)[];
    p99Ns: (number | null)[];
    p999Ns: (number | null)[];
  }[];
}

export async function fetchLatency(
  stage: string,
  fromS: number,
  toS: number,
  stepS: number,
  signal: AbortSignal,
): Promise<LatencyPicture> {
  const range = `stage=${encodeURIComponent(stage)}&from=${fromS}&to=${toS}&step=${stepS}`;
  // Alerts are found by when they opened: one that was open at the start opened before it.
  const before = Math.max(0, fromS - (toS - fromS) - 3600);
  const [heat, series, alerts] = await Promise.all([
    getJson<HeatReply>(`/api/v1/latency/heatmap?${range}`, signal),
    getJson<SeriesReply>(`/api/v1/latency?${range}&percentiles=50,99,99.9&layout=columns`, signal),
    getJson<Page<AlertNews>>(`/api/v1/alerts?from=${before}&to=${toS}&limit=${alertsMax}`, signal),
  ]);
  return { heat: heatOf(heat), ...linesOf(series), alerts: alerts.items };
}

function heatOf({ stage, fromMs, stepMs, steps, edgesNs, cells }: HeatReply): HeatData {
  const counts = new Float64Array(steps * Math.max(0, edgesNs.length - 1));
  for (const [step, band, count] of cells) counts[band * steps + step] = count;
  return { stage, fromS: fromMs / 1000, stepS: stepMs / 1000, steps, edgesNs, counts };
}

function linesOf({ stepMs, atMs, series }: SeriesReply): LatencyLines {
  const [first] = series;
  // A step's values lie somewhere within it: its point is in the middle.
  const times = atMs.map((ms) => (ms + stepMs / 2) / 1000);
  const nothing = times.map(() => null);
  return {
    times,
    lines: [first?.p50Ns ?? nothing, first?.p99Ns ?? nothing, first?.p999Ns ?? nothing],
    maxNs: first?.maxNs ?? nothing,
  };
}
