/** The form of a reply: what ?format= says, else what Accept prefers, else JSON. */
import type { Context } from "hono";
import { accepts } from "hono/accepts";
import { z } from "zod";
import { ParameterError } from "./parameter.ts";

export const mediaTypes = {
  json: "application/json",
  csv: "text/csv",
  ndjson: "application/x-ndjson",
  hdr: "text/x-hdr-histogram-log",
} as const;
export type Format = keyof typeof mediaTypes;

export function formatParameter<const F extends readonly [Format, ...Format[]]>(formats: F) {
  return z.enum(formats).describe("Form of the reply; wins over Accept.");
}

export function formatOf<F extends Format>(
  c: Context,
  asked: string | undefined,
  formats: readonly F[],
): F {
  const first = formats[0]!;
  if (asked !== undefined) {
    const format = formats.find((name) => name === asked);
    if (format !== undefined) return format;
    throw new ParameterError("format", `is none of ${formats.join(", ")}`);
  }
  const supports = formats.map((name) => mediaTypes[name]);
  const type = accepts(c, { header: "Accept", supports, default: mediaTypes[first] });
  return formats.find((name) => mediaTypes[name] === type) ?? first;
}

export type Cell = string | number | boolean | null;
export type Row = Readonly<Record<string, Cell>>;

/** RFC 4180, with a heading. Without a row there is only the heading. */
export function csvOf(columns: readonly string[], rows: Iterable<Row>): string {
  let text = `${columns.map(csvCell).join(",")}\r\n`;
  for (const row of rows) {
    text += `${columns.map((name) => csvCell(row[name] ?? null)).join(",")}\r\n`;
  }
  return text;
}

function csvCell(value: Cell): string {
  if (value === null) return "";
  if (typeof value !== "string") return String(value);
  // A spreadsheet takes these at the beginning for a formula; none of our words begins so by right.
  const safe = /^[-=+@\t\r\n]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function ndjsonOf(rows: Iterable<unknown>): string {
  let text = "";
  for (const row of rows) text += `${JSON.stringify(row)}\n`;
  return text;
}

/** Sends text of the format; `name` is what a browser saves it as. */
export function send(c: Context, format: Format, text: string, name: string): Response {
  const charset = format === "json" ? "" : "; charset=utf-8";
  c.header("content-type", `${mediaTypes[format]}${charset}`);
  c.header("vary", "Accept");
  const extension = format === "hdr" ? "hlog" : format;
  if (format !== "json") {
    c.header("content-disposition", `inline; filename="hftedge-${name}.${extension}"`);
  }
  return c.body(text);
}

/** The media types of a route's reply, for its description. */
export function contentOf(formats: readonly Format[], json: unknown) {
  const text = { schema: { type: "string" as const } };
  return Object.fromEntries(
    formats.map((format) => [mediaTypes[format], format === "json" ? { schema: json } : text]),
  ) as Record<string, { schema: never }>;
}
