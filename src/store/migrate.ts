/**
 * Brings a file to the schema of this build. Drizzle's own migrator looks for a folder at run time,
 * which a compiled binary does not have, and accepts files from the future; this one counts in
 * `PRAGMA user_version` and refuses them.
 */
import type { Database } from "bun:sqlite";
import { EdgeError } from "../error.ts";
import { migrations } from "./migration.ts";

/** "HFTE": tells our files from other people's SQLite files. */
export const applicationId = 0x48_46_54_45;
const breakpoint = "--> statement-breakpoint";

/** Returns the version before and after. Throws EdgeError STORE_NEWER or STORE_FOREIGN. */
export function migrate(
  database: Database,
  steps: readonly string[] = migrations,
): { from: number; to: number } {
  const from = checkVersion(database, steps.length);
  const to = steps.length;
  for (let version = from; version < to; version++) {
    database.transaction(() => {
      // One statement at a time: a driver that runs only the first would drop the others silently.
      for (const statement of steps[version]!.split(breakpoint)) {
        if (statement.trim() !== "") database.run(statement);
      }
      database.run(`PRAGMA user_version = ${version + 1}`);
      database.run(`PRAGMA application_id = ${applicationId}`);
    })();
  }
  return { from, to };
}

/** The file's version, once it is known to be ours and not newer than `newest`. */
export function checkVersion(database: Database, newest: number = migrations.length): number {
  const version = pragma(database, "user_version");
  const owner = pragma(database, "application_id");
  const [tables] = database.query("SELECT count(*) FROM sqlite_schema").values()[0] as [number];
  if (tables > 0 && owner !== applicationId) {
    throw new EdgeError(
      "STORE_FOREIGN",
      `${database.filename} is a SQLite file of another program`,
      "Choose another data.directory, or move that file away.",
    );
  }
  if (version > newest) {
    throw new EdgeError(
      "STORE_NEWER",
      `${database.filename} has schema version ${version}, this build knows up to ${newest}`,
      "Run the newer hftedge that wrote it, or move the file away to begin a new history.",
    );
  }
  return version;
}

function pragma(database: Database, name: string): number {
  return (database.query(`PRAGMA ${name}`).values()[0] as [number])[0];
}
