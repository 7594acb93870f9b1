/** A history as a month of running leaves it, for benchmarks of those who read it. */
import { keyBase } from "../src/store/key.ts";
import { Names } from "../src/store/name.ts";
import { openForWriting } from "../src/store/open.ts";
import { Tiers } from "../src/store/tier.ts";
import { encode } from "../src/telemetry/codec.ts";
import { Histogram } from "../src/telemetry/histogram.ts";
import { stages } from "../src/telemetry/stage.ts";

export const day = 86_400;

/** A lognormal around 20 µs, `count` values: what one second of a busy feed looks like. */
function sample(count: number): Histogram {
  const histogram = new Histogram();
  for (let i = 0; i < count; i++) {
    const normal =
      Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
    histogram.record(20_000 * Math.exp(normal * 0.6));
  }
  return histogram;
}

/**
 * Fills a new file with rows of every stage up to `nowS`, a whole hour: 24 h of 1 s, 7 days of 10 s, 90 days of
 * 1 min, a year of 10 min and two years of 1 h. Returns how many rows that are.
 */
export function fillHistory(path: string, nowS: number): number {
  const history = openForWriting({ path, synchronous: "normal", checkBytesMax: 0 });
  const names = new Names(history);
  const tiers = new Tiers(history);
  const insert = history.$client.prepare("INSERT INTO latency VALUES (?,?,0,0,0,?,?,?,?)");
  const plan = [
    [1, nowS - day, nowS, 1000],
    [10, nowS - 7 * day, nowS, 10_000],
    [60, nowS - 90 * day, nowS, 50_000],
    [600, nowS - 365 * day, nowS, 50_000],
    [3600, nowS - 730 * day, nowS, 50_000],
  ] as const;
  for (const [resolution, from, to, count] of plan) {
    const pool = Array.from({ length: 64 }, () => {
      const histogram = sample(count);
      return { histogram, bytes: encode(histogram) };
    });
    history.$client.transaction(() => {
      for (const { name } of stages) {
        const base = keyBase(resolution, names.idOf(name));
        for (let start = from; start < to; start += resolution) {
          const { histogram, bytes } = pool[(start / resolution) % 64]!;
          const { minNs, maxNs, sumNs } = histogram;
          insert.run(base + start, histogram.count, minNs, maxNs, sumNs, bytes);
        }
      }
    })();
  }
  for (const tier of tiers.all) {
    tier.rolledTo = nowS;
    tier.prunedTo = plan.find(([resolution]) => resolution === tier.resolution)![1];
    tiers.save(tier);
  }
  history.$client.query("PRAGMA wal_checkpoint(TRUNCATE)").all();
  history.$client.close();
  return stages.length * (day + (7 * day) / 10 + 90 * 1440 + 365 * 144 + 730 * 24);
}
