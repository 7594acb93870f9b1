/**
 * The process that crash.test.ts kills: writes a second of history as fast as it can, over and
 * over, with housekeeping between, and says on stdout what it has been promised to find again.
 */
import { emptyBatch } from "../../src/store/batch.ts";
import { epochS, histogramOf, item, newRun, openStore, optionsFor } from "./fixture.ts";

const [path, key, first] = Bun.argv.slice(2) as [string, string, string];
const retention = {
  ...optionsFor("").retention,
  tierS: { 1: 1200, 10: 2400, 60: 7200, 600: 14_400, 3600: 864_000 },
};
const store = openStore(path, { retention }, newRun(key, (epochS + Number(first)) * 1000));
const values = Array.from({ length: 50 }, (_, i) => 1000 + i * i * 37);
const histogram = histogramOf(values);

for (let s = Number(first); ; s++) {
  const startS = epochS + s;
  const batch = emptyBatch(startS);
  for (const stage of ["data_ingestion", "cache_access", "total_pipeline.cached"]) {
    batch.latency.push(item(stage, histogram));
  }
  batch.metrics.push({ metric: "hftedge_evaluations_total", value: 1 });
  const times = { openedMs: startS * 1000, lastMs: startS * 1000, resolvedMs: null };
  const what = { rule: "gap", subject: String(s), severity: "critical", summary: "" } as const;
  batch.alerts.push({ id: s + 1, ...what, ...times, limit: 0, unit: "", count: 1, worst: 1 });
  store.commit(batch, startS * 1000);
  // Announced only now: an alert that anybody heard of is in the file.
  process.stdout.write(`${s}\n`);
  store.maintain((startS + 1) * 1000);
}
