/** /api/v1/diagnosis: what on this machine costs latency. Nothing is sent or written for it. */
import { resolver } from "hono-openapi";
import { diagnosisSchema } from "../doctor/schema.ts";
import type { App } from "./app.ts";
import { describe } from "./describe.ts";
import type { ApiSource } from "./source.ts";

export function diagnosisRoutes(app: App, source: ApiSource): void {
  app.get(
    "/api/v1/diagnosis",
    describe({
      summary: "What on this machine costs latency, with evidence and remedy",
      description: "Takes a second or two; repeated within 30 s for whoever asks.",
      tags: ["machine"],
      responses: {
        200: {
          description: "The findings, worst first.",
          content: { "application/json": { schema: resolver(diagnosisSchema) } },
        },
      },
    }),
    async (c) => c.json(await source.diagnose()),
  );
}
