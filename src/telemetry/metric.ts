/**
 * Counters and gauges: one table for each thread that writes them. From these tables come the
 * board's cells, the names in the database, /metrics and its help lines.
 *
 * Counters only ever grow (u32 cells that wrap; readers take differences). Gauges are doubles that
 * are overwritten. Names follow Prometheus: base units, `_total` on counters, prefix `hftedge_`.
 *
 * What the codecs count per channel (datagrams, gaps, bad by reason …) is not repeated here: each
 * channel has a block of cells of its own on the board, described by the codecs' own table.
 */
import { type ThreadName, threadNames } from "./stage.ts";

export type MetricKind = "counter" | "gauge";

export interface MetricFamily {
  kind: MetricKind;
  name: string;
  help: string;
  /** "" for plain numbers, else "bytes", "seconds", "ratio" … */
  unit: string;
  /** Fixed labels: the family has one cell for each combination, the last label varying fastest. */
  labels: readonly (readonly [name: string, values: readonly string[]])[];
}

type Labels = MetricFamily["labels"];

function counter(name: string, help: string, labels: Labels = []): MetricFamily {
  return { kind: "counter", name: `hftedge_${name}_total`, help, unit: "", labels };
}

function gauge(name: string, unit: string, help: string, labels: Labels = []): MetricFamily {
  const suffix = unit === "" ? "" : `_${unit}`;
  return { kind: "gauge", name: `hftedge_${name}${suffix}`, help, unit, labels };
}

/** In the order of the signal's own enumerations; no signal is without a source, so that begins at 1. */
export const decisionLabels = ["none", "buy", "sell", "hold"] as const;
export const sourceLabels = [
  "l1",
  "l2",
  "model",
  "rules",
  "pending",
  "stale",
  "late",
  "held",
  "timeout",
  "error",
] as const;
export const inferenceErrorLabels = [
  "timeout",
  "connect",
  "http_4xx",
  "http_5xx",
  "overloaded",
  "model_missing",
  "malformed",
  "no_verdict",
  "aborted",
  "other",
] as const;
export const alertSeverityLabels = ["info", "warning", "critical"] as const;
const statusClassLabels = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const;
/** The counters of an interface in sysfs that tell of packets which never reached the kernel's stack. */
export const nicDropLabels = [
  "rx_dropped",
  "rx_missed_errors",
  "rx_over_errors",
  "rx_fifo_errors",
  "rx_no_buffer",
] as const;
const restartLabels = ["feed", "inference", "ops"] as const;

const tables = {
  main: {
    workerRestarts: counter("worker_restarts", "Workers started again after a crash.", [
      ["worker", restartLabels],
    ]),
    stdoutLines: counter("stdout_lines", "Signal lines written to stdout."),
    stdoutDropped: counter("stdout_dropped", "Signal lines dropped because stdout was not read."),
    watchdogPings: counter("watchdog_pings", "Notifications sent to the service manager."),
    memoryLimitBytes: gauge("memory_limit", "bytes", "Configured limit of the process's memory."),
    memoryLocked: gauge("memory_locked", "", "1 when the process's memory is locked in RAM."),
    preallocatedBytes: gauge("preallocated_memory", "bytes", "Typed arrays sized from config."),
    startTimeSeconds: gauge("start_time", "seconds", "Start of the run, seconds of the epoch."),
  },
  feed: {
    receivedDatagrams: counter("received_datagrams", "Datagrams handed over by the kernel."),
    receivedBytes: counter("received_bytes", "Payload bytes handed over by the kernel."),
    truncatedDatagrams: counter("truncated_datagrams", "Datagrams longer than the receive buffer."),
    socketErrors: counter("socket_errors", "Errors of feed sockets."),
    foreignSenders: counter("foreign_sender_datagrams", "Datagrams from a sender not allowed."),
    stampSamples: counter("kernel_stamp_samples", "Kernel receive times read."),
    stampErrors: counter("kernel_stamp_errors", "Kernel receive times that could not be read."),
    channelStale: counter("channel_stale", "Times a channel became stale."),
    channelRecovered: counter("channel_recovered", "Times a stale channel became usable again."),
    silences: counter("channel_silences", "Times a channel was silent for too long."),
    rerequests: counter("rerequests", "Retransmission requests sent."),
    recoveredMessages: counter(
      "recovered_messages",
      "Messages that a retransmission brought back.",
    ),
    lateDatagrams: counter("late_datagrams", "Datagrams older than signal.maxAgeMs when read."),
    touched: counter("instruments_touched", "Instruments whose book a datagram changed."),
    instrumentsRefused: counter("instruments_refused", "New instruments refused, table full."),
    ordersRefused: counter("orders_refused", "Orders refused, order table full."),
    levelsRefused: counter("levels_refused", "Price levels refused, book full."),
    unknownOrders: counter("unknown_orders", "Messages for an order that is not in the book."),
    evaluations: counter("evaluations", "Evaluations of an instrument's state."),
    stateless: counter("evaluations_without_state", "Evaluations of a book that has no state."),
    stateChanges: counter("state_changes", "Evaluations whose state differed from the last."),
    l1Hits: counter("cache_hits", "States found in the in-memory table."),
    l1Misses: counter("cache_misses", "States not found in the in-memory table."),
    pendingAdded: counter("pending_added", "Unknown states put up for the model."),
    pendingCoalesced: counter("pending_coalesced", "Misses of a state that was pending already."),
    pendingFull: counter("pending_full", "Misses that found the pending table full."),
    pendingDropped: counter("pending_dropped", "Pending states given up for newer ones."),
    answersApplied: counter("answers_applied", "Answered states that were evaluated again."),
    answersUnwaited: counter("answers_unwaited", "Answers that no instrument waited for any more."),
    signals: counter("signals", "Signals emitted.", [
      ["source", sourceLabels],
      ["decision", decisionLabels],
    ]),
    signalsSuppressed: counter("signals_suppressed", "Evaluations that did not change the signal."),
    signalsLimited: counter("signals_limited", "Changes held back by the per-symbol rate limit."),
    sinkSends: counter("sink_sends", "Signal datagrams handed to the kernel."),
    sinkErrors: counter("sink_errors", "Signal datagrams that the kernel refused."),
    sinkDrops: counter("sink_drops", "Signals dropped because a sink could not take them."),
    sinkHeartbeats: counter("sink_heartbeats", "Heartbeats sent to sinks."),
    ringDrops: counter(
      "signal_ring_drops",
      "Signals that found the ring to the other threads full.",
    ),
    collections: counter("collections_requested", "Garbage collections asked for in idle moments."),
    instruments: gauge("instruments", "", "Instruments in the table."),
    liveOrders: gauge("live_orders", "", "Orders in all books."),
    liveOrdersLimit: gauge("live_orders_limit", "", "Capacity for orders."),
    staleInstruments: gauge("stale_instruments", "", "Instruments whose book must not be used."),
    staleChannels: gauge("stale_channels", "", "Channels (units, sessions) that are stale."),
    channels: gauge(
      "channels",
      "",
      "Channels (units, sessions) that were heard of, at least one a feed.",
    ),
    heldInstruments: gauge("held_instruments", "", "Instruments held by the operator."),
    pending: gauge("pending_states", "", "States waiting for the model."),
    receiveBufferBytes: gauge("receive_buffer", "bytes", "Smallest receive buffer of the sockets."),
    clocksAgree: gauge("clocks_agree", "", "1 when sender and host clocks are taken to agree."),
  },
  inference: {
    requests: counter("inference_requests", "Questions sent to a model server."),
    ok: counter("inference_ok", "Questions answered with a usable decision."),
    errors: counter("inference_errors", "Questions that failed.", [["kind", inferenceErrorLabels]]),
    coalesced: counter("inference_coalesced", "Misses answered by a question already under way."),
    shed: counter("inference_shed", "Pending states given up because the queue was full."),
    expired: counter("inference_expired", "Pending states given up because they were too old."),
    lateAnswers: counter("inference_late_answers", "Answers that came after their deadline."),
    hedges: counter("inference_hedges", "Second questions sent because the first was slow."),
    hedgesWon: counter("inference_hedges_won", "Second questions that answered first."),
    retries: counter("inference_retries", "Questions asked again."),
    failovers: counter("inference_failovers", "Questions moved to another host."),
    breakerOpened: counter("breaker_opened", "Times a breaker opened."),
    breakerRefused: counter("breaker_refused", "Questions not sent because a breaker was open."),
    rulesDecisions: counter("rules_decisions", "Decisions of the rules engine."),
    l2Hits: counter("cache_l2_hits", "States found in the database."),
    l2Misses: counter("cache_l2_misses", "States not found in the database."),
    l2Errors: counter("cache_l2_errors", "Look-ups in the database that failed."),
    promotions: counter("cache_promotions", "Decisions copied from the database into memory."),
    tableWrites: counter("cache_writes", "Decisions written to the in-memory table."),
    evictions: counter("cache_evictions", "Decisions evicted from the in-memory table."),
    refreshes: counter("cache_refreshes", "Decisions renewed while the old one was still used."),
    expiredEntries: counter("cache_expired", "Decisions that became too old to be used."),
    generations: counter("cache_generations", "Times all decisions were invalidated at once."),
    warmed: counter("warmed_states", "States asked for by warming."),
    warmFailed: counter("warm_failures", "States whose warming failed."),
    decisionRingDrops: counter("decision_ring_drops", "Decisions that could not be handed to ops."),
    answerRingFull: counter("answer_ring_full", "Times the ring of answers to the feed was full."),
    promptTokens: counter("prompt_tokens", "Tokens of prompts, cached ones included."),
    evalTokens: counter("eval_tokens", "Tokens generated."),
    modelLoads: counter("model_loads", "Times the server had to load the model."),
    queueDepth: gauge("inference_queue", "", "States waiting to be asked."),
    queueLimit: gauge("inference_queue_limit", "", "Most states that may wait to be asked."),
    inFlight: gauge("inference_in_flight", "", "Questions under way."),
    hosts: gauge("inference_hosts", "", "Model servers that are configured."),
    hostsUp: gauge("inference_hosts_up", "", "Model servers that answered their last check."),
    breakersOpen: gauge("breakers_open", "", "Breakers that are open or half open."),
    modelPinned: gauge("model_pinned", "", "1 when the model is in memory without an end."),
    warmDone: gauge("warm_progress", "ratio", "Share of the state space that has a decision."),
  },
  ops: {
    storeRows: counter("store_rows", "Rows written to the database."),
    storeCommits: counter("store_commits", "Transactions committed."),
    storeErrors: counter("store_errors", "Transactions that failed."),
    storeDropped: counter(
      "store_dropped_rows",
      "Rows given up while the database was unavailable.",
    ),
    signalsUnstored: counter(
      "signals_unstored",
      "Signals emitted but not kept, beyond store.signalsPerSecondMax.",
    ),
    storeRollups: counter("store_rollups", "Rows merged into a coarser resolution."),
    storePruned: counter("store_pruned_rows", "Rows deleted at the end of their retention."),
    storeBytes: gauge("store", "bytes", "Database file, without its write-ahead log."),
    storeWalBytes: gauge("store_wal", "bytes", "Write-ahead log of the database."),
    storeBuffered: gauge("store_buffered", "seconds", "Seconds of history waiting in memory."),
    storeMemoryOnly: gauge("store_memory_only", "", "1 while nothing can be written to disk."),
    diskFreeBytes: gauge("disk_free", "bytes", "Free space where the database is."),
    alertsOpened: counter("alerts_opened", "Alerts opened.", [["severity", alertSeverityLabels]]),
    alertsResolved: counter("alerts_resolved", "Alerts resolved."),
    alertsOpen: gauge("alerts_open", "", "Alerts that are open."),
    alertsOverflow: counter("alerts_overflow", "Breaches that found the book of open alerts full."),
    webhooksSent: counter("webhooks_sent", "Alert webhooks delivered."),
    webhooksFailed: counter("webhooks_failed", "Alert webhooks given up."),
    httpRequests: counter("http_requests", "HTTP requests answered.", [
      ["status", statusClassLabels],
    ]),
    httpRefused: counter("http_refused", "HTTP requests refused by a limit or the Host check."),
    httpFull: counter(
      "http_full",
      "Times that no further HTTP connections were taken for a while.",
    ),
    httpSubscribers: gauge("http_subscribers", "", "Event streams that are open."),
    httpSubscriberDrops: counter("http_subscriber_drops", "Events dropped for slow subscribers."),
    reads: counter("board_reads", "Readings of the telemetry board."),
    readsLate: counter("board_reads_late", "Readings that came over half a second late."),
    receiveQueueDrops: counter("receive_queue_drops", "Datagrams the kernel dropped, queue full."),
    nicDrops: counter(
      "nic_drops",
      "Packets that the network cards of the feeds dropped, by the card's own counters.",
      [["counter", nicDropLabels]],
    ),
    recordedDatagrams: counter("recorded_datagrams", "Datagrams written to the recording."),
    recordedBytes: counter("recorded_bytes", "Bytes written to the recording."),
    recordLost: counter("record_lost_datagrams", "Datagrams that the recording does not have."),
    residentBytes: gauge("resident_memory", "bytes", "Resident set of all threads."),
    ready: gauge("ready", "", "1 ready, 0.5 degraded, 0 not ready."),
    tableEntries: gauge("cache_entries", "", "Decisions in the in-memory table."),
    tableLimit: gauge("cache_entries_limit", "", "Most decisions the in-memory table can hold."),
    cpuRatio: gauge("host_cpu", "ratio", "Busy share of all cores."),
    loadOne: gauge("host_load1", "", "Load average over one minute."),
    hostMemoryRatio: gauge("host_memory_used", "ratio", "Share of memory that is not available."),
  },
} as const satisfies Record<ThreadName, Record<string, MetricFamily>>;

/** Cells of one thread's family, in the order of the table. */
export interface MetricSpec extends MetricFamily {
  thread: ThreadName;
  /** The key in `Metric`. */
  key: string;
  /** First cell: in the thread's counters or in its gauges, by kind. */
  id: number;
  /** Number of cells: the product of the labels' values. */
  cells: number;
}

type Ids = {
  readonly [T in ThreadName]: { readonly [K in keyof (typeof tables)[T]]: number };
};

const specs: MetricSpec[] = [];
const ids: Record<string, Record<string, number>> = {};
const cellTotals: Record<ThreadName, Record<MetricKind, number>> = {
  main: { counter: 0, gauge: 0 },
  feed: { counter: 0, gauge: 0 },
  inference: { counter: 0, gauge: 0 },
  ops: { counter: 0, gauge: 0 },
};
for (const thread of threadNames) {
  const own: Record<string, number> = {};
  for (const [key, family] of Object.entries<MetricFamily>(tables[thread])) {
    const cells = family.labels.reduce((product, [, values]) => product * values.length, 1);
    const id = cellTotals[thread][family.kind];
    cellTotals[thread][family.kind] += cells;
    specs.push({ ...family, thread, key, id, cells });
    own[key] = id;
  }
  ids[thread] = own;
}

/** `Metric.feed.evaluations` is the cell to count in; families with labels add their offset. */
export const Metric = ids as Ids;
export const metricSpecs: readonly MetricSpec[] = specs;

/** How many cells the thread's counters or gauges take. */
export function metricCells(thread: ThreadName, kind: MetricKind): number {
  return cellTotals[thread][kind];
}

/** The label values of the family's `offset`-th cell, in the order of its labels. */
export function labelsAt(family: MetricFamily, offset: number): Record<string, string> {
  const labels: Record<string, string> = {};
  let below = family.labels.reduce((product, [, values]) => product * values.length, 1);
  for (const [name, values] of family.labels) {
    below /= values.length;
    labels[name] = values[Math.floor(offset / below) % values.length]!;
  }
  return labels;
}
