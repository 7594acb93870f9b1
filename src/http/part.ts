/** /api/v1/feed, /api/v1/cache and /api/v1/inference: each part of the service in detail. */
import { resolver } from "hono-openapi";
import type { App } from "./app.ts";
import { describe } from "./describe.ts";
import { cacheSchema, feedSchema, inferenceSchema } from "./part-schema.ts";
import type { ApiSource } from "./source.ts";

export function partRoutes(app: App, source: ApiSource): void {
  app.get(
    "/api/v1/feed",
    describe({
      summary: "Each feed: state, rates and every counter of its decoder",
      tags: ["now"],
      responses: {
        200: {
          description: "As of the last reading.",
          content: { "application/json": { schema: resolver(feedSchema) } },
        },
      },
    }),
    (c) => c.json(source.feed()),
  );
  app.get(
    "/api/v1/cache",
    describe({
      summary: "Decisions in memory and on disk: hits, misses, promotion, eviction",
      tags: ["now"],
      responses: {
        200: {
          description: "As of the last reading.",
          content: { "application/json": { schema: resolver(cacheSchema) } },
        },
      },
    }),
    (c) => c.json(source.cache()),
  );
  app.get(
    "/api/v1/inference",
    describe({
      summary: "The engine that decides: model servers, queue, errors, warming",
      tags: ["now"],
      responses: {
        200: {
          description: "As of the last reading.",
          content: { "application/json": { schema: resolver(inferenceSchema) } },
        },
      },
    }),
    (c) => c.json(source.inference()),
  );
}
