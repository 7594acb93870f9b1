/** What chronyd knows of its own clock, from `chronyc -c tracking`. */

export interface ChronyTracking {
  reference: string;
  /** 1 to 15; 0 without a reference. */
  stratum: number;
  /** What is still to be added to our clock: positive when it is behind the reference. */
  offsetS: number;
  /** The true time is within this: the offset, half the round trip and the dispersion together. */
  errorMaxS: number;
  /** "Normal", "Insert second", "Delete second" or "Not synchronised". */
  leap: string;
}

/**
 * Columns by index: 0 reference id, 1 name, 2 stratum, 3 reference time, 4 system time's offset,
 * 5 last offset, 6 RMS offset, 7 frequency, 8 residual frequency, 9 skew, 10 root delay, 11 root
 * dispersion, 12 interval, 13 leap status. Undefined for anything else.
 *
 * Source: chronyc(1), the command tracking; without -c it calls a positive offset "slow".
 */
export function parseChronyTracking(text: string): ChronyTracking | undefined {
  const columns = text.trim().split(",");
  if (columns.length < 14) return undefined;
  const [stratum, offsetS, rootDelayS, rootDispersionS] = [2, 4, 10, 11].map((index) =>
    Number(columns[index]),
  ) as [number, number, number, number];
  const errorMaxS = Math.abs(offsetS) + rootDelayS / 2 + rootDispersionS;
  if (!Number.isFinite(errorMaxS) || !Number.isFinite(stratum)) return undefined;
  return { reference: columns[1]! || columns[0]!, stratum, offsetS, errorMaxS, leap: columns[13]! };
}
