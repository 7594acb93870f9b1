/**
 * Where everything lies on the board: one SharedArrayBuffer, doubles first, then u32 cells. Each
 * writer's cells begin on a cache line of their own, so that two threads never fight over one.
 *
 *   header   32 u32: magic, epoch (on a line of its own)
 *   writers  per stage: Recorder's stats and cells; per thread: counters, gauges; per channel: counts
 *   reader   what it last saw of all of these, and the totals since the start of the run
 */
import { cellCount } from "./bucket.ts";
import { metricCells } from "./metric.ts";
import { recorderCells, recorderStats } from "./recorder.ts";
import { perThread, stageCount } from "./stage.ts";

/** Most channels (a feed's line is one) that have counters of their own. */
export const channelLimit = 32;
/** Counters a channel can have. */
export const channelCells = 64;

const lineBytes = 64;

/** The epoch is on a line of its own: every thread reads it, and the reader writes it. */
export const HeaderCell = { magic: 0, epoch: 16 } as const;
export const boardMagic = 0x48_46_54_45;

interface Region {
  /** Byte offset. */
  at: number;
  /** Elements. */
  length: number;
}

let end = 0;
function region(length: number, bytesEach: 4 | 8): Region {
  const at = end;
  end = Math.ceil((at + length * bytesEach) / lineBytes) * lineBytes;
  return { at, length };
}

function times<T>(count: number, make: () => T): readonly T[] {
  return Array.from({ length: count }, make);
}

export const header = region(32, 4);
export const recorderRegions = times(stageCount, () => ({
  stats: region(recorderStats, 8),
  cells: region(recorderCells, 4),
}));
export const counterRegions = perThread((thread) => region(metricCells(thread, "counter"), 4));
export const gaugeRegions = perThread((thread) => region(metricCells(thread, "gauge"), 8));
export const channelRegions = times(channelLimit, () => region(channelCells, 4));

export const seenRegions = times(stageCount, () => ({
  stats: region(recorderStats, 8),
  cells: region(recorderCells, 4),
}));
export const seenCounterRegions = perThread((thread) => region(metricCells(thread, "counter"), 4));
export const seenChannelRegions = times(channelLimit, () => region(channelCells, 4));
export const totalCounterRegions = perThread((thread) => region(metricCells(thread, "counter"), 8));
export const totalChannelRegions = times(channelLimit, () => region(channelCells, 8));
/** Per stage: count, errors, untimed, negatives, clamped, invalid, breaches, sum. */
export const totalStageRegions = times(stageCount, () => region(8, 8));
export const totalHistogramRegions = times(stageCount, () => region(cellCount, 8));

/** Size of the board in bytes: the same for every configuration. */
export const boardSize = end;
