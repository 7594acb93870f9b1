/**
 * Tick to signal over loopback, open loop, beside two floors in the same run: `bun run bench:e2e
 * [--rates 1000,20000,100000] [--seconds 4] [--rounds 3] [--json FILE]`. Rounds are interleaved, and
 * the quoted ratios are medians of the rounds' own ratios, because shared machines drift.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    rates: { type: "string", default: "1000,20000,100000" },
    seconds: { type: "string", default: "4" },
    warmup: { type: "string", default: "2" },
    rounds: { type: "string", default: "3" },
    json: { type: "string" },
  },
});
const rates = values.rates.split(",").map(Number);
const rounds = Number(values.rounds);

export interface LoadResult {
  rate: number;
  sent: number;
  received: number;
  lost: number;
  lateSends: number;
  p50Us: number;
  p90Us: number;
  p99Us: number;
  p999Us: number;
  maxUs: number;
}

const here = import.meta.dir;
const binary = join(here, "../../hftedge");
const contenders = ["native echo", "bun echo", "hftedge"] as const;
type Contender = (typeof contenders)[number];

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
      yield text.slice(0, end);
      text = text.slice(end + 1);
    }
  }
}

interface Subject {
  port: number;
  stop(): Promise<void>;
}

async function startSubject(contender: Contender, answerPort: number): Promise<Subject> {
  if (contender === "hftedge") return await startEdge(answerPort);
  const file = contender === "bun echo" ? "bun-echo.ts" : "native-echo.ts";
  const child = Bun.spawn([process.execPath, join(here, file)], {
    stdout: "pipe",
    stderr: "inherit",
  });
  const first = await lines(child.stdout).next();
  return {
    port: Number(first.value),
    async stop() {
      child.kill("SIGKILL");
      await child.exited;
    },
  };
}

async function startEdge(answerPort: number): Promise<Subject> {
  const directory = mkdtempSync(join(tmpdir(), "hftedge-bench-"));
  const child = Bun.spawn(
    [
      binary,
      "run",
      "--feed",
      "udp://127.0.0.1:0?format=itch50&timeZone=UTC",
      "--inference-engine",
      "rules",
      "--signal-emit",
      "every",
      "--signal-rate-per-symbol",
      "0",
      "--sink",
      `udp://127.0.0.1:${answerPort}?encoding=binary`,
      "--http-listen",
      "127.0.0.1:0",
      "--data-directory",
      directory,
    ],
    { stdout: "ignore", stderr: "pipe" },
  );
  let port = 0;
  for await (const line of lines(child.stderr)) {
    port ||= Number(/on udp:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1] ?? 0);
    if (line.includes("ready:")) break;
  }
  return {
    port,
    async stop() {
      child.kill("SIGTERM");
      await child.exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function measure(contender: Contender, rate: number): Promise<LoadResult> {
  const kind = contender === "hftedge" ? "signal" : "echo";
  const load = Bun.spawn(
    [process.execPath, join(here, "load.ts"), String(rate), values.seconds, values.warmup, kind],
    { stdin: "pipe", stdout: "pipe", stderr: "inherit" },
  );
  const output = lines(load.stdout);
  const answerPort = Number((await output.next()).value);
  const subject = await startSubject(contender, answerPort);
  load.stdin.write(String(subject.port));
  await load.stdin.end();
  const result = JSON.parse((await output.next()).value as string) as LoadResult;
  await load.exited;
  await subject.stop();
  return result;
}

function median(list: readonly number[]): number {
  const sorted = list.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

const results: { rate: number; round: number; contender: Contender; result: LoadResult }[] = [];
for (const rate of rates) {
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) {
      results.push({ rate, round, contender, result: await measure(contender, rate) });
    }
  }
}

console.log(
  `${cpus()[0]?.model}, ${cpus().length} CPUs, Bun ${Bun.version}, ${new Date().toISOString()}`,
);
console.log(
  `${values.rounds} rounds of ${values.seconds} s after ${values.warmup} s; medians of the rounds, µs\n`,
);
console.log("rate/s   what          p50     p99   p99.9     max   lost   p50/bun  p99.9/bun");
for (const rate of rates) {
  for (const contender of contenders) {
    const own = results.filter((row) => row.rate === rate && row.contender === contender);
    const pick = (key: keyof LoadResult): number => median(own.map(({ result }) => result[key]));
    const ratio = (key: keyof LoadResult): number =>
      median(
        own.map(({ round, result }) => {
          const floor = results.find(
            (row) => row.rate === rate && row.round === round && row.contender === "bun echo",
          )!.result;
          return result[key] / floor[key];
        }),
      );
    const lost = own.reduce((sum, { result }) => sum + result.lost, 0);
    console.log(
      `${String(rate).padStart(6)}   ${contender.padEnd(11)}` +
        `${pick("p50Us").toFixed(1).padStart(6)}${pick("p99Us").toFixed(1).padStart(8)}` +
        `${pick("p999Us").toFixed(1).padStart(8)}${pick("maxUs").toFixed(0).padStart(8)}` +
        `${String(lost).padStart(7)}${ratio("p50Us").toFixed(2).padStart(10)}${ratio("p999Us").toFixed(2).padStart(11)}`,
    );
  }
}
if (values.json !== undefined) await Bun.write(values.json, JSON.stringify(results, null, 2));
