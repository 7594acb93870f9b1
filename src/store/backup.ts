/**
 * A copy of the history while it is being written: VACUUM INTO reads one moment's state and writes
 * a compact file without a log. On a connection of its own, so that the writer goes on meanwhile.
 */
import { Database } from "bun:sqlite";
import { existsSync, renameSync, rmSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { EdgeError } from "../error.ts";
import { checkVersion } from "./migrate.ts";
import { openForReading } from "./open.ts";

export interface Backup {
  path: string;
  bytes: number;
  /** Schema version of the copy. */
  version: number;
}

/**
 * Copies the history at `source` to the new file `target`, and checks the copy. Blocks for as long
 * as it takes: about a second for 300 MB. Throws EdgeError BACKUP_EXISTS, BACKUP_FAILED, or those of
 * opening for reading.
 */
export function backup(source: string, target: string): Backup {
  const path = resolve(target);
  if (existsSync(path)) {
    throw new EdgeError("BACKUP_EXISTS", `${path} exists already`, "Name a file that does not.");
  }
  // Under another name until it is whole: a copy that was cut off must not look like a backup.
  const partial = `${path}.partial`;
  rmSync(partial, { force: true });
  const history = openForReading(source);
  try {
    history.$client.query("VACUUM INTO ?").run(partial);
    const version = checkCopy(partial);
    renameSync(partial, path);
    return { path, bytes: statSync(path).size, version };
  } catch (cause) {
    rmSync(partial, { force: true });
    const what = cause instanceof Error ? cause.message : String(cause);
    throw new EdgeError(
      "BACKUP_FAILED",
      `the backup to ${path} failed: ${what}`,
      "Check that its directory exists, may be written to, and has room for the whole history.",
      cause,
    );
  } finally {
    history.$client.close();
  }
}

function checkCopy(path: string): number {
  const copy = new Database(path, { readonly: true });
  try {
    const [verdict] = copy.query("PRAGMA quick_check(1)").values()[0] as [string];
    if (verdict !== "ok") throw new Error(verdict);
    return checkVersion(copy);
  } finally {
    copy.close();
  }
}
