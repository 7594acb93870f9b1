/**
 * What the feed notices of people who look at the history: `bun bench/e2e/query-load.ts [--rate 2000]
 * [--queries 50] [--seconds 6] [--rounds 3]`. Tick to signal, open loop, on a history of 5.6 million
 * rows, with and without that many dashboard queries a second, in turns. Quotes the median of the
 * rounds' own ratios.
 */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fillHistory } from "../history.ts";
import { headLine, median, reportHead } from "../machine.ts";
import type { LoadResult } from "./load.ts";
import { edgeOnHistory, lines, type Subject } from "./subject.ts";

const { values } = parseArgs({
  options: {
    rate: { type: "string", default: "2000" },
    queries: { type: "string", default: "50" },
    seconds: { type: "string", default: "6" },
    warmup: { type: "string", default: "2" },
    rounds: { type: "string", default: "3" },
  },
});

const folder = mkdtempSync(join(tmpdir(), "hftedge-bench-"));
const history = join(folder, "history.db");
const hourMs = 3_600_000;
const rows = fillHistory(history, (Math.floor(Date.now() / hourMs) * hourMs) / 1000);
const contender = edgeOnHistory((directory) => {
  copyFileSync(history, join(directory, "history.db"));
});

/** What a dashboard asks: series of a day and of a quarter of an hour, a summary, a heat map. */
const paths = [
  "latency?from=-24h&step=60s&stage=total_pipeline&percentiles=50,95,99,99.9",
  "latency?from=-15m&step=1s&stage=data_ingestion&percentiles=50,99",
  "latency/summary?from=-24h",
  "latency/heatmap?from=-24h&step=300s&stage=total_pipeline",
  "alerts",
  "signals?limit=100",
];

/** Asks at its intended times, whatever has been answered, until it is stopped. */
function ask(base: string, perSecond: number): { stop(): Promise<number[]> } {
  const times: number[] = [];
  const waiting = new Set<Promise<void>>();
  let asked = 0;
  const startMs = performance.now();
  const timer = setInterval(() => {
    while ((performance.now() - startMs) / 1000 > asked / perSecond) {
      const path = paths[asked++ % paths.length]!;
      const sentMs = performance.now();
      const one = fetch(`${base}/api/v1/${path}`)
        .then(async (reply) => {
          if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`);
          await reply.arrayBuffer();
          times.push(performance.now() - sentMs);
        })
        .finally(() => waiting.delete(one));
      waiting.add(one);
    }
  }, 1);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(waiting);
      return times;
    },
  };
}

async function measure(queries: number): Promise<{ load: LoadResult; queryMs: number[] }> {
  const args = [contender.workload, contender.answer, values.rate, values.seconds, values.warmup];
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "load.ts"), ...args], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const output = lines(child.stdout);
  const subject: Subject = await contender.start(Number((await output.next()).value));
  child.stdin.write(String(subject.port));
  await child.stdin.end();
  const asking = queries > 0 ? ask(new URL(subject.http!).origin, queries) : undefined;
  const load = JSON.parse((await output.next()).value as string) as LoadResult;
  const queryMs = (await asking?.stop()) ?? [];
  await child.exited;
  await subject.stop();
  return { load, queryMs };
}

const ratios: { p50: number; p99: number }[] = [];
const queryMs: number[] = [];
console.log(headLine(await reportHead()));
console.log(`${rows.toLocaleString("en")} rows of history, ${values.rate} datagrams/s`);
for (let round = 0; round < Number(values.rounds); round++) {
  const quiet = await measure(0);
  const busy = await measure(Number(values.queries));
  queryMs.push(...busy.queryMs);
  ratios.push({
    p50: busy.load.p50Us / quiet.load.p50Us,
    p99: busy.load.p99Us / quiet.load.p99Us,
  });
  console.log(
    `p50 ${quiet.load.p50Us.toFixed(1)} → ${busy.load.p50Us.toFixed(1)} µs, ` +
      `p99 ${quiet.load.p99Us.toFixed(1)} → ${busy.load.p99Us.toFixed(1)} µs, ` +
      `lost ${quiet.load.lost} → ${busy.load.lost}, ${busy.queryMs.length} queries answered`,
  );
}
queryMs.sort((a, b) => a - b);
console.log(
  `with ${values.queries} queries/s: p50 × ${median(ratios.map(({ p50 }) => p50)).toFixed(2)}, ` +
    `p99 × ${median(ratios.map(({ p99 }) => p99)).toFixed(2)}; a query takes p50 ${median(queryMs).toFixed(1)} ms`,
);
rmSync(folder, { recursive: true, force: true });
