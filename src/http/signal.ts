/** /api/v1/signals: changes of decisions, stored; and all signals as they are emitted. */
import { resolver } from "hono-openapi";
import { z } from "zod";
import type { App } from "./app.ts";
import { describe } from "./describe.ts";
import { contentOf, formatOf, formatParameter } from "./format.ts";
import { historyOf } from "./history.ts";
import { pageOf, pageParameters, pageSchema, sendPage } from "./page.ts";
import { query } from "./parameter.ts";
import { signalSchema } from "./schema.ts";
import type { ApiSource, HistorySource } from "./source.ts";
import { eventStream, streamResponses } from "./stream.ts";

const formats = ["json", "csv", "ndjson"] as const;

const querySchema = z.strictObject({
  ...pageParameters,
  symbol: z.string().min(1).max(16).optional(),
  signal: z.enum(["BUY", "SELL", "HOLD"]).optional(),
  source: z.string().max(16).optional().describe("l1, l2, model, rules, pending, stale, late …"),
  format: formatParameter(formats).optional(),
});

const storedSchema = signalSchema
  .omit({ run: true })
  .extend({ id: z.int(), atMs: z.number().describe("Emit time, epoch ms.") })
  .meta({ id: "StoredSignal" });
/** In the order of their columns. */
export const signalFields: readonly string[] = Object.keys(storedSchema.shape);

const streamSchema = z.strictObject({
  symbol: z.string().min(1).max(1000).optional().describe("Only these, comma-separated."),
});

export function storedSignalRoutes(app: App, source: HistorySource): void {
  app.get(
    "/api/v1/signals",
    describe({
      summary: "Stored signals, newest first",
      description:
        "Changes of a decision or of its source, the newest store.signalRowsMax of them; at most store.signalsPerSecondMax in a second, the rest is counted in hftedge_signals_unstored_total.",
      tags: ["history"],
      may: [400, 503],
      responses: {
        200: {
          description: "A page.",
          content: contentOf(formats, resolver(pageSchema(storedSchema))),
        },
      },
    }),
    query(querySchema),
    (c) => {
      const asked = c.req.valid("query");
      const format = formatOf(c, asked.format, formats);
      const { symbol, signal } = asked;
      const where = { symbol, signal, source: asked.source };
      const page = historyOf(source).record.signals(pageOf(asked, source.nowMs()), where);
      const rows = page.rows.map(({ run: _run, ...row }) => row);
      return sendPage(c, format, { rows, next: page.next }, signalFields, "signals");
    },
  );
}

export function signalRoutes(app: App, source: ApiSource): void {
  storedSignalRoutes(app, source);
  app.get(
    "/api/v1/signals/stream",
    describe({
      summary: "Signals as they are emitted (server-sent events)",
      description:
        "Events named signal, each with a signal as JSON; id is its seq. A reader that is too slow loses the oldest ones and is told how many by an event named dropped.",
      tags: ["now"],
      may: [400, 503],
      responses: streamResponses,
    }),
    query(streamSchema),
    (c) => {
      const { symbol } = c.req.valid("query");
      const symbols =
        symbol === undefined ? undefined : new Set(symbol.split(",").map((part) => part.trim()));
      const stream = source.signals.subscribe(
        source.clockMs(),
        [],
        symbols === undefined ? undefined : ({ subject = "" }) => symbols.has(subject),
      );
      return eventStream(c, stream);
    },
  );
}
