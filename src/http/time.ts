/** Times as people write them: ISO 8601, epoch in s, ms, us or ns, or relative to now (-1h30m). */
import { z } from "zod";
import { EdgeError } from "../error.ts";
import { ParameterError } from "./parameter.ts";

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};

const relative = /^(?:now)?-((?:\d{1,12}(?:ms|s|m|h|d|w|y))+)$/;
const duration = /^(?:\d{1,12}(?:ms|s|m|h|d|w|y))+$/;
/** The last second that the history can name: 2106-02-07T06:28:15Z. */
const lastMs = 4_294_967_295_000;

const isoLike = /^(\d{4})-(\d{2})(?:-(\d{2}))?(?:[T ][\d:.]+(?:Z|[ +-]\d{2}:?\d{2})?)?$/;

export const timeParameter = z
  .string()
  .max(64)
  .describe("ISO 8601, epoch in s, ms, us or ns, now, or relative to now: -90s, -1h30m, -7d.");
export const stepParameter = z
  .string()
  .max(32)
  .describe("Whole seconds, or 10s, 1m, 1h, 1d. Default: the finest that gives 1,000 points.");

/** "1h30m" → ms; NaN when it is no duration. */
export function durationMs(text: string): number {
  if (!duration.test(text)) return Number.NaN;
  let ms = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|[smhdwy])/g)) {
    ms += Number(count) * unitMs[unit!]!;
  }
  return ms;
}

/** Epoch ms. Throws ParameterError. */
export function parseTime(name: string, text: string, nowMs: number): number {
  const ms = timeMs(text.trim(), nowMs);
  if (Number.isNaN(ms)) {
    throw new ParameterError(
      name,
      `is ${JSON.stringify(text)}, which is no time`,
      "Write 2026-01-30T14:30:00Z, an epoch in s, ms, us or ns, now, or -1h30m.",
    );
  }
  if (ms < 0 || ms > lastMs) {
    throw new ParameterError(name, "is before 1970 or after 2106", "Check its unit.");
  }
  return ms;
}

function timeMs(text: string, nowMs: number): number {
  if (text === "now") return nowMs;
  const before = relative.exec(text)?.[1];
  if (before !== undefined) return Math.max(0, nowMs - durationMs(before));
  if (/^\d+(?:\.\d+)?$/.test(text)) return epochMs(Number(text));
  // Only what begins like a date: Date.parse takes much that nobody means.
  const parts = isoLike.exec(text);
  if (parts === null) return Number.NaN;
  const [, year, month, day = "01"] = parts;
  // It also takes February the 30th, for the 2nd of March.
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  if (date.getUTCDate() !== Number(day)) return Number.NaN;
  // The + of a zone arrives as a space where a URL was written by hand.
  return Date.parse(withZone(text.slice(0, 11) + text.slice(11).replace(" ", "+")));
}

/** Without a zone it is UTC: the zone of the box must not change what a question means. */
function withZone(text: string): string {
  return /T|\s/.test(text) && !/(?:Z|[+-]\d{2}:?\d{2})$/.test(text.slice(10)) ? `${text}Z` : text;
}

/** The unit by its size: seconds end where their number would be the year 5138. */
function epochMs(value: number): number {
  if (value < 1e11) return value * 1000;
  if (value < 1e14) return value;
  return value < 1e17 ? value / 1e3 : value / 1e6;
}

export interface TimeRange {
  /** Epoch s; `toS` is at or after `fromS`. */
  fromS: number;
  toS: number;
}

/** Default: the last hour. Throws ParameterError. */
export function parseRange(
  { from, to }: { from?: string | undefined; to?: string | undefined },
  nowMs: number,
): TimeRange {
  const toMs = to === undefined ? nowMs : parseTime("to", to, nowMs);
  const fromMs =
    from === undefined ? Math.max(0, toMs - 3_600_000) : parseTime("from", from, nowMs);
  if (!(toMs > fromMs)) {
    throw new ParameterError("from", "is not before to", "A range ends after it begins.");
  }
  return { fromS: fromMs / 1000, toS: toMs / 1000 };
}

/** Steps that divide into each other and into days, seconds. */
const niceSteps = [
  1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
  172_800, 604_800, 2_592_000, 31_536_000,
];

/** The finest step that cuts the range into at most `points` pieces. */
export function stepThatFits({ fromS, toS }: TimeRange, points: number): number {
  const fits = (step: number): boolean =>
    Math.ceil(toS / step) - Math.floor(fromS / step) <= Math.max(1, points);
  return niceSteps.find(fits) ?? niceSteps.at(-1)!;
}

const pointsDefault = 1000;

/**
 * The step in seconds. `series`: how many there are of them; together they have at most `pointsMax`
 * points. Throws ParameterError, and EdgeError TOO_MANY_POINTS that names a step that fits.
 */
export function parseStep(
  text: string | undefined,
  range: TimeRange,
  series: number,
  pointsMax: number,
): number {
  const each = Math.floor(pointsMax / Math.max(1, series));
  if (text === undefined) return stepThatFits(range, Math.min(pointsDefault, each));
  const ms = /^\d{1,10}$/.test(text) ? Number(text) * 1000 : durationMs(text);
  const step = ms / 1000;
  const stepMax = lastMs / 1000;
  if (!Number.isInteger(step) || step < 1 || step > stepMax) {
    const hint = "Write 1, 10s, 1m, 1h or 1d.";
    const reason = `is ${JSON.stringify(text)}, not a whole number of seconds up to ${stepMax}`;
    throw new ParameterError("step", reason, hint);
  }
  const points = (Math.ceil(range.toS / step) - Math.floor(range.fromS / step)) * series;
  if (points <= pointsMax) return step;
  const better = stepThatFits(range, each);
  throw new EdgeError(
    "TOO_MANY_POINTS",
    `${points} points were asked for, and an answer has at most ${pointsMax}`,
    `Use step=${better}, a shorter range, or /api/v1/latency/export.`,
  );
}
