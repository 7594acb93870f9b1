/**
 * What one measurement costs: recording a value into the board, beside the libraries that one would
 * otherwise take; and what a reading, an encoding and a merge cost. `bun bench/telemetry.bench.ts`.
 */
import { createHistogram } from "node:perf_hooks";
import * as hdr from "hdr-histogram-js";
import { bench, do_not_optimize, group, summary } from "mitata";
import { runBenches } from "./report.ts";
import { boardBytes, openBoard } from "../src/telemetry/board.ts";
import { encode, mergeEncoded } from "../src/telemetry/codec.ts";
import { Histogram } from "../src/telemetry/histogram.ts";
import { Metric } from "../src/telemetry/metric.ts";
import { Stage } from "../src/telemetry/stage.ts";

const mask = 4095;
/** Lognormal around 20 µs, whole ns. */
const values = Float64Array.from({ length: mask + 1 }, () => {
  const normal =
    Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  return Math.floor(20_000 * Math.exp(normal * 0.6));
});

const board = openBoard(new SharedArrayBuffer(boardBytes()));
board.setThresholds(new Map([[Stage.cacheAccess, 500_000]]));
const feed = board.writer("feed");
const recorder = feed.recorder(Stage.cacheAccess);
const reader = board.reader();
const build = (useWebAssembly: boolean) =>
  hdr.build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: 3.6e12,
    numberOfSignificantValueDigits: 2,
    bitBucketSize: 32,
    useWebAssembly,
  });
await hdr.initWebAssembly();
const javascript = build(false);
const webAssembly = build(true);
const node = createHistogram({ lowest: 1, highest: 3.6e12, figures: 2 });

// Compiled before it is timed: mitata decides by the first calls whether to time them in batches.
for (let i = 0; i < 300_000; i++) {
  const value = values[i & mask]!;
  recorder.record(value);
  feed.record(Stage.cacheAccess, value);
  feed.count(Metric.feed.evaluations);
  node.record(value);
  javascript.recordValue(value);
  webAssembly.recordValue(value);
}

summary(() => {
  group("record one value", () => {
    let i = 0;
    bench("(reading the value alone)", () => do_not_optimize(values[(i = (i + 1) & mask)]!));
    bench("board: histogram, min, max, sum, threshold", () =>
      recorder.record(values[(i = (i + 1) & mask)]!),
    );
    bench("board, by stage number", () =>
      feed.record(Stage.cacheAccess, values[(i = (i + 1) & mask)]!),
    );
    bench("board: one counter", () => feed.count(Metric.feed.evaluations));
    bench("perf_hooks.createHistogram", () => node.record(values[(i = (i + 1) & mask)]!));
    bench("hdr-histogram-js", () => javascript.recordValue(values[(i = (i + 1) & mask)]!));
    bench("hdr-histogram-js, WebAssembly", () =>
      webAssembly.recordValue(values[(i = (i + 1) & mask)]!),
    );
  });
});

const second = new Histogram();
for (let i = 0; i < 1000; i++) second.record(values[i]!);
const blob = encode(second);
const base64 = hdr.encodeIntoCompressedBase64(
  (() => {
    const histogram = build(false);
    for (let i = 0; i < 1000; i++) histogram.recordValue(values[i]!);
    return histogram;
  })(),
);
const accumulator = new Histogram();
const theirs = build(false);
const four = [50, 95, 99, 99.9];
const out = new Float64Array(4);

group("one second of 1,000 values", () => {
  bench("encode", () => do_not_optimize(encode(second)));
  bench("merge from its bytes", () => do_not_optimize(mergeEncoded(blob, accumulator)));
  bench("hdr-histogram-js: decode and add", () =>
    theirs.add(hdr.decodeFromCompressedBase64(base64, 32, false)),
  );
  bench("four percentiles", () => second.percentilesInto(four, out, 0));
});

group("reading the whole board", () => {
  bench("idle", () => reader.read());
  bench("after 1,000 values in one stage", () => {
    for (let i = 0; i < 1000; i++) recorder.record(values[i]!);
    reader.read();
  });
});

await runBenches(import.meta.path);
