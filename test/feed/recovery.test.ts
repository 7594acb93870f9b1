/**
 * Lines, gaps, request server and sessions in virtual time. A run that fails says its seed; to have
 * it again alone:
 *
 *     HFTEDGE_TEST_SEED=<seed> bun test test/feed/recovery.test.ts
 */
import { describe, expect, test } from "bun:test";
import type { RecoveryOptions } from "../../src/feed/recovery.ts";
import { random } from "../support/random.ts";
import { scaled, testSeed } from "../support/scale.ts";
import { type Outcome, simulate, someWeather, type Weather } from "./line-simulation.ts";

const recovery: RecoveryOptions = {
  lines: 2,
  holdNs: 100_000,
  holdDatagrams: 64,
  reorderDatagrams: 4_096,
  reorderBytes: 1400,
  requests: 8,
  requestTimeoutNs: 300_000,
  requestMessages: 1_000,
  requestGapMessages: 100_000,
  giveUpNs: 50_000_000,
  gapRecords: 100_000,
};

/** What holds in any weather. */
function expectSound(outcome: Outcome, weather: Weather, where: string): void {
  expect(outcome.wrong, where).toBe(0);
  expect(outcome.wronglyTrusted, where).toBe(0);
  if (outcome.whole) expect(outcome.complete, where).toBe(true);
  // A snapshot takes the place of messages, so they cannot be counted any more.
  if (weather.snapshotLoss < 1) return;
  expect(outcome.applied + outcome.missing, where).toBe(outcome.sent);
  expect(outcome.reported, where).toBe(outcome.missing);
}

const patienceMs = 60_000 * Math.max(1, scaled(1));

describe("a thousand days in any weather", () => {
  const runs = process.env["HFTEDGE_TEST_SEED"] === undefined ? scaled(1_000) : 1;
  test(
    `${runs} runs: every loss reported, nothing twice, nothing out of order`,
    () => {
      const seed = testSeed("recovery");
      let lossless = 0;
      let snapshots = 0;
      for (let run = 0; run < runs; run++) {
        const one = (seed + run) >>> 0;
        const rng = random(one);
        const weather = someWeather(rng);
        const options: RecoveryOptions = {
          ...recovery,
          requests: rng.int(4) === 0 ? 0 : 1 + rng.int(8),
          reorderDatagrams: rng.int(5) === 0 ? 4 : 4_096,
          requestMessages: 1 + rng.int(60),
        };
        const outcome = simulate(one, weather, options);
        expectSound(outcome, weather, `HFTEDGE_TEST_SEED=${one}`);
        if (outcome.missing === 0) lossless++;
        if (weather.snapshotLoss === 1) continue;
        snapshots += outcome.snapshots;
        expect(outcome.whole, `HFTEDGE_TEST_SEED=${one}`).toBe(true);
      }
      console.log(`${runs} runs, ${lossless} of them without any loss, ${snapshots} snapshots`);
      if (runs === 1) return;
      expect(snapshots).toBeGreaterThan(runs / 20);
      expect(lossless).toBeGreaterThan(runs / 4);
      expect(lossless).toBeLessThan(runs);
    },
    patienceMs,
  );
});

/** 1 % loss, 1 % duplication and 2 % reordering on each line of its own. */
const badDay: Weather = {
  lines: [0, 1].map(() => ({ loss: 0.01, duplication: 0.01, reordering: 0.02, delayNs: 60_000 })),
  serverLoss: 0,
  snapshotLoss: 1,
  sessions: 1,
  datagrams: 25_000,
  messagesMax: 38,
};

describe("a bad day", () => {
  test(
    `with answers nothing is lost: ${scaled(22)} times half a million messages`,
    () => {
      const first = testSeed("bad day");
      for (let run = 0; run < scaled(22); run++) {
        const seed = (first + run) >>> 0;
        const outcome = simulate(seed, badDay, recovery);
        expectSound(outcome, badDay, `HFTEDGE_TEST_SEED=${seed}`);
        expect(outcome.missing).toBe(0);
        expect(outcome.sent).toBeGreaterThan(400_000);
        expect(outcome.gaps).toBeGreaterThan(100);
        expect(outcome.whole).toBe(true);
      }
    },
    patienceMs,
  );

  test("with one line dead and nobody to ask every loss is reported exactly", () => {
    const seed = testSeed("dead line");
    const [line] = badDay.lines;
    const weather: Weather = {
      ...badDay,
      lines: [
        { ...line!, duplication: 0, reordering: 0 },
        { ...line!, loss: 1, duplication: 0 },
      ],
      serverLoss: 1,
      datagrams: 5_000,
    };
    const outcome = simulate(seed, weather, { ...recovery, requests: 0 });
    expectSound(outcome, weather, `HFTEDGE_TEST_SEED=${seed}`);
    expect(outcome.missing).toBeGreaterThan(100);
    expect(outcome.whole).toBe(false);
  });
});
