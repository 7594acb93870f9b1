/** Time × latency: how many values of each step lie in each band of a logarithmic scale. */
import { cellCount, highestOf, lowestOf } from "../telemetry/bucket.ts";
import { assert } from "../error.ts";
import type { LatencyQuery } from "./latency-query.ts";
import type { LatencyRange } from "./range.ts";
import type { Span } from "./span.ts";

export interface Heatmap {
  stage: string;
  fromS: number;
  stepS: number;
  steps: number;
  spans: Span[];
  /** Lower edge of each band, ns, and the upper edge of the last: one more than there are bands. */
  edgesNs: number[];
  /** counts[band * steps + step]: bands from the fastest up. */
  counts: Float64Array;
}

/** Bands to each doubling of the latency that a histogram's cells divide into without a remainder. */
export const bandsPerDoubling = [1, 2, 4, 8, 16] as const;
export type BandsPerDoubling = (typeof bandsPerDoubling)[number];

/** Only bands between the fastest and the slowest value are in the answer. */
export function heatmapOf(
  query: LatencyQuery,
  range: Omit<LatencyRange, "stages">,
  stage: string,
  perDoubling: BandsPerDoubling,
): Heatmap {
  assert(bandsPerDoubling.includes(perDoubling), `${perDoubling} bands to a doubling`);
  const bandOf = bandsFor(perDoubling);
  const columns: { step: number; band: number; count: number }[] = [];
  let low = Infinity;
  let high = -Infinity;
  const answer = query.each({ ...range, stages: [stage] }, (_, { index, histogram }) => {
    let band = -1;
    let count = 0;
    for (let cell = histogram.lowCell; cell <= histogram.highCell; cell++) {
      const value = histogram.counts[cell]!;
      if (value === 0) continue;
      const next = bandOf[cell]!;
      if (next !== band) {
        if (count > 0) columns.push({ step: index, band, count });
        band = next;
        count = 0;
        low = Math.min(low, next);
        high = Math.max(high, next);
      }
      count += value;
    }
    if (count > 0) columns.push({ step: index, band, count });
  });
  const { fromS, stepS, steps, spans } = answer;
  const bands = high < low ? 0 : high - low + 1;
  const counts = new Float64Array(bands * steps);
  for (const { step, band, count } of columns) counts[(band - low) * steps + step]! += count;
  const edgesNs = bands === 0 ? [] : edgesOf(bandOf, low, high);
  return { stage, fromS, stepS, steps, spans, edgesNs, counts };
}

/**
 * The band of each cell. Below 128 ns the cells are single values and a doubling has too few of
 * them: all of that is one band. Above, a doubling is 128 cells.
 */
function bandsFor(perDoubling: BandsPerDoubling): Uint16Array {
  const bands = new Uint16Array(cellCount);
  const cellsPerBand = 128 / perDoubling;
  for (let cell = 128; cell < cellCount; cell++) {
    bands[cell] = 1 + Math.floor((cell - 128) / cellsPerBand);
  }
  return bands;
}

function edgesOf(bandOf: Uint16Array, low: number, high: number): number[] {
  const edges: number[] = [];
  for (let band = low; band <= high; band++) edges.push(lowestOf(bandOf.indexOf(band)));
  edges.push(highestOf(bandOf.lastIndexOf(high)) + 1);
  return edges;
}
