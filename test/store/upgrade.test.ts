/** A file of the first version, with four resolutions, in the hands of this one. */
import { Database } from "bun:sqlite";
import { expect, setDefaultTimeout, test } from "bun:test";
import { migrate } from "../../src/store/migrate.ts";
import { migrations } from "../../src/store/migration.ts";
import { HistoryReader } from "../../src/store/query.ts";
import type { Store } from "../../src/store/store.ts";
import { encode } from "../../src/telemetry/codec.ts";
import { epochS, Folder, histogramOf, openStore, randomFrom, seedOf } from "./fixture.ts";
import { latencies } from "../telemetry/sample.ts";
import { atOnce } from "../../src/store/turn.ts";

setDefaultTimeout(60_000);

const stage = "cache_access";
const minutes = 600;
/** Minutes before it were deleted: only their hours are left. */
const prunedTo = epochS + 2 * 3600;
const endS = epochS + minutes * 60;

/** As the first version wrote it: two bits of tier, 19 of the stage. */
function oldKey(tier: number, startS: number): number {
  return (tier * 2 ** 19 + 1) * 2 ** 32 + startS;
}

/** Ten hours, whose minutes and hours are there; returns the values of each minute. */
function writeFirstVersion(path: string): number[][] {
  const random = randomFrom(seedOf("upgrade"));
  const database = new Database(path, { create: true });
  migrate(database, migrations.slice(0, 1));
  database.run("INSERT INTO name VALUES (1, ?)", [stage]);
  for (const [resolution, pruned] of [
    [1, endS],
    [10, endS],
    [60, prunedTo],
    [3600, 0],
  ] as const) {
    database.run("INSERT INTO tier VALUES (?, ?, ?)", [resolution, endS, pruned]);
  }
  const insert = database.prepare("INSERT INTO latency VALUES (?,?,0,0,0,?,?,?,?)");
  const add = (key: number, values: number[]): void => {
    const histogram = histogramOf(values);
    const { count, minNs, maxNs, sumNs } = histogram;
    insert.run(key, count, minNs, maxNs, sumNs, encode(histogram));
  };
  const truth = Array.from({ length: minutes }, () => latencies(random, 5, 1e9));
  truth.forEach((values, i) => {
    const startS = epochS + i * 60;
    if (startS >= prunedTo) add(oldKey(2, startS), values);
    if (i % 60 === 0) add(oldKey(3, startS), truth.slice(i, i + 60).flat());
  });
  database.close();
  return truth;
}

function expectTruth(path: string, truth: number[][], stepS: number, resolution: number): void {
  const reader = new HistoryReader(path);
  const range = { fromS: prunedTo, toS: endS, stepS, stages: [stage] };
  const answer = atOnce(reader.latency.series(range, [50, 99]));
  expect(answer.spans).toEqual([{ resolution, from: prunedTo, to: endS } as never]);
  for (let i = 0; i < answer.steps; i++) {
    const first = (prunedTo - epochS) / 60 + (i * stepS) / 60;
    const expected = histogramOf(truth.slice(first, first + stepS / 60).flat());
    expect(answer.series[0]!.count[i]).toBe(expected.count);
    expect(answer.series[0]!.percentilesNs[1]![i]).toBe(expected.percentile(99));
  }
  // What only hours remember is still found, at a step that an hour is too coarse for as well.
  const whole = atOnce(reader.latency.series({ ...range, fromS: epochS }, []));
  const total = whole.series[0]!.count.reduce((sum, count) => sum + count, 0);
  expect(total).toBe(truth.flat().length);
  reader.close();
}

function catchUp(store: Store): void {
  for (let i = 0; i < 1000; i++) if (store.maintain(endS * 1000).rolled === 0) return;
  throw new Error("the roll-up does not come to an end");
}

test("is read as it is by a command that may not change it", () => {
  using folder = new Folder();
  const truth = writeFirstVersion(folder.file);
  expectTruth(folder.file, truth, 600, 60);
  expectTruth(folder.file, truth, 60, 60);
});

test("keeps its rows, and gets its ten minutes from the minutes it still has", () => {
  using folder = new Folder();
  const truth = writeFirstVersion(folder.file);
  const store = openStore(folder.file);
  expectTruth(folder.file, truth, 600, 60);
  catchUp(store);
  expectTruth(folder.file, truth, 600, 600);
  expectTruth(folder.file, truth, 60, 60);
  expectTruth(folder.file, truth, 3600, 3600);
  store.close(endS * 1000);
  const database = new Database(folder.file, { readonly: true });
  const rows = database
    .query("SELECT resolution, name, count(*) AS rows FROM latency_row GROUP BY resolution")
    .all();
  expect(rows).toEqual([
    { resolution: 60, name: stage, rows: minutes - 120 },
    { resolution: 600, name: stage, rows: (minutes - 120) / 10 },
    { resolution: 3600, name: stage, rows: minutes / 60 },
  ]);
  database.close();
});
