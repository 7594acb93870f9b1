/**
 * The queries behind a dashboard, over a history as a month of running leaves it: 24 h of 1 s rows,
 * 7 days of 10 s rows, 90 days of 1 min rows and 1 h rows beyond, for every stage.
 *
 * Prints p50 and p99 of each query in ms. `bun bench/store.bench.ts [repetitions]`.
 */
import { day, fillHistory } from "./history.ts";
import { figure } from "./report.ts";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HistoryReader } from "../src/store/query.ts";
import { components } from "../src/telemetry/stage.ts";
import { atOnce } from "../src/store/turn.ts";

const repetitions = Number(Bun.argv[2] ?? "100");
const nowS = 1_700_000_000 - (1_700_000_000 % 3600);
const folder = mkdtempSync(join(tmpdir(), "hftedge-bench-"));
const path = join(folder, "history.db");

const begun = performance.now();
const rows = fillHistory(path, nowS);
console.log(
  `${rows.toLocaleString("en")} rows, ${Math.round(statSync(path).size / 1e6)} MB, ` +
    `filled in ${Math.round((performance.now() - begun) / 1000)} s`,
);

const reader = new HistoryReader(path);
const percents = [50, 95, 99, 99.9];
const one = ["data_ingestion"];
const all = [...components];
const series = (hours: number, stepS: number, names: string[]) => () =>
  atOnce(
    reader.latency.series(
      { fromS: nowS - hours * 3600, toS: nowS, stepS, stages: names },
      percents,
    ),
  ).steps;
const queries: [string, () => unknown][] = [
  ["15 min at 900 points, one stage", series(0.25, 1, one)],
  ["15 min at 900 points, five components", series(0.25, 1, all)],
  ["24 h at 1,440 points, one stage", series(24, 60, one)],
  ["24 h at 1,440 points, five components", series(24, 60, all)],
  ["24 h at 8,640 points, one stage", series(24, 10, one)],
  ["7 d at 1,008 points, five components", series(168, 600, all)],
  ["90 d at 2,160 points, five components", series(90 * 24, 3600, all)],
  [
    "summary of 24 h, five components",
    () => atOnce(reader.latency.summary(nowS - day + 7, nowS - 3, all)),
  ],
  [
    "heat map of 24 h, 288 steps, 4 bands a doubling",
    () => atOnce(reader.heatmap({ fromS: nowS - day, toS: nowS, stepS: 300 }, "data_ingestion", 4)),
  ],
];
for (const [name, query] of queries) {
  for (let i = 0; i < 5; i++) query();
  const times = Array.from({ length: repetitions }, () => {
    const start = performance.now();
    query();
    return performance.now() - start;
  }).toSorted((a, b) => a - b);
  const at = (share: number) =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))]!.toFixed(2);
  figure(import.meta.path, `${name}, p50`, Number(at(0.5)), "ms");
  figure(import.meta.path, `${name}, p99`, Number(at(0.99)), "ms");
  console.log(`${name}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`);
}
reader.close();
rmSync(folder, { recursive: true });
