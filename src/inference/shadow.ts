/**
 * Comparing a candidate that is warmed in the shadow with the one that decides: the same states,
 * two answers each. What is kept is a 3 × 3 table and two sums, whatever the number of states.
 */
import { labels } from "./label.ts";

export interface Opinion {
  /** `Decision`: 1 BUY, 2 SELL, 3 HOLD. */
  decision: number;
  /** 0 to 1. */
  confidence: number;
}

export interface ComparisonReport {
  /** States both have answered. */
  compared: number;
  /** Share of them with the same decision, 0–1; null before the first. */
  agreement: number | null;
  /** Share where one says BUY and the other SELL, 0–1. */
  opposition: number | null;
  meanConfidence: { active: number; shadow: number } | null;
  /** matrix.BUY.SELL: states where the active one says BUY and the shadow SELL. */
  matrix: Record<string, Record<string, number>>;
}

export class Comparison {
  readonly #cells = new Uint32Array(9);
  #compared = 0;
  #active = 0;
  #shadow = 0;

  add(active: Opinion, shadow: Opinion): void {
    this.#cells[(active.decision - 1) * 3 + shadow.decision - 1]!++;
    this.#compared++;
    this.#active += active.confidence;
    this.#shadow += shadow.confidence;
  }

  report(): ComparisonReport {
    const cells = this.#cells;
    const n = this.#compared;
    const matrix = Object.fromEntries(
      labels.map((a, i) => [a, Object.fromEntries(labels.map((b, j) => [b, cells[i * 3 + j]!]))]),
    );
    if (n === 0) {
      return { compared: 0, agreement: null, opposition: null, meanConfidence: null, matrix };
    }
    return {
      compared: n,
      agreement: (cells[0]! + cells[4]! + cells[8]!) / n,
      opposition: (cells[1]! + cells[3]!) / n,
      meanConfidence: { active: this.#active / n, shadow: this.#shadow / n },
      matrix,
    };
  }
}
