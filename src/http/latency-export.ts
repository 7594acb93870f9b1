/**
 * /api/v1/latency/export: everything that is stored of a range, as long as it may be. It is read
 * piece by piece as the reader takes it, so that neither memory nor the ops thread is held by it.
 */
import type { LatencyQuery, Step } from "../store/latency-query.ts";
import { atOnce } from "../store/turn.ts";
import { toBase64 } from "../telemetry/codec.ts";
import { hdrLogHeader, hdrLogLine } from "../telemetry/hdr-log.ts";
import { summarise } from "../telemetry/summary.ts";
import { z } from "zod";
import type { App } from "./app.ts";
import { describe } from "./describe.ts";
import { contentOf, csvOf, formatOf, formatParameter, mediaTypes, type Row } from "./format.ts";
import { historyOf } from "./history.ts";
import { query } from "./parameter.ts";
import { problem } from "./problem.ts";
import type { ApiSource } from "./source.ts";
import { parseStages, stageListParameter } from "./stage-list.ts";
import { parseRange, stepParameter, timeParameter, type TimeRange } from "./time.ts";
import { parseStep } from "./time.ts";

const formats = ["ndjson", "json", "csv", "hdr"] as const;
type ExportFormat = (typeof formats)[number];

const querySchema = z.strictObject({
  from: timeParameter.optional(),
  to: timeParameter.optional(),
  step: stepParameter.optional().describe("Default 1s: the rows as they are stored."),
  stage: stageListParameter.optional(),
  component: z.string().max(1000).optional().describe("The same as stage."),
  format: formatParameter(formats).optional(),
});

/** Exports at a time: each reads the whole range, however long. */
const exportsMax = 4;
/** Steps read in one piece: some tens of milliseconds of the ops thread at most. */
const pieceSteps = 600;

const columns = [
  "time",
  "atMs",
  "stepMs",
  "stage",
  "count",
  "errors",
  "successRate",
  "minNs",
  "meanNs",
  "medianNs",
  "p95Ns",
  "p99Ns",
  "p999Ns",
  "maxNs",
];

export function latencyExportRoutes(app: App, source: ApiSource): void {
  let open = 0;
  app.get(
    "/api/v1/latency/export",
    describe({
      summary: "All of a range, for other tools",
      description:
        "Without a limit on points. NDJSON and JSON carry each histogram as HdrHistogram V2 in base64; hdr is the HdrHistogram log format 1.3.",
      tags: ["history"],
      may: [400, 503],
      responses: {
        200: {
          description: "A download.",
          content: contentOf(formats, { type: "array", items: { type: "object" } }),
        },
      },
    }),
    query(querySchema),
    (c) => {
      const asked = c.req.valid("query");
      const format = formatOf(c, asked.format, formats);
      const range = parseRange(asked, source.nowMs());
      const stages = parseStages(asked);
      const stepS = parseStep(asked.step ?? "1", range, 1, Infinity);
      historyOf(source);
      if (open >= exportsMax) {
        const hint = "Try again when one of them is done.";
        const headers = { "retry-after": "10" };
        const detail = `${exportsMax} exports are under way`;
        return problem(c, 503, "EXPORTS_FULL", detail, { hint, headers });
      }
      open++;
      let ended = false;
      const end = (): void => {
        if (!ended) open--;
        ended = true;
      };
      // A reader of another file, after a damaged one was replaced, goes on with what that has.
      const pieces = exportPieces(() => historyOf(source).latency, range, stepS, stages, format);
      const extension = format === "hdr" ? "hlog" : format;
      c.header("content-type", mediaTypes[format]);
      c.header("content-disposition", `attachment; filename="hftedge-latency.${extension}"`);
      return c.body(streamOf(pieces, end));
    },
  );
}

function streamOf(pieces: Generator<string>, end: () => void): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        // A turn of the event loop between pieces: the second goes on while somebody exports a year.
        await Bun.sleep(0);
        try {
          for (;;) {
            const { value, done } = pieces.next();
            if (done === true) {
              end();
              controller.close();
              return;
            }
            if (value === "") continue;
            controller.enqueue(encoder.encode(value));
            return;
          }
        } catch (error) {
          end();
          controller.error(error);
        }
      },
      cancel: end,
    },
    { highWaterMark: 1 },
  );
}

export function* exportPieces(
  latency: () => LatencyQuery,
  { fromS, toS }: TimeRange,
  stepS: number,
  stages: readonly string[],
  format: ExportFormat,
): Generator<string> {
  const first = Math.floor(fromS / stepS) * stepS;
  if (format === "hdr") yield hdrLogHeader(first * 1000, new Date(first * 1000).toISOString());
  if (format === "csv") yield csvOf(columns, []);
  if (format === "json") yield "[";
  let comma = "";
  for (let at = first; at < toS; at += pieceSteps * stepS) {
    const piece = {
      fromS: at,
      toS: Math.min(at + pieceSteps * stepS, Math.ceil(toS / stepS) * stepS),
      stepS,
      stages,
    };
    let text = "";
    const visit = (stage: string, { index, histogram, errors, untimed }: Step): void => {
      const startS = at + index * stepS;
      if (format === "hdr") {
        if (histogram.count > 0) text += hdrLogLine(stage, startS - first, stepS, histogram);
        return;
      }
      const summary = summarise(histogram, errors, untimed);
      const atMs = startS * 1000;
      const row: Row = {
        time: new Date(atMs).toISOString(),
        atMs,
        stepMs: stepS * 1000,
        stage,
        ...summary,
      };
      if (format === "csv") text += csvOf(columns, [row]).slice(headerLength);
      else {
        const line = JSON.stringify({ ...row, histogram: toBase64(histogram) });
        text += format === "json" ? `${comma}\n${line}` : `${line}\n`;
        comma = ",";
      }
    };
    atOnce(latency().each(piece, visit, at > first));
    yield text;
  }
  if (format === "json") yield "\n]\n";
}

const headerLength = csvOf(columns, []).length;
