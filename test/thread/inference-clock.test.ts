import { expect, test } from "bun:test";
import { inferenceClock } from "../../src/thread/inference-clock.ts";

const hourNs = 3_600e9;

test("deadlines and checks go on when the wall clock is set back or forward; ages of answers follow it", () => {
  let [realNs, monotonicNs] = [10e9, 77e9];
  const clock = inferenceClock(
    1000,
    () => realNs,
    () => monotonicNs,
  );
  expect([clock.nowMs(), clock.epochS()]).toEqual([10_000, 1010]);
  for (const stepNs of [-hourNs, 2 * hourNs]) {
    const beforeMs = clock.nowMs();
    realNs += stepNs + 5e6;
    monotonicNs += 5e6;
    expect(clock.nowMs() - beforeMs).toBe(5);
  }
  expect(clock.epochS()).toBe(1010 + 3600);
});
