/**
 * One Ollama server, spoken to through the `ollama` package.
 *
 * The package is given a `fetch` of ours, for three reasons: it carries our signal (the package's
 * abort() does nothing for a request that does not stream), it turns every failure into one of a
 * few kinds, and it keeps the package from writing about a failed request to stdout, which is data.
 *
 * Nothing here has a deadline of its own. Cutting the connection while a model loads kills the
 * load, so `preload` ends only with its answer, and a lane only with its answer or `cut`.
 */
import { Ollama, type GenerateRequest, type GenerateResponse } from "ollama";
import { faultOfError, faultOfStatus, InferenceFault } from "./fault.ts";
import type { FrozenRequest } from "./request.ts";

/** The part of `fetch` that is used: injected, so that tests can do without a network. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Parts of one request, ns. `client` is what the server does not account for: HTTP and reading. */
export interface Timing {
  totalNs: number;
  loadNs: number;
  waitNs: number;
  promptNs: number;
  evalNs: number;
  clientNs: number;
}

export interface Reply {
  /** The body, unread: verdict.ts trusts none of it. */
  body: unknown;
  timing: Timing;
}

/** A model in memory, as /api/ps has it. */
export interface LoadedModel {
  name: string;
  digest: string;
  /** Bytes in all, and bytes of them in GPU memory: fewer means that layers run on the CPU. */
  sizeBytes: number;
  vramBytes: number;
  contextLength: number;
}

/** One question at a time to one server, over one connection that stays open. */
export interface Lane {
  /** Throws InferenceFault. */
  ask(request: FrozenRequest, prompt: string): Promise<Reply>;
  /** Gives up on the question in flight: for a server that is known to be gone or stuck. */
  cut(): void;
}

export interface OllamaOptions {
  url: string;
  /** Largest body that is read, bytes. */
  bodyBytesMax: number;
  fetch: Fetch;
  /** Monotonic time, ns. */
  nowNs(): number;
}

export class OllamaClient {
  readonly url: string;
  readonly #options: OllamaOptions;

  constructor(options: OllamaOptions) {
    this.url = options.url;
    this.#options = options;
  }

  /** One for each of the server's parallel slots: it asks one question at a time. */
  lane(): Lane {
    const { nowNs } = this.#options;
    let controller = new AbortController();
    const client = packageClient(this.#options, () => controller.signal);
    return {
      async ask(request, prompt) {
        const startNs = nowNs();
        const body = await guarded(() => generate(client, request.body(prompt)));
        const elapsedNs = nowNs() - startNs;
        throwIfError(body);
        return { body, timing: timingOf(body, elapsedNs) };
      },
      cut() {
        controller.abort();
        controller = new AbortController();
      },
    };
  }

  /** `HEAD /`: is anybody there? Throws InferenceFault where not. */
  async head(signal: AbortSignal): Promise<void> {
    try {
      const response = await this.#options.fetch(this.url, { method: "HEAD", signal });
      if (!response.ok) throw faultOfStatus(response.status, `HEAD answered ${response.status}`);
    } catch (error) {
      throw faultOfError(error);
    }
  }

  /** "0.33.0", or "" where the server does not say. */
  async version(signal: AbortSignal): Promise<string> {
    const { version } = await guarded(() => this.#with(signal).version());
    return typeof version === "string" ? version : "";
  }

  /** The digest of a model on the server's disk, or null where it does not have it. */
  async digestOf(model: string, signal: AbortSignal): Promise<string | null> {
    const { models } = await guarded(() => this.#with(signal).list());
    const found = listOf(models).find((m) => isModel(m, model));
    return found === undefined ? null : text(found["digest"]);
  }

  /**
   * The model in memory, or null where it is not loaded. It is known by its digest: a server that
   * has one model under two names lists it under the name by which it was loaded.
   */
  async loaded(digest: string, signal: AbortSignal): Promise<LoadedModel | null> {
    const { models } = await guarded(() => this.#with(signal).ps());
    const found = listOf(models).find((m) => m["digest"] === digest);
    if (found === undefined) return null;
    return {
      name: text(found["name"]),
      digest: text(found["digest"]),
      sizeBytes: number(found["size"]),
      vramBytes: number(found["size_vram"]),
      contextLength: number(found["context_length"]),
    };
  }

  /**
   * Loads the model with the very options that questions carry. Resolves when it is in memory,
   * however long that takes; `signal` is for a server that is known to be gone.
   */
  async preload(request: FrozenRequest, signal: AbortSignal): Promise<void> {
    const { prompt: _, format: __, logprobs: ___, top_logprobs: ____, ...rest } = request.body("");
    const body = await guarded(() => generate(this.#with(signal), rest));
    throwIfError(body);
  }
  #with(signal: AbortSignal): Ollama {
    return packageClient(this.#options, () => signal);
  }
}

/** The package's types lag the server: `truncate` and an absent prompt are legal. */
function generate(client: Ollama, body: object): Promise<GenerateResponse> {
  return client.generate(body as GenerateRequest & { stream: false });
}

function packageClient(options: OllamaOptions, signalNow: () => AbortSignal): Ollama {
  const { url: host, fetch, bodyBytesMax } = options;
  const carrying = async (url: unknown, init?: RequestInit): Promise<Response> => {
    const response = await fetch(String(url), {
      ...init,
      signal: signalNow(),
      // The runtime would end a request that is silent for five minutes: a load may be.
      timeout: false,
    } as RequestInit);
    const body = await readBody(response, bodyBytesMax);
    if (!response.ok) throw faultOfStatus(response.status, errorOf(body) ?? body.slice(0, 200));
    // All that the package asks of a response that does not stream.
    return { ok: true, status: response.status, json: async () => parseBody(body) } as Response;
  };
  return new Ollama({ host, fetch: carrying as typeof globalThis.fetch });
}

async function guarded<T>(call: () => Promise<T>): Promise<T> {
  try {
    const value = await call();
    if (typeof value !== "object" || value === null) {
      throw new InferenceFault("garbage", 200, "the answer is no JSON object");
    }
    return value;
  } catch (error) {
    throw faultOfError(error);
  }
}

/** Reads a whole body, and gives up on one that is larger than any answer may be. */
async function readBody(response: Response, bytesMax: number): Promise<string> {
  const length = Number(response.headers.get("content-length") ?? NaN);
  if (length <= bytesMax) return response.text();
  if (response.body === null) return "";
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.byteLength;
    if (bytes > bytesMax) {
      await reader.cancel();
      throw new InferenceFault(
        "garbage",
        response.status,
        `an answer of more than ${bytesMax} bytes`,
      );
    }
    text += decoder.decode(value, { stream: true });
  }
}

/**
 * One JSON object; or lines of them, which is how a server says under status 200 that it failed
 * after it had begun to answer: then the line with the error is the answer.
 */
function parseBody(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    const error = errorOf(body);
    if (error !== null) throw new InferenceFault("server", 200, error);
    throw new InferenceFault("garbage", 200, `no JSON: ${JSON.stringify(body.slice(0, 80))}`);
  }
}

/** The words of an `{"error": "…"}` on any line of the body, or null. */
function errorOf(body: string): string | null {
  for (const line of body.split("\n")) {
    if (!line.includes('"error"')) continue;
    try {
      const { error } = JSON.parse(line) as { error?: unknown };
      if (typeof error === "string") return error;
    } catch {
      // A line that is cut off cannot be the server's word about itself.
    }
  }
  return null;
}

function throwIfError(body: object): void {
  const { error } = body as { error?: unknown };
  if (typeof error === "string") throw new InferenceFault("server", 200, error);
}

/** Durations are absent where they are 0, and are ns. */
function timingOf(body: object, elapsedNs: number): Timing {
  const reply = body as Record<string, unknown>;
  const totalNs = number(reply["total_duration"]);
  const loadNs = number(reply["load_duration"]);
  const promptNs = number(reply["prompt_eval_duration"]);
  const evalNs = number(reply["eval_duration"]);
  return {
    totalNs: elapsedNs,
    loadNs,
    promptNs,
    evalNs,
    waitNs: Math.max(0, totalNs - loadNs - promptNs - evalNs),
    clientNs: Math.max(0, elapsedNs - totalNs),
  };
}

function listOf(models: unknown): Record<string, unknown>[] {
  return Array.isArray(models) ? models.filter((m) => typeof m === "object" && m !== null) : [];
}

/** "llama3.2" is "llama3.2:latest" to the server. */
function isModel(entry: Record<string, unknown>, model: string): boolean {
  const wanted = /:[^/]*$/.test(model) ? model : `${model}:latest`;
  return entry["name"] === wanted || entry["model"] === wanted;
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");
const number = (value: unknown): number =>
  typeof value === "number" && value >= 0 && Number.isFinite(value) ? value : 0;
