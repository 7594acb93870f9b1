/** Names of stages and metrics ↔ the small numbers that rows carry. */
import { eq, sql } from "drizzle-orm";
import { nameTable } from "./schema.ts";
import type { History } from "./open.ts";

export class Names {
  private readonly ids = new Map<string, number>();
  private readonly select;
  private readonly insert;

  constructor(database: History) {
    const name = sql.placeholder("name");
    this.select = database
      .select({ id: nameTable.id })
      .from(nameTable)
      .where(eq(nameTable.name, name))
      .prepare();
    this.insert = database
      .insert(nameTable)
      .values({ name })
      .returning({ id: nameTable.id })
      .prepare();
  }

  /** The name's number, given on first use. */
  idOf(name: string): number {
    const known = this.ids.get(name) ?? this.select.get({ name })?.id;
    const id = known ?? this.insert.get({ name }).id;
    this.ids.set(name, id);
    return id;
  }

  /** To be called when a transaction was rolled back: numbers given in it do not exist. */
  forget(): void {
    this.ids.clear();
  }
}
