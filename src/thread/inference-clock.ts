/**
 * The clocks of inference: deadlines, checks of hosts and breakers run on one that is never set, or a
 * step of the wall clock would hold them up, or let them all pass, by as much as the step.
 */
import type { InferenceClock } from "../inference/port.ts";

/** `realtimeNs`: since the run's base; `monotonicNs`: since any time. */
export function inferenceClock(
  baseSeconds: number,
  realtimeNs: () => number,
  monotonicNs: () => number,
): InferenceClock {
  // It begins where the wall clock is, which is where the times of waiting states come from.
  const aheadNs = realtimeNs() - monotonicNs();
  return {
    nowMs: () => Math.floor((aheadNs + monotonicNs()) / 1e6),
    nowNs: monotonicNs,
    epochS: () => baseSeconds + Math.floor(realtimeNs() / 1e9),
  };
}
