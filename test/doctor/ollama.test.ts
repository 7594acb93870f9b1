/** The doctor against a server that behaves as Ollama does, on a real socket. */
import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { noNeeds, type OllamaNeeds } from "../../src/doctor/context.ts";
import { diagnose, type Diagnosis } from "../../src/doctor/diagnose.ts";
import type { Finding } from "../../src/doctor/finding.ts";
import { fakeRoot } from "../support/fake-root.ts";
import { OllamaServer } from "../support/ollama-server.ts";

const options = { num_ctx: 1024, num_predict: 1, temperature: 0 };
const server = await new OllamaServer({ model: "llama3.2:3b" }).start();
afterAll(() => server.stop());

function body(prompt: string): unknown {
  return { model: "llama3.2:3b", prompt, stream: false, raw: true, keep_alive: -1, options };
}

function examine(more: Partial<OllamaNeeds> = {}, active = true): Promise<Diagnosis> {
  return diagnose({
    root: fakeRoot({}).path,
    windowMs: 1,
    areas: ["ollama"],
    active,
    needs: {
      ...noNeeds,
      ollama: {
        hosts: [server.url],
        model: "llama3.2:3b",
        contextLength: 1024,
        inFlight: 1,
        body,
        ...more,
      },
    },
  });
}

async function load(): Promise<void> {
  const response = await fetch(`${server.url}/api/generate`, {
    method: "POST",
    body: JSON.stringify({ model: "llama3.2:3b", keep_alive: -1, options }),
  });
  expect(response.status).toBe(200);
}

function found({ findings }: Diagnosis, id: string): Finding | undefined {
  return findings.find((finding) => finding.id === id);
}

beforeEach(() => {
  server.fault = "none";
  server.faultOnGenerateOnly = true;
  server.version = "0.33.0";
  server.unload();
  server.calls.length = 0;
});

describe("a loaded model", () => {
  test("is well, is asked in the run's own shape, and is not loaded again", async () => {
    await load();
    const loads = server.loadsDone;
    const diagnosis = await examine();
    expect(diagnosis.worst).toBe("ok");
    for (const id of ["reach", "version", "model", "vram", "context", "keep-alive", "warm"]) {
      expect(found(diagnosis, `ollama.${id}`)?.severity).toBe("ok");
    }
    expect(server.loadsDone).toBe(loads);
    const asked = server.calls.filter(({ prompt }) => prompt !== undefined);
    expect(asked).toHaveLength(3);
    expect(asked.every((call) => Bun.deepEquals(call.options, options))).toBe(true);
  });

  test("is left alone by a passive examination", async () => {
    await load();
    server.calls.length = 0;
    const diagnosis = await examine({}, false);
    expect(server.calls).toEqual([]);
    expect(found(diagnosis, "ollama.model")?.severity).toBe("ok");
    expect(found(diagnosis, "ollama.warm")).toBeUndefined();
  });

  test("with another context is not asked, because asking would reload it", async () => {
    await load();
    const loads = server.loadsStarted;
    server.calls.length = 0;
    const diagnosis = await examine({ contextLength: 2048 });
    expect(found(diagnosis, "ollama.context")?.severity).toBe("warning");
    expect(server.calls).toEqual([]);
    expect(server.loadsStarted).toBe(loads);
  });

  test("that fails to answer is a warning with Ollama's own words", async () => {
    await load();
    server.fault = "error-under-200";
    const warm = found(await examine(), "ollama.warm");
    expect(warm?.severity).toBe("warning");
    expect(warm?.evidence).toContain("llama-server process has terminated");
  });
});

describe("a model that is not loaded", () => {
  test("is not loaded by the examination", async () => {
    const diagnosis = await examine();
    const model = found(diagnosis, "ollama.model");
    expect(model?.severity).toBe("warning");
    expect(model?.evidence).toBe("llama3.2:3b is not loaded.");
    expect(model?.remedy).toContain(`${server.url}/api/generate`);
    expect(server.calls).toEqual([]);
    expect(server.isLoaded).toBe(false);
  });

  test("nor installed is critical", async () => {
    const model = found(await examine({ model: "mistral" }), "ollama.model");
    expect(model?.severity).toBe("critical");
    expect(model?.remedy).toContain("ollama pull mistral");
  });
});

describe("a server that is not well", () => {
  test.each([
    ["garbage", "The answer is not Ollama's."],
    ["500", "HTTP 500."],
    ["flood", "the answer is too long"],
  ] as const)("%s", async (fault, words) => {
    server.fault = fault;
    server.faultOnGenerateOnly = false;
    const reach = found(await examine(), "ollama.reach");
    expect(reach?.severity).toBe("critical");
    expect(reach?.evidence.toLowerCase()).toContain(words.toLowerCase());
  });

  test("of several, each is judged by itself", async () => {
    await load();
    const gone = await new OllamaServer().start();
    const goneUrl = gone.url;
    await gone.stop();
    const diagnosis = await examine({ hosts: [server.url, `${goneUrl}/`] }, false);
    const reach = diagnosis.findings.filter(({ id }) => id === "ollama.reach");
    expect(reach.map(({ subject, severity }) => [subject, severity])).toEqual([
      [goneUrl, "critical"],
      [server.url, "ok"],
    ]);
    expect(reach[0]?.evidence).toBe("The connection is refused.");
  });

  test("an old one names its defect", async () => {
    server.version = "0.31.2";
    const version = found(await examine(), "ollama.version");
    expect(version?.severity).toBe("warning");
    expect(version?.evidence).toContain("0.31.2: every warm request reads the model's metadata");
  });
});
