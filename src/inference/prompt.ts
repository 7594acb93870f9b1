/**
 * From a state's key to the prompt: a pure function, so that a cached decision is an answer to this
 * very prompt. Two books in one state give one prompt, byte for byte.
 *
 * The instructions come first and the state last, because the server keeps the longest common
 * prefix of a slot's last prompt: what never changes is evaluated once.
 *
 * Nothing from the wire reaches the prompt as text. A bucket is words of ours chosen by a number,
 * and a symbol must be on the allow-list, or at least made only of the characters of a ticker.
 */
import { EdgeError } from "../error.ts";
import type { Mode } from "./verdict.ts";

/** What a prompt needs to know of market/state.ts's StateSpace. */
export interface PromptSpace {
  symbolInKey: boolean;
  features: readonly unknown[];
  label(feature: number, bucket: number): string;
}

export interface PromptPlan {
  space: PromptSpace;
  mode: Mode;
  /** "" for the default of this file. */
  template: string;
  /** The operator's words about the day; part of the version. */
  context: string;
  /** The ticker of an instrument, or null where unknown. Used only when the key has the symbol. */
  symbolOf(instrument: number): string | null;
  /** Empty: any ticker made of the characters of one. */
  allowedSymbols: readonly string[];
}

export interface Prompt {
  /** The template with mode and context filled in: all of the prompt that is not the state. */
  readonly fixed: string;
  /** The prompt for a key, or null when the key's symbol may not be shown to the model. */
  of(key: Uint32Array): string | null;
}

export const defaultTemplate = `You are the decision stage of a trading system. You are given the state of one market, measured over the last moments. Decide what it calls for:
BUY when the price is more likely to rise,
SELL when the price is more likely to fall,
HOLD when neither is clear or trading would cost more than it can bring.
{answer}
{context}
Market state:
{state}
Decision:`;

const answers: Readonly<Record<Mode, string>> = {
  logprobs: "Answer with one word: BUY, SELL or HOLD.",
  json: 'Answer with JSON only: {"signal": "BUY", "SELL" or "HOLD", "confidence": a number from 0 to 1}.',
  text: "Answer with the decision, a colon and your confidence from 0 to 1, for example HOLD:0.50, and nothing else.",
};

/** The characters of tickers in use on exchanges: letters, digits, and the marks of share classes. */
const ticker = /^[A-Z0-9][A-Z0-9.+\-=^#/*$:_]{0,15}$/i;

const placeholder = /\{([a-zA-Z]+)\}/g;

/** What is wrong with a template, in words, or null. `symbolInKey` as in the state space. */
export function templateMistake(template: string, symbolInKey: boolean): string | null {
  const names = [...template.matchAll(placeholder)].map((m) => m[1]!);
  const unknown = names.find((n) => !["answer", "context", "state", "symbol"].includes(n));
  if (unknown !== undefined) {
    return `{${unknown}} is no placeholder: there are {answer}, {context}, {state} and {symbol}`;
  }
  if (names.filter((n) => n === "state").length !== 1) return "needs {state} exactly once";
  if (names.includes("symbol") && !symbolInKey) {
    return "has {symbol}, but the state's key has no symbol: decisions would be shared by symbols that the model saw";
  }
  const first = names.findIndex((n) => n === "state" || n === "symbol");
  if (names.some((n, i) => i > first && (n === "answer" || n === "context"))) {
    return "needs {answer} and {context} before {state} and {symbol}: the server reuses only a common beginning";
  }
  return null;
}

export function createPrompt(plan: PromptPlan): Prompt {
  const text = plan.template === "" ? defaultTemplate : plan.template;
  const mistake = templateMistake(text, plan.space.symbolInKey);
  if (mistake !== null) {
    throw new EdgeError(
      "CONFIG_INVALID",
      `inference.template ${mistake}`,
      "Correct the template, or leave it out for the default.",
    );
  }
  const context = plan.context.trim();
  const template = text.replace(/\{context\}(\n?)/, (_, end: string) =>
    // A line for the context alone leaves no empty line where there is none.
    context === "" ? "" : `{context}${end}`,
  );
  // Split before anything is filled in: braces in the operator's words stay words.
  const parts = template.split(placeholder).map((part, i) => {
    if (i % 2 === 0) return part;
    return part === "answer" ? answers[plan.mode] : part === "context" ? context : null;
  });
  const names = template.split(placeholder);
  const { space } = plan;
  const allowed = plan.allowedSymbols.length === 0 ? null : new Set(plan.allowedSymbols);
  const first = space.symbolInKey ? 1 : 0;
  const symbolInState = space.symbolInKey && !names.includes("symbol");

  return {
    fixed: parts.map((part, i) => part ?? `{${names[i]}}`).join(""),
    of(key) {
      let symbol = "";
      if (space.symbolInKey) {
        const name = plan.symbolOf(key[0]!);
        if (name === null || !ticker.test(name)) return null;
        if (allowed !== null && !allowed.has(name)) return null;
        symbol = name;
      }
      let state = symbolInState ? `symbol: ${symbol}\n` : "";
      for (let i = 0; i < space.features.length; i++) {
        state += (i === 0 ? "" : "\n") + space.label(i, key[first + i]!);
      }
      let prompt = "";
      for (let i = 0; i < parts.length; i++) {
        prompt += parts[i] ?? (names[i] === "state" ? state : symbol);
      }
      return prompt;
    },
  };
}
