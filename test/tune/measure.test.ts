import { expect, test } from "bun:test";
import { measure } from "../../src/tune/measure.ts";

test("a measurement has as many rounds as asked, each with its quantiles in order", async () => {
  const { wakeUp, loopback } = await measure({ rounds: 2, samples: 20, sleepNs: 50_000 });
  for (const rounds of [wakeUp, loopback]) {
    expect(rounds.length).toBe(2);
    for (const { p50, p99, max } of rounds) {
      expect(p50).toBeGreaterThan(0);
      expect(p99).toBeGreaterThanOrEqual(p50);
      expect(max).toBeGreaterThanOrEqual(p99);
    }
  }
});
