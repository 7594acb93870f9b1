/**
 * Where inference counts and records. The names are those of the metric table and of the stages, so
 * that the thread hands over the telemetry board with a look-up and no translation.
 */
export type Counter =
  | "requests"
  | "ok"
  | "coalesced"
  | "shed"
  | "expired"
  | "lateAnswers"
  | "hedges"
  | "hedgesWon"
  | "failovers"
  | "breakerOpened"
  | "breakerRefused"
  | "rulesDecisions"
  | "l2Hits"
  | "l2Misses"
  | "l2Errors"
  | "promotions"
  | "tableWrites"
  | "evictions"
  | "refreshes"
  | "expiredEntries"
  | "generations"
  | "warmed"
  | "warmFailed"
  | "decisionRingDrops"
  | "answerRingFull"
  | "promptTokens"
  | "evalTokens"
  | "modelLoads";

export type Gauge =
  | "queueDepth"
  | "queueLimit"
  | "inFlight"
  | "hosts"
  | "hostsUp"
  | "breakersOpen"
  | "modelPinned"
  | "warmDone";

export type ErrorLabel =
  | "timeout"
  | "connect"
  | "http_4xx"
  | "http_5xx"
  | "overloaded"
  | "model_missing"
  | "malformed"
  | "no_verdict"
  | "aborted"
  | "other";

/** Parts of a question's time, as stages: ollama_processing and its five parts, and L2. */
export type Part = "processing" | "load" | "wait" | "prompt" | "eval" | "client" | "l2";

export interface Meter {
  count(what: Counter, times?: number): void;
  error(label: ErrorLabel): void;
  gauge(what: Gauge, value: number): void;
  record(part: Part, valueNs: number): void;
  /** A question that failed after `valueNs`. */
  fail(valueNs: number): void;
}
