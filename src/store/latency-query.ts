/**
 * Latency over any range and step, out of whatever resolutions hold it. Histograms are merged
 * exactly for each step, straight from the stored bytes into one accumulator: a percentile of a
 * range is the percentile of all its values, never an average of percentiles.
 */
import type { Database } from "bun:sqlite";
import { encodedPercentilesInto } from "../telemetry/codec.ts";
import { Histogram } from "../telemetry/histogram.ts";
import { stages, stagesOf } from "../telemetry/stage.ts";
import { summarise, type LatencySummary } from "../telemetry/summary.ts";
import type { History } from "./open.ts";
import { alignRange, checkStages, type LatencyRange, wholeParts } from "./range.ts";
import { reachBack, type Span, spansOf } from "./span.ts";
import { cacheableBlocks, type Piece, StepCache, throughCache } from "./step-cache.ts";
import { Column, StepColumns } from "./step-column.ts";
import { type Step, StepReader, type StepRow, type StepSink } from "./step-read.ts";
import { type Tier, tiersAndRevision } from "./tier.ts";
import type { Turns } from "./turn.ts";

export type { Step } from "./step-read.ts";

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

/** A kind of piece that a range is made of, and that is kept of the past. */
export interface PieceKind<P extends Piece<P>> {
  /** Tells the kind and its parameters apart from others in the cache. */
  key: string;
  create(first: number, steps: number): P;
  /** Where steps are put; their index counts from the piece's first. */
  sink(piece: P): StepSink;
}

export class LatencyQuery {
  readonly #database: Database;
  readonly #reader: StepReader;
  readonly #cache: StepCache;

  /** `cacheBytes`: memory for steps of the past that are asked for again; 0 for none. */
  constructor(history: History, cacheBytes: number) {
    this.#database = history.$client;
    this.#reader = new StepReader(this.#database);
    this.#cache = new StepCache(cacheBytes);
  }

  /** `percents` ascending, within [0, 100]. Throws EdgeError QUERY_RANGE or QUERY_STAGE. */
  *series(range: LatencyRange, percents: readonly number[]): Turns<LatencyAnswer> {
    const kind: PieceKind<StepColumns> = {
      key: `p${percents.join()}`,
      create: (first, steps) => new StepColumns(first, steps, percents.length),
      sink: (piece) => columnSink(piece, percents),
    };
    const { pieces, ...answer } = yield* this.pieces(range, kind);
    const series = range.stages.map((stage, i) => seriesOf(stage, pieces[i]!, percents.length));
    return { ...answer, series };
  }

  /** A piece for each stage that covers the whole range, partly from memory. */
  *pieces<P extends Piece<P>>(
    range: LatencyRange,
    kind: PieceKind<P>,
  ): Turns<Omit<LatencyAnswer, "series"> & { pieces: P[] }> {
    const { fromS, toS, stepS, steps } = alignRange(range);
    checkStages(range.stages);
    const { tiers, revision } = tiersAndRevision(this.#database);
    const spans = reachBack(spansOf(tiers, fromS, toS, stepS), stepS);
    this.#cache.at(revision);
    const first = fromS / stepS;
    const blocks = this.#cache.enabled
      ? cacheableBlocks(tiers, first, steps, stepS)
      : { low: 0, high: 0 };
    const pieces: P[] = [];
    let unreadable = 0;
    for (const name of range.stages) {
      const ids = this.#idsOf(name);
      const target = kind.create(first, steps);
      const read = (from: number, to: number) => this.#piece(kind, ids, stepS, from, to);
      const key = `${kind.key}/${name}/${stepS}/`;
      const cache = { cache: this.#cache, revision, key, ...blocks };
      unreadable += yield* throughCache(cache, target, read);
      pieces.push(target);
    }
    return { fromS, steps, stepS, spans, unreadable, pieces };
  }

  /** The statistics of each stage over the whole range, to the second where seconds are kept. */
  *summary(
    fromS: number,
    toS: number,
    names: readonly string[],
  ): Turns<Record<string, LatencySummary>> {
    checkStages(names);
    const summaries: Record<string, LatencySummary> = {};
    const parts = wholeParts(fromS, toS);
    const spans = (tiers: readonly Tier[], atS?: number) => {
      if (atS !== undefined) return spansFrom(tiers, atS, Math.ceil(toS), Infinity);
      const found = parts.flatMap((part) => spansOf(tiers, part.fromS, part.toS, part.stepS));
      return reachBack(found, parts[0]?.stepS ?? 1);
    };
    for (const name of names) {
      summaries[name] = summarise(new Histogram(), 0, 0);
      const plan = { ids: this.#idsOf(name), fromS: Math.floor(fromS), stepS: Infinity, spans };
      yield* this.#reader.read(plan, {
        step: ({ histogram, errors, untimed }) => {
          summaries[name] = summarise(histogram, errors, untimed);
        },
      });
    }
    return summaries;
  }

  /**
   * Calls `visit` with each step that has anything in it, stage by stage, in order of time.
   * `visit`'s step is overwritten by the next one. `goesOn`: the range before this one was visited
   * already, with the coarse row that reaches into this one.
   */
  *each(
    range: LatencyRange,
    visit: (stage: string, step: Step) => void,
    goesOn = false,
  ): Turns<Omit<LatencyAnswer, "series">> {
    const { fromS, toS, stepS, steps } = alignRange(range);
    checkStages(range.stages);
    const spans = goesOn
      ? (tiers: readonly Tier[], atS = fromS) => spansFrom(tiers, atS, toS, stepS)
      : spansFor(fromS, toS, stepS);
    const planned = spans(tiersAndRevision(this.#database).tiers);
    let unreadable = 0;
    for (const name of range.stages) {
      const plan = { ids: this.#idsOf(name), fromS, stepS, spans };
      unreadable += yield* this.#reader.read(plan, { step: (step) => visit(name, step) });
    }
    return { fromS, steps, stepS, spans: planned, unreadable };
  }

  *#piece<P extends Piece<P>>(
    kind: PieceKind<P>,
    ids: readonly number[],
    stepS: number,
    from: number,
    to: number,
  ): Turns<{ piece: P; unreadable: number }> {
    const piece = kind.create(from, to - from);
    const spans = spansFor(from * stepS, to * stepS, stepS);
    const plan = { ids, fromS: from * stepS, stepS, spans };
    const unreadable = yield* this.#reader.read(plan, kind.sink(piece));
    return { piece, unreadable };
  }

  #idsOf(name: string): number[] {
    const statement = this.#database.query("SELECT id FROM name WHERE name = ?");
    const rows = stagesOf(name)!.map((id) => statement.values(stages[id]!.name)[0]);
    return rows.flatMap((row) => (row === undefined ? [] : [row[0] as number]));
  }
}

function spansFor(fromS: number, toS: number, stepS: number) {
  return (tiers: readonly Tier[], atS?: number): Span[] => {
    if (atS !== undefined) return spansFrom(tiers, atS, toS, stepS);
    return reachBack(spansOf(tiers, fromS, toS, stepS), stepS);
  };
}

/** From the middle of a range on: coarser rows only from where one begins. */
function spansFrom(tiers: readonly Tier[], atS: number, toS: number, stepS: number): Span[] {
  const parts = wholeParts(atS, toS, stepS);
  return parts.flatMap((part) => spansOf(tiers, part.fromS, part.toS, part.stepS));
}

type Counts = Pick<Step, "errors" | "untimed" | "breaches">;

function columnSink(piece: StepColumns, percents: readonly number[]): StepSink {
  const { data, steps } = piece;
  const out = new Float64Array(percents.length);
  const put = (column: number, index: number, value: number): void => {
    data[column * steps + index] = value;
  };
  const putCounts = (index: number, count: number, { errors, untimed, breaches }: Counts): void => {
    put(Column.count, index, count);
    put(Column.errors, index, errors);
    put(Column.untimed, index, untimed);
    put(Column.breaches, index, breaches);
  };
  /** The percentiles are in `out`. */
  const putTimes = (index: number, minNs: number, maxNs: number, meanNs: number): void => {
    put(Column.minNs, index, minNs);
    put(Column.maxNs, index, maxNs);
    put(Column.meanNs, index, meanNs);
    for (let i = 0; i < out.length; i++) put(Column.percentiles + i, index, out[i]!);
  };
  return {
    row(index: number, row: StepRow): boolean {
      const [, count, errors, untimed, breaches, minNs, maxNs, sumNs, bytes] = row;
      if (count === 0 || minNs === null || maxNs === null) return false;
      if (!encodedPercentilesInto(bytes, { count, minNs, maxNs }, percents, out)) return false;
      putCounts(index, count, { errors, untimed, breaches });
      putTimes(index, minNs, maxNs, sumNs / count);
      return true;
    },
    step(step: Step): void {
      const { index, histogram } = step;
      putCounts(index, histogram.count, step);
      if (histogram.count === 0) return;
      histogram.percentilesInto(percents, out, 0);
      putTimes(index, histogram.minNs, histogram.maxNs, histogram.meanNs);
    },
  };
}

function seriesOf(stage: string, piece: StepColumns, percentiles: number): LatencySeries {
  return {
    stage,
    count: piece.column(Column.count),
    errors: piece.column(Column.errors),
    untimed: piece.column(Column.untimed),
    breaches: piece.column(Column.breaches),
    minNs: piece.column(Column.minNs),
    maxNs: piece.column(Column.maxNs),
    meanNs: piece.column(Column.meanNs),
    percentilesNs: Array.from({ length: percentiles }, (_, i) =>
      piece.column(Column.percentiles + i),
    ),
  };
}
