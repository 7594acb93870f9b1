/**
 * Whether the interval is over that began at `sinceNs`. The host's clock may be set back: an interval
 * that seems to begin in the future is over as well, or nothing would be done until the clock is
 * where it was.
 */
export function isOver(nowNs: number, sinceNs: number, intervalNs: number): boolean {
  const elapsedNs = nowNs - sinceNs;
  return elapsedNs >= intervalNs || elapsedNs < 0;
}
