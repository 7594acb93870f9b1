/**
 * Opening the history: pragmas in the order that matters, a check of SQLite itself, and a damaged
 * file set aside instead of stopping the appliance.
 */
import { Database, SQLiteError } from "bun:sqlite";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type BunSQLiteDatabase, drizzle } from "drizzle-orm/bun-sqlite";
import { EdgeError } from "../error.ts";
import { checkVersion, migrate } from "./migrate.ts";

export interface OpenOptions {
  path: string;
  /** NORMAL loses at most the last commits in a power cut, FULL nothing; a crash loses none. */
  synchronous: "normal" | "full";
  /** Files up to this size are checked after an unclean stop, bytes. */
  checkBytesMax: number;
}

/** The open file: through Drizzle, or as `$client` where bytes are read in bulk. */
export type History = BunSQLiteDatabase & { $client: Database };

/** Where a damaged file is now, and what was wrong with it. */
export interface SetAside {
  path: string;
  reason: string;
}

/** SQLite 3.7.0 to 3.51.2 could corrupt a write-ahead log that was reset during a read. */
const sqliteVersionMin = [3, 51, 3] as const;
/** How long to wait for whoever holds the file. */
export const busyTimeoutMs = 5000;
const walLimitBytes = 16 * 1024 * 1024;

/**
 * Opens the file for writing, creating or migrating it as needed. Throws EdgeError STORE_NEWER,
 * STORE_FOREIGN, STORE_OPEN (no permission, no directory, locked), and for a damaged file an error
 * that `isDamage` knows.
 */
export function openForWriting(options: OpenOptions): History {
  const { path } = options;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
    return drizzle({ client: openOnce(options) });
  } catch (error) {
    throw isDamage(error) ? error : openError(path, error);
  }
}

function openOnce({ path, synchronous, checkBytesMax }: OpenOptions): Database {
  const database = new Database(path, { create: true, readwrite: true });
  try {
    assertVersion(database);
    // First of all: whoever closes the file, or recovers its log, holds it for a moment.
    database.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    checkVersion(database);
    // It has an effect only before the first table exists.
    database.run("PRAGMA auto_vacuum = INCREMENTAL");
    database.run("PRAGMA journal_mode = WAL");
    database.run(`PRAGMA synchronous = ${synchronous}`);
    database.run(`PRAGMA journal_size_limit = ${walLimitBytes}`);
    database.run("PRAGMA temp_store = MEMORY");
    migrate(database);
    if (statSync(path).size <= checkBytesMax && endedUnclean(database)) quickCheck(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** A read-only connection; throws EdgeError STORE_MISSING, STORE_NEWER, STORE_FOREIGN, STORE_OPEN. */
export function openForReading(path: string): History {
  if (!existsSync(path)) throw missing(path);
  let database: Database | undefined;
  try {
    database = new Database(path, { readonly: true });
    database.run(`PRAGMA busy_timeout = ${busyTimeoutMs}`);
    // A file without a table: whoever began it was stopped before, or is at it.
    if (checkVersion(database) === 0) throw missing(path);
    return drizzle({ client: database });
  } catch (error) {
    database?.close();
    throw openError(path, error);
  }
}

function missing(path: string): EdgeError {
  return new EdgeError(
    "STORE_MISSING",
    `there is no history at ${path}`,
    "Start hftedge run once, or name its directory with --data-directory.",
  );
}

function assertVersion(database: Database): void {
  const [text] = database.query("SELECT sqlite_version()").values()[0] as [string];
  const parts = text.split(".").map(Number);
  for (let i = 0; i < 3; i++) {
    const difference = (parts[i] ?? 0) - sqliteVersionMin[i]!;
    if (difference > 0) return;
    if (difference < 0) {
      throw new EdgeError(
        "STORE_SQLITE",
        `SQLite ${text} can damage its write-ahead log`,
        `Use a runtime that carries SQLite ${sqliteVersionMin.join(".")} or newer.`,
      );
    }
  }
}

function endedUnclean(database: Database): boolean {
  const row = database.query("SELECT clean FROM run ORDER BY id DESC LIMIT 1").values()[0];
  return row !== undefined && row[0] === 0;
}

function quickCheck(database: Database): void {
  const [verdict] = database.query("PRAGMA quick_check(1)").values()[0] as [string];
  if (verdict !== "ok") throw new DamageError(verdict);
}

class DamageError extends Error {}

/** Whether the error says that the file's contents are wrong, rather than out of reach. */
export function isDamage(error: unknown): boolean {
  if (error instanceof DamageError) return true;
  const code = codeOf(error);
  return code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB";
}

/** Whether the error says that nothing can be written at the moment. */
export function isUnwritable(error: unknown): boolean {
  const code = codeOf(error);
  return (
    code === "SQLITE_FULL" || code.startsWith("SQLITE_IOERR") || code.startsWith("SQLITE_READONLY")
  );
}

/** Whether somebody else holds the file: it is worth trying again later. */
export function isBusy(error: unknown): boolean {
  return codeOf(error).startsWith("SQLITE_BUSY");
}

/** SQLite's name for the error, e.g. "SQLITE_FULL"; "" for other errors. Looks through wrappers. */
export function codeOf(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof SQLiteError) return at.code ?? "";
  }
  return "";
}

/**
 * Renames the damaged file with its log, so that a fresh one can be begun in its place; `nowMs`
 * (epoch ms) is in its name. Its connections must be closed. `keptMax`: how many such files are
 * kept, older ones are deleted. Throws EdgeError STORE_OPEN.
 */
export function setAside(path: string, nowMs: number, keptMax: number, error: unknown): SetAside {
  const prefix = `${basename(path)}.damaged-`;
  const reason = error instanceof Error ? error.message : String(error);
  try {
    let stamp = nowMs;
    while (existsSync(`${path}.damaged-${stamp}`)) stamp++;
    const aside = `${path}.damaged-${stamp}`;
    for (const suffix of ["-wal", "-shm", ""]) {
      if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
    }
    const kept = readdirSync(dirname(path))
      .filter((name) => name.startsWith(prefix) && !/-(?:wal|shm)$/.test(name))
      .toSorted((a, b) => Number(b.slice(prefix.length)) - Number(a.slice(prefix.length)));
    for (const name of kept.slice(keptMax)) {
      for (const suffix of ["-wal", "-shm", ""]) {
        rmSync(join(dirname(path), name + suffix), { force: true });
      }
    }
    return { path: aside, reason };
  } catch (cause) {
    throw openError(path, cause);
  }
}

/** As the operator is to read it: operation, object, remedy. An EdgeError stays what it is. */
export function openError(path: string, cause: unknown): EdgeError {
  if (cause instanceof EdgeError) return cause;
  const what = cause instanceof Error ? cause.message : String(cause);
  return new EdgeError(
    "STORE_OPEN",
    `cannot open the history at ${path}: ${what}`,
    "Check that the directory exists and that this user may write to it (data.directory).",
    cause,
  );
}
