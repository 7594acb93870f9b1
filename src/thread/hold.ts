/**
 * The operator's holds: kept in a file so that they survive a restart, and shown to the feed thread
 * through shared memory. Replaced in one step, so that half a list is never read.
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { EdgeError } from "../error.ts";
import { Host } from "../host/host.ts";

const heldSchema = z.strictObject({
  all: z.boolean(),
  symbols: z.array(z.string().regex(/^[\x21-\x7e]{1,16}$/)),
});
export type Held = z.infer<typeof heldSchema>;

export function heldPath(dataDirectory: string): string {
  return join(dataDirectory, "held.json");
}

/**
 * Nothing is held where there is no file; a file that cannot be understood is an EdgeError, and so is
 * one with more symbols than `symbolsMax`, for a run would hold only the first of them.
 */
export function readHeldFile(dataDirectory: string, symbolsMax = Infinity): Held {
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
  if (parsed.success) {
    const { length } = parsed.data.symbols;
    if (length <= symbolsMax) return parsed.data;
    throw new EdgeError(
      "HELD_FILE",
      `${path} holds ${length} symbols, and limit.heldSymbols allows ${symbolsMax}`,
      "Raise limit.heldSymbols; or release some (hftedge release SYMBOL), or hold everything.",
    );
  }
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
  const path = resolve(heldPath(dataDirectory));
  new Host().replaceFile(path, Buffer.from(`${JSON.stringify(held)}\n`), 0o600);
}

/** Why no run could hold the list; undefined when it can. */
export function heldRefusal({ symbols }: Held, symbolsMax: number): string | undefined {
  if (symbols.length <= symbolsMax) return undefined;
  return `${symbolsMax} symbols are on hold already; hold everything, or raise limit.heldSymbols`;
}

/** What was done, in words: also when it isn't what the operator may believe. */
export function describeHold(
  { all }: Held,
  symbol: string | null,
  hold: boolean,
  isKnown: (symbol: string) => boolean,
): string {
  const done = `${symbol ?? "everything"} is ${hold ? "on hold" : "released"}`;
  if (symbol === null) return done;
  if (!hold && all) return `${done} by name, but everything is on hold: hftedge release lifts that`;
  if (!hold || isKnown(symbol)) return done;
  return `${done}; no feed has brought a symbol of this name yet`;
}

/** The list after `symbol` (null: everything) is held or released. */
export function changeHeld(held: Held, symbol: string | null, hold: boolean): Held {
  if (symbol === null) return hold ? { ...held, all: true } : { all: false, symbols: [] };
  const others = held.symbols.filter((name) => name !== symbol);
  return { all: held.all, symbols: hold ? [...others, symbol].toSorted() : others };
}
