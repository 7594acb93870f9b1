/**
 * A state that waits for an answer, as the feed thread shows it to inference.
 *
 * Shared slot, u32 words: [version (0 = free), waiting, last seen ms, first seen ms, kind, index, the
 * slot's last version, one reserved, key…]. The version is stored last, so a slot that shows a
 * version is whole.
 */
export const PendingKind = {
  /** Nobody has an answer for this state. */
  miss: 1,
  /** An answer stands but is older than asked for. */
  refresh: 2,
} as const;
export type PendingKind = (typeof PendingKind)[keyof typeof PendingKind];

export const Outcome = {
  /** The answer is in the table. */
  answered: 1,
  /** No answer; `reason` says why. Never cached: asked again after the retry time. */
  error: 2,
  timeout: 3,
} as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

/** Words of one record of the answer ring: slot, version, outcome, reason. */
export const answerWords = 4;

export const slotHeaderWords = 8;
export const maxKeyWords = 8;
export const slotWords = slotHeaderWords + maxKeyWords;
export const Cell = {
  version: 0,
  waiting: 1,
  lastSeen: 2,
  firstSeen: 3,
  kind: 4,
  index: 5,
  /** Stays when the question is taken back: the feed thread's next life goes on from there. */
  lastVersion: 6,
} as const;

export function pendingBytes(capacity: number): number {
  return capacity * slotWords * 4;
}
