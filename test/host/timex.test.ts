import { describe, expect, test } from "bun:test";
import { parseTimex, readKernelClock, timexBytes } from "../../src/host/timex.ts";

/** A `struct timex` as the kernel fills it: frequency in 2^-16 ppm, errors in µs. */
function timex(status: number, frequency: number): Uint8Array {
  const bytes = new Uint8Array(timexBytes);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(16, BigInt(frequency), true);
  view.setBigInt64(24, 23_456n, true);
  view.setBigInt64(32, 12n, true);
  view.setInt32(40, status, true);
  view.setInt32(160, 37, true);
  return bytes;
}

describe("the kernel's clock", () => {
  test("kept by a daemon", () => {
    expect(parseTimex(timex(0x2001, -819_200), 0)).toEqual({
      synchronised: true,
      errorMaxUs: 23_456,
      errorEstimateUs: 12,
      frequencyPpm: -12.5,
      leapSecond: 0,
      taiOffsetS: 37,
      state: 0,
    });
  });

  test("kept by nobody: STA_UNSYNC, or TIME_ERROR as the result", () => {
    expect(parseTimex(timex(0x0040, 0), 0).synchronised).toBe(false);
    expect(parseTimex(timex(0x2001, 0), 5).synchronised).toBe(false);
  });

  test("a leap second is announced", () => {
    expect(parseTimex(timex(0x0010, 0), 1).leapSecond).toBe(1);
    expect(parseTimex(timex(0x0020, 0), 2).leapSecond).toBe(-1);
  });

  test("a view into a larger buffer is read from its own start", () => {
    const larger = new Uint8Array(timexBytes + 24);
    larger.set(timex(0x2001, 65_536), 24);
    expect(parseTimex(larger.subarray(24), 0).frequencyPpm).toBe(1);
  });

  test.skipIf(process.platform !== "linux")("this machine's can be read", () => {
    const clock = readKernelClock();
    // A filter may forbid the call; where it is allowed the state is one of adjtimex(2)'s six.
    if (clock !== undefined) expect([0, 1, 2, 3, 4, 5]).toContain(clock.state);
    expect(clock === undefined || clock.errorMaxUs >= 0).toBe(true);
  });
});
