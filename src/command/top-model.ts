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
  /** False: network_latency says nothing but its changes. */
  clocksAgree: boolean;
  feed: {
    datagramsPerS: number;
    messagesPerS: number;
    drops: number;
    gaps: number;
    staleChannels: number;
    channels: number;
    instruments: number;
  };
  /** Shares of look-ups, 0 to 1: of all, and of those that the first level did not answer. */
  cache: { l1Share: number; l2Share: number; missesPerS: number; pending: number };
  inference: {
    /** The model's name, or "rules". */
    model: string;
    answersPerS: number;
    queued: number;
    inFlight: number;
    hosts: number;
    hostsUp: number;
    errors: number;
  };
  process: { memoryBytes: number; cpuShare: number; storeBytes: number; store: string };
  stages: readonly TopStage[];
  alerts: readonly TopAlert[];
  signalsPerS: number;
  /** Newest of each symbol; of many symbols the newest ones. */
  signals: readonly TopSignal[];
  /** The last news: epoch ms by the run's clock, and by this computer's; NaN before the first. */
  atMs: number;
  updatedMs: number;
}
