import { describe, expect, test } from "bun:test";
import { InstrumentTable } from "../../src/market/instrument.ts";
import { random } from "../support/random.ts";
import { testSeed } from "../support/scale.ts";

const all = { priceDecimals: 4, tickSize: 100 };
const encoder = new TextEncoder();

function look(table: InstrumentTable, symbol: string, feed = 0): number {
  const bytes = encoder.encode(`..${symbol}..`);
  return table.lookup(feed, bytes, 2, bytes.length - 4);
}

describe("the instrument table", () => {
  test("gives each symbol one index, padded or not", () => {
    const table = new InstrumentTable(8, [all]);
    expect(look(table, "AAPL    ")).toBe(0);
    expect(look(table, "MSFT")).toBe(1);
    expect(look(table, "AAPL")).toBe(0);
    expect(look(table, "AAPL\0\0\0\0")).toBe(0);
    expect(look(table, "AAP")).toBe(2);
    expect(look(table, "BRK A")).toBe(3);
    expect([0, 1, 2, 3].map((i) => table.symbol(i))).toEqual(["AAPL", "MSFT", "AAP", "BRK A"]);
  });

  test("keeps the same symbol of two feeds apart", () => {
    const table = new InstrumentTable(8, [all, { priceDecimals: 2, tickSize: 5 }]);
    expect(look(table, "AAPL", 0)).toBe(0);
    expect(look(table, "AAPL", 1)).toBe(1);
    expect([...table.feed.subarray(0, 2)]).toEqual([0, 1]);
    expect([...table.tickSize.subarray(0, 2)]).toEqual([100, 5]);
    expect([...table.priceScale.subarray(0, 2)]).toEqual([10_000, 100]);
    expect(table.find(1, "AAPL")).toBe(1);
    expect(table.find(1, "MSFT")).toBe(-1);
  });

  test("follows only the symbols that a feed names, in their order", () => {
    const feed = { ...all, symbols: ["MSFT", "AAPL"], tickSizes: { AAPL: 1 } };
    const table = new InstrumentTable(8, [feed]);
    expect(table.count).toBe(2);
    expect(look(table, "AAPL")).toBe(1);
    expect(look(table, "IBM")).toBe(-1);
    expect(look(table, "IBM")).toBe(-1);
    expect(table.filtered).toBe(2);
    expect([...table.tickSize.subarray(0, 2)]).toEqual([100, 1]);
  });

  test("counts what is no symbol, and what comes when it is full", () => {
    const table = new InstrumentTable(1, [all]);
    for (const bad of ["", "    ", "\0\0", "A\tB", "\u00e4", "ABCDEFGHIJKLMNOPQ"]) {
      expect(look(table, bad)).toBe(-1);
    }
    expect(table.bad).toBe(6);
    expect(look(table, "ABCDEFGHIJKLMNOP")).toBe(0);
    expect(table.symbol(0)).toBe("ABCDEFGHIJKLMNOP");
    expect(look(table, "B")).toBe(-1);
    expect(look(table, "ABCDEFGHIJKLMNOP")).toBe(0);
    expect([table.full, table.filtered]).toEqual([1, 0]);
  });

  test("finds every one of thousands of symbols again", () => {
    const { int } = random(testSeed("symbols"));
    const table = new InstrumentTable(12_000, [all]);
    const model = new Map<string, number>();
    for (let i = 0; i < 30_000; i++) {
      const length = 1 + int(int(2) === 0 ? 4 : 16);
      let symbol = "";
      for (let j = 0; j < length; j++) symbol += String.fromCharCode(0x41 + int(26));
      const known = model.get(symbol);
      const index = look(table, symbol);
      if (known !== undefined) expect(index).toBe(known);
      else if (model.size < 12_000) {
        expect(index).toBe(model.size);
        expect(table.symbol(index)).toBe(symbol);
        model.set(symbol, index);
      } else expect(index).toBe(-1);
    }
  });
});
