/**
 * Does memory grow, and how long are the collector's pauses? The compiled program under the demo's
 * load: `bun bench/soak.ts`, a minute; HFTEDGE_SOAK_SECONDS=3600 for an hour.
 */
import { headLine, reportHead } from "./machine.ts";
import { soak } from "./soak/run.ts";

const seconds = Number(process.env["HFTEDGE_SOAK_SECONDS"] ?? "60");
const warmUpSeconds = Math.max(20, Math.min(300, seconds / 4));
const rate = 2000;
/** Of resident memory in an hour. */
const growthMax = 0.2;

console.log(headLine(await reportHead()));
const { slope, growth, samples, report } = await soak({ seconds, warmUpSeconds, rate });
const mebibytes = (bytes: number): string => (bytes / 1024 ** 2).toFixed(1);
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
const pauses = report.latency["collector_pause"];
const resident = samples.map(({ bytes }) => bytes);
console.log(
  `resident memory after ${warmUpSeconds} s: ${mebibytes(resident[0]!)} MiB, ${seconds} s later ${mebibytes(resident.at(-1)!)} MiB, at most ${mebibytes(Math.max(...resident))} MiB`,
);
const tenths = Array.from({ length: 11 }, (_, i) =>
  mebibytes(resident[Math.round(((resident.length - 1) * i) / 10)]!),
);
console.log(`at each tenth of the time, MiB: ${tenths.join(" ")}`);
console.log(
  `slope ${mebibytes(slope.bytesPerS * 3600)} MiB an hour (${percent(growth.share)}), at least ${percent(growth.least)} with near certainty`,
);
console.log(
  pauses === undefined
    ? "collector: never asked for, the feed had no quiet moment"
    : `collector: ${pauses.count} pauses, p50 ${((pauses.medianNs ?? 0) / 1e6).toFixed(2)} ms, p99 ${((pauses.p99Ns ?? 0) / 1e6).toFixed(2)} ms, longest ${((pauses.maxNs ?? 0) / 1e6).toFixed(2)} ms`,
);
const grows = growth.least > growthMax;
console.log(grows ? "verdict: memory grows" : "verdict: memory does not grow beyond its bound");
process.exitCode = grows ? 1 : 0;
