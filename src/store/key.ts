/**
 * The key of a latency row: 3 bits of tier, 18 bits of stage, 32 bits of epoch seconds (until 2106).
 * All 53 of them fit a double exactly. The first files had four tiers in two bits and 19 for the
 * stage, of which the highest was never set: read as three bits those tiers are 0, 2, 4 and 6.
 */
import { assert } from "../error.ts";
import type { Resolution } from "./tier.ts";

const codes: Readonly<Record<Resolution, number>> = { 1: 0, 10: 2, 60: 4, 600: 5, 3600: 6 };
const stageLimit = 2 ** 18;
/** Every interval starts before it, epoch s. */
export const startLimit = 2 ** 32;

/** Add the interval's start (epoch s) to get the key of its row. `stage`: `name.id`. */
export function keyBase(resolution: Resolution, stage: number): number {
  assert(stage >= 0 && stage < stageLimit, `stage number ${stage}`);
  return (codes[resolution] * stageLimit + stage) * startLimit;
}

/** The interval's start, epoch s. */
export function startOf(key: number): number {
  return key % startLimit;
}
