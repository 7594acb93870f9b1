import { describe, expect, test } from "bun:test";
import { Side } from "../../src/feed/event.ts";
import { createPrompt, templateMistake, type PromptPlan } from "../../src/inference/prompt.ts";
import { StateCoder } from "../../src/market/coder.ts";
import { FeatureSet } from "../../src/market/feature.ts";
import { StateSpace } from "../../src/market/state.ts";
import { createBooks } from "../support/market.ts";

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

describe("with real books", () => {
  const windows = { momentumNs: 1e9, flowNs: 1e9, volatilityNs: 1e9 };
  const space = new StateSpace({
    preset: "microstructure",
    windows,
    instruments: 4,
    denseStates: 10_000,
  });
  const prompt = createPrompt(plan({ space }));

  test("two books with one key give one prompt, byte for byte", () => {
    const books = createBooks(2);
    const features = new FeatureSet(2, windows);
    const coder = new StateCoder(space, 2);
    books.time(1e9);
    // Another price, other sizes, another symbol: the same state of the market.
    books.addOrder(0, 0, 1, Side.bid, 800, 1_000_000);
    books.addOrder(0, 0, 2, Side.ask, 100, 1_000_100);
    books.addOrder(1, 0, 3, Side.bid, 9000, 3_200_000);
    books.addOrder(1, 0, 4, Side.ask, 1000, 3_200_100);
    const keys = [0, 1].map((instrument) => {
      const key = new Uint32Array(space.keyWords);
      features.update(books, instrument);
      coder.stateOf(instrument, features, key);
      return key;
    });
    expect(keys[1]).toEqual(keys[0]!);
    const [one, other] = keys.map((key) => Buffer.from(prompt.of(key)!));
    expect(other!.equals(one!)).toBe(true);
    expect(one!.toString()).toContain("spread: 1 tick\n");
    expect(one!.toString()).toContain("0.6 or more\n");
  });

  test("each of the 4,320 states has a prompt of its own, of printable ASCII", () => {
    const prompts = new Set<string>();
    const key = new Uint32Array(space.keyWords);
    for (let index = 0; index < space.size; index++) {
      space.keyOf(index, key);
      prompts.add(prompt.of(key)!);
    }
    expect(prompts.size).toBe(4320);
    for (const text of prompts) expect(text).toMatch(/^[\x20-\x7e\n]+$/);
  });
});
