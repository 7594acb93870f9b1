/**
 * What the feed notices of people who look at the history: `bun bench/e2e/query-load.ts [--rate 2000]
 * [--queries 50] [--seconds 6] [--warmup 10] [--rounds 3]`. Tick to signal, open loop, on a history of
 * millions of rows, with and without that many dashboard queries a second, in turns. Quotes the median
 * of the rounds' own ratios.
 */
import { linkSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fillHistory } from "../history.ts";
import { pinThread, threadCpus } from "../../src/host/libc.ts";
import { headLine, median, reportHead } from "../machine.ts";
import { drive } from "./drive.ts";
import type { LoadResult } from "./load.ts";
import { edgeOnHistory } from "./subject.ts";

const { values } = parseArgs({
  options: {
    rate: { type: "string", default: "2000" },
    queries: { type: "string", default: "50" },
    seconds: { type: "string", default: "6" },
    warmup: { type: "string", default: "10" },
    rounds: { type: "string", default: "3" },
  },
});

// As on a trading box: the feed thread has the last CPU to itself, and everything else of the program,
// with the questions, shares others. The load stands for the exchange, which is another machine: it has
// a CPU of its own or, where there are but two, shares the feed thread's in both halves of a round. On the
// other one it would be late itself, and its lateness would be taken for the feed's.
const cpus = threadCpus();
const feedCpu = cpus.at(-1)!;
const loadCpu = cpus.length > 2 ? cpus.at(-2)! : feedCpu;
const others = cpus.filter((cpu) => cpu !== feedCpu && cpu !== loadCpu);
// Children inherit this; the feed thread and the load alone go elsewhere.
if (others.length > 0) pinThread(others);
const folder = mkdtempSync(join(tmpdir(), "hftedge-bench-"));
const history = join(folder, "history.db");
const hourMs = 3_600_000;
const rows = fillHistory(history, (Math.floor(Date.now() / hourMs) * hourMs) / 1000);
// Nothing of that may still be on its way to the disk while the feed is measured.
await Bun.spawn(["sync"]).exited;
// One file for all runs: copies of gigabytes would be written back while the feed is measured.
const contender = edgeOnHistory(feedCpu, (directory) => {
  linkSync(history, join(directory, "history.db"));
});

/** Questions from a process of their own, as a dashboard's are; it gives way to everything else. */
function ask(base: string, perSecond: number): { stop(): Promise<number[]> } {
  const command = [process.execPath, join(import.meta.dir, "ask.ts"), base, String(perSecond)];
  const child = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  return {
    async stop() {
      await child.stdin.end();
      return JSON.parse(await new Response(child.stdout).text()) as number[];
    },
  };
}

async function measure(queries: number): Promise<{ load: LoadResult; queryMs: number[] }> {
  const { rate, seconds, warmup } = values;
  const args = [contender.answer, rate, seconds, warmup, loadCpu];
  let queryMs: number[] = [];
  const load = await drive<LoadResult>("load.ts", contender, args, ({ http }) => {
    const asking = queries > 0 ? ask(new URL(http!).origin, queries) : undefined;
    return async () => {
      queryMs = (await asking?.stop()) ?? [];
    };
  });
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
