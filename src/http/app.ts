/** The read-only API as one Hono app: guards first, then one file a resource. */
import { Hono } from "hono";
import { guard, type GuardEnv, type GuardOptions } from "./guard.ts";
import { securityHeaders } from "./header.ts";
import { healthRoutes } from "./health.ts";
import { homeRoutes } from "./home.ts";
import type { ApiSource } from "./source.ts";
import { symbolRoutes } from "./symbol.ts";
import { problem } from "./problem.ts";
import { answerErrors } from "./problem-answer.ts";
import { partRoutes } from "./part.ts";
import { metricRoutes } from "./metric.ts";
import { diagnosisRoutes } from "./diagnosis.ts";
import { compress } from "./compress.ts";
import { docRoutes } from "./doc.ts";
import { statusRoutes } from "./status.ts";
import { streamRoutes } from "./stream.ts";
import { signalRoutes } from "./signal.ts";
import { alertRoutes } from "./alert.ts";
import { latencyRoutes } from "./latency.ts";
import { latencySummaryRoutes } from "./latency-summary.ts";
import { latencyExportRoutes } from "./latency-export.ts";
import { heatmapRoutes } from "./heatmap.ts";

export interface AppOptions {
  guard: GuardOptions;
  /** Tells of an error of ours: the client only learns that there was one. */
  onError(error: unknown, path: string): void;
}

export type App = Hono<GuardEnv>;

const allRoutes = [
  statusRoutes,
  streamRoutes,
  latencyRoutes,
  latencySummaryRoutes,
  heatmapRoutes,
  latencyExportRoutes,
  alertRoutes,
  signalRoutes,
  symbolRoutes,
  partRoutes,
  metricRoutes,
  diagnosisRoutes,
  healthRoutes,
  homeRoutes,
] as const;

const readMethods = new Set(["GET", "HEAD"]);

export function createApp(source: ApiSource, options: AppOptions): App {
  const app = new Hono<GuardEnv>();
  app.use(compress);
  app.use(securityHeaders);
  app.use(guard(options.guard));
  app.use(async (c, next) => {
    if (readMethods.has(c.req.method)) return await next();
    const headers = { allow: "GET, HEAD" };
    const detail = `${c.req.method} is not allowed: the API only reads`;
    return problem(c, 405, "READ_ONLY", detail, { headers });
  });
  for (const routes of allRoutes) routes(app, source);
  docRoutes(app, source.build.version);
  answerErrors(app, options.onError);
  return app;
}
