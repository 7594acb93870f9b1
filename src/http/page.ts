/** Lists in pages, newest first. A cursor is the last row's id: rows added meanwhile change nothing. */
import type { Context } from "hono";
import { z } from "zod";
import type { Page, PageRequest } from "../store/record-query.ts";
import { csvOf, type Format, ndjsonOf, type Row, send } from "./format.ts";
import { ParameterError } from "./parameter.ts";
import { parseTime, timeParameter } from "./time.ts";

const limitMax = 1000;

export const pageParameters = {
  from: timeParameter.optional(),
  to: timeParameter.optional(),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(limitMax)
    .optional()
    .describe("Rows of a page; default 100."),
  cursor: z.string().max(32).optional().describe("The `next` of the page before."),
};

export interface PageParameters {
  from?: string | undefined;
  to?: string | undefined;
  limit?: number | undefined;
  cursor?: string | undefined;
}

export function pageOf(
  { from, to, limit = 100, cursor }: PageParameters,
  nowMs: number,
): PageRequest {
  if (cursor !== undefined && !/^[1-9]\d{0,15}$/.test(cursor)) {
    throw new ParameterError("cursor", "is none of ours", "Leave it out for the first page.");
  }
  const fromMs = from === undefined ? undefined : parseTime("from", from, nowMs);
  const toMs = to === undefined ? undefined : parseTime("to", to, nowMs);
  if (fromMs !== undefined && toMs !== undefined && fromMs > toMs) {
    throw new ParameterError("from", "is after to", "A range ends after it begins.");
  }
  return { limit, before: cursor === undefined ? undefined : Number(cursor), fromMs, toMs };
}

export function pageSchema<S extends z.ZodType>(item: S) {
  return z.object({
    items: z.array(item).describe("Newest first."),
    next: z.string().nullable().describe("Cursor of the next page; null on the last."),
  });
}

/** Sends a page in the format; the next page is in the Link header too (RFC 8288). */
export function sendPage<R extends Row>(
  c: Context,
  format: Format,
  { rows, next }: Page<R>,
  columns: readonly string[],
  name: string,
): Response {
  if (next !== null) {
    const url = new URL(c.req.url);
    url.searchParams.set("cursor", String(next));
    c.header("link", `<${url.pathname}${url.search}>; rel="next"`);
  }
  const cursor = next === null ? null : String(next);
  const text =
    format === "csv"
      ? csvOf(columns, rows)
      : format === "ndjson"
        ? ndjsonOf(rows)
        : JSON.stringify({ items: rows, next: cursor });
  return send(c, format, text, name);
}
