/**
 * A histogram to merge into and to ask: exact counts (doubles, exact to 2^53), exact minimum,
 * maximum and sum, percentiles to within 0.78 %. What threads record into is `Recorder`.
 *
 * Percentiles of merged histograms are the percentiles of all the values. Percentiles of several
 * histograms cannot be averaged, summed or otherwise combined into one: that is why every row of
 * the history keeps the whole histogram.
 */
import { assert } from "../error.ts";
import { cellCount, cellOf, highestNs, highestOf, lowestOf, widthOf } from "./bucket.ts";

export class Histogram {
  readonly counts = new Float64Array(cellCount);
  /** Values in the cells. */
  count = 0;
  /** Sum of the values, ns. */
  sumNs = 0;
  /** Exact smallest value, ns; Infinity when empty. */
  minNs = Infinity;
  /** Exact largest value, ns; -Infinity when empty. */
  maxNs = -Infinity;
  /** Cells outside [lowCell, highCell] are zero. Empty: lowCell > highCell. */
  lowCell = cellCount;
  highCell = -1;

  reset(): void {
    if (this.highCell >= this.lowCell) this.counts.fill(0, this.lowCell, this.highCell + 1);
    this.count = 0;
    this.sumNs = 0;
    this.minNs = Infinity;
    this.maxNs = -Infinity;
    this.lowCell = cellCount;
    this.highCell = -1;
  }

  /** Adds `times` times the value; fractions of a ns are dropped, values above an hour clamped. */
  record(valueNs: number, times = 1): void {
    assert(valueNs >= 0, `a latency of ${valueNs} ns cannot be recorded`);
    const value = Math.min(Math.floor(valueNs), highestNs);
    this.addCell(cellOf(value), times);
    this.addExtremes(value, value, value * times);
  }

  /** Adds to one cell. The exact minimum, maximum and sum are the caller's to add. */
  addCell(cell: number, times: number): void {
    this.counts[cell]! += times;
    this.count += times;
    if (cell < this.lowCell) this.lowCell = cell;
    if (cell > this.highCell) this.highCell = cell;
  }

  addExtremes(minNs: number, maxNs: number, sumNs: number): void {
    if (minNs < this.minNs) this.minNs = minNs;
    if (maxNs > this.maxNs) this.maxNs = maxNs;
    this.sumNs += sumNs;
  }

  merge(other: Histogram): void {
    for (let cell = other.lowCell; cell <= other.highCell; cell++) {
      this.counts[cell]! += other.counts[cell]!;
    }
    this.count += other.count;
    if (other.lowCell < this.lowCell) this.lowCell = other.lowCell;
    if (other.highCell > this.highCell) this.highCell = other.highCell;
    this.addExtremes(other.minNs, other.maxNs, other.sumNs);
  }

  /**
   * Where the exact extremes are unknown or were caught half-written, they are brought back into
   * the outermost cells that are not empty.
   */
  repairExtremes(): void {
    if (this.count === 0) {
      this.reset();
      return;
    }
    while (this.counts[this.lowCell] === 0) this.lowCell++;
    while (this.counts[this.highCell] === 0) this.highCell--;
    const low = lowestOf(this.lowCell);
    const high = highestOf(this.highCell);
    if (!(this.minNs >= low && this.minNs <= highestOf(this.lowCell))) this.minNs = low;
    if (!(this.maxNs <= high && this.maxNs >= lowestOf(this.highCell))) this.maxNs = high;
  }

  /** The sum as the cells alone know it: each value taken as the middle of its cell, ns. */
  estimatedSumNs(): number {
    let sum = 0;
    for (let cell = this.lowCell; cell <= this.highCell; cell++) {
      sum += this.counts[cell]! * (lowestOf(cell) + (widthOf(cell) - 1) / 2);
    }
    return sum;
  }

  /** Arithmetic mean, ns; NaN when empty. */
  get meanNs(): number {
    return this.count === 0 ? Number.NaN : this.sumNs / this.count;
  }

  /** See `percentilesInto`; NaN when empty. */
  percentile(percent: number): number {
    const out = new Float64Array(1);
    this.percentilesInto([percent], out, 0);
    return out[0]!;
  }

  /**
   * Writes to `out[at + i]` the value at or below which `percents[i]` percent of the values lie, ns:
   * the top of the cell of the value with rank ceil(percent/100 × count), never beyond the exact
   * extremes. `percents` must ascend, within [0, 100]. NaN when the histogram is empty.
   */
  percentilesInto(percents: readonly number[], out: Float64Array, at: number): void {
    const { counts, count, highCell } = this;
    if (count === 0) {
      out.fill(Number.NaN, at, at + percents.length);
      return;
    }
    let cell = this.lowCell;
    let reached = counts[cell]!;
    for (let i = 0; i < percents.length; i++) {
      const rank = rankOf(percents[i]!, count);
      while (reached < rank && cell < highCell) {
        cell++;
        reached += counts[cell]!;
      }
      // Rank 1 is the smallest value and rank `count` the largest: both are known exactly.
      const value = rank === 1 ? this.minNs : highestOf(cell);
      out[at + i] = Math.max(this.minNs, Math.min(this.maxNs, value));
    }
  }

  /** How many values are at most `valueNs`, to the resolution of its cell. */
  countAtMost(valueNs: number): number {
    if (!(valueNs >= 0)) return 0;
    const last = Math.min(cellOf(Math.min(Math.floor(valueNs), highestNs)), this.highCell);
    let count = 0;
    for (let cell = this.lowCell; cell <= last; cell++) count += this.counts[cell]!;
    return count;
  }
}

/**
 * The rank of a percentile among `count` sorted values, 1-based (nearest rank). The product is
 * freed of its last bits of rounding first, else 99.9 % of 1,000 values would ask for rank 1,000.
 */
export function rankOf(percent: number, count: number): number {
  const rank = Math.ceil((percent / 100) * count * (1 - 2 ** -50));
  return Math.max(1, Math.min(count, rank));
}
