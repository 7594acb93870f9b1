/** The latency line that is logged at an interval: each component's average, tails and success. */
import type { LatencyItem } from "../store/batch.ts";
import { mergeEncoded } from "../telemetry/codec.ts";
import { Histogram } from "../telemetry/histogram.ts";
import { components, stages, stagesOf } from "../telemetry/stage.ts";
import { summarise, type LatencySummary } from "../telemetry/summary.ts";
import { duration } from "../unit.ts";

/** undefined when nothing was measured. */
export function reportLine(
  seconds: number,
  summaries: Readonly<Record<string, LatencySummary>>,
): string | undefined {
  const parts: string[] = [];
  for (const name of components) {
    const summary = summaries[name];
    if (summary === undefined || summary.count + summary.errors === 0) continue;
    const { meanNs, p95Ns, p99Ns, successRate } = summary;
    const success = `${Number(((successRate ?? 0) * 100).toFixed(2))} %`;
    const tails = `p95 ${duration(p95Ns)}, p99 ${duration(p99Ns)}`;
    parts.push(`${name} avg ${duration(meanNs)}, ${tails}, ok ${success}`);
  }
  return parts.length === 0 ? undefined : `latency over ${seconds} s: ${parts.join(" | ")}`;
}

interface Sum {
  histogram: Histogram;
  errors: number;
  untimed: number;
}

/** Adds up each component from one report to the next: a report of a day costs no more than one of a second. */
export class ReportWindow {
  readonly #sums = new Map<string, Sum>();
  #seconds = 0;

  add(items: readonly LatencyItem[]): void {
    this.#seconds++;
    for (const item of items) {
      // "total_pipeline.cached" and ".uncached" are reported as one; other parts are not reported.
      const name = components.find((component) =>
        stagesOf(component)!.some((id) => stages[id]!.name === item.stage),
      );
      if (name === undefined) continue;
      const sum = this.#sumOf(name);
      sum.errors += item.errors;
      sum.untimed += item.untimed;
      if (
        mergeEncoded(item.histogram, sum.histogram) &&
        item.minNs !== null &&
        item.maxNs !== null
      ) {
        sum.histogram.addExtremes(item.minNs, item.maxNs, item.sumNs);
      }
    }
  }

  get seconds(): number {
    return this.#seconds;
  }

  /** The line since the last one; undefined when nothing was measured. */
  take(): string | undefined {
    const summaries: Record<string, LatencySummary> = {};
    for (const [name, { histogram, errors, untimed }] of this.#sums) {
      summaries[name] = summarise(histogram, errors, untimed);
      histogram.reset();
    }
    for (const sum of this.#sums.values()) {
      sum.errors = 0;
      sum.untimed = 0;
    }
    const line = reportLine(this.#seconds, summaries);
    this.#seconds = 0;
    return line;
  }

  #sumOf(name: string): Sum {
    let sum = this.#sums.get(name);
    if (sum === undefined) {
      sum = { histogram: new Histogram(), errors: 0, untimed: 0 };
      this.#sums.set(name, sum);
    }
    return sum;
  }
}
