/**
 * The operator's holds: kept in a file so that they survive a restart, and shown to the feed thread
 * through shared memory. Written whole and renamed, so that half a list is never read.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { EdgeError } from "../error.ts";

const heldSchema = z.strictObject({
  all: z.boolean(),
  symbols: z.array(z.string().regex(/^[\x21-\x7e]{1,16}$/)),
});
export type Held = z.infer<typeof heldSchema>;

export function heldPath(dataDirectory: string): string {
  return join(dataDirectory, "held.json");
}

/** Nothing is held where there is no file; a file that cannot be understood is an EdgeError. */
export function readHeldFile(dataDirectory: string): Held {
  const path = heldPath(dataDirectory);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { all: false, symbols: [] };
    throw new EdgeError(
      "HELD_FILE",
      `${path} cannot be read: ${(error as Error).message}`,
      "Mend its permissions; nothing starts while it is unknown what is held.",
      error,
    );
  }
  const parsed = heldSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new EdgeError(
    "HELD_FILE",
    `${path} is not a list of held symbols`,
    `Mend it or remove it; nothing starts while it is unknown what is held. Its form: {"all":false,"symbols":["AAPL"]}`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function writeHeldFile(dataDirectory: string, held: Held): void {
  const path = heldPath(dataDirectory);
  const draft = `${path}.new`;
  const file = openSync(draft, "w", 0o600);
  try {
    writeSync(file, `${JSON.stringify(held)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
}

/** The list after `symbol` (null: everything) is held or released. */
export function changeHeld(held: Held, symbol: string | null, hold: boolean): Held {
  if (symbol === null) return hold ? { ...held, all: true } : { all: false, symbols: [] };
  const others = held.symbols.filter((name) => name !== symbol);
  return { all: held.all, symbols: hold ? [...others, symbol].toSorted() : others };
}
