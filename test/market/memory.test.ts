import { expect, test } from "bun:test";
import { limitSection } from "../../src/config/section/limit.ts";
import { BookSet } from "../../src/market/book.ts";
import { StateCoder } from "../../src/market/coder.ts";
import { FeatureSet } from "../../src/market/feature.ts";
import { InstrumentTable } from "../../src/market/instrument.ts";
import { marketBytes } from "../../src/market/memory.ts";
import { StateSpace } from "../../src/market/state.ts";

/** Bytes of every buffer that an object holds, at any depth, each once. */
function bytesOf(root: object): number {
  const buffers = new Set<ArrayBufferLike>();
  const seen = new Set<object>();
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null || seen.has(value)) return;
    seen.add(value);
    if (ArrayBuffer.isView(value)) buffers.add(value.buffer);
    else for (const child of Object.values(value)) visit(child);
  };
  visit(root);
  return [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0);
}

test("the bytes that are promised are the bytes that are allocated", () => {
  const symbols = 700;
  const limits = { orders: 5000, levels: 10_000, levelsPerSide: 256 };
  const windows = { momentumNs: 1e9, flowNs: 1e9, volatilityNs: 1e9 };
  const table = new InstrumentTable(symbols, [{ priceDecimals: 4, tickSize: 100 }]);
  const space = new StateSpace({
    preset: "microstructure",
    windows,
    instruments: symbols,
    denseStates: 1e6,
  });
  const market = {
    books: new BookSet(table, 0, limits),
    features: new FeatureSet(symbols, windows),
    coder: new StateCoder(space, symbols),
  };
  const promised = marketBytes(symbols, [limits]);
  expect(Math.abs(bytesOf(market) / promised - 1)).toBeLessThan(0.01);
});

test("the default capacities take less than the memory limit leaves for them", () => {
  const { symbols, orders, levels, levelsPerSide } = limitSection.parse({});
  const bytes = marketBytes(symbols, [{ orders, levels, levelsPerSide }]);
  expect(bytes).toBeGreaterThan(128 * 2 ** 20);
  expect(bytes).toBeLessThan(256 * 2 ** 20);
});
