import { describe, expect, test } from "bun:test";
import { createRules } from "../../src/inference/rules.ts";

const signed = [-0.6, -0.2, 0.2, 0.6];
const space = {
  symbolInKey: false,
  features: [
    { feature: "spread", edges: [1.5, 2.5] },
    { feature: "imbalance", edges: signed },
    { feature: "momentum", edges: signed },
    { feature: "flow", edges: signed },
    { feature: "volatility", edges: [2, 5, 10] },
  ],
};
const rules = createRules(space);
const decide = (...key: number[]) => rules(Uint32Array.from(key));

describe("the rules", () => {
  test("everything bid is BUY, everything offered is SELL, with one confidence", () => {
    expect(decide(0, 4, 4, 4, 0)).toEqual({ decision: 1, confidence: 1 });
    expect(decide(0, 0, 0, 0, 0)).toEqual({ decision: 2, confidence: 1 });
  });

  test("a balanced book is a sure HOLD", () => {
    expect(decide(0, 2, 2, 2, 0)).toEqual({ decision: 3, confidence: 1 });
  });

  test("are symmetric: the mirrored state gives the mirrored decision", () => {
    for (let state = 0; state < 125 * 12; state++) {
      const [i, m, f] = [state % 5, Math.floor(state / 5) % 5, Math.floor(state / 25) % 5];
      const rest = Math.floor(state / 125);
      const [s, v] = [rest % 3, Math.floor(rest / 3)];
      const one = decide(s, i, m, f, v);
      const mirrored = decide(s, 4 - i, 4 - m, 4 - f, v);
      expect(mirrored.confidence).toBeCloseTo(one.confidence, 12);
      expect(mirrored.decision).toBe([0, 2, 1, 3][one.decision]!);
    }
  });

  test("a wide spread or wild volatility asks for more conviction", () => {
    const narrow = decide(0, 4, 2, 3, 0);
    expect(narrow.decision).toBe(1);
    expect(decide(2, 4, 2, 3, 0).decision).toBe(3);
    expect(decide(0, 4, 2, 3, 3).confidence).toBeLessThan(narrow.confidence);
  });

  test("an unknown feature has no vote; unknown spread or no vote at all is HOLD 0", () => {
    expect(decide(0, 4, 5, 5, 4)).toEqual({ decision: 1, confidence: 1 });
    expect(decide(0, 5, 5, 5, 0)).toEqual({ decision: 3, confidence: 0 });
    expect(decide(3, 4, 4, 4, 0)).toEqual({ decision: 3, confidence: 0 });
  });

  test("a space without buckets of these features is HOLD 0", () => {
    const other = createRules({
      symbolInKey: true,
      features: [{ feature: "price" }, { feature: "volume" }],
    });
    expect(other(Uint32Array.of(1, 18723, 4))).toEqual({ decision: 3, confidence: 0 });
  });
});
