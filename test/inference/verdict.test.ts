import { describe, expect, test } from "bun:test";
import { labelOfToken } from "../../src/inference/label.ts";
import {
  isCacheable,
  readVerdict,
  Reason,
  uncalibrated,
  type Reading,
} from "../../src/inference/verdict.ts";

const reading: Reading = {
  mode: "logprobs",
  calibration: uncalibrated,
  marginMin: 0.1,
  labelMassMin: 0.1,
};

function reply(tokens: Record<string, number>): unknown {
  const top = Object.entries(tokens).map(([token, p]) => ({ token, logprob: Math.log(p) }));
  return { response: top[0]?.token ?? "", logprobs: [{ ...top[0], top_logprobs: top }] };
}

describe("the first token", () => {
  test.each([
    [" BUY", 0],
    ["▁Buy", 0],
    ["ĠB", 0],
    ["b", 0],
    ["SELL:", 1],
    ["**Sell", 1],
    ["S", 1],
    ["HO", 2],
    ["hold\n", 2],
    ["BUYING", -1],
    ["The", -1],
    ["Hello", -1],
    [" ", -1],
    ["", -1],
    ["<|eot_id|>", -1],
  ])("%j is label %d", (token, label) => {
    expect(labelOfToken(token)).toBe(label);
  });

  test("spellings of one label are added up, and the labels renormalised", () => {
    const verdict = readVerdict(reply({ " BUY": 0.4, B: 0.2, SELL: 0.2, The: 0.2 }), reading);
    expect(verdict.decision).toBe(1);
    expect(verdict.confidence).toBeCloseTo(0.75, 12);
    expect(verdict.margin).toBeCloseTo(0.5, 12);
    expect(verdict.outside).toBeCloseTo(0.2, 12);
    expect(verdict.reason).toBe(Reason.answer);
  });

  test("a lead smaller than the margin is HOLD, with the probability of HOLD", () => {
    const verdict = readVerdict(reply({ BUY: 0.41, SELL: 0.39, HOLD: 0.2 }), reading);
    expect(verdict).toMatchObject({ decision: 3, reason: Reason.margin });
    expect(verdict.confidence).toBeCloseTo(0.2, 12);
    expect(isCacheable(verdict)).toBe(true);
  });

  test("a model that says something else altogether is HOLD 0 with the mass outside", () => {
    const verdict = readVerdict(reply({ The: 0.96, BUY: 0.04 }), reading);
    expect(verdict).toMatchObject({ decision: 3, confidence: 0, reason: Reason.outside });
    expect(verdict.outside).toBeCloseTo(0.96, 12);
    expect(isCacheable(verdict)).toBe(false);
  });

  test("a temperature softens, a bias shifts", () => {
    const body = reply({ BUY: 0.8, SELL: 0.2 });
    const soft = { temperature: 2, bias: { BUY: 0, SELL: 0, HOLD: 0 } };
    const softened = readVerdict(body, { ...reading, calibration: soft });
    expect(softened.confidence).toBeCloseTo(2 / 3, 12);
    const bearish = { temperature: 1, bias: { BUY: 0, SELL: Math.log(16), HOLD: 0 } };
    const shifted = readVerdict(body, { ...reading, calibration: bearish });
    expect(shifted.decision).toBe(2);
    expect(shifted.confidence).toBeCloseTo(0.8, 12);
  });

  test("a tiny temperature does not underflow into nothing", () => {
    const sharp = { temperature: 0.001, bias: { BUY: 0, SELL: 0, HOLD: 0 } };
    const verdict = readVerdict(reply({ BUY: 0.01, SELL: 0.12, The: 0.5 }), {
      ...reading,
      calibration: sharp,
    });
    expect(verdict.decision).toBe(2);
    expect(verdict.confidence).toBe(1);
  });

  test("a reply without log-probabilities says so", () => {
    expect(readVerdict({ response: "BUY" }, reading).reason).toBe(Reason.noLogprobs);
    expect(readVerdict({ logprobs: [] }, reading).reason).toBe(Reason.noLogprobs);
  });
});

describe("stated answers", () => {
  const json = { ...reading, mode: "json" } as const;
  const text = { ...reading, mode: "text" } as const;

  test("the schema's object is read", () => {
    const verdict = readVerdict({ response: '{"signal":"SELL","confidence":0.9}' }, json);
    expect(verdict).toMatchObject({ decision: 2, confidence: 0.9, reason: Reason.answer });
  });

  test.each([
    ["BUY:0.85", 1, 0.85],
    [" sell : .75\nbecause", 2, 0.75],
    ["**HOLD**: 0.4", 3, 0.4],
  ])("%j is read", (response, decision, confidence) => {
    const verdict = readVerdict({ response }, text);
    expect(verdict).toMatchObject({ decision, confidence, reason: Reason.answer });
  });

  test.each([
    ["I would BUY:0.9", Reason.unreadable],
    ["BUY", Reason.unreadable],
    ["WAIT:0.5", Reason.unreadable],
    ["BUY:85", Reason.confidence],
    ["BUY:-0.2", Reason.confidence],
    ["", Reason.unreadable],
  ])("%j is HOLD 0", (response, reason) => {
    expect(readVerdict({ response }, text)).toMatchObject({ decision: 3, confidence: 0, reason });
  });

  test("a half-hearted BUY is HOLD", () => {
    const verdict = readVerdict({ response: "BUY:0.52" }, text);
    expect(verdict).toMatchObject({ decision: 3, reason: Reason.margin });
  });
});

test("no shape of a reply throws, and none but a readable one is more than HOLD 0", () => {
  const odd: unknown[] = [
    null,
    undefined,
    0,
    "",
    [],
    {},
    [[]],
    { response: 1 },
    { response: null },
  ];
  const logprobs: unknown[] = [
    "x",
    [null],
    [1],
    [{}],
    [{ top_logprobs: "x" }],
    [{ top_logprobs: [null, 1, {}, { token: 1, logprob: 1 }, { token: "BUY", logprob: NaN }] }],
    [{ token: "BUY", logprob: -Infinity }],
  ];
  odd.push(...logprobs.map((l) => ({ logprobs: l, response: "BUY" })));
  odd.push(
    ...["{", "[]", "null", '{"signal":1}', '{"signal":"BUY"}'].map((response) => ({ response })),
  );
  for (const body of odd) {
    for (const mode of ["logprobs", "json", "text"] as const) {
      const verdict = readVerdict(body, { ...reading, mode });
      expect(verdict, JSON.stringify(body)).toMatchObject({ decision: 3, confidence: 0 });
      expect(isCacheable(verdict)).toBe(false);
    }
  }
});
