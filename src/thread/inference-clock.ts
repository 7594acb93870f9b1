/** The clocks of the inference thread: one that only goes on, and the date. */
import { realtimeNs } from "../host/libc.ts";
import type { InferenceClock } from "../inference/port.ts";

/**
 * Deadlines, looks at servers and breakers go by the monotonic clock: one that is set back by an hour
 * must not leave a question, or a server that is down, alone for an hour.
 */
export function inferenceClock(
  baseSeconds: number,
  dateNs = realtimeNs,
  monotonicNs = Bun.nanoseconds,
): InferenceClock {
  return {
    nowMs: () => Math.floor(monotonicNs() / 1e6),
    nowNs: () => monotonicNs(),
    epochS: () => baseSeconds + Math.floor(dateNs(baseSeconds) / 1e9),
  };
}
