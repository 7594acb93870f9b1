/**
 * Whether memory grows under load, and whether that would be seen.
 *
 * In its first minute the runtime still compiles and sizes its heaps: half a megabyte a second was
 * seen. Between one and two minutes it was 0.06 MiB a second, and falling. So the short form below
 * tells a leak of a quarter of a megabyte a second and more; bench/soak.ts with an hour tells one of
 * a fifth of the memory in an hour.
 */
import { describe, expect, test } from "bun:test";
import { parseResident, soak } from "../../bench/soak/run.ts";
import { growthPerHour, type Sample, slopeOf } from "../../bench/soak/slope.ts";
import { random } from "../support/random.ts";
import { scaled } from "../support/scale.ts";

const mebibyte = 1024 ** 2;
const seconds = Number(process.env["HFTEDGE_SOAK_SECONDS"] ?? "30");
const load = { seconds, warmUpSeconds: 60, rate: 2000 };
const timeoutMs = (load.warmUpSeconds + seconds + 60) * 1000;
const leakMin = 0.25 * mebibyte;

/** Growth a second that is there with near certainty. */
function leastGrowth(samples: readonly Sample[]): number {
  const { bytesPerS, errorPerS } = slopeOf(samples);
  return bytesPerS - 3 * errorPerS;
}

/** A heap that fills and is collected, on memory that grows by `leak` bytes a second. */
function sawtooth(count: number, leak: number, seed: number): Sample[] {
  const { next } = random(seed);
  return Array.from({ length: count }, (_, atS) => {
    const tooth = ((atS % 10) / 10) * 4 * mebibyte;
    return { atS, bytes: 300 * mebibyte + tooth + next() * mebibyte + leak * atS };
  });
}

describe("a slope", () => {
  test("ofALineIsTheLines", () => {
    const samples = Array.from({ length: 10 }, (_, atS) => ({ atS, bytes: 1000 + 7 * atS }));
    expect(slopeOf(samples)).toMatchObject({ bytesPerS: 7, meanBytes: 1031.5, samples: 10 });
    expect(leastGrowth(samples)).toBeCloseTo(7, 6);
  });

  test("ofCollectedGarbageIsNoGrowth", () => {
    for (let seed = 0; seed < 100; seed++) {
      expect(leastGrowth(sawtooth(30, 0, seed)), `seed ${seed}`).toBeLessThan(leakMin / 4);
      expect(growthPerHour(slopeOf(sawtooth(3600, 0, seed))).least).toBeLessThan(0.01);
    }
  });

  test("ofALeakUnderItIsSeen", () => {
    for (let seed = 0; seed < 100; seed++) {
      expect(leastGrowth(sawtooth(30, mebibyte, seed)), `seed ${seed}`).toBeGreaterThan(leakMin);
      const hour = slopeOf(sawtooth(3600, (300 * mebibyte * 0.3) / 3600, seed));
      expect(growthPerHour(hour).least, `seed ${seed}`).toBeGreaterThan(0.2);
    }
  });

  test("residentMemoryIsReadAsTheKernelWritesIt", () => {
    const status =
      "Name:\thftedge\nVmHWM:\t  370000 kB\nVmRSS:\t  364568 kB\nRssAnon:\t  300000 kB\n";
    expect(parseResident(status)).toBe(364_568 * 1024);
  });
});

test(
  "memoryDoesNotGrowUnderLoad",
  async () => {
    const { samples, report } = await soak(load);
    expect(report.clean).toBe(true);
    expect(report.feed!.counts["receivedDatagrams"]).toBeGreaterThan(load.rate * seconds);
    const grown = samples.at(-1)!.bytes - samples[0]!.bytes;
    const words = `${(grown / mebibyte).toFixed(1)} MiB in ${seconds} s`;
    console.log(`soak: ${words}, at least ${(leastGrowth(samples) / 1024).toFixed(0)} KiB/s`);
    expect(leastGrowth(samples), words).toBeLessThan(leakMin);
  },
  timeoutMs,
);

test.skipIf(scaled(1) < 2)(
  "aLeakOfAMegabyteASecondFails (HFTEDGE_TEST_SCALE=2 and more)",
  async () => {
    const { samples } = await soak({
      ...load,
      env: { HFTEDGE_TEST_FAULT: "inference:leak" },
      onWarm: (signal) => signal("SIGUSR2"),
    });
    expect(leastGrowth(samples)).toBeGreaterThan(leakMin);
  },
  timeoutMs,
);
