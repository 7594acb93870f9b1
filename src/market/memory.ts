/** What the market's capacities cost, for the line at the start that says so. */
import { BookSet } from "./book.ts";
import type { BookLimits } from "./book.ts";
import { StateCoder } from "./coder.ts";
import { FeatureSet } from "./feature.ts";
import { InstrumentTable } from "./instrument.ts";

/**
 * Bytes that the books of these feeds, features and states take; `feeds` has the limits of each
 * feed's books (a feed without order messages needs no orders).
 */
export function marketBytes(symbols: number, feeds: readonly BookLimits[]): number {
  const shared =
    InstrumentTable.bytes(symbols) + FeatureSet.bytes(symbols) + StateCoder.bytes(symbols);
  return feeds.reduce((sum, limits) => sum + BookSet.bytes(symbols, limits), shared);
}
