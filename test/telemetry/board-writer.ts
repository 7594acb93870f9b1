/** A Worker that records as fast as it can: the other half of a test in board.test.ts. */
import { openBoard } from "../../src/telemetry/board.ts";
import { Metric } from "../../src/telemetry/metric.ts";
import { Stage } from "../../src/telemetry/stage.ts";

self.addEventListener("message", (event: MessageEvent) => {
  const { buffer, control, total } = event.data as {
    buffer: SharedArrayBuffer;
    control: Int32Array;
    total: number;
  };
  const feed = openBoard(buffer).writer("feed");
  for (let i = 0; i < total; i++) {
    feed.record(Stage.cacheAccess, 100 + (i & 1023));
    feed.count(Metric.feed.evaluations);
  }
  Atomics.store(control, 0, 1);
});
