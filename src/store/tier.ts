/**
 * The resolutions of the history. Each is merged exactly from the finer one before it; `rolledTo`
 * says how far, so that a crash resumes where it stopped and nothing is merged twice.
 */
import type { Database } from "bun:sqlite";
import { eq, sql } from "drizzle-orm";
import { tierTable } from "./schema.ts";
import type { History } from "./open.ts";

/** Seconds; each divides the next. */
export const resolutions = [1, 10, 60, 600, 3600] as const;
export type Resolution = (typeof resolutions)[number];

export interface Tier {
  resolution: Resolution;
  rolledTo: number;
  prunedTo: number;
}

type Row = { resolution: number; rolled_to: number; pruned_to: number; revision?: number };

/** Columns by name: a file that is only read may be of an older version, and lack the newest. */
const stateOfTiers = "SELECT * FROM tier";

/** The state of all tiers as the file has it, finest first. */
export function tiersOf({ $client }: History): Tier[] {
  return tiersAndRevision($client).tiers;
}

/** `revision` grows whenever a row below the second tier's `rolledTo` was changed after all. */
export function tiersAndRevision(client: Database): { tiers: Tier[]; revision: number } {
  const rows = client.query<Row, []>(stateOfTiers).all();
  const tiers = resolutions.map((resolution) => {
    const row = rows.find((tier) => tier.resolution === resolution);
    return { resolution, rolledTo: row?.rolled_to ?? 0, prunedTo: row?.pruned_to ?? 0 };
  });
  return { tiers, revision: rows.reduce((sum, row) => sum + (row.revision ?? 0), 0) };
}

/** The state of all tiers, finest first. The finest is never rolled: it is what is written. */
export class Tiers {
  readonly all: readonly Tier[];
  private readonly database: History;

  constructor(database: History) {
    this.database = database;
    for (const resolution of resolutions) {
      database
        .insert(tierTable)
        .values({ resolution, rolledTo: 0, prunedTo: 0 })
        .onConflictDoNothing()
        .run();
    }
    this.all = resolutions.map((resolution) => ({ resolution, rolledTo: 0, prunedTo: 0 }));
    this.load();
  }

  /** Reads the state again: after a transaction that changed it was rolled back. */
  load(): void {
    tiersOf(this.database).forEach((tier, i) => Object.assign(this.all[i]!, tier));
  }

  /** A second came when it had been merged already: results that somebody keeps may be wrong now. */
  revise(): void {
    this.database
      .update(tierTable)
      .set({ revision: sql`${tierTable.revision} + 1` })
      .where(eq(tierTable.resolution, 1))
      .run();
  }

  save({ resolution, rolledTo, prunedTo }: Tier): void {
    this.database
      .update(tierTable)
      .set({ rolledTo, prunedTo })
      .where(eq(tierTable.resolution, resolution))
      .run();
  }
}
