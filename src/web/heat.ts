/** The heat map's cells as pixels: one for each step and band. */

export interface HeatData {
  stage: string;
  fromS: number;
  stepS: number;
  steps: number;
  /** Lower edge of each band, ns, and the upper edge of the last: one more than there are bands. */
  edgesNs: readonly number[];
  /** counts[band * steps + step] */
  counts: ArrayLike<number>;
}

/** Values measured in each step. */
export function stepTotals({ steps, edgesNs, counts }: HeatData): Float64Array {
  const totals = new Float64Array(steps);
  for (let band = 0; band < edgesNs.length - 1; band++) {
    for (let step = 0; step < steps; step++) totals[step]! += counts[band * steps + step] ?? 0;
  }
  return totals;
}

/** The smallest and the largest count of a cell that has any; 0 and 0 where none has. */
export function countRange({ counts }: HeatData): { least: number; most: number } {
  let least = Infinity;
  let most = 0;
  for (let index = 0; index < counts.length; index++) {
    const count = counts[index]!;
    if (count <= 0) continue;
    if (count < least) least = count;
    if (count > most) most = count;
  }
  return { least: most === 0 ? 0 : least, most };
}

/** The first of the 256 colours that is used: the rarest value still stands out from the ground. */
export const faintest = 40;

/**
 * RGBA, the slowest band on top. Counts are shown by their logarithm: one slow value among a
 * million must still be seen. A cell without a value is transparent.
 */
export function heatPixels(
  heat: HeatData,
  colours: Uint8ClampedArray,
): Uint8ClampedArray<ArrayBuffer> {
  const { steps, edgesNs, counts } = heat;
  const bands = Math.max(0, edgesNs.length - 1);
  const pixels = new Uint8ClampedArray(steps * bands * 4);
  const { least, most } = countRange(heat);
  const scale = most > least ? (255 - faintest) / Math.log(most / least) : 0;
  for (let band = 0; band < bands; band++) {
    const row = (bands - 1 - band) * steps;
    for (let step = 0; step < steps; step++) {
      const count = counts[band * steps + step] ?? 0;
      if (count <= 0) continue;
      const level = scale === 0 ? 255 : faintest + Math.log(count / least) * scale;
      const colour = Math.round(level) * 4;
      const at = (row + step) * 4;
      pixels[at] = colours[colour]!;
      pixels[at + 1] = colours[colour + 1]!;
      pixels[at + 2] = colours[colour + 2]!;
      pixels[at + 3] = 255;
    }
  }
  return pixels;
}

/** The band that holds the latency, -1 when it lies outside. */
export function bandOf(edgesNs: readonly number[], ns: number): number {
  if (edgesNs.length < 2 || ns < edgesNs[0]! || ns >= edgesNs.at(-1)!) return -1;
  let low = 0;
  let high = edgesNs.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (edgesNs[middle]! <= ns) low = middle;
    else high = middle;
  }
  return low;
}

/** Runs of steps in which nothing was measured, as [from, to) in steps. */
export function emptyRuns(totals: Float64Array): [number, number][] {
  const runs: [number, number][] = [];
  for (let step = 0; step < totals.length; step++) {
    if (totals[step]! > 0) continue;
    const last = runs.at(-1);
    if (last?.[1] === step) last[1] = step + 1;
    else runs.push([step, step + 1]);
  }
  return runs;
}
