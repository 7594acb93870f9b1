/** /api/v1/latency: any stages over any range and step, with any percentiles. */
import { resolver } from "hono-openapi";
import { z } from "zod";
import type { LatencyAnswer, LatencyQuery } from "../store/latency-query.ts";
import type { LatencyRange } from "../store/range.ts";
import type { Turns } from "../store/turn.ts";
import { hdrLogHeader, hdrLogLine } from "../telemetry/hdr-log.ts";
import type { App } from "./app.ts";
import { describe } from "./describe.ts";
import { contentOf, formatOf, formatParameter, send } from "./format.ts";
import { historyOf, markPast } from "./history.ts";
import { csvRows, jsonRows, successRate } from "./latency-row.ts";
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
    async (c) => {
      const asked = c.req.valid("query");
      const format = formatOf(c, asked.format, formats);
      const nowMs = source.nowMs();
      const range = parseRange(asked, nowMs);
      const stages = parseStages(asked);
      const percents = parsePercentiles(asked.percentiles);
      const stepS = parseStep(asked.step, range, stages.length, source.limits.pointsMax);
      const reader = historyOf(source);
      const wanted = { ...range, stepS, stages };
      const text = await source.queries.run(
        format === "hdr"
          ? hdrLog(reader.latency, wanted)
          : latencyText(reader.latency, wanted, percents, format, asked.layout ?? "rows"),
      );
      return markPast(c, range.toS, nowMs, text) ?? send(c, format, text, "latency");
    },
  );
}

function* hdrLog(latency: LatencyQuery, range: LatencyRange): Turns<string> {
  let lines = "";
  const { fromS } = yield* latency.each(range, (stage, { index, histogram }) => {
    if (histogram.count === 0) return;
    lines += hdrLogLine(stage, index * range.stepS, range.stepS, histogram);
  });
  return hdrLogHeader(fromS * 1000, new Date(fromS * 1000).toISOString()) + lines;
}

function* latencyText(
  latency: LatencyQuery,
  range: LatencyRange,
  percents: readonly number[],
  format: "json" | "csv" | "ndjson",
  layout: "rows" | "columns",
): Turns<string> {
  const answer = yield* latency.series(range, percents);
  if (format === "csv") return yield* csvRows(answer, percents);
  if (format === "ndjson") return yield* jsonRows(answer, percents, "\n");
  if (layout === "columns") return yield* columns(answer, percents);
  const beginning = JSON.stringify(headOf(answer)).slice(0, -1);
  const rows = yield* jsonRows(answer, percents, ",");
  return `${beginning},"rows":[${rows.slice(0, -1)}]}`;
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

/** One array a field, written as it will be sent: most of an answer is numbers. */
function* columns(answer: LatencyAnswer, percents: readonly number[]): Turns<string> {
  const { fromS, stepS, steps } = answer;
  const times = Array.from({ length: steps }, (_, i) => (fromS + i * stepS) * 1000);
  let text = `${JSON.stringify({ ...headOf(answer), atMs: times }).slice(0, -1)},"series":[`;
  for (const [i, series] of answer.series.entries()) {
    const rates = Float64Array.from(series.count, (_, at) => successRate(series, at) ?? Number.NaN);
    const fields = {
      count: series.count,
      errors: series.errors,
      successRate: rates,
      breaches: series.breaches,
      minNs: series.minNs,
      meanNs: series.meanNs,
      maxNs: series.maxNs,
      ...Object.fromEntries(
        percents.map((percent, p) => [percentileField(percent), series.percentilesNs[p]!]),
      ),
    };
    text += `${i === 0 ? "" : ","}{"stage":${JSON.stringify(series.stage)}`;
    for (const [name, field] of Object.entries(fields)) text += `,"${name}":${numbers(field)}`;
    text += "}";
    yield;
  }
  return `${text}]}`;
}

function numbers(field: Float64Array): string {
  if (field.length === 0) return "[]";
  let text = "";
  for (let i = 0; i < field.length; i++) {
    const value = field[i]!;
    text += Number.isNaN(value) ? ",null" : `,${value}`;
  }
  return `[${text.slice(1)}]`;
}
