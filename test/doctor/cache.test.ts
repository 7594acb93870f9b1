import { describe, expect, test } from "bun:test";
import { cacheDiagnosis, createDiagnosis } from "../../src/doctor/cache.ts";
import { noNeeds } from "../../src/doctor/context.ts";
import type { Diagnosis } from "../../src/doctor/diagnose.ts";
import { diagnosisSchema } from "../../src/doctor/schema.ts";
import { examineBox } from "../support/fake-box.ts";
import { OllamaServer } from "../support/ollama-server.ts";

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

describe("a diagnosis in a reply", () => {
  test("has the shape that the API describes", async () => {
    const sick = await examineBox({
      files: { "proc/net/dev": "", "proc/loadavg": "90.0 1.0 1.0 1/2 3\n" },
    });
    const reply: unknown = JSON.parse(JSON.stringify(sick));
    expect(diagnosisSchema.parse(reply)).toEqual(reply as Diagnosis);
    expect(diagnosisSchema.parse({ ...sick, machine: null }).machine).toBeNull();
  });

  test("leaves the model alone, and is made once for all who ask together", async () => {
    const server = await new OllamaServer().start();
    const warm = { model: server.model, keep_alive: -1, options: { num_ctx: 1024 } };
    await fetch(`${server.url}/api/generate`, { method: "POST", body: JSON.stringify(warm) });
    const read = createDiagnosis({
      ...noNeeds,
      ollama: {
        hosts: [server.url],
        model: server.model,
        contextLength: 1024,
        inFlight: 1,
        body: (prompt) => ({ ...warm, prompt }),
      },
    });
    const [one, two] = await Promise.all([read(), read()]);
    await server.stop();
    expect(one).toBe(two!);
    expect(one?.findings.map(({ id }) => id)).toContain("ollama.model");
    expect(server.questions).toBe(0);
  });
});

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
