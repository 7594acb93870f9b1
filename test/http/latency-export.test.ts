/** What is exported of a range, held against what was stored. */
import { expect, setDefaultTimeout, test } from "bun:test";
import { exportPieces } from "../../src/http/latency-export.ts";
import { HistoryReader } from "../../src/store/query.ts";
import { epochS, Folder, latencyBatch, openStore, optionsFor } from "../store/fixture.ts";

setDefaultTimeout(60_000);

interface Line {
  atMs: number;
  count: number;
}

test("a row that is coarser than the pieces of an export is in one of them", () => {
  using folder = new Folder();
  const day = 86_400;
  const tierS = { 1: 600, 10: 600, 60: 600, 600: 7200, 3600: 30 * day };
  const store = openStore(folder.file, { retention: { ...optionsFor("").retention, tierS } });
  const secondsS = 5 * 3600;
  let stored = 0;
  for (let s = 0; s < secondsS; s += 5) {
    store.commit(latencyBatch(epochS + s, "cache_access", [1000, 2000]), (epochS + s) * 1000);
    store.maintain((epochS + s) * 1000);
    stored += 2;
  }
  const reader = new HistoryReader(folder.file);
  // In the middle of an hour of which only the whole is left: that hour counts with its first step.
  for (const [fromS, before] of [
    [epochS, 0],
    [epochS + 1234, 0],
    [epochS + 3600 + 77, 3600],
  ] as const) {
    const range = { fromS, toS: epochS + secondsS };
    const pieces = exportPieces(() => reader.latency, range, 1, ["cache_access"], "ndjson");
    const lines = [...pieces]
      .join("")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Line);
    const times = lines.map(({ atMs }) => atMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(lines.reduce((sum, { count }) => sum + count, 0)).toBe(stored - (before / 5) * 2);
  }
  reader.close();
  store.close((epochS + secondsS) * 1000);
});
