import { describe, expect, test } from "bun:test";
import { cacheDiagnosis } from "../../src/doctor/cache.ts";
import type { Diagnosis } from "../../src/doctor/diagnose.ts";

function diagnosis(atMs: number): Diagnosis {
  return {
    atMs,
    windowMs: 500,
    machine: null,
    worst: "ok",
    counts: { ok: 0, note: 0, warning: 0, critical: 0 },
    findings: [],
    notApplicable: [],
    incomplete: [],
  };
}

describe("a kept diagnosis", () => {
  test("is shared by those who ask together, and renewed when it is old", async () => {
    let nowNs = 0;
    const gates: (() => void)[] = [];
    const read = cacheDiagnosis(
      async () => {
        const at = gates.length;
        await new Promise<void>((open) => gates.push(open));
        return diagnosis(at);
      },
      1000,
      { nowNs: () => nowNs },
    );
    const together = [read(), read(), read()];
    expect(gates).toHaveLength(1);
    gates[0]!();
    expect((await Promise.all(together)).map(({ atMs }) => atMs)).toEqual([0, 0, 0]);

    nowNs = 999e6;
    expect((await read()).atMs).toBe(0);
    expect(gates).toHaveLength(1);

    nowNs = 1000e6;
    const renewed = read();
    expect(gates).toHaveLength(2);
    gates[1]!();
    expect((await renewed).atMs).toBe(1);
  });

  test("that failed is not kept", async () => {
    let attempts = 0;
    const read = cacheDiagnosis(
      () => (++attempts === 1 ? Promise.reject(new Error("no")) : Promise.resolve(diagnosis(7))),
      1000,
      { nowNs: () => 0 },
    );
    await expect(read()).rejects.toThrow("no");
    expect((await read()).atMs).toBe(7);
  });
});
