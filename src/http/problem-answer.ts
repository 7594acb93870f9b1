/** Whatever goes wrong in a route becomes a problem document. */
import { HTTPException } from "hono/http-exception";
import { EdgeError } from "../error.ts";
import type { App } from "./app.ts";
import { ParameterError, parameterProblem } from "./parameter.ts";
import { problem, problemOf } from "./problem.ts";

/** `onError` is told of errors of ours: the client only learns that there was one. */
export function answerErrors(app: App, onError: (error: unknown, path: string) => void): void {
  app.notFound((c) =>
    problem(c, 404, "NO_RESOURCE", `there is nothing at ${c.req.path}`, {
      hint: "GET /openapi.json lists what there is.",
    }),
  );
  app.onError((error, c) => {
    if (error instanceof ParameterError) return parameterProblem(c, error);
    if (error instanceof EdgeError) return problemOf(c, error);
    if (error instanceof HTTPException) {
      return problem(c, error.status as 400, "REQUEST", error.message || "the request is wrong");
    }
    onError(error, c.req.path);
    return problem(c, 500, "INTERNAL", "a mistake of this program; the log has its trace");
  });
}
