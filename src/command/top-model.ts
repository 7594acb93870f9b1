/** What `hftedge top` shows, as numbers; where a number is not known it is NaN. */

export interface TopStage {
  name: string;
  ratePerS: number;
  p50Ns: number;
  p99Ns: number;
  p999Ns: number;
  maxNs: number;
  /** 0 to 1. */
  successShare: number;
  thresholdNs: number;
}

export interface TopAlert {
  severity: string;
  /** What it is about and how bad it was. */
  words: string;
  openedMs: number;
  count: number;
}

export interface TopSignal {
  symbol: string;
  signal: string;
  /** 0 to 1. */
  confidence: number;
  source: string;
  price: number;
  emittedMs: number;
  /** Kernel receive to emission. */
  latencyNs: number;
}

export interface TopModel {
  version: string;
  /** Epoch ms of the run's start. */
  startedMs: number;
  /** "ready", "degraded", "not ready" or "unknown". */
  readiness: string;
  reasons: readonly string[];
  feed: {
    datagramsPerS: number;
    messagesPerS: number;
    drops: number;
    gaps: number;
    staleChannels: number;
    channels: number;
  };
  /** Shares of look-ups, 0 to 1. */
  cache: { l1Share: number; l2Share: number; missesPerS: number };
  inference: { model: string; answersPerS: number; queued: number; errors: number };
  memoryBytes: number;
  stages: readonly TopStage[];
  alerts: readonly TopAlert[];
  /** Newest of each symbol. */
  signals: readonly TopSignal[];
  /** Epoch ms of the last news; NaN before the first. */
  updatedMs: number;
}

export const emptyModel: TopModel = {
  version: "",
  startedMs: Number.NaN,
  readiness: "unknown",
  reasons: [],
  feed: {
    datagramsPerS: Number.NaN,
    messagesPerS: Number.NaN,
    drops: Number.NaN,
    gaps: Number.NaN,
    staleChannels: Number.NaN,
    channels: Number.NaN,
  },
  cache: { l1Share: Number.NaN, l2Share: Number.NaN, missesPerS: Number.NaN },
  inference: { model: "", answersPerS: Number.NaN, queued: Number.NaN, errors: Number.NaN },
  memoryBytes: Number.NaN,
  stages: [],
  alerts: [],
  signals: [],
  updatedMs: Number.NaN,
};
