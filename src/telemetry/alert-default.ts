/** The rules that every installation has, with the limits that configuration may change. */
import { type AlertPolicy, Severity } from "./alert.ts";
import type { AlertRule, AlertSource } from "./alert-rule.ts";
import { components, type Component } from "./stage.ts";

export interface AlertLimits {
  /** A duration above it is a breach, ns; a component without one has no alert. */
  thresholdsNs: Readonly<Partial<Record<Component, number>>>;
  quietMs: number;
  /** How long a state (stale, down, full) must last before it is an alert. */
  forMs: number;
  hitRateMin: number;
  hitRateLookups: number;
  diskFreeBytesMin: number;
  memoryRatioMax: number;
  /** Resident memory that the process is meant to stay below; none has no alert. */
  residentBytesMax?: number;
}

export function defaultRules(limits: AlertLimits): AlertRule[] {
  const { quietMs, forMs } = limits;
  const rule = (
    name: string,
    severity: AlertPolicy["severity"],
    source: AlertSource,
    summary: string,
    more: Partial<AlertPolicy> = {},
  ): AlertRule => {
    const lowIsWorse = source.kind === "below" || source.kind === "share";
    const base = { limit: 0, unit: "", lowIsWorse, forMs: 0, quietMs };
    return { name, severity, summary, source, ...base, ...more };
  };
  const event = (
    name: string,
    severity: AlertPolicy["severity"],
    metric: string,
    summary: string,
  ) => rule(name, severity, { kind: "event", metric: `hftedge_${metric}_total` }, summary);
  const { info, warning, critical } = Severity;
  const slow = components.flatMap((stage) => {
    const limit = limits.thresholdsNs[stage];
    if (limit === undefined) return [];
    const summary = `${stage} took longer than its threshold.`;
    return [
      rule(`slow_${stage}`, warning, { kind: "stage", stage }, summary, { limit, unit: "ns" }),
    ];
  });
  return [
    ...slow,
    rule(
      "gap",
      critical,
      { kind: "channel", count: "gaps" },
      "A channel lost datagrams: its books are stale until they are rebuilt.",
    ),
    rule(
      "channel_stale",
      critical,
      { kind: "above", metric: "hftedge_stale_channels" },
      "A channel is stale: its instruments are held.",
      { forMs },
    ),
    event(
      "channel_silent",
      warning,
      "channel_silences",
      "A channel sent nothing for longer than feed.silenceMs.",
    ),
    event(
      "receive_drops",
      critical,
      "receive_queue_drops",
      "The kernel dropped datagrams: enlarge the receive buffer (hftedge tune).",
    ),
    event(
      "backlog",
      warning,
      "late_datagrams",
      "Datagrams were read later than signal.maxAgeMs allows.",
    ),
    event(
      "instruments_full",
      critical,
      "instruments_refused",
      "The instrument table is full: raise its capacity.",
    ),
    event(
      "orders_full",
      critical,
      "orders_refused",
      "The order table is full: raise its capacity; the book is stale.",
    ),
    event(
      "levels_full",
      warning,
      "levels_refused",
      "A book has more price levels than configured.",
    ),
    event(
      "pending_full",
      warning,
      "pending_full",
      "More unknown states than the pending table holds.",
    ),
    event(
      "queue_full",
      warning,
      "inference_shed",
      "The model cannot keep up: states were given up.",
    ),
    event("sink_errors", warning, "sink_errors", "Signals could not be sent to a sink."),
    event(
      "sink_drops",
      warning,
      "sink_drops",
      "Signals were dropped because a sink could not take them.",
    ),
    event(
      "ring_drops",
      warning,
      "signal_ring_drops",
      "Signals did not reach history and streams: ops is too slow.",
    ),
    event(
      "stdout_drops",
      warning,
      "stdout_dropped",
      "Signals on stdout were dropped: nobody reads it fast enough.",
    ),
    event(
      "worker_restarted",
      critical,
      "worker_restarts",
      "A worker crashed and was started again: see the log.",
    ),
    rule(
      "ollama_down",
      critical,
      { kind: "below", metric: "hftedge_inference_hosts_up", when: "hftedge_inference_hosts" },
      "No model server answers: unknown states are HOLD. Start it, or check inference.hosts.",
      { limit: 1, forMs },
    ),
    rule(
      "breaker_open",
      warning,
      { kind: "above", metric: "hftedge_breakers_open" },
      "A model server failed too often and is left alone for a while.",
    ),
    event(
      "model_loaded_again",
      info,
      "model_loads",
      "The server had to load the model: something evicted it from memory.",
    ),
    rule(
      "hit_rate_low",
      warning,
      {
        kind: "share",
        part: "hftedge_cache_hits_total",
        whole: ["hftedge_cache_hits_total", "hftedge_cache_misses_total"],
        minimum: limits.hitRateLookups,
      },
      "Too many states are not in the decision table: warm it (hftedge warm).",
      { limit: limits.hitRateMin, unit: "ratio" },
    ),
    rule(
      "disk_low",
      critical,
      { kind: "below", metric: "hftedge_disk_free_bytes", when: "hftedge_store_bytes" },
      "The disk of the history is nearly full: free space, or lower store.sizeMaxMb.",
      { limit: limits.diskFreeBytesMin, unit: "bytes" },
    ),
    rule(
      "store_memory_only",
      critical,
      { kind: "above", metric: "hftedge_store_memory_only" },
      "History cannot be written to disk and is kept in memory for now.",
    ),
    event(
      "signals_unstored",
      info,
      "signals_unstored",
      "Signals were emitted but not kept in the history: more than store.signalsPerSecondMax.",
    ),
    event(
      "store_dropped",
      critical,
      "store_dropped_rows",
      "History was lost because the disk stayed full.",
    ),
    event(
      "http_full",
      warning,
      "http_full",
      "More connections than http.connectionsMax, or than may be open: none are taken until half are over.",
    ),
    rule(
      "memory_high",
      warning,
      { kind: "above", metric: "hftedge_host_memory_used_ratio" },
      "The host's memory is nearly used up.",
      { limit: limits.memoryRatioMax, unit: "ratio", forMs },
    ),
    ...(limits.residentBytesMax === undefined
      ? []
      : [
          rule(
            "memory_limit",
            warning,
            { kind: "above", metric: "hftedge_resident_memory_bytes" },
            "This process takes more than memory.limitMb: lower the capacities in [limit].",
            { limit: limits.residentBytesMax, unit: "bytes", forMs },
          ),
        ]),
  ];
}
