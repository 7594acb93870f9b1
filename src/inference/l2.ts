/**
 * L2: the decisions of this and earlier runs, in SQLite.
 *
 * This side only reads, over a connection of its own; ops is the only writer and is handed new
 * decisions and use counts (outbox.ts). A decision answers only for the version that made it.
 */
import type { Database, Statement } from "bun:sqlite";
import { openForReading } from "../store/open.ts";
import { decisionOf, labels } from "./label.ts";

/** A decision as the table in memory has it. */
export interface StoredDecision {
  /** state-text.ts. */
  state: string;
  /** `Decision`: 1 BUY, 2 SELL, 3 HOLD. */
  decision: 1 | 2 | 3;
  /** 0–10,000. */
  confidence: number;
  /** Epoch seconds. */
  decidedAtS: number;
}

export interface SecondLevel {
  /** The decision of a version about a state, null where there is none. */
  find(version: string, state: string): StoredDecision | null;
  /** Decisions of a version that are not older than `notBeforeS`, most used first. */
  each(
    version: string,
    notBeforeS: number,
    limit: number,
    visit: (decision: StoredDecision) => void,
  ): void;
  /** States that any version of this state space was asked about, most used first. */
  observed(space: string, limit: number): string[];
  close(): void;
}

interface Row {
  state: string;
  decision: string;
  confidence: number;
  decidedAtMs: number;
}

const columns = "state, decision, confidence, decided_at_ms AS decidedAtMs";
/** Readers of a WAL file wait only for the end of a checkpoint; a miss can wait for that long. */
const busyMs = 50;

export class SqliteSecondLevel implements SecondLevel {
  readonly #database: Database;
  readonly #find: Statement<Row, [string, string]>;
  readonly #each: Statement<Row, [string, number, number]>;
  readonly #observed: Statement<{ state: string }, [string, number]>;

  /** Throws the EdgeError of a file that is missing, newer or foreign. */
  constructor(path: string) {
    this.#database = openForReading(path).$client;
    this.#database.run(`PRAGMA busy_timeout = ${busyMs}`);
    this.#find = this.#database.query(
      `SELECT ${columns} FROM decision WHERE version = ? AND state = ?`,
    );
    this.#each = this.#database.query(
      `SELECT ${columns} FROM decision WHERE version = ? AND decided_at_ms >= ? ORDER BY uses DESC LIMIT ?`,
    );
    this.#observed = this.#database.query(
      "SELECT state FROM decision JOIN version USING (version) WHERE detail ->> '$.space' = ? GROUP BY state ORDER BY sum(uses) DESC LIMIT ?",
    );
  }

  find(version: string, state: string): StoredDecision | null {
    const row = this.#find.get(version, state);
    return row === null ? null : decisionFrom(row);
  }

  each(
    version: string,
    notBeforeS: number,
    limit: number,
    visit: (decision: StoredDecision) => void,
  ): void {
    for (const row of this.#each.iterate(version, notBeforeS * 1000, limit)) {
      const decision = decisionFrom(row);
      if (decision !== null) visit(decision);
    }
  }

  observed(space: string, limit: number): string[] {
    return this.#observed.all(space, limit).map((row) => row.state);
  }

  close(): void {
    this.#database.close();
  }
}

/** Null for a row that somebody else has written or changed. */
function decisionFrom({ state, decision, confidence, decidedAtMs }: Row): StoredDecision | null {
  const label = labels.find((known) => known === decision);
  if (label === undefined || !(confidence >= 0 && confidence <= 1)) return null;
  return {
    state,
    decision: decisionOf[label],
    confidence: Math.round(confidence * 10_000),
    decidedAtS: Math.floor(decidedAtMs / 1000),
  };
}
