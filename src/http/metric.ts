/** /api/v1/metric: any counter or gauge over time; /api/v1/runs and /api/v1/events: the appliance's own story. */
import { resolver } from "hono-openapi";
import { z } from "zod";
import type { App } from "./app.ts";
import { describe } from "./describe.ts";
import { contentOf, csvOf, formatOf, formatParameter, ndjsonOf, type Row, send } from "./format.ts";
import { historyOf, markPast } from "./history.ts";
import { known } from "./latency-row.ts";
import { pageOf, pageParameters, pageSchema, sendPage } from "./page.ts";
import { ParameterError, query } from "./parameter.ts";
import type { ApiSource } from "./source.ts";
import { parseRange, parseStep, stepParameter, timeParameter } from "./time.ts";

const formats = ["json", "csv", "ndjson"] as const;
const namesMax = 32;

const querySchema = z.strictObject({
  name: z
    .string()
    .max(4000)
    .optional()
    .describe("Names as in /metrics, with labels, separated by spaces. Without it: all names."),
  from: timeParameter.optional(),
  to: timeParameter.optional(),
  step: stepParameter.optional(),
  format: formatParameter(formats).optional(),
});

const rowSchema = z.object({
  time: z.string(),
  atMs: z.number(),
  metric: z.string(),
  sum: z.number().describe("A counter: what was added in the step."),
  min: z.number().describe("Smallest value of a second in the step."),
  max: z.number(),
  last: z.number().describe("A gauge: its last value in the step."),
});
const replySchema = z.union([
  z.object({ names: z.array(z.string()) }),
  z.object({ fromMs: z.number(), stepMs: z.number(), steps: z.int(), rows: z.array(rowSchema) }),
]);
const columns = Object.keys(rowSchema.shape);

const runSchema = z.object({
  id: z.int(),
  key: z.string().describe("The run's id in signals."),
  startMs: z.number(),
  lastMs: z.number().describe("Last second that was written."),
  stopMs: z.number().nullable().describe("Null while it runs, and for good when it crashed."),
  clean: z.boolean(),
  version: z.string(),
  commit: z.string(),
  configHash: z.string(),
});
const eventSchema = z.object({
  id: z.int(),
  run: z.int(),
  atMs: z.number(),
  kind: z.string(),
  severity: z.string(),
  message: z.string(),
});

const listSchema = z.strictObject({
  ...pageParameters,
  format: formatParameter(formats).optional(),
});

export function metricRoutes(app: App, source: ApiSource): void {
  app.get(
    "/api/v1/metric",
    describe({
      summary: "Counters and gauges over time",
      description:
        "A counter has a row where it moved; a gauge where it changed, and once a minute.",
      tags: ["history"],
      may: [400, 503],
      responses: {
        200: { description: "The rows.", content: contentOf(formats, resolver(replySchema)) },
      },
    }),
    query(querySchema),
    (c) => {
      const asked = c.req.valid("query");
      const history = historyOf(source);
      if (asked.name === undefined) {
        const names = history.record.names().filter((name) => name.startsWith("hftedge_"));
        return c.json({ names: names.toSorted() });
      }
      const format = formatOf(c, asked.format, formats);
      const nowMs = source.nowMs();
      const range = parseRange(asked, nowMs);
      const names = [...new Set(asked.name.split(/\s+/).filter((name) => name !== ""))];
      if (names.length > namesMax) throw new ParameterError("name", `has more than ${namesMax}`);
      const stepS = parseStep(asked.step, range, names.length, source.limits.pointsMax);
      const { fromS, steps, series } = history.metric.series({ ...range, stepS }, names);
      const rows: Row[] = [];
      for (const { metric, sum, min, max, last } of series) {
        for (let i = 0; i < steps; i++) {
          if (known(sum[i]!) === null) continue;
          const atMs = (fromS + i * stepS) * 1000;
          const time = new Date(atMs).toISOString();
          rows.push({
            time,
            atMs,
            metric,
            sum: sum[i]!,
            min: min[i]!,
            max: max[i]!,
            last: last[i]!,
          });
        }
      }
      const text =
        format === "csv"
          ? csvOf(columns, rows)
          : format === "ndjson"
            ? ndjsonOf(rows)
            : JSON.stringify({ fromMs: fromS * 1000, stepMs: stepS * 1000, steps, rows });
      return markPast(c, range.toS, nowMs, text) ?? send(c, format, text, "metric");
    },
  );
  app.get(
    "/api/v1/runs",
    describe({
      summary: "Starts and stops, newest first",
      tags: ["history"],
      may: [400, 503],
      responses: {
        200: {
          description: "A page.",
          content: contentOf(formats, resolver(pageSchema(runSchema))),
        },
      },
    }),
    query(listSchema),
    (c) => {
      const asked = c.req.valid("query");
      const page = historyOf(source).record.runs(pageOf(asked, source.nowMs()));
      const rows = page.rows.map(({ host: _host, ...row }) => row);
      const format = formatOf(c, asked.format, formats);
      return sendPage(c, format, { rows, next: page.next }, Object.keys(runSchema.shape), "runs");
    },
  );
  app.get(
    "/api/v1/events",
    describe({
      summary: "What happened to the appliance itself, newest first",
      tags: ["history"],
      may: [400, 503],
      responses: {
        200: {
          description: "A page.",
          content: contentOf(formats, resolver(pageSchema(eventSchema))),
        },
      },
    }),
    query(listSchema),
    (c) => {
      const asked = c.req.valid("query");
      const page = historyOf(source).record.events(pageOf(asked, source.nowMs()));
      const rows = page.rows.map(({ detail: _detail, ...row }) => row);
      const format = formatOf(c, asked.format, formats);
      return sendPage(
        c,
        format,
        { rows, next: page.next },
        Object.keys(eventSchema.shape),
        "events",
      );
    },
  );
}
