/**
 * The history's one writer, on the ops thread. Once a second a batch comes in and is committed in
 * one transaction; then a bounded piece of housekeeping is done.
 *
 *   disk full → the ballast is given up → still full: batches wait in memory, oldest dropped last
 *   file damaged → set aside under another name, a fresh one begun
 *
 * Nothing here throws for what a disk can do: the run goes on, and `notices` says what happened.
 */
import { statSync } from "node:fs";
import { type Batch, batchRows, emptyBatch, type NewEvent, rowsIn } from "./batch.ts";
import { type Disk, diskOf } from "./disk.ts";
import {
  codeOf,
  isBusy,
  isDamage,
  isUnwritable,
  openError,
  openForWriting,
  setAside,
} from "./open.ts";
import { OpenHistory } from "./open-history.ts";
import type { Retention } from "./prune.ts";
import type { NewRun } from "./run-record.ts";
import type { AlertRow, RunRow } from "./schema.ts";

export type { NewRun } from "./run-record.ts";

export interface StoreOptions {
  path: string;
  synchronous: "normal" | "full";
  retention: Retention;
  checkBytesMax: number;
  setAsideMax: number;
  /** Free space below which old rows are deleted before their time, bytes. */
  freeBytesMin: number;
  ballastBytes: number;
  /** Seconds that may wait in memory while nothing can be written. */
  bufferSecondsMax: number;
  disk?: Disk;
}

export interface CommitResult {
  /** Rows written in this call, earlier waiting batches included. */
  rows: number;
  /** Rows given up since the last call. */
  dropped: number;
  failed: boolean;
}

/** Housekeeping that deletes is done this often, seconds. */
const pruneEveryS = 15;
/** Free space is looked at this often, seconds. */
const diskEveryS = 5;
/** Seconds of history that are deleted at a time while the disk is nearly full. */
const shrinkRows = 600;
/** A batch that the database refuses for another reason than its disk is given up after so many tries. */
const refusalsMax = 3;
/** How often a start is tried again: a damaged file is set aside, the reserve given up. */
const curesMax = 2;

export class Store {
  /** Batches that could not be written yet, oldest first. */
  private readonly waiting: Batch[] = [];
  private readonly options: StoreOptions;
  private readonly disk: Disk;
  private file: OpenHistory;
  private refusals = 0;
  private dropped = 0;
  private droppedInAll = 0;
  private notes: NewEvent[] = [];
  private ticks = 0;
  private low = false;
  /** True while nothing can be written. */
  memoryOnly = false;
  freeBytes = Number.NaN;
  /** The run before this one, with whether it was stopped in order; null for the first. */
  readonly previous: RunRow | null;

  /** Throws EdgeError (open.ts) when there is no way to have a history at `path`. */
  constructor(options: StoreOptions, run: NewRun) {
    this.options = options;
    this.disk = options.disk ?? diskOf(options.path, options.ballastBytes);
    this.file = this.start(run, run.startMs);
    this.previous = this.file.entered.previous;
    this.checkDisk();
  }

  /**
   * Opens the file and begins the run in it, or goes on with it. A damaged file is set aside, and a
   * full disk may still have the reserve of the run before.
   */
  private start(run: NewRun, nowMs: number): OpenHistory {
    const { path, retention } = this.options;
    for (let cures = 0; ; cures++) {
      try {
        const file = new OpenHistory(openForWriting(this.options), retention, run);
        const { previous } = file.entered;
        if (previous?.clean === false) this.noteCrash(previous, nowMs);
        return file;
      } catch (error) {
        if (cures < curesMax && isDamage(error)) this.setAside(error, nowMs);
        else if (cures === curesMax || !isUnwritable(error) || !this.disk.dropBallast()) {
          throw codeOf(error) === "" && !isDamage(error) ? error : openError(path, error);
        }
      }
    }
  }

  get runId(): number {
    return this.file.entered.run.id;
  }

  /** Seconds that wait in memory. */
  get waitingBatches(): number {
    return this.waiting.length;
  }

  /** Alerts of this run that were open when it was gone on with: what an alert book takes up again. */
  openAlerts(): AlertRow[] {
    return this.file.entered.openAlerts;
  }

  nextAlertNumber(): number {
    return this.file.entered.nextAlertNumber;
  }

  /** What happened to the store since the last call: for the log. They are events in it as well. */
  notices(): NewEvent[] {
    const { notes } = this;
    this.notes = [];
    return notes;
  }

  /**
   * Writes the batch, after those that still wait, in one transaction each. When it returns with
   * nothing waiting, everything is in the file: alerts may be announced.
   */
  commit(batch: Batch, nowMs: number): CommitResult {
    this.waiting.push(batch);
    const result = this.flush(nowMs);
    while (this.waiting.length > this.options.bufferSecondsMax) {
      const lost = batchRows(this.waiting.shift()!);
      this.dropped += lost;
      this.droppedInAll += lost;
    }
    result.dropped = this.dropped;
    this.dropped = 0;
    return result;
  }

  private flush(nowMs: number): CommitResult {
    const result: CommitResult = { rows: 0, dropped: 0, failed: false };
    for (let tries = 0; this.waiting.length > 0;) {
      const batch = this.waiting[0]!;
      try {
        this.file.apply(batch);
      } catch (error) {
        result.failed = true;
        if (tries++ < 2 && this.cured(error, nowMs)) continue;
        return result;
      }
      this.waiting.shift();
      this.refusals = 0;
      result.rows += batchRows(batch);
      // Only when nothing waits any more: on a disk at its limit the state must not flicker.
      if (this.memoryOnly && this.waiting.length === 0) this.leaveMemoryOnly(nowMs);
    }
    result.failed = false;
    return result;
  }

  /** Whether it is worth trying again at once. */
  private cured(error: unknown, nowMs: number): boolean {
    if (isDamage(error)) {
      this.replace(error, nowMs);
      return true;
    }
    if (isUnwritable(error)) {
      if (this.disk.dropBallast()) {
        this.note(nowMs, "ballast_dropped", "warning", "The disk is full: the reserve is used up.");
        return true;
      }
      if (!this.memoryOnly) this.enterMemoryOnly(error, nowMs);
      return false;
    }
    if (isBusy(error)) return false;
    this.refusals++;
    if (this.refusals < refusalsMax) return false;
    const lost = batchRows(this.waiting.shift()!);
    this.dropped += lost;
    this.refusals = 0;
    this.note(nowMs, "batch_refused", "critical", `${lost} rows were refused: ${String(error)}`);
    return true;
  }

  /** Rolls up, prunes and watches the disk: a bounded piece of each. Call once a second. */
  maintain(nowMs: number): { rolled: number; pruned: number } {
    const done = { rolled: 0, pruned: 0 };
    const nowS = Math.floor(nowMs / 1000);
    this.ticks++;
    try {
      if (this.ticks % diskEveryS === 0) done.pruned += this.watchDisk(nowS, nowMs);
      if (this.memoryOnly || this.waiting.length > 0) return done;
      const { rows, unreadable } = this.file.rollup.step(nowS);
      done.rolled = rows;
      if (unreadable > 0) {
        this.note(nowMs, "row_unreadable", "warning", `${unreadable} rows had no histogram.`);
      }
      if (this.ticks % pruneEveryS === 0) {
        done.pruned += this.file.pruner.step(nowS);
        this.file.pruner.vacuum();
      }
    } catch (error) {
      if (isDamage(error)) {
        this.replace(error, nowMs);
        return done;
      }
      this.file.tiers.load();
      if (isUnwritable(error)) this.disk.dropBallast();
      else if (!isBusy(error)) throw error;
    }
    return done;
  }

  /** Sizes for gauges, bytes. */
  sizes(): { bytes: number; walBytes: number; freeBytes: number } {
    const wal = statSync(`${this.options.path}-wal`, { throwIfNoEntry: false });
    const walBytes = wal?.size ?? 0;
    return { bytes: this.file.pruner.size().bytes, walBytes, freeBytes: this.freeBytes };
  }

  /**
   * Ends the run in order; returns how many rows could not be written. Nothing may be called
   * afterwards. `goesOn`: the run is to be taken up again, with the alerts that are open; should that
   * never happen, the next run closes them.
   */
  close(nowMs: number, goesOn = false): number {
    this.flush(nowMs);
    try {
      this.file.end(nowMs, goesOn);
    } catch (error) {
      if (!isUnwritable(error) && !isDamage(error)) throw error;
    }
    return rowsIn(this.waiting);
  }

  private replace(error: unknown, nowMs: number): void {
    this.file.abandon();
    this.setAside(error, nowMs);
    this.file = this.start(this.file.entered.run, nowMs);
  }

  private setAside(error: unknown, nowMs: number): void {
    const { path, setAsideMax } = this.options;
    const { path: kept, reason } = setAside(path, nowMs, setAsideMax, error);
    const message = `The history was damaged (${reason}); it is kept as ${kept}, a new one begins.`;
    this.note(nowMs, "history_damaged", "critical", message);
  }

  private noteCrash({ lastMs }: RunRow, nowMs: number): void {
    const when = new Date(lastMs).toISOString();
    this.note(nowMs, "unclean_stop", "warning", `The run before ended without warning at ${when}.`);
  }

  private enterMemoryOnly(error: unknown, nowMs: number): void {
    this.memoryOnly = true;
    this.droppedInAll = 0;
    const seconds = this.options.bufferSecondsMax;
    const why = error instanceof Error ? error.message : String(error);
    const message = `The history cannot be written (${why}): the last ${seconds} s wait in memory.`;
    this.note(nowMs, "memory_only", "critical", message);
  }

  private leaveMemoryOnly(nowMs: number): void {
    this.memoryOnly = false;
    const lost = this.droppedInAll;
    const message = `The history can be written again; ${lost} rows were lost.`;
    this.note(nowMs, "writable_again", "info", message);
  }

  private checkDisk(): void {
    this.freeBytes = this.disk.freeBytes();
    const { freeBytesMin, ballastBytes } = this.options;
    // Taking the ballast must not itself bring the disk below the mark.
    if (!(this.freeBytes < freeBytesMin + ballastBytes)) this.disk.takeBallast();
  }

  private watchDisk(nowS: number, nowMs: number): number {
    this.checkDisk();
    const low = this.freeBytes < this.options.freeBytesMin;
    if (low && !this.low) {
      const message = "The disk is nearly full: old rows are deleted before their time.";
      this.note(nowMs, "disk_low", "warning", message);
    }
    this.low = low;
    if (!low) return 0;
    // In small steps: what is deleted and moved has to fit into the log first.
    const rows = this.file.pruner.shrink(nowS, shrinkRows);
    this.file.pruner.vacuum(true);
    this.file.checkpoint();
    return rows;
  }

  private note(atMs: number, kind: string, severity: string, message: string): void {
    const event = { atMs, kind, severity, message, detail: "" };
    this.notes.push(event);
    const batch = emptyBatch(Math.floor(atMs / 1000));
    batch.events.push(event);
    this.waiting.push(batch);
  }
}
