/**
 * The last seconds of every stage, kept as the encoded histograms that go to the history anyway:
 * percentiles over any of these windows are percentiles of all their values.
 */
import type { LatencyItem } from "../store/batch.ts";
import { mergeEncoded } from "../telemetry/codec.ts";
import { Histogram } from "../telemetry/histogram.ts";
import { stages, stagesOf } from "../telemetry/stage.ts";

export interface WindowStage {
  /** Overwritten by the next question. */
  histogram: Histogram;
  errors: number;
  untimed: number;
}

export class StageWindow {
  readonly seconds: number;
  readonly #kept: (readonly LatencyItem[])[] = [];
  readonly #answer: WindowStage = { histogram: new Histogram(), errors: 0, untimed: 0 };

  /** `seconds`: how many of them are kept. */
  constructor(seconds: number) {
    this.seconds = seconds;
  }

  push(items: readonly LatencyItem[]): void {
    this.#kept.push(items);
    if (this.#kept.length > this.seconds) this.#kept.shift();
  }

  /** A stage or component over the last `seconds`. */
  read(name: string, seconds = this.seconds): WindowStage {
    const answer = this.#answer;
    const { histogram } = answer;
    histogram.reset();
    answer.errors = 0;
    answer.untimed = 0;
    const names = (stagesOf(name) ?? []).map((id) => stages[id]!.name);
    for (const items of this.#kept.slice(-seconds)) {
      for (const item of items) {
        if (!names.includes(item.stage)) continue;
        answer.errors += item.errors;
        answer.untimed += item.untimed;
        if (mergeEncoded(item.histogram, histogram) && item.minNs !== null && item.maxNs !== null) {
          histogram.addExtremes(item.minNs, item.maxNs, item.sumNs);
        }
      }
    }
    return answer;
  }
}
