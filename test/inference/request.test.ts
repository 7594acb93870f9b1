import { expect, test } from "bun:test";
import { isBefore } from "../../src/inference/server-version.ts";
import { freezeRequest, type RequestPlan } from "../../src/inference/request.ts";

const plan: RequestPlan = {
  model: "llama3.2:3b",
  mode: "logprobs",
  raw: true,
  keepAliveS: -1,
  options: { temperature: 0, num_ctx: 1024, num_predict: 50, top_k: 1 },
};

test("one token is asked for where probabilities are read, and no stop", () => {
  const body = freezeRequest(plan).body("p");
  expect(body).toMatchObject({ stream: false, raw: true, think: false, truncate: false });
  expect(body.keep_alive).toBe(-1);
  expect(body).toMatchObject({ logprobs: true, top_logprobs: 20 });
  expect(body.options).toEqual({ temperature: 0, num_ctx: 1024, num_predict: 1, top_k: 1 });
});

test("the other modes have a cap on tokens, and JSON a schema", () => {
  const json = freezeRequest({ ...plan, mode: "json", options: {} }).body("p");
  expect(json.format?.required).toEqual(["signal", "confidence"]);
  expect(json.options["num_predict"]).toBeGreaterThan(20);
  const text = freezeRequest({ ...plan, mode: "text" }).body("p");
  expect(text.options["num_predict"]).toBe(50);
  expect(text).not.toHaveProperty("logprobs");
  expect(text).not.toHaveProperty("format");
});

test("only load options are in the reload text, whatever their order", () => {
  const one = freezeRequest({ ...plan, options: { num_ctx: 1, num_batch: 8, seed: 1 } });
  const other = freezeRequest({ ...plan, options: { seed: 2, num_batch: 8, num_ctx: 1 } });
  expect(one.reloadText).toBe(other.reloadText);
  expect(one.text).not.toBe(other.text);
  const larger = freezeRequest({ ...plan, options: { num_ctx: 2, num_batch: 8 } });
  expect(larger.reloadText).not.toBe(one.reloadText);
});

test("versions are compared by their numbers; one that says nothing counts as new", () => {
  expect(isBefore("0.12.10", [0, 12, 11])).toBe(true);
  expect(isBefore("0.12.11", [0, 12, 11])).toBe(false);
  expect(isBefore("0.9.9", [0, 12, 11])).toBe(true);
  expect(isBefore("0.33.0-rc1", [0, 32, 15])).toBe(false);
  expect(isBefore("1.0.0", [0, 32, 15])).toBe(false);
  for (const silent of ["", "0.0.0", "main"]) expect(isBefore(silent, [0, 32, 15])).toBe(false);
});
