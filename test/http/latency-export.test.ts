/** An export of all that is stored: every row of the file once, however old, and no work for nothing. */
import { describe, expect, test } from "bun:test";
import { exportPieces } from "../../src/http/latency-export.ts";
import { HistoryReader } from "../../src/store/query.ts";
import { atOnce } from "../../src/store/turn.ts";
import { epochS, Folder, latencyBatch, openStore, optionsFor } from "../store/fixture.ts";

const stage = "cache_access";
const day = 86_400;

/** Two hours with a value every second, and none of the seconds, tens and minutes left of them. */
function oldHours(path: string): void {
  const tierS = { 1: 60, 10: 120, 60: 3600, 600: 7200, 3600: 1000 * day };
  const store = openStore(path, { retention: { ...optionsFor(path).retention, tierS } });
  for (let s = 0; s < 7200; s++) store.commit(latencyBatch(epochS + s, stage, [1000 + s]), 0);
  const laterS = epochS + 30 * day;
  store.commit(latencyBatch(laterS, stage, [5000]), 0);
  for (let i = 0; i < 50; i++) store.maintain((laterS + 120 + i) * 1000);
  store.close(laterS * 1000);
}

interface Exported {
  atMs: number;
  count: number;
}

function exported(reader: HistoryReader, fromS: number, toS: number, stepS: number) {
  const range = { fromS, toS };
  const pieces = [...exportPieces(() => reader.latency, range, stepS, [stage], "ndjson")];
  const lines = pieces.join("").split("\n").slice(0, -1);
  return { turns: pieces.length, rows: lines.map((line) => JSON.parse(line) as Exported) };
}

function countOf(rows: readonly Exported[]): number {
  return rows.reduce((sum, { count }) => sum + count, 0);
}

describe("an export", () => {
  test.each([1, 7, 60, 3600, 7000])(
    "in steps of %d s has each old value once, though only hours of them are left",
    (stepS) => {
      using folder = new Folder();
      oldHours(folder.file);
      const reader = new HistoryReader(folder.file);
      const toS = epochS + 10_000;
      // Begun in the middle of an hour, whose row is all that there is of it.
      for (const fromS of [epochS - 17, epochS + 1234]) {
        const { rows } = exported(reader, fromS, toS, stepS);
        const series = atOnce(reader.latency.series({ fromS, toS, stepS, stages: [stage] }, []));
        expect(countOf(rows)).toBe(7200);
        expect(countOf(rows)).toBe(series.series[0]!.count.reduce((sum, count) => sum + count, 0));
        expect(rows.map(({ atMs }) => atMs)).toEqual(
          [...series.series[0]!.count].flatMap((count, i) =>
            count === 0 ? [] : [(series.fromS + i * stepS) * 1000],
          ),
        );
      }
      reader.close();
    },
  );

  test("from 1970 to 2106 does not look at every hour between", () => {
    using folder = new Folder();
    oldHours(folder.file);
    const reader = new HistoryReader(folder.file);
    const { turns, rows } = exported(reader, 0, 2 ** 32 - 1, 1);
    expect(countOf(rows)).toBe(7201);
    expect(turns).toBeLessThan(50);
    reader.close();
  });

  test("of a long range is read in turns, each of a few hundred rows", () => {
    using folder = new Folder();
    const store = openStore(folder.file);
    for (let s = 0; s < 3000; s++) store.commit(latencyBatch(epochS + s, stage, [1000]), 0);
    const reader = new HistoryReader(folder.file);
    const range = { fromS: epochS, toS: epochS + 3000 };
    const lines = [...exportPieces(() => reader.latency, range, 1, [stage], "ndjson")].map(
      (text) => text.split("\n").length - 1,
    );
    expect(lines.reduce((sum, count) => sum + count, 0)).toBe(3000);
    expect(Math.max(...lines)).toBeLessThanOrEqual(256);
    reader.close();
    store.close(0);
  });
});
