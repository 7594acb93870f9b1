/** What people ask about a component over some window of time, from its merged histogram. */
import type { Histogram } from "./histogram.ts";

export interface LatencySummary {
  /** Measured durations. */
  count: number;
  /** Failures, those without a duration included. */
  errors: number;
  /** Share of attempts that did not fail, 0–1; null when there was no attempt. */
  successRate: number | null;
  /** All in ns; null when nothing was measured. */
  meanNs: number | null;
  medianNs: number | null;
  minNs: number | null;
  maxNs: number | null;
  p95Ns: number | null;
  p99Ns: number | null;
  p999Ns: number | null;
}

const percents = [50, 95, 99, 99.9];
const out = new Float64Array(percents.length);

/** `untimed`: failures that have no duration and so are not in the histogram. */
export function summarise(histogram: Histogram, errors: number, untimed: number): LatencySummary {
  const attempts = histogram.count + untimed;
  const successRate = attempts === 0 ? null : Math.max(0, attempts - errors) / attempts;
  const { count } = histogram;
  if (count === 0) {
    const none = { meanNs: null, medianNs: null, minNs: null, maxNs: null };
    return { count, errors, successRate, ...none, p95Ns: null, p99Ns: null, p999Ns: null };
  }
  histogram.percentilesInto(percents, out, 0);
  return {
    count,
    errors,
    successRate,
    meanNs: histogram.meanNs,
    medianNs: out[0]!,
    minNs: histogram.minNs,
    maxNs: histogram.maxNs,
    p95Ns: out[1]!,
    p99Ns: out[2]!,
    p999Ns: out[3]!,
  };
}
