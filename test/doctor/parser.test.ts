/** Parsers of other programs' output, and the judgement of versions. */
import { describe, expect, test } from "bun:test";
import { parseTuneStatus, readDrift } from "../../src/doctor/drift.ts";
import { parseNvidiaSmi } from "../../src/doctor/nvidia-smi.ts";
import type { ToolOutput } from "../../src/host/tool.ts";
import { compareVersions, knownDefects } from "../../src/doctor/ollama-defect.ts";
import { bytes, plural } from "../../src/doctor/text.ts";

describe("nvidia-smi", () => {
  const uuid = "GPU-2b6e9b5c-94d8-8a53-7a6f-7c1d1b1a0f33";

  test("a data centre card at work", () => {
    const [gpu] = parseNvidiaSmi(
      `${uuid}, NVIDIA A100-SXM4-80GB, 535.161.08, Enabled, P0, 37, 6012, 81920, 41, 1410, 1410, 102.55, 400.00, 0x0000000000000000\n`,
    );
    expect(gpu).toEqual({
      uuid,
      name: "NVIDIA A100-SXM4-80GB",
      driver: "535.161.08",
      persistence: true,
      powerState: "P0",
      utilisationPercent: 37,
      usedBytes: 6012 * 2 ** 20,
      totalBytes: 81_920 * 2 ** 20,
      temperatureC: 41,
      smMhz: 1410,
      smMaxMhz: 1410,
      powerW: 102.55,
      powerLimitW: 400,
      reasons: 0,
    });
  });

  test("fields that a card lacks are undefined", () => {
    const [gpu] = parseNvidiaSmi(
      `${uuid}, NVIDIA GB10, 580.95.05, Disabled, P8, 0, [N/A], [N/A], 38, 208, 3003, 4.11, [Not Supported], 0x0000000000000001\n`,
    );
    expect(gpu?.totalBytes).toBeUndefined();
    expect(gpu?.powerLimitW).toBeUndefined();
    expect(gpu?.persistence).toBe(false);
    expect(gpu?.reasons).toBe(1);
  });

  test("two cards, and lines that are no card", () => {
    const line = `${uuid}, Tesla T4, 470.1, Enabled, P8, 0, 3, 15109, 30, 300, 1590, 9.1, 70.00, 0x0000000000000001`;
    expect(parseNvidiaSmi(`${line}\n${line}\n`)).toHaveLength(2);
    expect(parseNvidiaSmi("NVIDIA-SMI has failed because it couldn't communicate\n")).toEqual([]);
  });
});

describe("Ollama's versions", () => {
  test.each([
    ["0.32.9", "0.32.15", -1],
    ["0.33.0", "0.32.15", 1],
    ["v0.32.15", "0.32.15", 0],
    ["0.32.15-rc1", "0.32.15", -1],
    ["0.32", "0.32.0", 0],
    ["0.32.15-3-gabc", "0.32.15", 0],
  ])("%s against %s is %d", (a, b, sign) => {
    expect(Math.sign(compareVersions(a, b))).toBe(sign);
  });

  test("defects end with the version that fixed them", () => {
    expect(knownDefects("0.32.15")).toEqual([]);
    expect(knownDefects("0.32.14")).toHaveLength(1);
    expect(knownDefects("0.12.10")).toHaveLength(2);
    expect(knownDefects("0.1.28")).toHaveLength(3);
  });

  test("a build from source has no number to judge by", () => {
    expect(knownDefects("0.0.0")).toEqual([]);
    expect(knownDefects("main")).toEqual([]);
  });
});

function never(): Promise<undefined> {
  return Promise.resolve(undefined);
}

describe("hftedge tune status --json", () => {
  test("drift, what waits, and whether anything was ever applied", () => {
    const json = JSON.stringify({
      applied: true,
      state: "drift",
      drift: [{ id: "cpu.governor", live: "powersave", desired: "performance", reason: null }],
      pending: [{ id: "kernel.isolcpus", live: null, desired: null, reason: "needs a reboot" }],
      settings: [],
    });
    expect(parseTuneStatus(json)).toEqual({
      applied: true,
      drift: [{ id: "cpu.governor", live: "powersave", desired: "performance", reason: null }],
      pending: [{ id: "kernel.isolcpus", live: null, desired: null, reason: "needs a reboot" }],
    });
  });
  test.each(["", "{}", "null", '{"error":{"code":"X"}}', "words"])("%j is no status", (text) => {
    expect(() => parseTuneStatus(text)).toThrow("hftedge tune status: no answer");
  });
  test("a program that does not end is told of", async () => {
    await expect(readDrift(never, ["hftedge"])).rejects.toThrow("did not end");
  });

  test("a program that fails is quoted", async () => {
    const error = { code: "JOURNAL_SECRET", message: "the journal is secret", hint: "use sudo" };
    const stdout = JSON.stringify({ error });
    const fails = (): Promise<ToolOutput> => Promise.resolve({ code: 1, stdout, stderr: "" });
    await expect(readDrift(fails, ["hftedge"])).rejects.toThrow(
      "hftedge tune status: the journal is secret",
    );
  });
});

describe("numbers for people", () => {
  test("bytes", () => {
    expect([0, 1023, 1536, 150 * 1024, 2 ** 31, Infinity].map(bytes)).toEqual([
      "0 B",
      "1023 B",
      "1.5 KiB",
      "150 KiB",
      "2.0 GiB",
      "unlimited",
    ]);
  });
  test("counts", () => {
    expect([plural(1, "page"), plural(0, "page")]).toEqual(["1 page", "0 pages"]);
  });
});
