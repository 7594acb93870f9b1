/**
 * Alerts, signals, gaps, events and runs, newest first, in pages. A cursor is the id of the last
 * row of a page: unlike an offset it stays right while rows are added and old ones deleted.
 */
import { and, desc, eq, gte, isNull, lt, lte, type SQL } from "drizzle-orm";
import {
  alertTable,
  type AlertRow,
  decisionTable,
  type DecisionRow,
  eventTable,
  type EventRow,
  gapTable,
  type GapRow,
  nameTable,
  type RunRow,
  runTable,
  signalTable,
  type SignalRow,
} from "./schema.ts";
import type { History } from "./open.ts";

export interface PageRequest {
  /** Rows before this id only: the `next` of the page before. */
  before?: number | undefined;
  /** Most rows of the page. */
  limit: number;
  /** Epoch ms, inclusive: rows whose time (an alert's: opening) is in the range. */
  fromMs?: number | undefined;
  toMs?: number | undefined;
}

export interface Page<Row> {
  rows: Row[];
  /** What to pass as `before` for the next page; null on the last one. */
  next: number | null;
}

export class RecordQuery {
  private readonly history: History;

  constructor(history: History) {
    this.history = history;
  }

  alerts(
    page: PageRequest,
    where: {
      open?: boolean | undefined;
      rule?: string | undefined;
      severity?: string | undefined;
    } = {},
  ): Page<AlertRow> {
    const { id, openedMs, resolvedMs, rule, severity } = alertTable;
    const filter = and(
      ...within(page, id, openedMs),
      where.open === true ? isNull(resolvedMs) : undefined,
      where.rule === undefined ? undefined : eq(rule, where.rule),
      where.severity === undefined ? undefined : eq(severity, where.severity),
    );
    return pageOf(
      page,
      this.history
        .select()
        .from(alertTable)
        .where(filter)
        .orderBy(desc(id))
        .limit(page.limit + 1)
        .all(),
    );
  }

  signals(
    page: PageRequest,
    where: {
      symbol?: string | undefined;
      signal?: string | undefined;
      source?: string | undefined;
    } = {},
  ): Page<SignalRow> {
    const { id, atMs, symbol, signal, source } = signalTable;
    const filter = and(
      ...within(page, id, atMs),
      where.symbol === undefined ? undefined : eq(symbol, where.symbol),
      where.signal === undefined ? undefined : eq(signal, where.signal),
      where.source === undefined ? undefined : eq(source, where.source),
    );
    return pageOf(
      page,
      this.history
        .select()
        .from(signalTable)
        .where(filter)
        .orderBy(desc(id))
        .limit(page.limit + 1)
        .all(),
    );
  }

  /** A signal by its sequence: of the run with this key, or of the last run that has it. */
  signal(seq: number, run?: string): (SignalRow & { key: string }) | undefined {
    const found = this.history
      .select()
      .from(signalTable)
      .innerJoin(runTable, eq(runTable.id, signalTable.run))
      .where(and(eq(signalTable.seq, seq), run === undefined ? undefined : eq(runTable.key, run)))
      .orderBy(desc(signalTable.id))
      .get();
    return found && { ...found.signal, key: found.run.key };
  }

  gaps(page: PageRequest, where: { channel?: string | undefined } = {}): Page<GapRow> {
    const { id, atMs, channel } = gapTable;
    const filter = and(
      ...within(page, id, atMs),
      where.channel === undefined ? undefined : eq(channel, where.channel),
    );
    return pageOf(
      page,
      this.history
        .select()
        .from(gapTable)
        .where(filter)
        .orderBy(desc(id))
        .limit(page.limit + 1)
        .all(),
    );
  }

  events(page: PageRequest): Page<EventRow> {
    const { id, atMs } = eventTable;
    const filter = and(...within(page, id, atMs));
    return pageOf(
      page,
      this.history
        .select()
        .from(eventTable)
        .where(filter)
        .orderBy(desc(id))
        .limit(page.limit + 1)
        .all(),
    );
  }

  runs(page: PageRequest): Page<RunRow> {
    const { id, startMs } = runTable;
    const filter = and(...within(page, id, startMs));
    return pageOf(
      page,
      this.history
        .select()
        .from(runTable)
        .where(filter)
        .orderBy(desc(id))
        .limit(page.limit + 1)
        .all(),
    );
  }

  /** What a version of the model said about a state (its canonical text). */
  decision(version: string, state: string): DecisionRow | undefined {
    return this.history
      .select()
      .from(decisionTable)
      .where(and(eq(decisionTable.version, version), eq(decisionTable.state, state)))
      .get();
  }

  /** Names of all stages and metrics that were ever stored. */
  names(): string[] {
    return this.history
      .select({ name: nameTable.name })
      .from(nameTable)
      .all()
      .map(({ name }) => name);
  }
}

type Column = typeof alertTable.id | typeof signalTable.id;

function within(
  { before, fromMs, toMs }: PageRequest,
  id: Column | typeof gapTable.id | typeof eventTable.id | typeof runTable.id,
  time:
    | typeof alertTable.openedMs
    | typeof signalTable.atMs
    | typeof gapTable.atMs
    | typeof eventTable.atMs
    | typeof runTable.startMs,
): (SQL | undefined)[] {
  return [
    before === undefined ? undefined : lt(id, before),
    fromMs === undefined ? undefined : gte(time, fromMs),
    toMs === undefined ? undefined : lte(time, toMs),
  ];
}

/** One row more than asked for was read: it tells whether there is another page. */
function pageOf<Row extends { id: number }>({ limit }: PageRequest, rows: Row[]): Page<Row> {
  if (rows.length <= limit) return { rows, next: null };
  const page = rows.slice(0, limit);
  return { rows: page, next: page.at(-1)!.id };
}
