/** Small books for tests. */
import { BookSet, type BookLimits } from "../../src/market/book.ts";
import { InstrumentTable } from "../../src/market/instrument.ts";

export const smallLimits: BookLimits = { orders: 4096, levels: 16_384, levelsPerSide: 1024 };

/** Books of instruments "S0", "S1", …, all registered, prices in 1e-4 and a tick of 0.01. */
export function createBooks(instruments: number, limits: Partial<BookLimits> = {}): BookSet {
  const table = new InstrumentTable(instruments, [{ priceDecimals: 4, tickSize: 100 }]);
  const books = new BookSet(table, 0, { ...smallLimits, ...limits });
  const encoder = new TextEncoder();
  for (let i = 0; i < instruments; i++) {
    const symbol = encoder.encode(`S${i}`);
    books.instrument(symbol, 0, symbol.length);
  }
  return books;
}

export interface Level {
  price: number;
  size: number;
  orders: number;
}

/** A side's levels, best first. */
export function levelsOf(books: BookSet, instrument: number, side: number): Level[] {
  const out = new Float64Array(3);
  return Array.from({ length: books.levelCount(instrument, side) }, (_, depth) => {
    books.readLevel(instrument, side, depth, out);
    return { price: out[0]!, size: out[1]!, orders: out[2]! };
  });
}

export function touchedOf(books: BookSet): number[] {
  return [...books.touched.subarray(0, books.touchedCount)];
}
