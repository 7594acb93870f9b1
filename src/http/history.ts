/** Routes that read the stored history share these: its absence, and replies that never change. */
import type { Context } from "hono";
import { EdgeError } from "../error.ts";
import type { HistoryReader } from "../store/query.ts";
import type { HistorySource } from "./source.ts";

/** Throws EdgeError STORE_MISSING while there is no file to read. */
export function historyOf(source: HistorySource): HistoryReader {
  const history = source.history();
  if (history !== undefined) return history;
  throw new EdgeError(
    "STORE_MISSING",
    "there is no history to read at the moment",
    "See /readyz for the reason; what happens now is in /api/v1/status.",
  );
}

/** Rows of a second are all there this long after it, s. */
const settledS = 10;

/** A reply about the past stays as it is: it may be kept, and need not be sent twice. */
export function markPast(
  c: Context,
  toS: number,
  nowMs: number,
  text: string,
): Response | undefined {
  if (toS > nowMs / 1000 - settledS) return undefined;
  const value = `"${Bun.hash(text).toString(36)}"`;
  c.header("etag", `W/${value}`);
  c.header("cache-control", "private, max-age=60");
  const known =
    c.req
      .header("if-none-match")
      ?.split(",")
      .map((part) => part.trim().replace(/^W\//, "")) ?? [];
  return known.includes(value) || known.includes("*") ? c.body(null, 304) : undefined;
}
