/** /healthz: the service answers. /readyz: it can be relied on, and if not, why. /metrics. */
import { describeRoute, resolver } from "hono-openapi";
import { z } from "zod";
import type { App } from "./app.ts";
import { describe } from "./describe.ts";
import { metricsText } from "./metrics.ts";
import type { ApiSource } from "./source.ts";
import { readinessSchema } from "./status-schema.ts";

const textSchema = resolver(z.string());
const json = { "application/json": { schema: resolver(readinessSchema) } };

export function healthRoutes(app: App, source: ApiSource): void {
  app.get(
    "/healthz",
    describeRoute({
      summary: "Whether the service answers",
      description: "Needs no token. Says nothing about feeds or models: that is /readyz.",
      tags: ["health"],
      responses: {
        200: { description: "It does.", content: { "text/plain": { schema: textSchema } } },
      },
    }),
    (c) => {
      c.header("content-type", "text/plain; charset=utf-8");
      return c.body("ok\n");
    },
  );
  app.get(
    "/readyz",
    describe({
      summary: "Whether the service can be relied on, and if not, why",
      description:
        "200 while signals flow, also when degraded (no model, a stale feed, no history on disk); 503 when a thread does not run.",
      tags: ["health"],
      responses: {
        200: { description: "Ready or degraded.", content: json },
        503: { description: "Not ready.", content: json },
      },
    }),
    (c) => {
      const readiness = source.readiness();
      return c.json(readiness, readiness.status === "not ready" ? 503 : 200);
    },
  );
  app.get(
    "/metrics",
    describe({
      summary: "All counters, gauges and histograms for Prometheus",
      tags: ["health"],
      responses: {
        200: {
          description: "Text format 0.0.4.",
          content: { "text/plain": { schema: textSchema } },
        },
      },
    }),
    (c) => {
      c.header("content-type", "text/plain; version=0.0.4; charset=utf-8");
      return c.body(metricsText(source));
    },
  );
}
