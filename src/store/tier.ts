/**
 * The resolutions of the history. Each is merged exactly from the finer one before it; `rolledTo`
 * says how far, so that a crash resumes where it stopped and nothing is merged twice.
 */
import { eq } from "drizzle-orm";
import { tierTable } from "./schema.ts";
import type { History } from "./open.ts";

/** Seconds; each divides the next. */
export const resolutions = [1, 10, 60, 3600] as const;
export type Resolution = (typeof resolutions)[number];

export interface Tier {
  resolution: Resolution;
  rolledTo: number;
  prunedTo: number;
}

/** The state of all tiers as the file has it, finest first. */
export function tiersOf(database: History): Tier[] {
  const rows = database.select().from(tierTable).all();
  return resolutions.map((resolution) => {
    const row = rows.find((tier) => tier.resolution === resolution);
    return { resolution, rolledTo: row?.rolledTo ?? 0, prunedTo: row?.prunedTo ?? 0 };
  });
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

  save({ resolution, rolledTo, prunedTo }: Tier): void {
    this.database
      .update(tierTable)
      .set({ rolledTo, prunedTo })
      .where(eq(tierTable.resolution, resolution))
      .run();
  }
}
