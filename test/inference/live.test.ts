/**
 * Against a real Ollama server: HFTEDGE_TEST_OLLAMA="http://127.0.0.1:11434 llama3.2:3b". Without a
 * model's name a tiny one of random weights is made there and deleted afterwards; it is enough for
 * the protocol. What a model decides is nobody's promise, so only the form of an answer is tested.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { InferenceFault } from "../../src/inference/fault.ts";
import { OllamaClient } from "../../src/inference/ollama.ts";
import { freezeRequest, type FrozenRequest } from "../../src/inference/request.ts";
import type { Mode } from "../../src/inference/verdict.ts";
import { Rig } from "../support/inference-rig.ts";
import { createTinyModel, deleteModel, tinyGguf } from "../support/tiny-gguf.ts";
import { until } from "../support/until.ts";

const [url = "", named = ""] = (process.env["HFTEDGE_TEST_OLLAMA"] ?? "").split(" ");
const model = named === "" ? "hftedge-tiny" : named;
const never = new AbortController().signal;
const patienceMs = 300_000;

test("the tiny model's file has the header and the size that the format asks for", () => {
  const file = tinyGguf();
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  expect(new TextDecoder().decode(file.subarray(0, 4))).toBe("GGUF");
  expect(view.getUint32(4, true)).toBe(3);
  expect(view.getBigUint64(8, true)).toBe(12n);
  expect(file.byteLength % 32).toBe(0);
  expect(Buffer.compare(file, tinyGguf())).toBe(0);
  expect(Buffer.compare(file, tinyGguf(2))).not.toBe(0);
});

function request(mode: Mode): FrozenRequest {
  const options = { temperature: 0, num_ctx: 1024, num_predict: 16 };
  return freezeRequest({ model, mode, raw: true, keepAliveS: -1, options });
}

interface TopLogprobs {
  top_logprobs: unknown[];
}

const reason = "HFTEDGE_TEST_OLLAMA names no server";
describe.skipIf(url === "")(`a real server (skipped where ${reason})`, () => {
  const client = new OllamaClient({
    url,
    bodyBytesMax: 1 << 20,
    fetch: (address, init) => fetch(address, init),
    nowNs: () => Bun.nanoseconds(),
  });
  beforeAll(async () => {
    if (named === "") await createTinyModel(url, model);
    await client.preload(request("logprobs"), never);
  }, patienceMs);
  afterAll(async () => {
    if (named === "") await deleteModel(url, model);
  });

  test("shows the loaded model with its digest and the context asked for", async () => {
    const digest = await client.digestOf(model, never);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    const loaded = await client.loaded(digest!, never);
    expect(loaded?.contextLength).toBe(1024);
    expect(await client.version(never)).toMatch(/^\d+\.\d+\.\d+/);
  });

  test("gives the probabilities of one token, without loading again", async () => {
    const lane = client.lane();
    let read = 0;
    for (let i = 0; i < 20; i++) {
      const { body, timing } = await lane.ask(
        request("logprobs"),
        `Answer BUY, SELL or HOLD. ${i}`,
      );
      const reply = body as { eval_count: number; response: string; logprobs?: TopLogprobs[] };
      expect(reply.eval_count).toBe(1);
      // Log-probabilities come with text: a byte that is no character yet has none.
      if (reply.response !== "") {
        expect(reply.logprobs![0]!.top_logprobs.length).toBeGreaterThan(0);
        expect(reply.logprobs![0]!.top_logprobs.length).toBeLessThanOrEqual(20);
        read++;
      }
      expect(timing.loadNs).toBeLessThan(5e9);
    }
    expect(read).toBeGreaterThan(0);
  }, 60_000);

  test("keeps to the schema in JSON mode, and answers with text in text mode", async () => {
    const lane = client.lane();
    const json = await lane.ask(request("json"), "Give a signal and a confidence as JSON.");
    expect((json.body as { response: string }).response).toStartWith("{");
    const text = await lane.ask(request("text"), "Say HOLD:0.5");
    expect(typeof (text.body as { response: unknown }).response).toBe("string");
  }, 60_000);

  test("says 404 for a model that it has not got", async () => {
    const other = freezeRequest({ ...request("logprobs").plan, model: "no-such-model:1b" });
    const error = await client
      .lane()
      .ask(other, "x")
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(InferenceFault);
    expect((error as InferenceFault).kind).toBe("no-model");
  });

  test(
    "answers the engine's states: a decision, or a reason why there is none",
    async () => {
      const rig = new Rig({
        hosts: [url],
        plan: { request: request("logprobs").plan, labelMassMin: 0 },
        limits: { deadlineMs: 60_000 },
        hostLimits: { checkTimeoutMs: 5000, hungMs: 60_000 },
      }).run();
      try {
        await until(() => rig.inference.isReady, patienceMs);
        for (let state = 0; state < 8; state++) rig.enter(state, state * 100);
        await until(() => rig.told.length >= 8, 60_000);
        expect(rig.inference.report().hosts[0]).toMatchObject({
          status: "ready",
          breaker: "closed",
        });
      } finally {
        rig.close();
      }
    },
    patienceMs,
  );
});
