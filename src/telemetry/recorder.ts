/**
 * Where one thread records the durations of one stage, in shared memory. Nothing is allocated,
 * nothing is locked: the recording thread is the only writer of all of these cells but the
 * threshold, and readers take differences (board.ts).
 *
 *   cells (u32)  [0, 4608) histogram · then `RecorderCell`: wrap around at 2^32
 *   stats (f64)  `RecorderStat`: sum modulo 2^52, threshold, two slots of minimum and maximum
 *
 * Minimum and maximum of an interval need a reset at its end, which a reader must not write. So
 * there are two slots, used in turn by the parity of the reader's epoch, each tagged with the epoch
 * that it belongs to: the writer clears a slot when it finds an old tag in it.
 */
import { cellCount, cellOf, highestNs } from "./bucket.ts";

/** Offsets behind the histogram's cells, u32 each. */
export const RecorderCell = {
  /** Values recorded, ever. Behind the cells by at most the record in progress. */
  count: cellCount,
  /** Failures, with or without a duration. */
  errors: cellCount + 1,
  /** Failures without a duration: not in the histogram. */
  untimed: cellCount + 2,
  /** Durations below zero (clocks disagree), recorded as zero. */
  negatives: cellCount + 3,
  /** Durations above an hour, recorded as an hour. */
  clamped: cellCount + 4,
  /** Not a number: recorded nowhere but here. */
  invalid: cellCount + 5,
  /** Durations above the threshold. */
  breaches: cellCount + 6,
  epochEven: cellCount + 7,
  epochOdd: cellCount + 8,
} as const;
export const recorderCells = cellCount + 16;

export const RecorderStat = {
  sumNs: 0,
  thresholdNs: 1,
  minEvenNs: 2,
  maxEvenNs: 3,
  minOddNs: 4,
  maxOddNs: 5,
} as const;
export const recorderStats = 8;

/** Sums wrap here: every partial sum stays an exact integer, and differences are taken modulo it. */
export const sumModulus = 2 ** 52;

export class Recorder {
  readonly cells: Uint32Array;
  readonly stats: Float64Array;
  /** One cell, written by the reader: the number of the current interval. */
  readonly epoch: Uint32Array;

  constructor(cells: Uint32Array, stats: Float64Array, epoch: Uint32Array) {
    this.cells = cells;
    this.stats = stats;
    this.epoch = epoch;
  }

  /** Records a duration, ns. Fractions are dropped; see `RecorderCell` for what is out of range. */
  record(valueNs: number): void {
    if (!(valueNs >= 0 && valueNs < 4_294_967_296)) {
      this.recordWide(valueNs);
      return;
    }
    const value = valueNs >>> 0;
    const shift = 24 - Math.clz32(value | 255);
    this.cells[(shift << 7) + (value >>> shift)]!++;
    this.note(value);
  }

  /** A failure that took `valueNs`: in the histogram like a success, so that it cannot vanish. */
  fail(valueNs: number): void {
    this.cells[RecorderCell.errors]!++;
    this.record(valueNs);
  }

  /** A failure that has no duration (shed, refused before it began). */
  failUntimed(): void {
    this.cells[RecorderCell.errors]!++;
    this.cells[RecorderCell.untimed]!++;
  }

  /** Below zero, 4.3 s and more, or not a number: rare, so kept out of the way of inlining. */
  private recordWide(valueNs: number): void {
    const { cells } = this;
    if (Number.isNaN(valueNs)) {
      cells[RecorderCell.invalid]!++;
      return;
    }
    let value = Math.floor(valueNs);
    if (valueNs < 0) {
      cells[RecorderCell.negatives]!++;
      value = 0;
    } else if (valueNs > highestNs) {
      cells[RecorderCell.clamped]!++;
      value = highestNs;
    }
    cells[cellOf(value)]!++;
    this.note(value);
  }

  private note(value: number): void {
    const { cells, stats } = this;
    cells[RecorderCell.count]!++;
    const sum = stats[RecorderStat.sumNs]! + value;
    stats[RecorderStat.sumNs] = sum >= sumModulus ? sum - sumModulus : sum;
    const epoch = this.epoch[0]!;
    const slot = epoch & 1;
    const min = RecorderStat.minEvenNs + slot * 2;
    if (cells[RecorderCell.epochEven + slot] !== epoch) {
      stats[min] = value;
      stats[min + 1] = value;
      cells[RecorderCell.epochEven + slot] = epoch;
    } else {
      if (value < stats[min]!) stats[min] = value;
      if (value > stats[min + 1]!) stats[min + 1] = value;
    }
    if (value > stats[RecorderStat.thresholdNs]!) cells[RecorderCell.breaches]!++;
  }
}
