/**
 * A Worker that records as fast as it can, `total` times and until it was looked at three times: the
 * other half of a test in board.test.ts. It ends with the number in control[0]; looks are control[1].
 */
import { openBoard } from "../../src/telemetry/board.ts";
import { Metric } from "../../src/telemetry/metric.ts";
import { Stage } from "../../src/telemetry/stage.ts";

self.addEventListener("message", (event: MessageEvent) => {
  const {
    buffer,
    control,
    total: least,
  } = event.data as {
    buffer: SharedArrayBuffer;
    control: Int32Array;
    total: number;
  };
  const feed = openBoard(buffer).writer("feed");
  let recorded = 0;
  // The reader may be kept from looking: it's waited for, so that they do meet.
  for (; recorded < least || Atomics.load(control, 1) < 3; recorded++) {
    feed.record(Stage.cacheAccess, 100 + (recorded & 1023));
    feed.count(Metric.feed.evaluations);
  }
  Atomics.store(control, 0, recorded);
});
