import { expect, test } from "bun:test";
import { inferenceClock } from "../../src/thread/inference-clock.ts";

test("deadlines go on when the clock of the machine is set back; the age of answers goes by it", () => {
  let dateNs = 7200e9;
  let monotonicNs = 5e9;
  const clock = inferenceClock(
    1_800_000_000,
    () => dateNs,
    () => monotonicNs,
  );
  const beforeMs = clock.nowMs();
  expect(clock.epochS()).toBe(1_800_007_200);
  dateNs -= 3600e9;
  monotonicNs += 2.5e6;
  expect(clock.nowMs() - beforeMs).toBe(2);
  expect(clock.nowNs()).toBe(monotonicNs);
  expect(clock.epochS()).toBe(1_800_003_600);
});
