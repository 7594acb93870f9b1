import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/config/load.ts";
import { ConfigError } from "../../src/config/mistake.ts";
import { inferenceSection } from "../../src/config/section/inference.ts";
import { freezeRequest, reloadOptions } from "../../src/inference/request.ts";

function load(toml: string, env: Record<string, string> = {}) {
  const directory = mkdtempSync(join(tmpdir(), "hftedge-inference-"));
  try {
    writeFileSync(join(directory, "hftedge.toml"), toml);
    const systemFile = join(directory, "none");
    return loadConfig({ flags: {}, env, directory, userId: 1000, systemFile }).config.inference;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function mistakes(toml: string): string[] {
  try {
    load(toml);
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes.map((m) => `${m.key} ${m.reason}`);
    throw error;
  }
  return [];
}

describe("[inference]", () => {
  test("theDefaultsAreTheGuidesIntentInOptionsThatExist", () => {
    const { options, keepAliveS, model } = load("");
    expect(model).toBe("llama3.2:3b");
    expect(keepAliveS).toBe(-1);
    expect(options).toMatchObject({ temperature: 0, top_k: 1, top_p: 0.1, num_ctx: 1024 });
    expect(options.num_thread).toBe("server");
  });

  test("theGuidesOptionsAreAllConfigurable", () => {
    const toml =
      "[inference.options]\ntemperature = 0.1\ntop_k = 5\ntop_p = 0.2\nnum_predict = 50\nnum_ctx = 2048\nnum_batch = 8\nnum_thread = 16\nuse_mmap = true\n";
    const { options } = load(toml, { HFTEDGE_INFERENCE_OPTIONS_NUM_GPU: "33" });
    expect(options).toMatchObject({ num_batch: 8, num_thread: 16, use_mmap: true, num_gpu: 33 });
  });

  test("optionsThatOllamaNoLongerHasSayWhatToDoInstead", () => {
    const found = mistakes("[inference.options]\nuse_mlock = true\nlow_vram = true\n");
    expect(found).toHaveLength(2);
    expect(found.join("\n")).toContain("LLAMA_ARG_LOAD_MODE=mmap+mlock");
    expect(found.join("\n")).toContain("num_gpu");
  });

  test("anOptionThatNeverWasIsNamed", () => {
    expect(mistakes("[inference.options]\nnum_threads = 4\n")).toEqual([
      "inference.options.num_threads is no option",
    ]);
  });

  test("agesThatContradictAreRefused", () => {
    expect(mistakes("[inference]\nmaxAgeS = 60\nmaxStaleS = 30\n").join()).toContain("maxStaleS");
    expect(mistakes('[inference]\nhosts = ["localhost:11434"]\n').join()).toContain("hosts[0]");
  });

  test("everyLoadOptionOfTheRequestCanBeSet", () => {
    const { options } = inferenceSection.parse({});
    for (const name of reloadOptions) expect(options).toHaveProperty(name);
    const sent = Object.fromEntries(Object.entries(options).filter(([, v]) => v !== "server"));
    const plan = { model: "m", mode: "text", raw: true, keepAliveS: -1, options: sent } as const;
    expect(freezeRequest(plan).body("p").options["num_predict"]).toBe(50);
  });
});
