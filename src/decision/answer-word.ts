/**
 * A decision is one 32-bit word, so that it is read whole:
 *
 * ```
 *  31            19 18           5 4      2 1      0
 * +----------------+--------------+--------+--------+
 * |  generation    |  confidence  | origin | decision|   confidence in 1/10,000
 * +----------------+--------------+--------+--------+   origin: 1 l2, 2 model, 3 rules
 * ```
 */
import type { Decision } from "./signal.ts";

export const Origin = { l2: 1, model: 2, rules: 3 } as const;
export type Origin = (typeof Origin)[keyof typeof Origin];

/** Generations are counted below this and begin again at 1. */
export const generationLimit = 1 << 13;
const generationShift = 19;

export function packDecision(
  generation: number,
  decision: Decision,
  confidence: number,
  origin: Origin,
): number {
  return ((generation << generationShift) | (confidence << 5) | (origin << 2) | decision) >>> 0;
}
export const wordDecision = (word: number): Decision => (word & 3) as Decision;
export const wordOrigin = (word: number): Origin => ((word >>> 2) & 7) as Origin;
/** 0–10,000. */
export const wordConfidence = (word: number): number => (word >>> 5) & 0x3fff;
export const wordGeneration = (word: number): number => word >>> generationShift;
