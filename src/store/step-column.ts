/** A stage's steps, a column for each figure. */
import type { Piece } from "./step-cache.ts";

/** Columns before the percentiles. */
export const Column = {
  count: 0,
  errors: 1,
  untimed: 2,
  breaches: 3,
  minNs: 4,
  maxNs: 5,
  meanNs: 6,
  percentiles: 7,
} as const;

export class StepColumns implements Piece<StepColumns> {
  readonly first: number;
  readonly steps: number;
  readonly #width: number;
  /** Column after column. */
  readonly data: Float64Array;

  /** Counts begin as 0, everything else as NaN. */
  constructor(first: number, steps: number, percentiles: number) {
    this.first = first;
    this.steps = steps;
    this.#width = Column.percentiles + percentiles;
    this.data = new Float64Array(this.#width * steps);
    this.data.fill(Number.NaN, Column.minNs * steps);
  }

  get bytes(): number {
    return this.data.byteLength;
  }

  /** A view, not a copy. */
  column(index: number): Float64Array {
    return this.data.subarray(index * this.steps, (index + 1) * this.steps);
  }

  slice(from: number, to: number): StepColumns {
    const copy = new StepColumns(from, to - from, this.#width - Column.percentiles);
    this.copyInto(copy);
    return copy;
  }

  copyInto(target: StepColumns): void {
    const from = Math.max(this.first, target.first);
    const to = Math.min(this.first + this.steps, target.first + target.steps);
    if (to <= from) return;
    for (let column = 0; column < this.#width; column++) {
      const at = column * this.steps - this.first;
      const part = this.data.subarray(at + from, at + to);
      target.data.set(part, column * target.steps - target.first + from);
    }
  }
}
