/** What inference is made with, and what it says about itself: everything it touches is handed in. */
import type { DecisionTable } from "../decision/table.ts";
import type { CandidatePlan } from "./candidate.ts";
import type { HostReport } from "./host.ts";
import type { SecondLevel } from "./l2.ts";
import type { Meter } from "./meter.ts";
import type { Fetch } from "./ollama.ts";
import type { Deliver } from "./outbox.ts";
import type { ComparisonReport } from "./shadow.ts";
import type { SymbolNames, TextSpace } from "./state-text.ts";
import type { WarmProgress } from "./warm.ts";
import type { WarmWhat } from "./warm-source.ts";

/** What is needed of market/state.ts's StateSpace. */
export interface InferenceSpace extends TextSpace {
  finite: boolean;
  size: number;
  fingerprint: string;
  index(key: Uint32Array): number;
  keyOf(index: number, out: Uint32Array): void;
}

/** What is needed of decision/pending-view.ts's PendingView. */
export interface Waiting {
  readonly capacity: number;
  version(slot: number): number;
  waiting(slot: number): number;
  lastSeenMs(slot: number): number;
  kind(slot: number): number;
  index(slot: number): number;
  readKey(slot: number, version: number, out: Uint32Array): boolean;
}

export interface InferenceClock {
  /** Monotonic, ms. */
  nowMs(): number;
  /** Monotonic, ns. */
  nowNs(): number;
  /** Epoch seconds. */
  epochS(): number;
}

export interface InferenceLimits {
  /** Questions that may wait for a slot. */
  queueMax: number;
  /** After this nobody waits for the answer any more. */
  deadlineMs: number;
  /** An answer older than this is renewed while it still serves; 0 for never. */
  maxAgeS: number;
  /** An answer older than this does not serve any more; 0 for never. */
  maxStaleS: number;
  /** Ask a second host when the first is slower than 95 % of its answers. */
  hedge: boolean;
  /** Decisions that may wait for ops. */
  outboxMax: number;
  warm: WarmWhat;
  /** Share of states on which a warm shadow must agree to take over by itself; null for never. */
  takeOverAgreement: number | null;
}

export interface InferenceOptions {
  space: InferenceSpace;
  names: SymbolNames;
  table: DecisionTable;
  waiting: Waiting;
  /** Tells the feed; false when the ring is full, and then it is told again at the next poll. */
  answer(slot: number, version: number, outcome: number, reason: number): boolean;
  clock: InferenceClock;
  fetch: Fetch;
  /** Null where there is no database. */
  secondLevel: SecondLevel | null;
  deliver: Deliver;
  meter: Meter;
  notice(words: string): void;
  limits: InferenceLimits;
  candidate: CandidatePlan;
  /** A candidate to warm beside the deciding one; null for none. */
  shadow: CandidatePlan | null;
}

export interface InferenceReport {
  engine: "ollama";
  model: string;
  mode: string;
  version: string;
  hosts: HostReport[];
  queued: number;
  asking: number;
  warm: WarmProgress | null;
  shadow: {
    model: string;
    version: string;
    hosts: HostReport[];
    warm: WarmProgress;
    comparison: ComparisonReport;
  } | null;
}
