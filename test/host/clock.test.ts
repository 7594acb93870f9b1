import { expect, test } from "bun:test";
import { realtimeNs } from "../../src/host/libc.ts";

test("the clock goes on through a million readings and collections", () => {
  const baseSeconds = Math.floor(Date.now() / 1000);
  let last = 0;
  let same = 0;
  let backwards = 0;
  for (let i = 0; i < 1_000_000; i++) {
    if (i % 100_000 === 0) Bun.gc(true);
    const nowNs = realtimeNs(baseSeconds);
    if (nowNs === last) same++;
    if (nowNs < last) backwards++;
    last = nowNs;
  }
  // A reading takes tens of ns; a coarse clock may give one value a few times, not for ever.
  expect(same).toBeLessThan(100_000);
  // CLOCK_REALTIME may be set back once while the test runs, no more.
  expect(backwards).toBeLessThanOrEqual(1);
  // Between two readings of the other clock, which counts whole milliseconds.
  const beforeMs = Date.now();
  const nowMs = realtimeNs(baseSeconds) / 1e6 + baseSeconds * 1000;
  const afterMs = Date.now();
  expect(nowMs).toBeGreaterThanOrEqual(beforeMs);
  expect(nowMs).toBeLessThan(afterMs + 1);
});
