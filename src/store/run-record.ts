/** A run's row, from its beginning to its end, and the alerts that belong to it. */
import { and, desc, eq, isNull } from "drizzle-orm";
import { assert } from "../error.ts";
import type { History } from "./open.ts";
import { alertTable, type AlertRow, type RunRow, runTable } from "./schema.ts";

export type NewRun = Omit<RunRow, "id" | "lastMs" | "stopMs" | "clean">;

export function lastRun(history: History): RunRow | null {
  const [last] = history.select().from(runTable).orderBy(desc(runTable.id)).limit(1).all();
  return last ?? null;
}

export function beginRun(history: History, run: NewRun): RunRow {
  const { key, startMs, version, commit, configHash, host } = run;
  const row = history
    .insert(runTable)
    .values({ key, startMs, version, commit, configHash, host, lastMs: startMs, clean: false })
    .returning()
    .get();
  assert(row !== undefined, "a run that was inserted is returned");
  return row;
}

export function endRun(history: History, run: number, atMs: number): void {
  const stop = { stopMs: atMs, lastMs: atMs, clean: true };
  history.update(runTable).set(stop).where(eq(runTable.id, run)).run();
}

/** The run that was ended goes on: its ops thread was started again with other options. */
export function continueRun(history: History, run: number): void {
  history.update(runTable).set({ stopMs: null, clean: false }).where(eq(runTable.id, run)).run();
}

/** Alerts of the run that are not resolved. */
export function openAlertsOf(history: History, run: number): AlertRow[] {
  const open = and(eq(alertTable.run, run), isNull(alertTable.resolvedMs));
  return history.select().from(alertTable).where(open).all();
}

/** One more than the highest number that an alert of the run has. */
export function nextAlertNumber(history: History, run: number): number {
  const [last] = history
    .select({ number: alertTable.number })
    .from(alertTable)
    .where(eq(alertTable.run, run))
    .orderBy(desc(alertTable.number))
    .limit(1)
    .all();
  return (last?.number ?? 0) + 1;
}

/** Alerts of a run that has ended are over: what they were about was that run's. */
export function resolveAlertsOf(history: History, run: RunRow): void {
  const open = and(eq(alertTable.run, run.id), isNull(alertTable.resolvedMs));
  history.update(alertTable).set({ resolvedMs: run.lastMs }).where(open).run();
}
