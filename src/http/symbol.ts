/** /api/v1/symbols: each instrument's book, state and decision, as the feed thread publishes them. */
import { resolver } from "hono-openapi";
import { z } from "zod";
import type { App } from "./app.ts";
import { describe } from "./describe.ts";
import { contentOf, formatOf, formatParameter } from "./format.ts";
import { pageSchema, sendPage } from "./page.ts";
import { ParameterError, query } from "./parameter.ts";
import { problem } from "./problem.ts";
import { share } from "./schema.ts";
import type { ApiSource } from "./source.ts";

const formats = ["json", "csv", "ndjson"] as const;
const price = z.number().nullable().describe("In the feed's currency; null for an empty side.");

export const symbolSchema = z
  .object({
    symbol: z.string(),
    feed: z.string(),
    bid: price,
    bidSize: z.number(),
    ask: price,
    askSize: z.number(),
    last: price,
    lastSize: z.number(),
    trades: z.number(),
    signal: z.string().describe("BUY, SELL, HOLD, or NONE before the first signal."),
    confidence: share,
    source: z.string(),
    reason: z.string(),
    state: z.string().nullable().describe("In words; null while the book has no state."),
    held: z.boolean().describe("Forced to HOLD by the operator."),
    signalAgeMs: z.number().nullable().describe("Since its last signal; null before the first."),
    updateAgeMs: z.number().nullable().describe("Since its book changed; null before that."),
  })
  .meta({ id: "Symbol" });
export type SymbolBody = z.output<typeof symbolSchema>;

export const symbolDetailSchema = symbolSchema
  .extend({
    stateId: z.number().nullable().describe("Index of the state in a finite space."),
    key: z.array(z.int()).describe("The state's key: a bucket for each feature."),
    features: z.array(
      z.object({
        name: z.string(),
        value: z.number().nullable(),
        bucket: z.int().nullable(),
        label: z.string().nullable().describe("The bucket in words, as in the prompt."),
      }),
    ),
    exchangeTime: z.string().nullable().describe("Of the last message, ISO 8601."),
    prompt: z.string().nullable().describe("What the model is asked about this state."),
    answer: z
      .object({
        version: z.string(),
        signal: z.string(),
        confidence: share,
        probabilities: z
          .record(z.string(), z.number())
          .nullable()
          .describe("Of each answer; null where the server gave none."),
        decidedAtMs: z.number(),
        uses: z.number(),
      })
      .nullable()
      .describe("The stored answer to this prompt; null where there is none."),
  })
  .meta({ id: "SymbolDetail" });
export type SymbolDetail = z.output<typeof symbolDetailSchema>;

const listSchema = z.strictObject({
  prefix: z.string().max(16).optional().describe("Only symbols that begin so."),
  feed: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(1000).optional().describe("Default 100."),
  cursor: z.string().max(32).optional().describe("The `next` of the page before."),
  format: formatParameter(formats).optional(),
});
const oneSchema = z.strictObject({
  feed: z.string().max(64).optional().describe("Where a symbol is on several feeds."),
});

const columns = Object.keys(symbolSchema.shape);

export function symbolRoutes(app: App, source: ApiSource): void {
  app.get(
    "/api/v1/symbols",
    describe({
      summary: "Every instrument: book, decision, state in words",
      description: "In the order in which they were first seen.",
      tags: ["now"],
      may: [400],
      responses: {
        200: {
          description: "A page.",
          content: contentOf(formats, resolver(pageSchema(symbolSchema))),
        },
      },
    }),
    query(listSchema),
    (c) => {
      const asked = c.req.valid("query");
      const { prefix = "", feed, limit = 100, cursor = "0" } = asked;
      if (!/^\d{1,9}$/.test(cursor)) throw new ParameterError("cursor", "is none of ours");
      const format = formatOf(c, asked.format, formats);
      const page = source.symbols({ prefix, feed, limit, after: Number(cursor) });
      return sendPage(c, format, page, columns, "symbols");
    },
  );
  app.get(
    "/api/v1/symbols/:symbol",
    describe({
      summary: "One instrument in full",
      description: "Its book, features and buckets, the prompt, and the stored answer to it.",
      tags: ["now"],
      may: [400, 404],
      responses: {
        200: {
          description: "The instrument.",
          content: { "application/json": { schema: resolver(symbolDetailSchema) } },
        },
      },
    }),
    query(oneSchema),
    (c) => {
      const symbol = c.req.param("symbol");
      const { feed } = c.req.valid("query");
      const found = source.symbol(symbol, feed);
      if (found !== undefined) return c.json(found);
      const where = feed === undefined ? "" : ` on feed ${JSON.stringify(feed)}`;
      const hint = "GET /api/v1/symbols lists those that were seen; case matters.";
      return problem(c, 404, "NO_SYMBOL", `there is no ${JSON.stringify(symbol)}${where}`, {
        hint,
      });
    },
  );
}
