/**
 * Two reports of bench/run.ts beside each other: `bun bench/compare.ts BEFORE.json AFTER.json`. A
 * change counts only when the rounds do not overlap and the medians differ by more than 5 %: on a
 * shared machine anything less is noise. Both need at least three rounds, best taken in turns. Exits
 * with 1 when something became worse.
 */
import { readFileSync } from "node:fs";
import { median } from "./machine.ts";
import type { Report } from "./run.ts";
import type { Figure } from "./report.ts";

const [beforePath, afterPath] = process.argv.slice(2);
if (beforePath === undefined || afterPath === undefined) {
  throw new Error("usage: bun bench/compare.ts BEFORE.json AFTER.json");
}
const least = 0.05;
const roundsLeast = 3;

function read(path: string): Report {
  return JSON.parse(readFileSync(path, "utf8")) as Report;
}

function rounds(report: Report, { bench, name }: Figure): number[] {
  return report.rounds.flatMap((figures) =>
    figures.filter((f) => f.bench === bench && f.name === name).map(({ value }) => value),
  );
}

const before = read(beforePath);
const after = read(afterPath);
if (before.rounds.length < roundsLeast || after.rounds.length < roundsLeast) {
  throw new Error(`each report needs ${roundsLeast} rounds: bun run bench --rounds ${roundsLeast}`);
}
let worse = 0;
for (const figure of before.rounds[0] ?? []) {
  const old = rounds(before, figure);
  const now = rounds(after, figure);
  if (now.length === 0) {
    console.log(`gone      ${figure.bench}: ${figure.name}`);
    continue;
  }
  const change = median(now) / median(old) - 1;
  const apart = Math.min(...now) > Math.max(...old) || Math.max(...now) < Math.min(...old);
  const larger = figure.unit.endsWith("/s");
  const isWorse = larger ? change < 0 : change > 0;
  const counts = apart && Math.abs(change) > least;
  if (counts && isWorse) worse++;
  const verdict = counts ? (isWorse ? "WORSE" : "better") : "same";
  const percent = `${change > 0 ? "+" : ""}${(change * 100).toFixed(1)} %`;
  console.log(`${verdict.padEnd(8)} ${percent.padStart(9)}  ${figure.bench}: ${figure.name}`);
}
process.exitCode = worse > 0 ? 1 : 0;
