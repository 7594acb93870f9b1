/**
 * L2: the decisions of this and earlier runs, in SQLite.
 *
 * This side only reads, over a connection of its own; ops is the only writer and is handed new
 * decisions and use counts. A decision answers only for the version that made it.
 *
 * Table `decision`: version (16 hex digits), state (state-text.ts), space (16 hex digits: what the
 * buckets mean), decision 1–3, confidence 0–10,000, margin and outside 0–10,000, decided_at_s,
 * uses; primary key (version, state).
 */
import { Database, type Statement } from "bun:sqlite";

export interface StoredDecision {
  state: string;
  /** `Decision`: 1 BUY, 2 SELL, 3 HOLD. */
  decision: number;
  /** 0–10,000. */
  confidence: number;
  /** Epoch seconds. */
  decidedAtS: number;
}

/** What a decision is kept with. */
export interface NewDecision extends StoredDecision {
  version: string;
  space: string;
  /** 0–10,000 both: verdict.ts says what they mean. */
  margin: number;
  outside: number;
}

/** Uses of a state since they were last reported. */
export interface UseCount {
  version: string;
  state: string;
  uses: number;
}

export interface SecondLevel {
  /** The decision of a version about a state, null where there is none. */
  find(version: string, state: string): StoredDecision | null;
  /** Decisions of a version that are not older than `notBeforeS`, most used first. */
  each(
    version: string,
    notBeforeS: number,
    limit: number,
    visit: (d: StoredDecision) => void,
  ): void;
  /** States of a space that any version was asked about, most used first. */
  observed(space: string, limit: number): string[];
  close(): void;
}

const columns = "state, decision, confidence, decided_at_s AS decidedAtS";

export class SqliteSecondLevel implements SecondLevel {
  readonly #database: Database;
  readonly #find: Statement<StoredDecision, [string, string]>;
  readonly #each: Statement<StoredDecision, [string, number, number]>;
  readonly #observed: Statement<{ state: string }, [string, number]>;

  /** Opens the database file that ops has made. Throws SQLite's error where it is not there. */
  constructor(path: string) {
    this.#database = new Database(path, { readonly: true });
    // Readers of a WAL file never wait for its writer; only a checkpoint's end may make them.
    this.#database.run("PRAGMA busy_timeout = 50");
    this.#find = this.#database.query(
      `SELECT ${columns} FROM decision WHERE version = ? AND state = ?`,
    );
    this.#each = this.#database.query(
      `SELECT ${columns} FROM decision WHERE version = ? AND decided_at_s >= ? ORDER BY uses DESC LIMIT ?`,
    );
    this.#observed = this.#database.query(
      "SELECT state FROM decision WHERE space = ? GROUP BY state ORDER BY sum(uses) DESC LIMIT ?",
    );
  }

  find(version: string, state: string): StoredDecision | null {
    return this.#find.get(version, state);
  }

  each(
    version: string,
    notBeforeS: number,
    limit: number,
    visit: (d: StoredDecision) => void,
  ): void {
    for (const row of this.#each.iterate(version, notBeforeS, limit)) visit(row);
  }

  observed(space: string, limit: number): string[] {
    return this.#observed.all(space, limit).map((row) => row.state);
  }

  close(): void {
    this.#database.close();
  }
}
