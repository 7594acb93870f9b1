/**
 * What the page shows, as the query of its address: shareable, bookmarkable, and the back button
 * goes through it. Unknown or damaged parts fall back to the default rather than failing.
 *
 * A range is either live (`from=-1h`, up to now) or fixed (`from` and `to` in epoch seconds).
 */

export const views = ["overview", "signals", "alerts", "feed", "inference", "machine"] as const;
export type View = (typeof views)[number];

export interface LiveRange {
  kind: "live";
  /** Length up to now. */
  seconds: number;
}

export interface FixedRange {
  kind: "fixed";
  /** Epoch s. */
  fromS: number;
  toS: number;
}

export type Range = LiveRange | FixedRange;

export interface Place {
  view: View;
  /** Stage or component of the heat map. */
  stage: string;
  range: Range;
  /** Symbol whose page is open; "" for none. */
  symbol: string;
  /** Feed that it is on, where several may have it; "" for whichever has. */
  feed: string;
  /** Filter of the signals. */
  filter: string;
}

export const presets: readonly { label: string; words: string; seconds: number }[] = [
  { label: "5m", words: "5 minutes", seconds: 300 },
  { label: "15m", words: "15 minutes", seconds: 900 },
  { label: "1h", words: "1 hour", seconds: 3600 },
  { label: "6h", words: "6 hours", seconds: 21_600 },
  { label: "1d", words: "1 day", seconds: 86_400 },
  { label: "7d", words: "7 days", seconds: 604_800 },
  { label: "30d", words: "30 days", seconds: 2_592_000 },
  { label: "1y", words: "1 year", seconds: 31_536_000 },
];

export const defaultPlace: Place = {
  view: "overview",
  stage: "total_pipeline",
  range: { kind: "live", seconds: 300 },
  symbol: "",
  feed: "",
  filter: "",
};

/** Shortest and longest range, seconds. */
export const rangeMin = 10;
export const rangeMax = 2 * 366 * 86_400;

const unitSeconds: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  y: 31_536_000,
};

export function parsePlace(query: string): Place {
  const parameters = new URLSearchParams(query);
  const view = views.find((name) => name === parameters.get("view")) ?? defaultPlace.view;
  const stage = parameters.get("stage") ?? "";
  return {
    view,
    stage: /^[a-z][a-z0-9_.]{0,63}$/.test(stage) ? stage : defaultPlace.stage,
    range: parseRange(parameters.get("from") ?? "", parameters.get("to") ?? ""),
    symbol: (parameters.get("symbol") ?? "").slice(0, 16),
    feed: (parameters.get("feed") ?? "").slice(0, 64),
    filter: (parameters.get("filter") ?? "").slice(0, 64),
  };
}

function parseRange(from: string, to: string): Range {
  const relative = /^-(\d{1,6})([smhdy])$/.exec(from);
  if (relative !== null) {
    const seconds = Number(relative[1]) * unitSeconds[relative[2]!]!;
    return { kind: "live", seconds: clamp(seconds, rangeMin, rangeMax) };
  }
  if (/^\d{9,11}$/.test(from) && /^\d{9,11}$/.test(to)) {
    const fromS = Number(from);
    const toS = Number(to);
    if (toS > fromS) return fixedRange(fromS, toS);
  }
  return defaultPlace.range;
}

/** The fixed range nearest to the asked one that is neither too short nor too long. */
export function fixedRange(fromS: number, toS: number): FixedRange {
  const seconds = clamp(Math.round(toS - fromS), rangeMin, rangeMax);
  const middle = (fromS + toS) / 2;
  const from = Math.max(0, Math.round(middle - seconds / 2));
  return { kind: "fixed", fromS: from, toS: from + seconds };
}

/** The query, "" for the default place; only what differs from the default is in it. */
export function placeQuery({ view, stage, range, symbol, feed, filter }: Place): string {
  const parameters = new URLSearchParams();
  if (view !== defaultPlace.view) parameters.set("view", view);
  if (symbol !== "") parameters.set("symbol", symbol);
  if (symbol !== "" && feed !== "") parameters.set("feed", feed);
  if (filter !== "") parameters.set("filter", filter);
  if (stage !== defaultPlace.stage) parameters.set("stage", stage);
  if (range.kind === "fixed") {
    parameters.set("from", String(range.fromS));
    parameters.set("to", String(range.toS));
  } else if (range.seconds !== (defaultPlace.range as LiveRange).seconds) {
    parameters.set("from", relativeText(range.seconds));
  }
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

function relativeText(seconds: number): string {
  const fits = Object.entries(unitSeconds).findLast(([, size]) => seconds % size === 0);
  const [unit, size] = fits ?? ["s", 1];
  return `-${seconds / size}${unit}`;
}

/** The range as epoch seconds. */
export function boundsOf(range: Range, nowMs: number): { fromS: number; toS: number } {
  if (range.kind === "fixed") return { fromS: range.fromS, toS: range.toS };
  const toS = Math.floor(nowMs / 1000);
  return { fromS: toS - range.seconds, toS };
}

const niceSteps = [
  1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400,
  172_800, 604_800,
];

/** The finest step that cuts the range into at most `columnsMax` columns, seconds. */
export function stepFor(seconds: number, columnsMax: number): number {
  return niceSteps.find((step) => seconds / step <= columnsMax) ?? niceSteps.at(-1)!;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
