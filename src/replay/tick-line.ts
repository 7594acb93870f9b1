/** Lines of tick files: pure text in, one JSON tick and its time out. */
import { EdgeError } from "../error.ts";
import { requiredTickFields, tickFields, type ColumnMap } from "./column.ts";

/** Delimiters that a CSV header may use, the most telling first. */
export type Delimiter = "\t" | ";" | ",";

export function delimiterOf(header: string): Delimiter {
  return (["\t", ";"] as const).find((d) => header.includes(d)) ?? ",";
}

/** Splits one line by RFC 4180: quoted fields may hold delimiters and doubled quotes. */
export function splitCsv(line: string, delimiter: Delimiter): string[] {
  if (!line.includes('"')) return line.split(delimiter).map((cell) => cell.trim());
  const cells: string[] = [];
  let cell = "";
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const c = line[i] as string;
    if (quoted) {
      if (c !== '"') cell += c;
      else if (line[i + 1] === '"') cell += line[i++];
      else quoted = false;
    } else if (c === '"' && cell.trim() === "") {
      quoted = true;
      cell = "";
    } else if (c === delimiter) {
      cells.push(cell.trim());
      cell = "";
    } else cell += c;
  }
  cells.push(cell.trim());
  return cells;
}

const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** ns since 1970 of a numeric time, its unit told by its size: seconds until 5138, then ms, µs, ns. */
export function epochNs(value: number): number {
  if (value < 1e11) return value * 1e9;
  if (value < 1e14) return value * 1e6;
  return value < 1e17 ? value * 1e3 : value;
}

/** A time as a number or as ISO 8601 (with up to nine decimals); NaN when it is neither. */
export function timeNs(value: unknown): number {
  if (typeof value === "number") return epochNs(value);
  if (typeof value !== "string") return Number.NaN;
  return number.test(value) ? epochNs(Number(value)) : isoMs(value) * 1e6;
}

/** ms since 1970 with a fraction, or NaN. A time without a zone is UTC. */
function isoMs(text: string): number {
  const iso = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(\.\d{1,9})?)?\s*(Z|[+-]\d\d:?\d\d)?$/;
  const match = iso.exec(text);
  if (match === null) return Number.NaN;
  const [, day, time = "00:00", fraction = "0", zone = "Z"] = match;
  return Date.parse(`${day}T${time}${zone}`) + Number(fraction) * 1000;
}

/** One tick of CSV cells as the JSON object that the tick format takes, and its time in ns. */
export function csvTick(
  cells: readonly string[],
  map: ColumnMap,
  where: () => string,
): { json: string; timeNs: number } {
  let json = "";
  let at = Number.NaN;
  for (const field of tickFields) {
    const cell = map[field] < 0 ? "" : (cells[map[field]] ?? "");
    if (cell === "") {
      if (requiredTickFields.includes(field)) throw badTick(where(), `no ${field}`);
      continue;
    }
    if (field === "symbol") json = `{"symbol":${JSON.stringify(cell)}`;
    else if (field === "timestamp") {
      at = timeNs(cell);
      if (Number.isNaN(at)) throw badTick(where(), `the timestamp "${cell}" is no time`);
      json += `,"timestamp":${number.test(cell) ? plain(cell) : isoMs(cell)}`;
    } else if (number.test(cell)) json += `,"${field}":${plain(cell)}`;
    else throw badTick(where(), `the ${field} "${cell}" is no number`);
  }
  return { json: `${json}}`, timeNs: at };
}

/** CSV writes numbers that JSON does not: +1, .5, 1., 007. */
function plain(cell: string): string {
  return /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(cell) ? cell : String(Number(cell));
}

/** The time in ns of one NDJSON tick, which is sent as it stands. */
export function ndjsonTickNs(line: string, where: () => string): number {
  let tick: unknown;
  try {
    tick = JSON.parse(line);
  } catch {
    throw badTick(where(), "this is no JSON");
  }
  if (typeof tick !== "object" || tick === null || Array.isArray(tick)) {
    throw badTick(where(), "this is no JSON object");
  }
  for (const field of requiredTickFields) {
    if (!(field in tick)) throw badTick(where(), `no "${field}"`);
  }
  const { timestamp } = tick as { timestamp: unknown };
  const at = timeNs(timestamp);
  if (Number.isNaN(at))
    throw badTick(where(), `the timestamp ${JSON.stringify(timestamp)} is no time`);
  return at;
}

function badTick(where: string, message: string): EdgeError {
  return new EdgeError(
    "TICK_LINE",
    `${where}: ${message}`,
    'A tick has "symbol", "timestamp", "price" and "volume". What came before it was sent.',
  );
}
