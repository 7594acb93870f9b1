/** /api/v1/latency: any stages over any range and step, with any percentiles. */
import { resolver } from "hono-openapi";
import { z } from "zod";
import type { LatencyAnswer } from "../store/latency-query.ts";
import { hdrLogHeader, hdrLogLine } from "../telemetry/hdr-log.ts";
import type { App } from "./app.ts";
import { describe } from "./describe.ts";
import { contentOf, csvOf, formatOf, formatParameter, ndjsonOf, send } from "./format.ts";
import { historyOf, markPast } from "./history.ts";
import { columnsFor, known, rowsOf, successRate } from "./latency-row.ts";
import { query } from "./parameter.ts";
import { parsePercentiles, percentileField, percentileParameter } from "./percentile.ts";
import { nsOrNull } from "./schema.ts";
import type { HistorySource } from "./source.ts";
import { parseStages, stageListParameter } from "./stage-list.ts";
import { parseRange, parseStep, stepParameter, timeParameter } from "./time.ts";

const formats = ["json", "csv", "ndjson", "hdr"] as const;

const querySchema = z.strictObject({
  from: timeParameter.optional(),
  to: timeParameter.optional(),
  step: stepParameter.optional(),
  stage: stageListParameter.optional(),
  component: z.string().max(1000).optional().describe("The same as stage."),
  percentiles: percentileParameter.optional(),
  layout: z
    .enum(["rows", "columns"])
    .optional()
    .describe("JSON only. rows: an object for each step; columns: an array for each field."),
  format: formatParameter(formats).optional(),
});

const spanSchema = z.object({
  resolution: z.int().describe("Seconds of the rows that were read."),
  fromMs: z.number(),
  toMs: z.number(),
});
const head = {
  fromMs: z.number(),
  toMs: z.number(),
  stepMs: z.number(),
  steps: z.int(),
  spans: z
    .array(spanSchema)
    .describe("Where which resolution was read; a coarser one than the step gives fewer points."),
  unreadable: z.int().describe("Rows that were damaged and are missing."),
};

const rowSchema = z
  .object({
    time: z.string().describe("Start of the step, ISO 8601."),
    atMs: z.number(),
    stage: z.string(),
    count: z.number(),
    errors: z.number(),
    successRate: z.number().nullable(),
    breaches: z.number().describe("Durations above the threshold of their time."),
    minNs: nsOrNull,
    meanNs: nsOrNull,
    maxNs: nsOrNull,
  })
  .catchall(nsOrNull)
  .describe("And a field for each percentile: p50Ns, p999Ns for 99.9.");

const values = z.array(z.number().nullable());
const seriesSchema = z
  .object({
    stage: z.string(),
    count: values,
    errors: values,
    successRate: values,
    breaches: values,
    minNs: values,
    meanNs: values,
    maxNs: values,
  })
  .catchall(values);

const replySchema = z
  .union([
    z.object({ ...head, rows: z.array(rowSchema) }),
    z.object({ ...head, atMs: z.array(z.number()), series: z.array(seriesSchema) }),
  ])
  .meta({ id: "Latency" });

export function latencyRoutes(app: App, source: HistorySource): void {
  app.get(
    "/api/v1/latency",
    describe({
      summary: "Latency over time",
      description:
        "Percentiles of each step come from its merged histogram, across resolutions: never from averages of percentiles. Steps without a value are left out of rows, and null in columns.",
      tags: ["history"],
      may: [400, 503],
      responses: {
        200: { description: "The series.", content: contentOf(formats, resolver(replySchema)) },
      },
    }),
    query(querySchema),
    (c) => {
      const asked = c.req.valid("query");
      const format = formatOf(c, asked.format, formats);
      const nowMs = source.nowMs();
      const range = parseRange(asked, nowMs);
      const stages = parseStages(asked);
      const percents = parsePercentiles(asked.percentiles);
      const stepS = parseStep(asked.step, range, stages.length, source.limits.pointsMax);
      const { latency } = historyOf(source);
      const wanted = { ...range, stepS, stages };
      let text = "";
      if (format === "hdr") {
        const answer: string[] = [];
        const { fromS } = latency.each(wanted, (stage, { index, histogram }) => {
          if (histogram.count === 0) return;
          answer.push(hdrLogLine(stage, index * stepS, stepS, histogram));
        });
        text = hdrLogHeader(fromS * 1000, new Date(fromS * 1000).toISOString()) + answer.join("");
      } else {
        const answer = latency.series(wanted, percents);
        if (format === "csv") text = csvOf(columnsFor(percents), rowsOf(answer, percents));
        else if (format === "ndjson") text = ndjsonOf(rowsOf(answer, percents));
        else if (asked.layout === "columns") text = JSON.stringify(columns(answer, percents));
        else {
          text = JSON.stringify({ ...headOf(answer), rows: [...rowsOf(answer, percents)] });
        }
      }
      return markPast(c, range.toS, nowMs, text) ?? send(c, format, text, "latency");
    },
  );
}

export function headOf({ fromS, stepS, steps, spans, unreadable }: LatencyAnswer) {
  return {
    fromMs: fromS * 1000,
    toMs: (fromS + steps * stepS) * 1000,
    stepMs: stepS * 1000,
    steps,
    spans: spans.map(({ resolution, from, to }) => {
      return { resolution, fromMs: from * 1000, toMs: to * 1000 };
    }),
    unreadable,
  };
}

function nullable(array: Float64Array): (number | null)[] {
  return Array.from(array, known);
}

function columns(answer: LatencyAnswer, percents: readonly number[]) {
  const { fromS, stepS, steps } = answer;
  return {
    ...headOf(answer),
    atMs: Array.from({ length: steps }, (_, i) => (fromS + i * stepS) * 1000),
    series: answer.series.map((series) => ({
      stage: series.stage,
      count: nullable(series.count),
      errors: nullable(series.errors),
      successRate: Array.from({ length: steps }, (_, i) => successRate(series, i)),
      breaches: nullable(series.breaches),
      minNs: nullable(series.minNs),
      meanNs: nullable(series.meanNs),
      maxNs: nullable(series.maxNs),
      ...Object.fromEntries(
        percents.map((percent, p) => [
          percentileField(percent),
          nullable(series.percentilesNs[p]!),
        ]),
      ),
    })),
  };
}
