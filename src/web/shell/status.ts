/**
 * A status in which every number has the digits it mostly has: the shell keeps their room free. Its
 * digits are never shown, and are not in the page: see document.ts.
 */
import type { SignalNews, StageStatus, Status } from "../api.ts";
import { blankMark } from "./document.ts";

/** The stages that a run shows from its first second on. */
export const shellStages = [
  "network_latency",
  "data_ingestion",
  "cache_access",
  "ollama_processing",
  "total_pipeline",
  "total_pipeline.cached",
] as const;

const rowsShown = 12;

function stage(name: string): StageStatus {
  return {
    name,
    headline: !name.includes("."),
    ratePerS: 1000,
    count: 10_000,
    errors: 0,
    p50Ns: 20_000,
    p99Ns: 200_000,
    p999Ns: 200_000,
    maxNs: 1e6,
    successRate: 1,
    thresholdNs: 1e6,
    total: 10_000,
  };
}

function signal(index: number): SignalNews {
  return {
    seq: index,
    feed: "",
    inputSeq: 0,
    symbol: `${blankMark.repeat(index + 1)}AAAA`,
    signal: "HOLD",
    confidence: 0.7,
    source: "rules",
    reason: "",
    ageMs: 0,
    version: "",
    state: "",
    price: 100.11,
    emitTime: "",
    ttlMs: 0,
    latencyNs: 20_000,
  };
}

export const shellStatus: Status = {
  seq: 0,
  atMs: 60_000,
  startedMs: 0,
  version: "0.0.0",
  commit: "",
  run: "",
  windowS: 10,
  readiness: { status: "ready", reasons: [] },
  threads: ["main", "feed", "inference", "ops"].map((name) => {
    return { name, beatAgeMs: 0, restarts: 0 };
  }),
  stages: shellStages.map(stage),
  clocksAgree: true,
  feed: {
    state: "receiving",
    datagramsPerS: 1000,
    messagesPerS: 1000,
    bytesPerS: 100_000,
    datagrams: 100_000,
    messages: 100_000,
    drops: 0,
    gaps: 0,
    lostMessages: 0,
    channels: 1,
    staleChannels: 0,
    instruments: 10,
    staleInstruments: 0,
    heldInstruments: 0,
  },
  cache: {
    hitsPerS: 1000,
    missesPerS: 0,
    l1Share: 1,
    l2Share: 1,
    entries: 1000,
    entriesLimit: 1000,
    pending: 0,
  },
  inference: {
    state: "ready",
    engine: "rules",
    model: "",
    version: "",
    answersPerS: 0,
    queued: 0,
    inFlight: 0,
    errors: 0,
    hosts: 0,
    hostsUp: 0,
    p50Ns: null,
    p99Ns: null,
  },
  store: { state: "written to disk", bytes: 1e6, diskFreeBytes: 10e9, waitingSeconds: 0 },
  host: {
    cpuRatio: 0.5,
    loadOne: 1,
    memoryRatio: 0.1,
    residentBytes: 300e6,
    memoryLimitBytes: 2e9,
    memoryLocked: true,
  },
  signals: {
    perS: 10,
    total: 10_000,
    newest: Array.from({ length: rowsShown }, (_, index) => signal(index)),
  },
  alerts: [],
  http: { subscribers: 0, requests: 0 },
};
