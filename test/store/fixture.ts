/** A real history in a temporary directory, with small bounds and time in the test's hand. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Batch, emptyBatch, type LatencyItem } from "../../src/store/batch.ts";
import type { NewRun } from "../../src/store/run-record.ts";
import { Store, type StoreOptions } from "../../src/store/store.ts";
import { encode } from "../../src/telemetry/codec.ts";
import { Histogram } from "../../src/telemetry/histogram.ts";

export { randomFrom, scale, seedOf } from "../telemetry/sample.ts";

/** Any whole hour will do; nothing in the store looks at the real clock. */
export const epochS = 1_700_000_000 - (1_700_000_000 % 3600);

export class Folder {
  readonly path: string = mkdtempSync(join(tmpdir(), "hftedge-store-"));
  get file(): string {
    return join(this.path, "history.db");
  }
  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export function optionsFor(path: string, changes: Partial<StoreOptions> = {}): StoreOptions {
  return {
    path,
    synchronous: "normal",
    retention: {
      tierS: { 1: 86_400, 10: 7 * 86_400, 60: 90 * 86_400, 600: 365 * 86_400, 3600: 730 * 86_400 },
      signalRows: 1000,
      recordRows: 1000,
      decisionRows: 1000,
      sizeBytes: 1e9,
    },
    checkBytesMax: 1e8,
    setAsideMax: 2,
    freeBytesMin: 0,
    ballastBytes: 0,
    bufferSecondsMax: 60,
    ...changes,
  };
}

export function newRun(key = "00000000000000aa", startMs = epochS * 1000): NewRun {
  return { key, startMs, version: "0.1.0", commit: "abc", configHash: "h", host: "{}" };
}

export function openStore(
  path: string,
  changes: Partial<StoreOptions> = {},
  run = newRun(),
): Store {
  return new Store(optionsFor(path, changes), run);
}

export function item(stage: string, histogram: Histogram, errors = 0, untimed = 0): LatencyItem {
  const { count, minNs, maxNs, sumNs } = histogram;
  const extremes = count === 0 ? { minNs: null, maxNs: null } : { minNs, maxNs };
  const bytes = encode(histogram);
  return { stage, count, errors, untimed, breaches: 0, ...extremes, sumNs, histogram: bytes };
}

export function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

export function latencyBatch(startS: number, stage: string, values: readonly number[]): Batch {
  const batch = emptyBatch(startS);
  batch.latency.push(item(stage, histogramOf(values)));
  return batch;
}
