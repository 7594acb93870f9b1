/** The ops thread's second by second, in this process: on real files, with the feed's shared memory. */
import { expect, test } from "bun:test";
import { RecordRing } from "../../src/feed/record-ring.ts";
import { Metric } from "../../src/telemetry/metric.ts";
import { OpsCore } from "../../src/thread/ops-core.ts";
import { recordRingSize } from "../../src/thread/record-file.ts";
import { emptyDirectory } from "../support/directory.ts";
import { EngineRig } from "../support/engine-rig.ts";

test("what the recording's ring dropped is counted once, in whichever life of the thread", async () => {
  using folder = emptyDirectory();
  const { plan, shared } = new EngineRig({
    flags: { "record.enabled": "true", "record.ringBytes": "1048576", "tune.driftLine": "false" },
  });
  plan.dataDirectory = folder.path;
  const ring = new RecordRing(shared.record, recordRingSize(plan.config));
  const datagram = Buffer.alloc(60_000, 0x61);
  const overfill = (): void => {
    const before = ring.dropped;
    while (ring.dropped < before + 3) ring.put(0, datagram, datagram.length, 0);
  };
  const live = () => new OpsCore(plan, shared, () => {});
  overfill();
  const first = live();
  first.second();
  const lost = (): number => first.board.counters[Metric.ops.recordLost]!;
  expect(lost()).toBe(3);
  await first.close(true);
  // The thread is away, and the feed goes on.
  overfill();
  const second = live();
  second.second();
  expect(lost()).toBe(6);
  second.second();
  await second.close();
  expect(lost()).toBe(6);
});
