/** A question on its way to a server, and who waits for its answer. */
import type { Candidate, Method } from "./candidate.ts";
import type { Host } from "./host.ts";
import type { Question } from "./queue.ts";
import type { TextState } from "./state-text.ts";
import type { DecisionVersion } from "./version.ts";
import type { Warmer } from "./warm.ts";

/** A pending slot that waits, in the version that it was seen with. */
export interface Waiter {
  slot: number;
  version: number;
  sinceMs: number;
}

/** The state that warming asks about, and whom it tells how that came out. */
export interface WarmAsking {
  warmer: Warmer;
  state: TextState;
}

/** One question that is being asked. */
export interface Asking {
  question: Question;
  candidate: Candidate;
  method: Method;
  version: DecisionVersion;
  /** Of the version's model: an answer counts only from a host that has it still. */
  digest: string;
  waiters: Waiter[];
  sentMs: number;
  sentNs: number;
  /** Hosts that were asked, in order. */
  hosts: Host[];
  /** Attempts without an answer yet. */
  open: number;
  isDone: boolean;
  /** Null for a question that somebody waited for. */
  warm: WarmAsking | null;
}

/** A question that nobody waits for. */
export function warmQuestion(state: TextState, nowMs: number): Question {
  const { text, key, index } = state;
  const nobody = { slot: -1, version: 0, refresh: false, waiting: 0 };
  return { text, key, index, ...nobody, lastSeenMs: nowMs, admittedMs: nowMs };
}
