/** What can be asked of the history: ranges of time, cut into steps. */
import { EdgeError } from "../error.ts";
import { stageNames, stagesOf } from "../telemetry/stage.ts";

export interface LatencyRange {
  /** Epoch s; widened to whole steps. */
  fromS: number;
  toS: number;
  /** Seconds. */
  stepS: number;
  /** Names of stages or components (telemetry/stage.ts). */
  stages: readonly string[];
}

/** Whole steps that cover the range. */
export function alignRange({ fromS, toS, stepS }: LatencyRange): LatencyRange & { steps: number } {
  if (
    !Number.isSafeInteger(stepS) ||
    stepS < 1 ||
    !(toS > fromS) ||
    !Number.isFinite(toS - fromS)
  ) {
    throw new EdgeError(
      "QUERY_RANGE",
      `no range: from ${fromS} s to ${toS} s in steps of ${stepS} s`,
      "The range must end after it begins, and the step be a whole number of seconds.",
    );
  }
  const from = Math.floor(fromS / stepS) * stepS;
  const to = Math.ceil(toS / stepS) * stepS;
  return { fromS: from, toS: to, stepS, stages: [], steps: (to - from) / stepS };
}

/** Throws EdgeError QUERY_STAGE for a name that no stage or component has. */
export function checkStages(names: readonly string[]): void {
  for (const name of names) {
    if (stagesOf(name) !== undefined) continue;
    throw new EdgeError(
      "QUERY_STAGE",
      `there is no stage "${name}"`,
      `The stages are: ${stageNames.join(", ")}.`,
    );
  }
}

/**
 * The range as pieces with the largest steps that fit: hours in the middle, seconds at its ends.
 * `multipleS`: only those that divide it.
 */
export function wholeParts(
  fromS: number,
  toS: number,
  multipleS = Infinity,
): Omit<LatencyRange, "stages">[] {
  const parts: Omit<LatencyRange, "stages">[] = [];
  const split = (from: number, to: number, steps: readonly number[]): void => {
    const [stepS, ...finer] = steps;
    if (to <= from || stepS === undefined) return;
    const first = Math.ceil(from / stepS) * stepS;
    const last = Math.floor(to / stepS) * stepS;
    if (last <= first) {
      split(from, to, finer);
      return;
    }
    split(from, first, finer);
    parts.push({ fromS: first, toS: last, stepS });
    split(last, to, finer);
  };
  const whole = [3600, 600, 60, 10, 1].filter((s) => multipleS === Infinity || multipleS % s === 0);
  split(Math.floor(fromS), Math.ceil(toS), whole);
  return parts;
}
