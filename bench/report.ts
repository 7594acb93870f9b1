/**
 * What a benchmark says, kept for a report: one figure a line of JSON in the file that
 * HFTEDGE_BENCH_OUT names. Without it a benchmark only prints, as it always does.
 */
import { appendFileSync } from "node:fs";
import { basename } from "node:path";
import { run } from "mitata";

export interface Figure {
  /** The benchmark's file, without its endings. */
  bench: string;
  name: string;
  value: number;
  /** Smaller is better for "ns", "us", "ms", "bytes", "collections"; larger for "/s". */
  unit: string;
}

export function figure(path: string, name: string, value: number, unit: string): void {
  const out = process.env["HFTEDGE_BENCH_OUT"];
  if (out === undefined) return;
  const bench = basename(path).replace(/(\.bench)?\.ts$/, "");
  appendFileSync(out, `${JSON.stringify({ bench, name, value, unit } satisfies Figure)}\n`);
}

/** Runs what mitata has been given, prints it, and keeps the median of each. */
export async function runBenches(path: string): Promise<Awaited<ReturnType<typeof run>>> {
  const result = await run({ throw: true });
  for (const { runs } of result.benchmarks) {
    for (const { name, stats } of runs) {
      if (stats !== undefined) figure(path, name, stats.p50, "ns");
    }
  }
  return result;
}
