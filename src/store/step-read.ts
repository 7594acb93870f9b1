/**
 * Rows into steps. Rows are read in chunks that can be interrupted between them; each chunk is of
 * one moment of the file, and no row is missed or taken twice when rows move to coarser resolutions
 * meanwhile.
 */
import type { Database, Statement } from "bun:sqlite";
import { mergeEncoded } from "../telemetry/codec.ts";
import { Histogram } from "../telemetry/histogram.ts";
import { keyBase, startLimit, startOf } from "./key.ts";
import type { Span } from "./span.ts";
import { type Resolution, resolutions, type Tier, tiersAndRevision } from "./tier.ts";
import type { Turns } from "./turn.ts";

/** One step of one stage, while the accumulator holds it. Not to be kept: it is used again. */
export interface Step {
  index: number;
  histogram: Histogram;
  errors: number;
  untimed: number;
  breaches: number;
}

/** key, count, errors, untimed, breaches, min, max, sum, histogram */
export type StepRow = [
  number,
  number,
  number,
  number,
  number,
  number | null,
  number | null,
  number,
  Uint8Array,
];

export interface StepSink {
  /** A step that is a single row, not unpacked yet; false to have it as a step after all. */
  row?(index: number, row: StepRow): boolean;
  step(step: Step): void;
}

export interface StepPlan {
  /** `name.id` of the stages that are merged into one. */
  ids: readonly number[];
  /** Epoch s of step 0; rows before it count in it. */
  fromS: number;
  /** Infinity: everything is one step. */
  stepS: number;
  /** What to read from `atS` on; undefined: from the beginning. */
  spans(tiers: readonly Tier[], atS?: number): Span[];
}

/** Rows of a stage read at a time: one or two milliseconds of work. More than any tier's ratio. */
const chunkRows = 256;

export class StepReader {
  readonly #database: Database;
  readonly #rows: Statement;
  readonly #first: Statement;

  constructor(database: Database) {
    this.#database = database;
    this.#first = database.prepare(
      "SELECT key FROM latency WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT 1",
    );
    this.#rows = database.prepare(
      `SELECT key, count, errors, untimed, breaches, min_ns, max_ns, sum_ns, histogram FROM latency
       WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT ?3`,
    );
  }

  /** Epoch s of the first row that begins at `fromS` or later, of any resolution; Infinity for none. */
  nextS(ids: readonly number[], fromS: number): number {
    let nextS = Infinity;
    for (const id of ids) {
      for (const resolution of resolutions) {
        const base = keyBase(resolution, id);
        const [row] = this.#first.values(base + fromS, base + Math.min(nextS, startLimit)) as [
          number,
        ][];
        if (row !== undefined) nextS = startOf(row[0]);
      }
    }
    return nextS;
  }

  /** Steps in order of time, those with nothing in them left out; returns how many rows were damaged. */
  *read(plan: StepPlan, sink: StepSink): Turns<number> {
    const steps = new StepSum(plan, sink);
    let tiers = tiersAndRevision(this.#database).tiers;
    let spans = plan.spans(tiers);
    for (let i = 0; i < spans.length; i++) {
      const { resolution, from, to } = spans[i]!;
      const tier = resolutions.indexOf(resolution);
      for (let at = from; at < to;) {
        const chunk = this.#chunk(plan.ids, resolution, at, to);
        const { prunedTo } = chunk.tiers[tier]!;
        if (prunedTo > at && prunedTo !== tiers[tier]!.prunedTo) {
          // Deleted since the plan was made. Its coarser rows begin where the chunk does.
          tiers = chunk.tiers;
          spans = plan.spans(tiers, at);
          i = -1;
          break;
        }
        for (const rows of chunk.rows) for (const row of rows) steps.add(row);
        at = chunk.end;
        yield;
      }
    }
    steps.end();
    return steps.unreadable;
  }

  /** The next rows of one moment, as far as all stages have been read. */
  #chunk(ids: readonly number[], resolution: Resolution, from: number, to: number) {
    return this.#database.transaction(() => {
      const { tiers } = tiersAndRevision(this.#database);
      let end = to;
      const sources = ids.map((id) => {
        const base = keyBase(resolution, id);
        const rows = this.#rows.values(base + from, base + to, chunkRows) as StepRow[];
        if (rows.length === chunkRows) end = Math.min(end, cutAt(rows, resolution));
        return rows;
      });
      return { tiers, rows: inOrder(sources, end), end };
    })();
  }
}

/** Where a chunk ends: in front of the last row, where a row of the next resolution may begin. */
function cutAt(rows: readonly StepRow[], resolution: Resolution): number {
  const coarser = resolutions[resolutions.indexOf(resolution) + 1] ?? resolution;
  const last = startOf(rows.at(-1)![0]);
  return last - (last % coarser);
}

/** Rows before `end`, by time: steps are summed up one after the other. */
function inOrder(sources: readonly StepRow[][], end: number): readonly StepRow[][] {
  const parts = sources.map((rows) => {
    let length = rows.length;
    while (length > 0 && startOf(rows[length - 1]![0]) >= end) length--;
    return length === rows.length ? rows : rows.slice(0, length);
  });
  const full = parts.filter((rows) => rows.length > 0);
  if (full.length <= 1) return full;
  return [full.flat().toSorted((a, b) => startOf(a[0]) - startOf(b[0]))];
}

/** The step that is being summed up. */
class StepSum {
  unreadable = 0;
  readonly #plan: StepPlan;
  readonly #sink: StepSink;
  #step: Step | undefined;
  #index = -1;
  /** The first row of the step, as long as it is the only one. */
  #single: StepRow | undefined;

  constructor(plan: StepPlan, sink: StepSink) {
    this.#plan = plan;
    this.#sink = sink;
  }

  add(row: StepRow): void {
    const { fromS, stepS } = this.#plan;
    const index = Math.max(0, Math.floor((startOf(row[0]) - fromS) / stepS));
    if (index !== this.#index) {
      this.end();
      this.#index = index;
      this.#single = row;
      return;
    }
    const single = this.#single;
    if (single !== undefined) {
      this.#begin();
      this.#merge(single);
      this.#single = undefined;
    }
    this.#merge(row);
  }

  end(): void {
    const single = this.#single;
    if (this.#index < 0) return;
    if (single !== undefined) {
      this.#single = undefined;
      if (this.#sink.row?.(this.#index, single) === true) return;
      this.#begin();
      this.#merge(single);
    }
    this.#sink.step(this.#step!);
  }

  #begin(): void {
    const histogram = this.#step?.histogram ?? new Histogram();
    histogram.reset();
    this.#step = { index: this.#index, histogram, errors: 0, untimed: 0, breaches: 0 };
  }

  #merge([, , errors, untimed, breaches, minNs, maxNs, sumNs, bytes]: StepRow): void {
    const step = this.#step!;
    step.errors += errors;
    step.untimed += untimed;
    step.breaches += breaches;
    if (!mergeEncoded(bytes, step.histogram)) this.unreadable++;
    else if (minNs !== null && maxNs !== null) step.histogram.addExtremes(minNs, maxNs, sumNs);
  }
}
