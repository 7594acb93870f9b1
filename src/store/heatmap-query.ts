/** Time × latency: how many values of each step lie in each band of a logarithmic scale. */
import { cellCount, highestOf, lowestOf } from "../telemetry/bucket.ts";
import { assert } from "../error.ts";
import type { Histogram } from "../telemetry/histogram.ts";
import type { LatencyQuery, Step } from "./latency-query.ts";
import type { LatencyRange } from "./range.ts";
import type { Span } from "./span.ts";
import type { Piece } from "./step-cache.ts";
import type { Turns } from "./turn.ts";

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
export function* heatmapOf(
  query: LatencyQuery,
  range: Omit<LatencyRange, "stages">,
  stage: string,
  perDoubling: BandsPerDoubling,
): Turns<Heatmap> {
  assert(bandsPerDoubling.includes(perDoubling), `${perDoubling} bands to a doubling`);
  const bandOf = bandsFor(perDoubling);
  const kind = {
    key: `h${perDoubling}`,
    create: (first: number, steps: number) => new HeatCells(first, steps, []),
    sink: (cells: HeatCells) => ({
      step: ({ index, histogram }: Step) => cells.add(index, histogram, bandOf),
    }),
  };
  const answer = yield* query.pieces({ ...range, stages: [stage] }, kind);
  const { fromS, stepS, steps, spans } = answer;
  const [{ first, cells }] = answer.pieces as [HeatCells];
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < cells.length; i += 3) {
    low = Math.min(low, cells[i + 1]!);
    high = Math.max(high, cells[i + 1]!);
  }
  const bands = high < low ? 0 : high - low + 1;
  const counts = new Float64Array(bands * steps);
  for (let i = 0; i < cells.length; i += 3) {
    counts[(cells[i + 1]! - low) * steps + cells[i]! - first]! += cells[i + 2]!;
  }
  const edgesNs = bands === 0 ? [] : edgesOf(bandOf, low, high);
  return { stage, fromS, stepS, steps, spans, edgesNs, counts };
}

/** The cells that are not empty, in order of steps: step (epoch s / step), band, count and so on. */
class HeatCells implements Piece<HeatCells> {
  readonly first: number;
  readonly steps: number;
  readonly cells: number[];

  constructor(first: number, steps: number, cells: number[]) {
    this.first = first;
    this.steps = steps;
    this.cells = cells;
  }

  get bytes(): number {
    return this.cells.length * 8;
  }

  add(index: number, { counts, lowCell, highCell }: Histogram, bandOf: Uint16Array): void {
    const step = this.first + index;
    let band = -1;
    let count = 0;
    for (let cell = lowCell; cell <= highCell; cell++) {
      const value = counts[cell]!;
      if (value === 0) continue;
      const next = bandOf[cell]!;
      if (next !== band) {
        if (count > 0) this.cells.push(step, band, count);
        band = next;
        count = 0;
      }
      count += value;
    }
    if (count > 0) this.cells.push(step, band, count);
  }

  slice(from: number, to: number): HeatCells {
    const piece = new HeatCells(from, to - from, []);
    this.copyInto(piece);
    return piece;
  }

  copyInto(target: HeatCells): void {
    const { cells } = this;
    const end = target.first + target.steps;
    for (let i = this.#cellAt(target.first); i < cells.length && cells[i]! < end; i += 3) {
      target.cells.push(cells[i]!, cells[i + 1]!, cells[i + 2]!);
    }
  }

  /** Where the first cell of the step, or of one after it, is: a range is cut into many blocks. */
  #cellAt(step: number): number {
    let low = 0;
    let high = this.cells.length / 3;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.cells[middle * 3]! < step) low = middle + 1;
      else high = middle;
    }
    return low * 3;
  }
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
