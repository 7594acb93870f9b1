/** /api/v1/status: what the service is doing this second. */
import { resolver } from "hono-openapi";
import type { App } from "./app.ts";
import { describe } from "./describe.ts";
import type { ApiSource } from "./source.ts";
import { statusSchema } from "./status-schema.ts";

export function statusRoutes(app: App, source: ApiSource): void {
  app.get(
    "/api/v1/status",
    describe({
      summary: "What the service is doing this second",
      description: "The same object that /api/v1/stream sends once a second.",
      tags: ["now"],
      responses: {
        200: {
          description: "As of the last reading, at most a second ago.",
          content: { "application/json": { schema: resolver(statusSchema) } },
        },
      },
    }),
    (c) => c.json(source.status()),
  );
}
