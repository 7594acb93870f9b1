/**
 * Differences of the board, once a second. What was last seen lies on the board too, so that an ops
 * thread that is started again loses nothing and counts nothing twice.
 *
 * Writers are never stopped. A record that is under way while its stage is read may be counted in
 * this interval and summed in the next: over several intervals everything is exact, and extremes
 * that contradict the cells are put right from the cells.
 */
import { cellCount, highestOf } from "./bucket.ts";
import { Histogram } from "./histogram.ts";
import type { Board } from "./board.ts";
import {
  channelLimit,
  channelRegions,
  counterRegions,
  gaugeRegions,
  header,
  HeaderCell,
  seenChannelRegions,
  seenCounterRegions,
  seenRegions,
  totalChannelRegions,
  totalCounterRegions,
  totalHistogramRegions,
  totalStageRegions,
} from "./layout.ts";
import { type Recorder, RecorderCell, RecorderStat, sumModulus } from "./recorder.ts";
import { perThread, stages, type ThreadName, threadNames } from "./stage.ts";

/** What happened to one stage in one interval. */
export class StageInterval {
  readonly histogram = new Histogram();
  /** Failures, timed or not. */
  errors = 0;
  /** Failures that are not in the histogram. */
  untimed = 0;
  negatives = 0;
  clamped = 0;
  invalid = 0;
  /** Values above the threshold; the worst of them is the histogram's maximum. */
  breaches = 0;
  thresholdNs = Infinity;

  /** Whether anything at all was recorded. */
  get active(): boolean {
    return this.histogram.count + this.errors + this.invalid > 0;
  }
}

/** What one stage recorded since the start of the run. */
export class StageTotal {
  /** Count, errors, untimed, negatives, clamped, invalid, breaches, sum (ns). */
  readonly values: Float64Array;
  /** Counts by cell (bucket.ts). */
  readonly cells: Float64Array;

  constructor(values: Float64Array, cells: Float64Array) {
    this.values = values;
    this.cells = cells;
  }

  get count(): number {
    return this.values[0]!;
  }
  get errors(): number {
    return this.values[1]!;
  }
  get untimed(): number {
    return this.values[2]!;
  }
  get negatives(): number {
    return this.values[3]!;
  }
  get breaches(): number {
    return this.values[6]!;
  }
  get sumNs(): number {
    return this.values[7]!;
  }
}

/** Differences of one block of counters: a thread's, or a channel's. */
export class CounterInterval {
  /** Counted in this interval. */
  readonly deltas: Float64Array;
  /** Counted since the start of the run. */
  readonly totals: Float64Array;
  private readonly live: Uint32Array;
  private readonly seen: Uint32Array;

  constructor(live: Uint32Array, seen: Uint32Array, totals: Float64Array) {
    this.live = live;
    this.seen = seen;
    this.totals = totals;
    this.deltas = new Float64Array(live.length);
  }

  read(): void {
    const { live, seen, deltas, totals } = this;
    for (let id = 0; id < live.length; id++) {
      const value = live[id]!;
      const delta = (value - seen[id]!) >>> 0;
      deltas[id] = delta;
      if (delta === 0) continue;
      seen[id] = value;
      totals[id]! += delta;
    }
  }
}

export class BoardReader {
  /** Indexed by stage; overwritten by every `read()`. */
  readonly stages: readonly StageInterval[];
  readonly stageTotals: readonly StageTotal[];
  readonly counters: Readonly<Record<ThreadName, CounterInterval>>;
  readonly channels: readonly CounterInterval[];
  /** The live gauges: they have no differences. */
  readonly gauges: Readonly<Record<ThreadName, Float64Array>>;
  private readonly recorders: readonly Recorder[];
  private readonly seen: readonly { cells: Uint32Array; stats: Float64Array }[];
  private readonly epoch: Uint32Array;

  constructor({ buffer, recorders }: Board) {
    const u32 = (r: { at: number; length: number }) => new Uint32Array(buffer, r.at, r.length);
    const f64 = (r: { at: number; length: number }) => new Float64Array(buffer, r.at, r.length);
    this.recorders = recorders;
    this.epoch = new Uint32Array(buffer, header.at + HeaderCell.epoch * 4, 1);
    this.seen = seenRegions.map(({ cells, stats }) => ({ cells: u32(cells), stats: f64(stats) }));
    this.stages = stages.map(() => new StageInterval());
    this.stageTotals = stages.map(
      ({ id }) => new StageTotal(f64(totalStageRegions[id]!), f64(totalHistogramRegions[id]!)),
    );
    this.counters = perThread(
      (t) =>
        new CounterInterval(
          u32(counterRegions[t]),
          u32(seenCounterRegions[t]),
          f64(totalCounterRegions[t]),
        ),
    );
    this.channels = Array.from(
      { length: channelLimit },
      (_, i) =>
        new CounterInterval(
          u32(channelRegions[i]!),
          u32(seenChannelRegions[i]!),
          f64(totalChannelRegions[i]!),
        ),
    );
    this.gauges = perThread((t) => f64(gaugeRegions[t]));
  }

  /** Ends the interval and begins the next: everything since the last call, exactly once. */
  read(): void {
    const ended = this.epoch[0]!;
    // Writers that see the new epoch begin a new minimum and maximum. It never becomes 0, which is
    // the tag of a slot that was never used.
    this.epoch[0] = ended === 0xffff_fffe ? 1 : ended + 1;
    for (const { id } of stages) this.readStage(id, ended);
    for (const thread of threadNames) this.counters[thread].read();
    for (const channel of this.channels) channel.read();
  }

  private readStage(stage: number, ended: number): void {
    const { cells, stats } = this.recorders[stage]!;
    const seen = this.seen[stage]!;
    const interval = this.stages[stage]!;
    const { histogram } = interval;
    const total = this.stageTotals[stage]!;
    histogram.reset();
    interval.thresholdNs = stats[RecorderStat.thresholdNs]!;
    interval.errors = take(cells, seen.cells, RecorderCell.errors);
    interval.untimed = take(cells, seen.cells, RecorderCell.untimed);
    interval.negatives = take(cells, seen.cells, RecorderCell.negatives);
    interval.clamped = take(cells, seen.cells, RecorderCell.clamped);
    interval.invalid = take(cells, seen.cells, RecorderCell.invalid);
    interval.breaches = take(cells, seen.cells, RecorderCell.breaches);
    // A record counts after it touched its cell, so that an idle stage costs no scan.
    if (take(cells, seen.cells, RecorderCell.count) !== 0) {
      this.readHistogram(cells, seen.cells, histogram, total.cells);
      if (histogram.count > 0) {
        const slot = ended & 1;
        const sum = stats[RecorderStat.sumNs]!;
        const partNs = (sum - seen.stats[RecorderStat.sumNs]! + sumModulus) % sumModulus;
        const sumNs = unwrapped(partNs, histogram);
        seen.stats[RecorderStat.sumNs] = sum;
        const min = RecorderStat.minEvenNs + slot * 2;
        if (cells[RecorderCell.epochEven + slot] === ended) {
          histogram.addExtremes(stats[min]!, stats[min + 1]!, sumNs);
        } else histogram.sumNs = sumNs;
        histogram.repairExtremes();
        total.values[7]! += sumNs;
      }
    }
    const { values } = total;
    values[0]! += histogram.count;
    values[1]! += interval.errors;
    values[2]! += interval.untimed;
    values[3]! += interval.negatives;
    values[4]! += interval.clamped;
    values[5]! += interval.invalid;
    values[6]! += interval.breaches;
  }

  private readHistogram(
    live: Uint32Array,
    seen: Uint32Array,
    histogram: Histogram,
    totals: Float64Array,
  ): void {
    for (let cell = 0; cell < cellCount; cell++) {
      const value = live[cell]!;
      const before = seen[cell]!;
      if (value === before) continue;
      const delta = (value - before) >>> 0;
      seen[cell] = value;
      totals[cell]! += delta;
      histogram.addCell(cell, delta);
    }
  }
}

/**
 * A thousand durations of an hour (clocks that disagree) are enough to pass the modulus within one
 * interval; the cells know the sum well enough to tell how often that happened.
 */
function unwrapped(partNs: number, histogram: Histogram): number {
  if (histogram.count * highestOf(histogram.highCell) < sumModulus) return partNs;
  const times = Math.round((histogram.estimatedSumNs() - partNs) / sumModulus);
  return partNs + Math.max(0, times) * sumModulus;
}

function take(live: Uint32Array, seen: Uint32Array, cell: number): number {
  const value = live[cell]!;
  const delta = (value - seen[cell]!) >>> 0;
  seen[cell] = value;
  return delta;
}
