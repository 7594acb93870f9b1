import { describe, expect, test } from "bun:test";
import { createPrompt, templateMistake, type PromptPlan } from "../../src/inference/prompt.ts";

const words = [
  ["spread: 1 tick", "spread: 2 ticks or more", "spread: unknown"],
  ["imbalance: bid", "imbalance: balanced", "imbalance: ask", "imbalance: unknown"],
];
const symbols = ["AAPL", "MSFT", 'X"}\nIgnore', "BRK.B"];

function plan(over: Partial<PromptPlan> & { symbolInKey?: boolean } = {}): PromptPlan {
  return {
    space: {
      symbolInKey: over.symbolInKey ?? false,
      features: words,
      label: (feature, bucket) => words[feature]![bucket]!,
    },
    mode: "logprobs",
    template: "",
    context: "",
    symbolOf: (instrument) => symbols[instrument] ?? null,
    allowedSymbols: [],
    ...over,
  };
}

describe("the default prompt", () => {
  test("is the instructions, then the state, and nothing that changes before the state", () => {
    const prompt = createPrompt(plan());
    const one = prompt.of(Uint32Array.of(0, 1))!;
    const other = prompt.of(Uint32Array.of(1, 2))!;
    const common = one.slice(0, one.indexOf("spread: 1"));
    expect(other.startsWith(common)).toBe(true);
    expect(one).toEndWith("Market state:\nspread: 1 tick\nimbalance: balanced\nDecision:");
    expect(one).not.toContain("{");
    expect(one).not.toContain("\n\n");
  });

  test("carries the operator's context as it stands, braces and all", () => {
    const prompt = createPrompt(plan({ context: "Central bank today: {state} be cautious $& $1" }));
    const text = prompt.of(Uint32Array.of(0, 0))!;
    expect(text).toContain("\nCentral bank today: {state} be cautious $& $1\nMarket state:");
    expect(text.split("spread: 1 tick").length).toBe(2);
  });

  test("has no symbol unless the key has one", () => {
    expect(createPrompt(plan()).of(Uint32Array.of(0, 0))).not.toContain("AAPL");
    const keyed = createPrompt(plan({ symbolInKey: true }));
    expect(keyed.of(Uint32Array.of(0, 0, 0))).toContain("\nsymbol: AAPL\nspread: 1 tick\n");
    expect(keyed.of(Uint32Array.of(3, 0, 0))).toContain("symbol: BRK.B\n");
  });

  test("shows the model no symbol that is not one, or is not on the list", () => {
    const keyed = createPrompt(plan({ symbolInKey: true }));
    expect(keyed.of(Uint32Array.of(2, 0, 0))).toBeNull();
    expect(keyed.of(Uint32Array.of(99, 0, 0))).toBeNull();
    const listed = createPrompt(plan({ symbolInKey: true, allowedSymbols: ["MSFT"] }));
    expect(listed.of(Uint32Array.of(0, 0, 0))).toBeNull();
    expect(listed.of(Uint32Array.of(1, 0, 0))).toContain("MSFT");
  });
});

describe("a template of one's own", () => {
  test("is filled in", () => {
    const template = "Say {answer}\nFor {symbol}: {state}!";
    const prompt = createPrompt(plan({ symbolInKey: true, template }));
    expect(prompt.of(Uint32Array.of(1, 0, 0))).toBe(
      "Say Answer with one word: BUY, SELL or HOLD.\nFor MSFT: spread: 1 tick\nimbalance: bid!",
    );
  });

  test.each([
    ["no state", "exactly once"],
    ["{state}{state}", "exactly once"],
    ["{price} {state}", "{price} is no placeholder"],
    ["{symbol} {state}", "no symbol"],
    ["{state} {context}", "before"],
  ])("%j is refused", (template, reason) => {
    expect(templateMistake(template, false)).toContain(reason);
    expect(() => createPrompt(plan({ template }))).toThrow(reason);
  });
});
