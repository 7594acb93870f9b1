/**
 * The one shape of a request. It is built once and frozen: the preload, the warm-up and every
 * question send the same options, because Ollama reloads a model whenever one of its load options
 * differs from those it was loaded with.
 */
import { answerSchema, type Mode } from "./verdict.ts";

/** Options that make Ollama load the model anew when they differ from the loaded ones. */
export const reloadOptions = [
  "num_ctx",
  "num_batch",
  "num_gpu",
  "main_gpu",
  "use_mmap",
  "num_thread",
  "draft_num_predict",
] as const;

export type OptionValue = number | boolean | string | readonly string[];
export type ModelOptions = Readonly<Record<string, OptionValue>>;

export interface RequestPlan {
  model: string;
  mode: Mode;
  /** No chat template: the prompt reaches the model as it is. */
  raw: boolean;
  /** -1 keeps the model loaded for ever; otherwise seconds. A NUMBER: the string is refused. */
  keepAliveS: number;
  options: ModelOptions;
}

/** A body of POST /api/generate, in the order in which it is sent. */
export interface GenerateBody {
  model: string;
  prompt: string;
  stream: false;
  raw: boolean;
  think: false;
  truncate: false;
  keep_alive: number;
  logprobs?: true;
  top_logprobs?: number;
  format?: typeof answerSchema;
  options: Record<string, OptionValue>;
}

export interface FrozenRequest {
  plan: RequestPlan;
  /** The options that every request carries. */
  options: ModelOptions;
  /** Canonical text of the options that cause a reload: equal text, no reload. */
  reloadText: string;
  /** Canonical text of all that can change an answer; part of the decision's version. */
  text: string;
  body(prompt: string): GenerateBody;
}

/** Tokens that an answer may need: {"signal":"SELL","confidence":0.85} is about twenty. */
const jsonTokensMax = 48;

export function freezeRequest(plan: RequestPlan): FrozenRequest {
  const options = Object.freeze({ ...plan.options, num_predict: tokensOf(plan) });
  const reload = reloadOptions.filter(
    (name) => options[name as keyof typeof options] !== undefined,
  );
  const reloadText = canonical(
    Object.fromEntries(reload.map((n) => [n, options[n as keyof typeof options]])),
  );
  const logprobs = plan.mode === "logprobs";
  return Object.freeze({
    plan,
    options,
    reloadText,
    text: canonical({ model: plan.model, mode: plan.mode, raw: plan.raw, options }),
    body: (prompt: string): GenerateBody => ({
      model: plan.model,
      prompt,
      stream: false,
      raw: plan.raw,
      think: false,
      truncate: false,
      keep_alive: plan.keepAliveS,
      ...(logprobs ? { logprobs: true as const, top_logprobs: 20 } : {}),
      ...(plan.mode === "json" ? { format: answerSchema } : {}),
      options: options as Record<string, OptionValue>,
    }),
  });
}

/** One token where its probabilities are read; a cap elsewhere, because aborting is slow. */
function tokensOf(plan: RequestPlan): number {
  if (plan.mode === "logprobs") return 1;
  const asked = plan.options["num_predict"];
  const limit = typeof asked === "number" && asked > 0 ? asked : jsonTokensMax;
  return plan.mode === "json" ? Math.max(limit, jsonTokensMax) : limit;
}

/** JSON with sorted keys: equal values give equal text, whatever the order in the file. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, v]) => v !== undefined);
    entries.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${canonical(v)}`).join(",")}}`;
  }
  return JSON.stringify(value) ?? "null";
}
