/** /api/v1/latency/heatmap: how many values of each step lie in each band of latency. */
import { resolver } from "hono-openapi";
import { z } from "zod";
import type { App } from "./app.ts";
import { describe } from "./describe.ts";
import { historyOf, markPast } from "./history.ts";
import { query } from "./parameter.ts";
import type { ApiSource } from "./source.ts";
import { parseStage, stageParameter } from "./stage-list.ts";
import { parseRange, parseStep, stepParameter, stepThatFits, timeParameter } from "./time.ts";
import { contentOf, send } from "./format.ts";

const columnsDefault = 240;

const querySchema = z.strictObject({
  from: timeParameter.optional(),
  to: timeParameter.optional(),
  step: stepParameter.optional(),
  stage: stageParameter.optional(),
  bands: z
    .enum(["1", "2", "4", "8", "16"])
    .optional()
    .describe("Bands to each doubling of latency; default 4."),
});

const replySchema = z
  .object({
    stage: z.string(),
    fromMs: z.number(),
    stepMs: z.number(),
    steps: z.int(),
    edgesNs: z
      .array(z.number())
      .describe("Lower edge of each band, fastest first, and the upper edge of the last."),
    cells: z
      .array(z.tuple([z.int(), z.int(), z.number()]))
      .describe("[step, band, count] of every cell that is not empty."),
    spans: z.array(z.object({ resolution: z.int(), fromMs: z.number(), toMs: z.number() })),
  })
  .meta({ id: "Heatmap" });

export function heatmapRoutes(app: App, source: ApiSource): void {
  app.get(
    "/api/v1/latency/heatmap",
    describe({
      summary: "Latency by time and magnitude",
      description:
        "Default stage: total_pipeline. Default step: the finest of at most 240 columns.",
      tags: ["history"],
      may: [400, 503],
      responses: {
        200: { description: "The cells.", content: contentOf(["json"], resolver(replySchema)) },
      },
    }),
    query(querySchema),
    async (c) => {
      const asked = c.req.valid("query");
      const nowMs = source.nowMs();
      const range = parseRange(asked, nowMs);
      const stage = parseStage(asked.stage, "total_pipeline");
      const stepS =
        asked.step === undefined
          ? stepThatFits(range, Math.min(columnsDefault, source.limits.pointsMax))
          : parseStep(asked.step, range, 1, source.limits.pointsMax);
      const bands = Number(asked.bands ?? 4) as 1 | 2 | 4 | 8 | 16;
      const reader = historyOf(source);
      const map = await source.queries.run(reader.heatmap({ ...range, stepS }, stage, bands));
      const cells: [number, number, number][] = [];
      for (let at = 0; at < map.counts.length; at++) {
        const count = map.counts[at]!;
        if (count > 0) cells.push([at % map.steps, Math.floor(at / map.steps), count]);
      }
      const text = JSON.stringify({
        stage: map.stage,
        fromMs: map.fromS * 1000,
        stepMs: map.stepS * 1000,
        steps: map.steps,
        edgesNs: map.edgesNs,
        cells,
        spans: map.spans.map(({ resolution, from, to }) => {
          return { resolution, fromMs: from * 1000, toMs: to * 1000 };
        }),
      });
      return markPast(c, range.toS, nowMs, text) ?? send(c, "json", text, "heatmap");
    },
  );
}
