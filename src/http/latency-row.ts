/** A latency answer as flat rows: what tables, CSV and data sources of other tools want. */
import type { LatencyAnswer, LatencySeries } from "../store/latency-query.ts";
import type { Turns } from "../store/turn.ts";
import { percentileField } from "./percentile.ts";

const rowColumns = [
  "time",
  "atMs",
  "stage",
  "count",
  "errors",
  "successRate",
  "breaches",
  "minNs",
  "meanNs",
  "maxNs",
] as const;

/** Rows written between two chances to be interrupted. */
const rowsAtOnce = 512;

/**
 * Steps in which anything was measured or failed, stage by stage, as JSON objects each of which ends
 * in `end`. Written by hand: the fields are known, and all but two are numbers.
 */
export function* jsonRows(
  answer: LatencyAnswer,
  percents: readonly number[],
  end: "," | "\n",
): Turns<string> {
  const fields = percents.map((percent) => `,"${percentileField(percent)}":`);
  let text = "";
  let written = 0;
  for (const series of answer.series) {
    const stage = `,"stage":${JSON.stringify(series.stage)},"count":`;
    for (const i of stepsOf(series)) {
      const atMs = (answer.fromS + i * answer.stepS) * 1000;
      const rate = successRate(series, i);
      let row = `{"time":"${new Date(atMs).toISOString()}","atMs":${atMs}${stage}${series.count[i]}`;
      row += `,"errors":${series.errors[i]},"successRate":${rate},"breaches":${series.breaches[i]}`;
      row += `,"minNs":${known(series.minNs[i]!)},"meanNs":${known(series.meanNs[i]!)}`;
      row += `,"maxNs":${known(series.maxNs[i]!)}`;
      for (let p = 0; p < fields.length; p++) {
        row += fields[p]! + known(series.percentilesNs[p]![i]!);
      }
      text += `${row}}${end}`;
      if (++written % rowsAtOnce === 0) yield;
    }
  }
  return text;
}

/** The same as CSV with a heading: stage names need no quotes, and nothing is a formula. */
export function* csvRows(answer: LatencyAnswer, percents: readonly number[]): Turns<string> {
  let text = `${[...rowColumns, ...percents.map(percentileField)].join(",")}\r\n`;
  let written = 0;
  for (const series of answer.series) {
    const { count, errors, breaches, minNs, meanNs, maxNs, percentilesNs } = series;
    for (const i of stepsOf(series)) {
      const atMs = (answer.fromS + i * answer.stepS) * 1000;
      text += `${new Date(atMs).toISOString()},${atMs},${series.stage},${count[i]},${errors[i]}`;
      text += `,${successRate(series, i) ?? ""},${breaches[i]}`;
      for (const values of [minNs, meanNs, maxNs, ...percentilesNs]) {
        text += `,${known(values[i]!) ?? ""}`;
      }
      text += "\r\n";
      if (++written % rowsAtOnce === 0) yield;
    }
  }
  return text;
}

function* stepsOf({ count, errors }: LatencySeries): Generator<number> {
  for (let i = 0; i < count.length; i++) if (count[i]! + errors[i]! > 0) yield i;
}

export function successRate({ count, errors, untimed }: LatencySeries, i: number): number | null {
  const attempts = count[i]! + untimed[i]!;
  return attempts === 0 ? null : Math.max(0, attempts - errors[i]!) / attempts;
}

export function known(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
