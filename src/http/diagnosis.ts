/** /api/v1/diagnosis: what on this machine costs latency. Nothing is sent or written for it. */
import { resolver } from "hono-openapi";
import type { Diagnosis } from "../doctor/diagnose.ts";
import { diagnosisSchema } from "../doctor/schema.ts";
import type { App } from "./app.ts";
import { describe } from "./describe.ts";
import type { ApiSource } from "./source.ts";

/** An examination reads hundreds of files: it is shared by who asks within this time. */
const keepMs = 30_000;

export function diagnosisRoutes(app: App, source: ApiSource): void {
  let last: { atMs: number; diagnosis: Promise<Diagnosis> } | undefined;
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
    async (c) => {
      const nowMs = source.clockMs();
      if (last === undefined || nowMs - last.atMs > keepMs) {
        last = { atMs: nowMs, diagnosis: source.diagnose() };
      }
      const own = last;
      try {
        return c.json(await own.diagnosis);
      } catch (error) {
        if (last === own) last = undefined;
        throw error;
      }
    },
  );
}
