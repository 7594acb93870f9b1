/** Moments and spans of time for people. Everything on the page is UTC, as on the wire. */

const pad = (value: number): string => String(value).padStart(2, "0");

/** "13:45:09" */
export function clock(ms: number): string {
  if (!Number.isFinite(ms)) return "-";
  const date = new Date(ms);
  return `${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}:${pad(date.getUTCSeconds())}`;
}

/** "2026-11-23" */
export function day(ms: number): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString().slice(0, 10) : "-";
}

/** "2026-11-23 13:45:09"; without the day where it is the day of `nowMs`. */
export function moment(ms: number, nowMs: number): string {
  if (!Number.isFinite(ms)) return "-";
  return day(ms) === day(nowMs) ? clock(ms) : `${day(ms)} ${clock(ms)}`;
}

const spanUnits = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
] as const;

/** A span in whole units, two at most: "3 s", "5 min", "2 min 5 s", "4 h 10 min", "12 d 3 h". */
export function span(ms: number): string {
  if (!Number.isFinite(ms)) return "-";
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const first = spanUnits.findIndex(([, size]) => seconds >= size);
  if (first < 0) return "0 s";
  const [name, size] = spanUnits[first]!;
  const whole = `${Math.floor(seconds / size)} ${name}`;
  const next = spanUnits[first + 1];
  const rest = next === undefined ? 0 : Math.floor((seconds % size) / next[1]);
  return rest === 0 ? whole : `${whole} ${rest} ${next![0]}`;
}

const monthS = 28 * 86_400;

/**
 * Ticks on an axis of time from `fromS` to `toS` that are about `incrementS` apart: whole multiples
 * of it, or the first of months where it is as long as one.
 */
export function timeTicks(fromS: number, toS: number, incrementS: number): number[] {
  const ticks: number[] = [];
  if (incrementS < monthS) {
    const first = Math.ceil(fromS / incrementS) * incrementS;
    for (let tick = first; tick <= toS; tick += incrementS) ticks.push(tick);
    return ticks;
  }
  const step = Math.max(1, Math.round(incrementS / (30 * 86_400)));
  const start = new Date(fromS * 1000);
  let month = start.getUTCFullYear() * 12 + start.getUTCMonth();
  month = Math.ceil(month / step) * step;
  for (; ; month += step) {
    const tick = Date.UTC(Math.floor(month / 12), month % 12, 1) / 1000;
    if (tick > toS) return ticks;
    if (tick >= fromS) ticks.push(tick);
  }
}

/** The label of a tick of `timeTicks`: what changes from one to the next. */
export function tickLabel(seconds: number, incrementS: number): string {
  const date = new Date(seconds * 1000);
  const month = months[date.getUTCMonth()]!;
  if (incrementS >= monthS) return month === "Jan" ? String(date.getUTCFullYear()) : month;
  if (incrementS < 60) return clock(seconds * 1000);
  if (incrementS < 86_400 && seconds % 86_400 !== 0) {
    return `${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}`;
  }
  return `${month} ${date.getUTCDate()}`;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
