/**
 * A file that is open for writing, with all that is prepared on it and the run that goes on in it:
 * when the file turns out to be damaged, another one takes the place of all of this.
 */
import { constants } from "bun:sqlite";
import type { Batch } from "./batch.ts";
import { busyTimeoutMs, type History } from "./open.ts";
import { Pruner, type Retention } from "./prune.ts";
import { Rollup } from "./rollup.ts";
import {
  beginRun,
  continueRun,
  endRun,
  lastRun,
  type NewRun,
  nextAlertNumber,
  openAlertsOf,
  resolveAlertsOf,
} from "./run-record.ts";
import type { AlertRow, RunRow } from "./schema.ts";
import { Tiers } from "./tier.ts";
import { Writer } from "./writer.ts";

interface Entered {
  run: RunRow;
  /** The run before this one; null for the first, and when this one is gone on with. */
  previous: RunRow | null;
  /** Alerts of this run that were open when it was gone on with. */
  openAlerts: AlertRow[];
  nextAlertNumber: number;
}

export class OpenHistory {
  readonly tiers: Tiers;
  readonly rollup: Rollup;
  readonly pruner: Pruner;
  readonly entered: Entered;
  private readonly history: History;
  private readonly writer: Writer;

  /** Begins the run, or goes on with it. Throws what SQLite throws; the file is let go of then. */
  constructor(history: History, retention: Retention, run: NewRun) {
    this.history = history;
    try {
      this.tiers = new Tiers(history);
      this.writer = new Writer(history, this.tiers);
      this.rollup = new Rollup(history, this.tiers);
      this.pruner = new Pruner(history, this.tiers, retention);
      this.entered = history.$client.transaction(() => enter(history, run))();
    } catch (error) {
      this.abandon();
      throw error;
    }
  }

  /** Writes the batch in one transaction. */
  apply(batch: Batch): void {
    try {
      this.history.$client.transaction(() => this.writer.apply(batch, this.entered.run.id))();
    } catch (error) {
      this.writer.names.forget();
      throw error;
    }
  }

  /**
   * As much of the log into the file as nobody still reads. It does not wait for a reader: a backup
   * would hold this thread for the whole busy timeout, every time.
   */
  checkpoint(): void {
    const { $client } = this.history;
    $client.run("PRAGMA busy_timeout = 0");
    try {
      $client.query("PRAGMA wal_checkpoint(TRUNCATE)").all();
    } finally {
      $client.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    }
  }

  /** Lets go of a file that may be replaced by another of its name. */
  abandon(): void {
    const { $client } = this.history;
    // Statements that are not collected yet keep the connection half open. When it closes at last
    // it must not delete the write-ahead log by name: by then that is the new file's.
    $client.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1);
    $client.close();
  }

  /** Ends the run in order; `goesOn`: see `Store.close`. */
  end(nowMs: number, goesOn: boolean): void {
    const { history } = this;
    const { run } = this.entered;
    try {
      // What was out of its limits is not watched any more: nobody could ever resolve it.
      if (!goesOn) resolveAlertsOf(history, { ...run, lastMs: nowMs });
      endRun(history, run.id, nowMs);
      this.checkpoint();
    } finally {
      history.$client.close();
    }
  }
}

function enter(history: History, run: NewRun): Entered {
  const last = lastRun(history);
  // The ops thread may have been started again within the same run.
  if (last?.key === run.key) {
    if (last.clean) continueRun(history, last.id);
    const openAlerts = openAlertsOf(history, last.id);
    const next = nextAlertNumber(history, last.id);
    return { run: last, previous: null, openAlerts, nextAlertNumber: next };
  }
  const begun = beginRun(history, run);
  // Also of one that ended in order: it may have been meant to be gone on with.
  if (last !== null) resolveAlertsOf(history, last);
  return { run: begun, previous: last, openAlerts: [], nextAlertNumber: 1 };
}
