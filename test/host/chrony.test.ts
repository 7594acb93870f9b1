import { describe, expect, test } from "bun:test";
import { parseChronyTracking } from "../../src/host/chrony.ts";

/** A line of chronyc's with the system time's offset given. */
function line(offset: string): string {
  return `A9FEA97B,169.254.169.123,4,1763900537.123456789,${offset},-0.000000456,0.000007890,-12.345,0.001,0.045,0.000432100,0.000210000,16.2,Normal\n`;
}

describe("chronyc -c tracking", () => {
  test("a server over the network", () => {
    expect(parseChronyTracking(line("0.000001234"))).toEqual({
      reference: "169.254.169.123",
      stratum: 4,
      offsetS: 0.000_001_234,
      errorMaxS: 0.000_001_234 + 0.000_216_05 + 0.000_21,
      leap: "Normal",
    });
  });

  test("a clock that is ahead is as far off as one that is behind", () => {
    const ahead = parseChronyTracking(line("-0.000001234"));
    expect(ahead?.offsetS).toBe(-0.000_001_234);
    expect(ahead?.errorMaxS).toBe(parseChronyTracking(line("0.000001234"))!.errorMaxS);
  });

  test("without a reference", () => {
    const lost = parseChronyTracking(
      "7F7F0101,,10,0.000000000,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,0.000000000,0.000000000,0.0,Not synchronised\n",
    );
    expect(lost).toMatchObject({ reference: "7F7F0101", leap: "Not synchronised" });
  });

  test.each(["506 Cannot talk to daemon\n", "", line("x"), line("0.1").replace(",Normal", "")])(
    "%p is none",
    (text) => expect(parseChronyTracking(text)).toBeUndefined(),
  );
});
