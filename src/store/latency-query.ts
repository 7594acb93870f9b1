/**
 * Latency over any range and step, out of whatever resolutions hold it. Histograms are merged
 * exactly for each step, straight from the stored bytes into one accumulator: a percentile of a
 * range is the percentile of all its values, never an average of percentiles.
 */
import type { Database, Statement } from "bun:sqlite";
import { mergeEncoded } from "../telemetry/codec.ts";
import { Histogram } from "../telemetry/histogram.ts";
import { stages, stagesOf } from "../telemetry/stage.ts";
import { summarise, type LatencySummary } from "../telemetry/summary.ts";
import { keyBase, startOf } from "./key.ts";
import type { History } from "./open.ts";
import { alignRange, checkStages, type LatencyRange, wholeParts } from "./range.ts";
import { reachBack, type Span, spansOf } from "./span.ts";
import { type Resolution, type Tier, tiersOf } from "./tier.ts";

/** One stage over a range, a value for each step; NaN where nothing was measured. */
export interface LatencySeries {
  stage: string;
  /** Durations in the step. */
  count: Float64Array;
  errors: Float64Array;
  /** Failures without a duration: attempts are count + untimed. */
  untimed: Float64Array;
  breaches: Float64Array;
  /** All in ns, exact. */
  minNs: Float64Array;
  maxNs: Float64Array;
  meanNs: Float64Array;
  /** One array for each percentile that was asked for, in that order; ns, to within 0.78 %. */
  percentilesNs: Float64Array[];
}

export interface LatencyAnswer {
  /** Epoch s of the first step, and the number of steps. */
  fromS: number;
  steps: number;
  stepS: number;
  /** Where which resolution was read; a coarser one than the step gives points that far apart. */
  spans: Span[];
  series: LatencySeries[];
  /** Rows whose histogram was damaged: their values are missing. */
  unreadable: number;
}

/** One step of one stage, while the accumulator holds it. Not to be kept: it is used again. */
export interface Step {
  index: number;
  histogram: Histogram;
  errors: number;
  untimed: number;
  breaches: number;
}

/** key, errors, untimed, breaches, min, max, sum, histogram */
type Row = [number, number, number, number, number | null, number | null, number, Uint8Array];

/** Rows of one stage read at a time: bounds the memory of a query over a long range. */
const chunkRows = 4096;

export class LatencyQuery {
  private readonly database: Database;
  private readonly history: History;
  private readonly rows: Statement;
  private readonly histogram = new Histogram();

  constructor(history: History) {
    this.history = history;
    this.database = history.$client;
    this.rows = this.database.prepare(
      `SELECT key, errors, untimed, breaches, min_ns, max_ns, sum_ns, histogram FROM latency
       WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT ?3`,
    );
  }

  /** `percents` ascending, within [0, 100]. Throws EdgeError QUERY_RANGE or QUERY_STAGE. */
  series(range: LatencyRange, percents: readonly number[]): LatencyAnswer {
    const scratch = new Float64Array(percents.length);
    return this.read(
      range,
      (series, { index, histogram, errors, untimed, breaches }) => {
        series.count[index] = histogram.count;
        series.errors[index] = errors;
        series.untimed[index] = untimed;
        series.breaches[index] = breaches;
        if (histogram.count === 0) return;
        series.minNs[index] = histogram.minNs;
        series.maxNs[index] = histogram.maxNs;
        series.meanNs[index] = histogram.meanNs;
        histogram.percentilesInto(percents, scratch, 0);
        for (let i = 0; i < percents.length; i++) series.percentilesNs[i]![index] = scratch[i]!;
      },
      percents.length,
    );
  }

  /** The statistics of each stage over the whole range, to the second where seconds are kept. */
  summary(fromS: number, toS: number, names: readonly string[]): Record<string, LatencySummary> {
    checkStages(names);
    const summaries: Record<string, LatencySummary> = {};
    for (const name of names) summaries[name] = summarise(new Histogram(), 0, 0);
    const parts = wholeParts(fromS, toS);
    this.walk(
      names,
      (tiers) => {
        const spans = parts.flatMap((part) => spansOf(tiers, part.fromS, part.toS, part.stepS));
        return reachBack(spans, parts[0]?.stepS ?? 1);
      },
      { fromS: Math.floor(fromS), stepS: Infinity },
      (name, { histogram, errors, untimed }) => {
        summaries[name] = summarise(histogram, errors, untimed);
      },
    );
    return summaries;
  }

  /**
   * Calls `visit` with each step that has anything in it, stage by stage, in order of time.
   * `visit`'s step is overwritten by the next one.
   */
  each(
    range: LatencyRange,
    visit: (stage: string, step: Step) => void,
  ): Omit<LatencyAnswer, "series"> {
    const { fromS, toS, stepS, steps } = alignRange(range);
    checkStages(range.stages);
    const plan = (tiers: readonly Tier[]) => reachBack(spansOf(tiers, fromS, toS, stepS), stepS);
    const walked = this.walk(range.stages, plan, { fromS, stepS }, visit);
    return { fromS, steps, stepS, ...walked };
  }

  private walk(
    names: readonly string[],
    plan: (tiers: readonly Tier[]) => Span[],
    grid: { fromS: number; stepS: number },
    visit: (stage: string, step: Step) => void,
  ): { spans: Span[]; unreadable: number } {
    return this.database.transaction(() => {
      // Tiers and rows must be of one moment: between two, rows move to a coarser resolution.
      const spans = plan(tiersOf(this.history));
      const ids = this.stageIds();
      let unreadable = 0;
      for (const name of names) unreadable += this.eachStep(name, ids, spans, grid, visit);
      return { spans, unreadable };
    })();
  }

  private eachStep(
    name: string,
    ids: ReadonlyMap<string, number>,
    spans: readonly Span[],
    { fromS, stepS }: { fromS: number; stepS: number },
    visit: (stage: string, step: Step) => void,
  ): number {
    const { histogram } = this;
    const step: Step = { index: -1, histogram, errors: 0, untimed: 0, breaches: 0 };
    const parts = stagesOf(name)!.map((id) => ids.get(stages[id]!.name));
    const sources = parts.filter((id): id is number => id !== undefined);
    let unreadable = 0;
    histogram.reset();
    for (const row of this.rowsOf(sources, spans)) {
      const [key, errors, untimed, breaches, minNs, maxNs, sumNs, bytes] = row;
      const index = Math.max(0, Math.floor((startOf(key) - fromS) / stepS));
      if (index !== step.index) {
        if (step.index >= 0) visit(name, step);
        histogram.reset();
        step.index = index;
        step.errors = 0;
        step.untimed = 0;
        step.breaches = 0;
      }
      step.errors += errors;
      step.untimed += untimed;
      step.breaches += breaches;
      if (!mergeEncoded(bytes, histogram)) unreadable++;
      else if (minNs !== null && maxNs !== null) histogram.addExtremes(minNs, maxNs, sumNs);
    }
    if (step.index >= 0) visit(name, step);
    histogram.reset();
    return unreadable;
  }

  /** The rows of several stages in order of time, in chunks. */
  private *rowsOf(ids: readonly number[], spans: readonly Span[]): Generator<Row> {
    for (const { resolution, from, to } of spans) {
      if (ids.length === 1) {
        yield* this.chunks(ids[0]!, resolution, from, to);
        continue;
      }
      yield* merged(ids.map((id) => this.chunks(id, resolution, from, to)));
    }
  }

  private *chunks(id: number, resolution: Resolution, from: number, to: number): Generator<Row> {
    const base = keyBase(resolution, id);
    for (let next = base + from; next < base + to;) {
      const rows = this.rows.values(next, base + to, chunkRows) as Row[];
      yield* rows;
      if (rows.length < chunkRows) return;
      next = rows.at(-1)![0] + 1;
    }
  }

  private stageIds(): Map<string, number> {
    const rows = this.database.query("SELECT name, id FROM name").values() as [string, number][];
    return new Map(rows);
  }

  private read(
    range: LatencyRange,
    write: (series: LatencySeries, step: Step) => void,
    percentiles: number,
  ): LatencyAnswer {
    const { steps } = alignRange(range);
    const byName = new Map(
      range.stages.map((name) => [name, emptySeries(name, steps, percentiles)]),
    );
    const answer = this.each(range, (name, step) => write(byName.get(name)!, step));
    return { ...answer, series: [...byName.values()] };
  }
}

function* merged(sources: Generator<Row>[]): Generator<Row> {
  const heads = sources.map((source) => source.next());
  for (;;) {
    let first = -1;
    for (let i = 0; i < heads.length; i++) {
      if (heads[i]!.done === true) continue;
      if (first < 0 || startOf(heads[i]!.value[0]) < startOf(heads[first]!.value[0])) first = i;
    }
    if (first < 0) return;
    yield heads[first]!.value;
    heads[first] = sources[first]!.next();
  }
}

function emptySeries(stage: string, steps: number, percentiles: number): LatencySeries {
  const nothing = () => new Float64Array(steps).fill(Number.NaN);
  return {
    stage,
    count: new Float64Array(steps),
    errors: new Float64Array(steps),
    untimed: new Float64Array(steps),
    breaches: new Float64Array(steps),
    minNs: nothing(),
    maxNs: nothing(),
    meanNs: nothing(),
    percentilesNs: Array.from({ length: percentiles }, nothing),
  };
}
