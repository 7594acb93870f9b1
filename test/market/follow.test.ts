/** Other symbols are followed while the table is in use. */
import { describe, expect, test } from "bun:test";
import { InstrumentTable } from "../../src/market/instrument.ts";
import { random } from "../support/random.ts";
import { scaled, testSeed } from "../support/scale.ts";

const all = { priceDecimals: 4, tickSize: 100 };
const encoder = new TextEncoder();

function look(table: InstrumentTable, symbol: string, feed = 0): number {
  const bytes = encoder.encode(symbol);
  return table.lookup(feed, bytes, 0, bytes.length);
}

function wanted(table: InstrumentTable, ...symbols: string[]): Uint8Array {
  const list = new Uint8Array(table.capacity);
  for (const symbol of symbols) list[table.enlist(0, symbol)] = 1;
  return list;
}

describe("a list of symbols", () => {
  test("enlistedIsNotFollowedYet, and keeps its number afterwards", () => {
    const table = new InstrumentTable(8, [{ ...all, symbols: ["AAPL"] }]);
    const list = wanted(table, "MSFT");
    expect(look(table, "MSFT")).toBe(-1);
    expect(look(table, "AAPL")).toBe(0);
    table.follow(0, list);
    expect([look(table, "MSFT"), look(table, "AAPL"), look(table, "IBM")]).toEqual([1, -1, -1]);
    expect([...table.dormant.subarray(0, 2)]).toEqual([1, 0]);
    table.follow(0, wanted(table, "AAPL", "MSFT"));
    expect([look(table, "AAPL"), look(table, "MSFT")]).toEqual([0, 1]);
    expect(table.count).toBe(2);
  });

  test("allAreFollowedAgain, new ones too", () => {
    const table = new InstrumentTable(8, [{ ...all, symbols: ["A"] }]);
    table.follow(0, wanted(table, "B"));
    table.follow(0, undefined);
    expect(["A", "B", "C"].map((symbol) => look(table, symbol))).toEqual([0, 1, 2]);
  });

  test("theListOfOneFeedIsNotThatOfAnother", () => {
    const table = new InstrumentTable(8, [all, all]);
    expect([look(table, "A", 0), look(table, "A", 1)]).toEqual([0, 1]);
    table.follow(0, wanted(table, "B"));
    expect([look(table, "A", 0), look(table, "A", 1), look(table, "C", 1)]).toEqual([-1, 1, 3]);
  });

  test("whatDoesNotFitIsRefused, and what was followed goes on", () => {
    const table = new InstrumentTable(2, [{ ...all, symbols: ["A"] }]);
    expect([table.enlist(0, "B"), table.enlist(0, "C"), table.enlist(0, "A")]).toEqual([1, -1, 0]);
    expect([look(table, "A"), look(table, "B")]).toEqual([0, -1]);
    expect(table.full).toBe(0);
  });

  test("knownInstrumentsComeFirst, whatever the lists say", () => {
    const known = [
      { feed: 0, symbol: "OLD" },
      { feed: 0, symbol: "BRK A" },
    ];
    const table = new InstrumentTable(8, [{ ...all, symbols: ["NEW", "OLD"] }], known);
    expect([0, 1, 2].map((i) => table.symbol(i))).toEqual(["OLD", "BRK A", "NEW"]);
    expect([...table.dormant.subarray(0, 3)]).toEqual([0, 1, 0]);
  });

  test("anyOrderOfListsAndLookUpsAgreesWithASet", () => {
    const { int } = random(testSeed("follow"));
    const names = Array.from({ length: 60 }, (_, i) => `S${i * 7919}`);
    const table = new InstrumentTable(64, [all]);
    const numbers = new Map<string, number>();
    let followed: Set<string> | undefined;
    for (let turn = 0; turn < scaled(3000); turn++) {
      if (int(20) === 0) {
        const some = names.filter(() => int(3) === 0);
        followed = int(4) === 0 ? undefined : new Set(some);
        table.follow(0, followed === undefined ? undefined : wanted(table, ...some));
        for (const name of followed ?? []) numbers.set(name, table.enlist(0, name));
      }
      const name = names[int(names.length)]!;
      const index = look(table, name);
      if (followed?.has(name) ?? true) {
        expect(index).toBe(numbers.get(name) ?? table.count - 1);
        expect(table.symbol(index)).toBe(name);
        numbers.set(name, index);
      } else expect(index).toBe(-1);
    }
  });
});
