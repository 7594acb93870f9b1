/** The routes that only read the stored history, without a server: for the command line. */
import { Hono } from "hono";
import type { HistoryReader } from "../store/query.ts";
import { alertRoutes } from "./alert.ts";
import type { App } from "./app.ts";
import type { GuardEnv } from "./guard.ts";
import { latencyRoutes } from "./latency.ts";
import { latencySummaryRoutes } from "./latency-summary.ts";
import { answerErrors } from "./problem-answer.ts";
import { storedSignalRoutes } from "./signal.ts";

export function createHistoryApp(
  reader: HistoryReader,
  nowMs: () => number,
  pointsMax: number,
): App {
  const app = new Hono<GuardEnv>();
  const source = { nowMs, limits: { pointsMax }, history: () => reader };
  for (const routes of [latencyRoutes, latencySummaryRoutes, alertRoutes, storedSignalRoutes]) {
    routes(app, source);
  }
  answerErrors(app, (error) => {
    throw error;
  });
  return app;
}
