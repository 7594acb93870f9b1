/** The routes that only read the stored history, without a server: for the command line. */
import { Hono } from "hono";
import type { HistoryReader } from "../store/query.ts";
import { TurnQueue } from "../store/turn.ts";
import { alertRoutes } from "./alert.ts";
import type { App } from "./app.ts";
import type { GuardEnv } from "./guard.ts";
import { latencyRoutes } from "./latency.ts";
import { latencySummaryRoutes } from "./latency-summary.ts";
import { answerErrors } from "./problem-answer.ts";
import { storedSignalRoutes } from "./signal.ts";

const clockMs = (): number => performance.now();
/** Nothing else waits for this thread, and there is one question. */
const later = (callback: () => void): void => queueMicrotask(callback);

export function createHistoryApp(
  reader: HistoryReader,
  nowMs: () => number,
  pointsMax: number,
): App {
  const app = new Hono<GuardEnv>();
  const queries = new TurnQueue({ turnMs: Infinity, activeMax: 1, waitingMax: 1, clockMs, later });
  const source = { nowMs, limits: { pointsMax }, history: () => reader, queries };
  for (const routes of [latencyRoutes, latencySummaryRoutes, alertRoutes, storedSignalRoutes]) {
    routes(app, source);
  }
  answerErrors(app, (error) => {
    throw error;
  });
  return app;
}
