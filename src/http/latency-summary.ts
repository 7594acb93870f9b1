/** /api/v1/latency/summary: the statistics of each component over a range. */
import { resolver } from "hono-openapi";
import { z } from "zod";
import type { App } from "./app.ts";
import { describe } from "./describe.ts";
import { contentOf, csvOf, formatOf, formatParameter, ndjsonOf, send } from "./format.ts";
import { historyOf, markPast } from "./history.ts";
import { query } from "./parameter.ts";
import { nsOrNull } from "./schema.ts";
import type { HistorySource } from "./source.ts";
import { parseStages, stageListParameter } from "./stage-list.ts";
import { parseRange, timeParameter } from "./time.ts";

const formats = ["json", "csv", "ndjson"] as const;

const querySchema = z.strictObject({
  from: timeParameter.optional(),
  to: timeParameter.optional(),
  stage: stageListParameter.optional(),
  component: z.string().max(1000).optional().describe("The same as stage."),
  format: formatParameter(formats).optional(),
});

const summarySchema = z.object({
  stage: z.string(),
  count: z.number(),
  errors: z.number().describe("Failures, those without a duration included."),
  successRate: z.number().nullable(),
  meanNs: nsOrNull,
  medianNs: nsOrNull,
  minNs: nsOrNull,
  maxNs: nsOrNull,
  p95Ns: nsOrNull,
  p99Ns: nsOrNull,
  p999Ns: nsOrNull,
});

const replySchema = z
  .object({ fromMs: z.number(), toMs: z.number(), summaries: z.array(summarySchema) })
  .meta({ id: "LatencySummary" });

const columns = Object.keys(summarySchema.shape);

export function latencySummaryRoutes(app: App, source: HistorySource): void {
  app.get(
    "/api/v1/latency/summary",
    describe({
      summary: "Count, mean, median, extremes, tails and success rate",
      description: "Of all values in the range, to the second where seconds are kept.",
      tags: ["history"],
      may: [400, 503],
      responses: {
        200: {
          description: "A summary a stage.",
          content: contentOf(formats, resolver(replySchema)),
        },
      },
    }),
    query(querySchema),
    async (c) => {
      const asked = c.req.valid("query");
      const format = formatOf(c, asked.format, formats);
      const nowMs = source.nowMs();
      const { fromS, toS } = parseRange(asked, nowMs);
      const { latency } = historyOf(source);
      const found = await source.queries.run(latency.summary(fromS, toS, parseStages(asked)));
      const summaries = Object.entries(found).map(([stage, summary]) => ({ stage, ...summary }));
      const text =
        format === "csv"
          ? csvOf(columns, summaries)
          : format === "ndjson"
            ? ndjsonOf(summaries)
            : JSON.stringify({ fromMs: fromS * 1000, toMs: toS * 1000, summaries });
      return markPast(c, toS, nowMs, text) ?? send(c, format, text, "latency-summary");
    },
  );
}
