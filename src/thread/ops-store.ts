/**
 * The history as ops sees it. A file that cannot be opened does not stop signals: what comes
 * meanwhile waits in memory, bounded, and opening is tried again. Only a file of a newer version or
 * of another program stops the start, because going on would mean to hide a mistake.
 */
import { type Batch, batchRows, type NewEvent, rowsIn } from "../store/batch.ts";
import { HistoryReader } from "../store/query.ts";
import type { KeptStore } from "../store/keeper.ts";
import type { NewRun } from "../store/run-record.ts";
import type { AlertRow } from "../store/schema.ts";
import { type CommitResult, Store, type StoreOptions } from "../store/store.ts";
import { EdgeError } from "../error.ts";

const refused = ["STORE_NEWER", "STORE_FOREIGN", "STORE_SQLITE"];
const retryMs = 10_000;

export class OpsStore implements KeptStore {
  readonly #options: StoreOptions;
  readonly #run: NewRun;
  readonly #cacheBytes: number;
  readonly #waiting: Batch[] = [];
  readonly #notes: NewEvent[] = [];
  #store: Store | undefined;
  #reader: HistoryReader | undefined;
  #triedMs: number;
  /** Why there is no file; "" while there is one. */
  problem = "";

  /** `cacheBytes`: for the reader. Throws EdgeError STORE_NEWER, STORE_FOREIGN or STORE_SQLITE. */
  constructor(options: StoreOptions, run: NewRun, nowMs: number, cacheBytes: number) {
    this.#cacheBytes = cacheBytes;
    this.#options = options;
    this.#run = run;
    this.#triedMs = nowMs;
    this.#open(nowMs);
  }

  /** Number of the run in the history; 0 while there is no file. */
  get runId(): number {
    return this.#store?.runId ?? 0;
  }

  /** True while nothing reaches the disk. */
  get memoryOnly(): boolean {
    return this.#store?.memoryOnly ?? true;
  }

  get waitingBatches(): number {
    return this.#store?.waitingBatches ?? this.#waiting.length;
  }

  /** The read side; undefined while there is no file to read. */
  get reader(): HistoryReader | undefined {
    if (this.#store === undefined) return undefined;
    try {
      this.#reader ??= new HistoryReader(this.#options.path, this.#cacheBytes);
    } catch {
      // Between a damaged file and its successor; the next request finds the new one.
    }
    return this.#reader;
  }

  commit(batch: Batch, nowMs: number): CommitResult {
    // A clock that was set back must not put off the next try for as long as the step was.
    const due = nowMs - this.#triedMs >= retryMs || nowMs < this.#triedMs;
    if (this.#store === undefined && due) this.#open(nowMs);
    this.#waiting.push(batch);
    if (this.#store !== undefined) return this.#commitAll(this.#store, nowMs);
    const isFull = this.#waiting.length > this.#options.bufferSecondsMax;
    const dropped = isFull ? batchRows(this.#waiting.shift()!) : 0;
    return { rows: 0, dropped, failed: true };
  }

  /** What waited for a file first: what a full disk makes of it is counted like the rest. */
  #commitAll(store: Store, nowMs: number): CommitResult {
    const all: CommitResult = { rows: 0, dropped: 0, failed: false };
    for (const batch of this.#waiting.splice(0)) {
      const { rows, dropped, failed } = store.commit(batch, nowMs);
      all.rows += rows;
      all.dropped += dropped;
      all.failed = failed;
    }
    return all;
  }

  openAlerts(): AlertRow[] {
    return this.#store?.openAlerts() ?? [];
  }

  nextAlertNumber(): number {
    return this.#store?.nextAlertNumber() ?? 1;
  }

  sizes(): { bytes: number; walBytes: number; freeBytes: number } {
    return this.#store?.sizes() ?? { bytes: 0, walBytes: 0, freeBytes: Number.NaN };
  }

  maintain(nowMs: number): { rolled: number; pruned: number } {
    return this.#store?.maintain(nowMs) ?? { rolled: 0, pruned: 0 };
  }

  /** What happened to the store since the last call, for the log. */
  notices(): NewEvent[] {
    const notes = [...this.#notes.splice(0), ...(this.#store?.notices() ?? [])];
    // The file under the reader is not the one that is written any more.
    if (notes.some(({ kind }) => kind === "history_damaged")) this.#closeReader();
    return notes;
  }

  /** Returns how many rows could not be written. `goesOn`: the run does, with another life of this thread. */
  close(nowMs: number, goesOn = false): number {
    this.#closeReader();
    return (this.#store?.close(nowMs, goesOn) ?? 0) + rowsIn(this.#waiting);
  }

  #closeReader(): void {
    this.#reader?.close();
    this.#reader = undefined;
  }

  #open(nowMs: number): void {
    this.#triedMs = nowMs;
    try {
      this.#store = new Store(this.#options, this.#run);
      if (this.problem !== "") this.#note(nowMs, "info", "The history is open: it is written now.");
      this.problem = "";
    } catch (error) {
      if (!(error instanceof EdgeError) || refused.includes(error.code)) throw error;
      if (this.problem !== error.message) {
        this.#note(nowMs, "warning", `${error.message}; it is kept in memory. ${error.hint}`);
      }
      this.problem = error.message;
    }
  }

  #note(atMs: number, severity: string, message: string): void {
    this.#notes.push({ atMs, kind: "store_open", severity, message, detail: "" });
  }
}
