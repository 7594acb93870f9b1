/** Errors as application/problem+json (RFC 9457): the same shape whoever refuses. */
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { EdgeError } from "../error.ts";
import { problemCodes, type ProblemCode } from "./problem-code.ts";
import type { ProblemBody } from "./schema.ts";

export interface ProblemOptions {
  hint?: string;
  errors?: { name: string; reason: string }[];
  headers?: Record<string, string>;
}

/** "NOT_FOUND" → /docs#not-found: the documentation page says what each of them means. */
function typeOf(code: string): string {
  return `/docs#${code.toLowerCase().replaceAll("_", "-")}`;
}

const titles: Readonly<Record<number, string>> = {
  400: "Bad request",
  401: "No valid token",
  403: "Refused",
  404: "Not found",
  405: "Method not allowed",
  406: "Not acceptable",
  413: "Body too large",
  421: "Misdirected request",
  429: "Too many requests",
  500: "Internal error",
  503: "Not available",
};

export function problemBody(
  status: number,
  code: ProblemCode,
  detail: string,
  { hint = "", errors }: ProblemOptions = {},
): ProblemBody {
  const title = titles[status] ?? "Error";
  const body = { type: typeOf(code), title, status, detail, code, hint };
  return errors === undefined ? body : { ...body, errors };
}

export function problemResponse(
  status: number,
  code: ProblemCode,
  detail: string,
  options: ProblemOptions = {},
): Response {
  return new Response(JSON.stringify(problemBody(status, code, detail, options)), {
    status,
    headers: {
      "content-type": "application/problem+json",
      "cache-control": "no-store",
      ...options.headers,
    },
  });
}

export function problem(
  c: Context,
  status: ContentfulStatusCode,
  code: ProblemCode,
  detail: string,
  options: ProblemOptions = {},
): Response {
  const body = problemBody(status, code, detail, options);
  return c.body(JSON.stringify(body), status, {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    ...options.headers,
  });
}

/** What the request asked for cannot be: the words and the remedy are the error's own. */
export function problemOf(c: Context, error: EdgeError): Response {
  const { message, hint } = error;
  const code = error.code in problemCodes ? (error.code as ProblemCode) : "REQUEST";
  if (code === "QUERIES_FULL") {
    return problem(c, 503, code, message, { hint, headers: { "retry-after": "1" } });
  }
  return problem(c, code === "STORE_MISSING" ? 503 : 400, code, message, { hint });
}
