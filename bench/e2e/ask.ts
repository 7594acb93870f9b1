/**
 * Asks a running hftedge what dashboards ask, at intended times, whatever has been answered:
 * `bun ask.ts BASE PER_SECOND`. Ends with its stdin; prints how long each answer took, in ms, as JSON.
 *
 * It stands for people at other machines, so it takes only what nobody else wants of this one.
 */
import { setThreadNice } from "../../src/host/libc.ts";

const [base = "", perSecondText = "50"] = process.argv.slice(2);
const perSecond = Number(perSecondText);

/** Series of a day and of a quarter of an hour, a summary, a heat map, alerts, signals. */
const paths = [
  "latency?from=-24h&step=60s&stage=total_pipeline&percentiles=50,95,99,99.9",
  "latency?from=-15m&step=1s&stage=data_ingestion&percentiles=50,99",
  "latency/summary?from=-24h",
  "latency/heatmap?from=-24h&step=300s&stage=total_pipeline",
  "alerts",
  "signals?limit=100",
];

setThreadNice(19);
const times: number[] = [];
const waiting = new Set<Promise<void>>();
let asked = 0;
const startMs = performance.now();

async function one(path: string): Promise<void> {
  const sentMs = performance.now();
  const reply = await fetch(`${base}/api/v1/${path}`);
  if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`);
  await reply.arrayBuffer();
  times.push(performance.now() - sentMs);
}

const timer = setInterval(() => {
  while ((performance.now() - startMs) / 1000 > asked / perSecond) {
    const question = one(paths[asked++ % paths.length]!);
    waiting.add(question);
    void question.finally(() => waiting.delete(question));
  }
}, 1);

await new Response(Bun.stdin.stream()).text();
clearInterval(timer);
await Promise.all(waiting);
process.stdout.write(JSON.stringify(times));
process.exit(0);
