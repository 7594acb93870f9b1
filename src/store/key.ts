/**
 * The key of a latency row: 2 bits of tier, 19 bits of stage, 32 bits of epoch seconds (until 2106).
 * All 53 of them fit a double exactly.
 */
import { assert } from "../error.ts";
import { type Resolution, resolutions } from "./tier.ts";

const stageLimit = 2 ** 19;
const two32 = 2 ** 32;

/** Add the interval's start (epoch s) to get the key of its row. `stage`: `name.id`. */
export function keyBase(resolution: Resolution, stage: number): number {
  assert(stage >= 0 && stage < stageLimit, `stage number ${stage}`);
  return (resolutions.indexOf(resolution) * stageLimit + stage) * two32;
}

/** The interval's start, epoch s. */
export function startOf(key: number): number {
  return key % two32;
}
