/** Every finding is brought about in a stand-in machine and seen with its evidence and remedy. */
import { describe, expect, test } from "bun:test";
import { advice, type FindingId } from "../../src/doctor/advice.ts";
import { diagnose } from "../../src/doctor/diagnose.ts";
import { examineBox } from "../support/fake-box.ts";
import { fakeRoot } from "../support/fake-root.ts";
import { machineProvocations } from "./provocation/machine.ts";
import { networkProvocations } from "./provocation/network.ts";
import { serviceProvocations } from "./provocation/service.ts";

const provocations = [...machineProvocations, ...networkProvocations, ...serviceProvocations];

/** Provoked on real directories, in storage.test.ts. */
const elsewhere: readonly FindingId[] = [
  "storage.space",
  "storage.file-system",
  "storage.flush",
  "storage.device",
  "storage.throughput",
];

describe("a healthy machine", () => {
  test("gives only good findings, each with evidence and without a remedy", async () => {
    const { findings, worst, incomplete, counts } = await examineBox();
    expect(findings.filter(({ severity }) => severity !== "ok")).toEqual([]);
    expect(worst).toBe("ok");
    expect(incomplete).toEqual([]);
    expect(counts.ok).toBeGreaterThan(25);
    for (const { evidence, remedy, why, title } of findings) {
      expect(evidence).toEndWith(".");
      expect(title).not.toBe("");
      expect(why).toEndWith(".");
      expect(remedy).toBe("");
    }
  });

  test("the window is the time between the readings", async () => {
    const { windowMs } = await examineBox();
    expect(windowMs).toBeCloseTo(500, 1);
  });
});

describe("an empty machine", () => {
  test("has nothing to complain about and says why", async () => {
    const { findings, notApplicable, incomplete } = await diagnose({
      root: fakeRoot({}).path,
      windowMs: 1,
    });
    expect(incomplete).toEqual([]);
    expect(findings.filter(({ severity }) => severity !== "ok")).toEqual([]);
    expect(notApplicable.length).toBeGreaterThan(15);
    for (const { reason } of notApplicable) expect(reason).not.toBe("");
  });
});

describe("provoked", () => {
  test.each(provocations.map((one) => [one.id, one.name, one] as const))(
    "%s by %s",
    async (id, _, provocation) => {
      const diagnosis = await examineBox(provocation);
      expect(diagnosis.incomplete).toEqual([]);
      const found = diagnosis.findings.find((finding) => finding.id === id);
      expect(found?.severity).toBe(provocation.severity);
      expect(found?.evidence).toContain(provocation.evidence);
      expect(found?.remedy).toContain(provocation.remedy);
      expect(found?.remedy).not.toMatch(/\{\w+\}/);
      if (provocation.remedyWithout !== undefined) {
        expect(found?.remedy).not.toContain(provocation.remedyWithout);
      }
      expect(diagnosis.findings[0]?.severity).toBe(diagnosis.worst);
    },
  );

  test("no finding is left out", () => {
    const covered = new Set([...provocations.map(({ id }) => id), ...elsewhere]);
    expect(Object.keys(advice).filter((id) => !covered.has(id as FindingId))).toEqual([]);
  });
});
