/** Query parameters that cannot be: collected per request and answered as one problem. */
import type { Context } from "hono";
import { validator } from "hono-openapi";
import type { z } from "zod";
import { EdgeError } from "../error.ts";
import { problem } from "./problem.ts";

/** One parameter that is wrong, with the reason as words that follow its name. */
export class ParameterError extends EdgeError {
  readonly parameter: string;
  readonly reason: string;

  constructor(parameter: string, reason: string, hint = "") {
    super("PARAMETER", `${parameter} ${reason}`, hint);
    this.parameter = parameter;
    this.reason = reason;
  }
}

export function parameterProblem(c: Context, error: ParameterError): Response {
  const { message, hint, parameter, reason } = error;
  return problem(c, 400, "PARAMETER", message, { hint, errors: [{ name: parameter, reason }] });
}

interface Issue {
  code?: string;
  keys?: readonly string[];
  path?: readonly (PropertyKey | { key: PropertyKey })[] | undefined;
  message: string;
}

/** Checks the query against a strict schema, so that a misspelt parameter is told and not ignored. */
export function query<S extends z.ZodType>(schema: S) {
  return validator("query", schema, (result, c) => {
    if (result.success) return undefined;
    const errors = (result.error as readonly Issue[]).flatMap(reasonsOf);
    const detail = errors.map(({ name, reason }) => `${name}: ${reason}`);
    const hint = "GET /openapi.json describes each parameter.";
    return problem(c, 400, "PARAMETER", detail.join("; "), { hint, errors });
  });
}

function reasonsOf({ code, keys, path = [], message }: Issue): { name: string; reason: string }[] {
  if (code === "unrecognized_keys") {
    return (keys ?? []).map((name) => ({ name, reason: "is no parameter of this resource" }));
  }
  const name = path.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
  return [{ name, reason: message }];
}
