/**
 * The telemetry board: every histogram, counter and gauge of the process in one piece of shared
 * memory. Each cell has one writing thread; the ops thread reads differences once a second. The
 * board outlives its writers: a worker that is started again goes on counting where it stopped.
 */
import { assert } from "../error.ts";
import {
  boardMagic,
  boardSize,
  channelLimit,
  channelRegions,
  counterRegions,
  gaugeRegions,
  header,
  HeaderCell,
  recorderRegions,
} from "./layout.ts";
import { BoardReader } from "./reader.ts";
import { Recorder, RecorderStat } from "./recorder.ts";
import { type Stage, stages, type ThreadName } from "./stage.ts";

export { channelCells, channelLimit } from "./layout.ts";

/** Bytes that the board takes. */
export function boardBytes(): number {
  return boardSize;
}

/**
 * Opens the board in `buffer` (of `boardBytes()` bytes, all zero before the first opening, which
 * is the main thread's and happens before any other thread starts).
 */
export function openBoard(buffer: SharedArrayBuffer): Board {
  assert(buffer.byteLength === boardSize, `a board of ${buffer.byteLength} bytes`);
  const head = new Uint32Array(buffer, header.at, header.length);
  const board = new Board(buffer);
  if (head[HeaderCell.magic] === 0) {
    head[HeaderCell.epoch] = 1;
    for (const recorder of board.recorders) recorder.stats[RecorderStat.thresholdNs] = Infinity;
    head[HeaderCell.magic] = boardMagic;
  }
  assert(head[HeaderCell.magic] === boardMagic, "this buffer is not a telemetry board");
  return board;
}

export class Board {
  readonly buffer: SharedArrayBuffer;
  /** One for each stage, indexed by its id. Only the stage's own thread may record. */
  readonly recorders: readonly Recorder[];

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    const epoch = new Uint32Array(buffer, header.at + HeaderCell.epoch * 4, 1);
    this.recorders = recorderRegions.map(({ cells, stats }) => {
      return new Recorder(
        new Uint32Array(buffer, cells.at, cells.length),
        new Float64Array(buffer, stats.at, stats.length),
        epoch,
      );
    });
  }

  /**
   * Durations above which a value of the stage is a breach, ns; the other stages have none. Set by
   * the ops thread, from config: one that an earlier life of it had set must not go on counting.
   */
  setThresholds(limitsNs: ReadonlyMap<Stage, number>): void {
    for (const { id } of stages) {
      const limitNs = limitsNs.get(id) ?? Infinity;
      assert(limitNs > 0, `a threshold of ${limitNs} ns`);
      this.recorders[id]!.stats[RecorderStat.thresholdNs] = limitNs;
    }
  }

  writer(thread: ThreadName): BoardWriter {
    return new BoardWriter(this, thread);
  }

  /** For the ops thread alone: there is one reader, and what it has seen is kept on the board. */
  reader(): BoardReader {
    return new BoardReader(this);
  }
}

/** What one thread writes. The typed arrays are there for hot loops to write into directly. */
export class BoardWriter {
  readonly thread: ThreadName;
  /** Indexed by `Metric[thread]`; add to cells, never set them. */
  readonly counters: Uint32Array;
  /** Indexed by `Metric[thread]`. */
  readonly gauges: Float64Array;
  /** Indexed by stage: hot paths keep the recorder itself. */
  readonly recorders: readonly Recorder[];
  private readonly buffer: SharedArrayBuffer;

  constructor(board: Board, thread: ThreadName) {
    const { buffer } = board;
    const counters = counterRegions[thread];
    const gauges = gaugeRegions[thread];
    this.thread = thread;
    this.counters = new Uint32Array(buffer, counters.at, counters.length);
    this.gauges = new Float64Array(buffer, gauges.at, gauges.length);
    this.recorders = board.recorders;
    this.buffer = buffer;
  }

  count(id: number, times = 1): void {
    this.counters[id]! += times;
  }

  gauge(id: number, value: number): void {
    this.gauges[id] = value;
  }

  /** Records a duration in ns. */
  record(stage: Stage, valueNs: number): void {
    this.recorders[stage]!.record(valueNs);
  }

  /** Counts a failure; with `valueNs`, the time it took is in the histogram as well. */
  fail(stage: Stage, valueNs = Number.NaN): void {
    const recorder = this.recorders[stage]!;
    if (Number.isNaN(valueNs)) recorder.failUntimed();
    else recorder.fail(valueNs);
  }

  /** The stage's recorder, for a hot loop; asserts that this thread is the one that records it. */
  recorder(stage: Stage): Recorder {
    assert(stages[stage]!.thread === this.thread, `${this.thread} records stage ${stage}`);
    return this.recorders[stage]!;
  }

  /** The counters of one channel, `channelCells` u32: their meaning is the codecs' table. */
  channel(index: number): Uint32Array {
    assert(this.thread === "feed", "channels are the feed thread's");
    assert(index >= 0 && index < channelLimit, `channel ${index} of ${channelLimit}`);
    const { at, length } = channelRegions[index]!;
    return new Uint32Array(this.buffer, at, length);
  }
}
