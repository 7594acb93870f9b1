/** What an Ollama server answers, byte for byte as far as a client can tell. */
import type { ServerResponse } from "node:http";

/** What the model says to a prompt: probabilities of the first token, and the full text. */
export interface Answer {
  /** Token → probability, 0–1; at most 20 are reported. */
  tokens: Readonly<Record<string, number>>;
  /** The text of a reply of more than one token. */
  text?: string;
}

/** How long the parts took, ns. */
export interface ReplyTimes {
  loadNs: number;
  evalNs: number;
  totalNs: number;
}

/** The body of an answer to /api/generate that does not stream. */
export function buildReply(
  model: string,
  request: Record<string, unknown>,
  { tokens, text }: Answer,
  { loadNs, evalNs, totalNs }: ReplyTimes,
  hasLogprobs: boolean,
): Record<string, unknown> {
  const options = (request["options"] ?? {}) as Record<string, unknown>;
  const prompt = String(request["prompt"]);
  const ranked = Object.entries(tokens).toSorted(([, a], [, b]) => b - a);
  const [token, probability] = ranked[0] ?? ["", 1];
  const one = options["num_predict"] === 1;
  const label = token.trim();
  const confidence = probability.toFixed(2);
  const stated =
    request["format"] === undefined
      ? `${label}:${confidence}`
      : `{"signal": "${label}", "confidence": ${confidence}}`;
  const spoken = one ? token : (text ?? stated);
  return {
    model,
    created_at: now(),
    response: spoken,
    done: true,
    done_reason: one ? "length" : "stop",
    // A duration is absent where it is 0.
    ...(loadNs > 0 ? { load_duration: loadNs } : {}),
    total_duration: totalNs,
    prompt_eval_count: Math.ceil(prompt.length / 4),
    prompt_eval_duration: Math.max(1, Math.floor(evalNs * 0.6)),
    eval_count: one ? 1 : Math.ceil(spoken.length / 3),
    ...(one ? {} : { eval_duration: Math.max(1, Math.floor(evalNs * 0.3)) }),
    // Log-probabilities come only with text.
    ...(hasLogprobs && request["logprobs"] === true && spoken !== ""
      ? { logprobs: [logprobsOf(ranked, Number(request["top_logprobs"] ?? 0))] }
      : {}),
  };
}

export const details = {
  parent_model: "",
  format: "gguf",
  family: "llama",
  families: ["llama"],
  parameter_size: "3.2B",
  quantization_level: "Q4_K_M",
};

function entry([token, probability]: [string, number]): object {
  const bytes = [...new TextEncoder().encode(token)];
  return { token, logprob: Math.log(probability), bytes };
}

function logprobsOf(ranked: [string, number][], top: number): object {
  return { ...entry(ranked[0]!), top_logprobs: ranked.slice(0, top).map(entry) };
}

/** Since 0.12.11. */
export function supportsLogprobs(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split(/[.-]/).map(Number);
  return major > 0 || minor > 12 || (minor === 12 && patch >= 11);
}

export function respond(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
): void {
  response.writeHead(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(body) });
  response.end(body);
}

export function json(response: ServerResponse, status: number, body: object): void {
  respond(response, status, "application/json; charset=utf-8", JSON.stringify(body));
}

export const now = (): string => new Date().toISOString();
