/** Fetches what the latency chart shows: heat map, percentile lines, alerts of the range. */
import { type AlertNews, getJson } from "./api.ts";
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

export const percentiles = [50, 99, 99.9] as const;
/** Alerts drawn at most: a year of a bad system has more than can be told apart. */
const alertsMax = 200;

interface HeatReply {
  stage: string;
  fromS: number;
  stepS: number;
  steps: number;
  edgesNs: number[];
  counts: number[];
}

interface SeriesReply {
  fromS: number;
  stepS: number;
  steps: number;
  series: { stage: string; maxNs: (number | null)[]; percentilesNs: (number | null)[][] }[];
}

export async function fetchLatency(
  stage: string,
  fromS: number,
  toS: number,
  stepS: number,
  signal: AbortSignal,
): Promise<LatencyPicture> {
  const range = `stage=${encodeURIComponent(stage)}&from=${fromS}&to=${toS}&step=${stepS}`;
  const [heat, series, alerts] = await Promise.all([
    getJson<HeatReply>(`/api/v1/latency/heatmap?${range}`, signal),
    getJson<SeriesReply>(`/api/v1/latency?${range}&percentiles=${percentiles.join(",")}`, signal),
    getJson<{ alerts: AlertNews[] }>(
      `/api/v1/alerts?from=${fromS}&to=${toS}&limit=${alertsMax}`,
      signal,
    ),
  ]);
  return { heat, ...linesOf(series), alerts: alerts.alerts };
}

function linesOf({ fromS, stepS, steps, series }: SeriesReply): LatencyLines {
  const [first] = series;
  // A step's values lie somewhere within it: its point is in the middle.
  const times = Array.from({ length: steps }, (_, index) => fromS + (index + 0.5) * stepS);
  const nothing = times.map(() => null);
  return {
    times,
    lines: percentiles.map((_, index) => first?.percentilesNs[index] ?? nothing),
    maxNs: first?.maxNs ?? nothing,
  };
}
