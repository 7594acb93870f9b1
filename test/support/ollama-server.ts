/**
 * A stand-in for an Ollama server (as of v0.33), on a real loopback socket.
 *
 * It does what the real one does, as far as a client can tell: status codes, bodies, errors under
 * status 200, one load at a time that a disconnect kills, a semaphore of slots without a limit,
 * log-probabilities of the first token, durations in ns that are absent where they are 0. And it can
 * be told to fail in every way that a server can.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { misbehave, type Fault } from "./ollama-fault.ts";
import {
  buildReply,
  details,
  json,
  now,
  respond,
  supportsLogprobs,
  type Answer,
} from "./ollama-reply.ts";

export interface OllamaServerOptions {
  model?: string;
  version?: string;
  /** OLLAMA_NUM_PARALLEL. */
  parallel?: number;
  loadMs?: number;
  evalMs?: number;
  /** OLLAMA_MAX_QUEUE: requests that may wait while a model loads. */
  queueMax?: number;
  /** Share of the model that is in GPU memory, 0–1. */
  vramShare?: number;
  answer?: (prompt: string) => Answer;
}

export interface GenerateCall {
  model: string;
  prompt?: string;
  options: Record<string, unknown>;
  body: Record<string, unknown>;
}

interface Loading {
  done: Promise<boolean>;
  waiting: number;
}

const reloading = [
  "num_ctx",
  "num_batch",
  "num_gpu",
  "main_gpu",
  "use_mmap",
  "num_thread",
  "draft_num_predict",
];

export class OllamaServer {
  readonly model: string;
  /** SHA-256 of the model's manifest, 64 hex digits. */
  digest = "a".repeat(64);
  parallel: number;
  loadMs: number;
  evalMs: number;
  version: string;
  fault: Fault = "none";
  /** The name by which the same model was loaded before, under which /api/ps goes on listing it. */
  loadedAs = "";
  /** Applies the fault to /api/generate only; HEAD, /api/ps and the rest stay healthy. */
  faultOnGenerateOnly = true;
  answer: (prompt: string) => Answer;

  /** What happened, for tests to look at. */
  readonly calls: GenerateCall[] = [];
  /** False keeps nothing but the counts, for long runs. */
  keepCalls = true;
  questions = 0;
  loadsStarted = 0;
  loadsKilled = 0;
  loadsDone = 0;
  connections = 0;
  inFlight = 0;
  inFlightMax = 0;

  readonly #queueMax: number;
  readonly #vramShare: number;
  #loaded: { reload: string; context: number; digest: string } | null = null;
  #loading: Loading | null = null;
  #free: number;
  readonly #waiting: (() => void)[] = [];
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #port = 0;

  constructor(options: OllamaServerOptions = {}) {
    this.model = options.model ?? "llama3.2:3b";
    this.version = options.version ?? "0.33.0";
    this.parallel = options.parallel ?? 1;
    this.loadMs = options.loadMs ?? 0;
    this.evalMs = options.evalMs ?? 0;
    this.#queueMax = options.queueMax ?? 512;
    this.#vramShare = options.vramShare ?? 1;
    this.#free = this.parallel;
    this.answer =
      options.answer ?? (() => ({ tokens: { BUY: 0.7, SELL: 0.1, HOLD: 0.15, The: 0.05 } }));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get isLoaded(): boolean {
    return this.#loaded !== null;
  }

  /** Open connections now. */
  get openSockets(): number {
    return this.#sockets.size;
  }

  /** Begins to listen: on a free port the first time, on the same one after a `stop`. */
  async start(): Promise<this> {
    const server = createServer((request, response) => {
      this.#route(request, response).catch(() => response.destroy());
    });
    server.on("connection", (socket: Socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      socket.on("error", () => undefined);
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#port, "127.0.0.1", resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
    return this;
  }

  /** As when the process dies: connections are reset, the model is out of memory. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    this.#loaded = null;
    this.#loading = null;
    this.#free = this.parallel;
    this.#waiting.length = 0;
    if (server === null) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** `ollama pull` brought another model under the same name: the loaded one is stale. */
  replaceModel(digest: string): void {
    this.digest = digest;
    this.#loaded = null;
  }

  /** As when keep_alive ran out, or another model needed the memory. */
  unload(): void {
    this.#loaded = null;
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? "/", "http://x").pathname;
    const body = await readAll(request);
    const generates = path === "/api/generate";
    if (this.fault !== "none" && (generates || !this.faultOnGenerateOnly)) {
      if (misbehave(this.fault, response, this.model)) return;
    }
    if (path === "/") return void respond(response, 200, "text/plain", "Ollama is running");
    if (path === "/api/version") return json(response, 200, { version: this.version });
    if (path === "/api/tags") return json(response, 200, { models: [this.#entry()] });
    if (path === "/api/ps") return json(response, 200, { models: this.#running() });
    if (path === "/api/show") return this.#show(response, body);
    if (generates && request.method === "POST") return this.#generate(response, body);
    respond(response, 404, "text/plain", "404 page not found");
  }

  #entry(): object {
    return {
      name: this.model,
      model: this.model,
      modified_at: "2026-08-01T00:00:00Z",
      size: 2_019_393_189,
      digest: this.digest,
      details,
    };
  }

  #running(): object[] {
    if (this.#loaded === null) return [];
    const size = 2_600_000_000;
    const name = this.loadedAs === "" ? this.model : this.loadedAs;
    return [
      {
        name,
        model: name,
        size,
        digest: this.#loaded.digest,
        details,
        expires_at: "2318-11-23T00:00:00Z",
        size_vram: Math.round(size * this.#vramShare),
        context_length: this.#loaded.context,
      },
    ];
  }

  #show(response: ServerResponse, body: string): void {
    const { model } = parse(body) as { model?: string };
    if (model !== this.model) return json(response, 404, { error: `model '${model}' not found` });
    json(response, 200, {
      details,
      model_info: { "general.architecture": "llama", "llama.context_length": 131072 },
      capabilities: ["completion", "tools"],
      template: "{{ .Prompt }}",
      modified_at: "2026-08-01T00:00:00Z",
    });
  }

  async #generate(response: ServerResponse, text: string): Promise<void> {
    const body = parse(text);
    const mistake = this.#mistakeOf(body);
    if (mistake !== null) return json(response, mistake.status, { error: mistake.error });
    const options = (body["options"] ?? {}) as Record<string, unknown>;
    const prompt = typeof body["prompt"] === "string" ? body["prompt"] : "";
    const call: GenerateCall = { model: this.model, options, body };
    if (prompt !== "") call.prompt = prompt;
    if (this.keepCalls) this.calls.push(call);
    let gone = false;
    response.on("close", () => (gone = !response.writableFinished));

    const beganMs = performance.now();
    const loaded = await this.#load(response, options);
    if (loaded !== true) {
      if (!gone) json(response, loaded.status, { error: loaded.error });
      return;
    }
    const loadNs = nsSince(beganMs);
    if (prompt === "") {
      return json(response, 200, {
        model: this.model,
        created_at: now(),
        response: "",
        done: true,
        done_reason: "load",
      });
    }
    this.questions++;
    await this.#acquire();
    this.inFlight++;
    this.inFlightMax = Math.max(this.inFlightMax, this.inFlight);
    const evalBeganMs = performance.now();
    if (this.evalMs > 0 || this.fault === "crawl") {
      await Bun.sleep(this.fault === "crawl" ? Math.max(this.evalMs, 1) * 20 : this.evalMs);
    }
    this.inFlight--;
    this.#release();
    if (gone) return;
    const times = { loadNs, evalNs: nsSince(evalBeganMs), totalNs: nsSince(beganMs) };
    const hasLogprobs = this.fault !== "no-logprobs" && supportsLogprobs(this.version);
    const reply = buildReply(this.model, body, this.answer(prompt), times, hasLogprobs);
    if (body["stream"] === false) return json(response, 200, reply);
    respond(response, 200, "application/x-ndjson", `${JSON.stringify(reply)}\n`);
  }

  #mistakeOf(body: Record<string, unknown>): { status: number; error: string } | null {
    if (body["model"] !== this.model) {
      return { status: 404, error: `model '${String(body["model"])}' not found` };
    }
    if (body["keep_alive"] === "-1") {
      return { status: 400, error: 'time: missing unit in duration "-1"' };
    }
    const top = body["top_logprobs"];
    if (typeof top === "number" && (top < 0 || top > 20)) {
      return { status: 400, error: "top_logprobs must be between 0 and 20" };
    }
    return null;
  }

  /** True when the model is in memory with these options; else what to answer. */
  async #load(
    response: ServerResponse,
    options: Record<string, unknown>,
  ): Promise<true | { status: number; error: string }> {
    const reload = JSON.stringify(reloading.map((name) => options[name] ?? null));
    if (this.#loaded?.reload === reload && this.#loaded.digest === this.digest) return true;
    const current = this.#loading;
    if (current !== null && current.waiting >= this.#queueMax) {
      return {
        status: 503,
        error: "server busy, please try again.  maximum pending requests exceeded",
      };
    }
    const loading = current ?? this.#beginLoad(response, reload, options);
    loading.waiting++;
    const ok = await loading.done;
    loading.waiting--;
    return ok ? true : { status: 499, error: "request canceled" };
  }

  /** One load at a time; it dies with the connection that asked for it. */
  #beginLoad(response: ServerResponse, reload: string, options: Record<string, unknown>): Loading {
    this.loadsStarted++;
    this.#loaded = null;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => {
      this.loadsDone++;
      const context = typeof options["num_ctx"] === "number" ? options["num_ctx"] : 4096;
      if (this.#server !== null) this.#loaded = { reload, context, digest: this.digest };
      this.#loading = null;
      resolve(true);
    }, this.loadMs);
    response.on("close", () => {
      if (response.writableFinished || this.#loading?.done !== promise) return;
      clearTimeout(timer);
      this.loadsKilled++;
      this.#loading = null;
      resolve(false);
    });
    const loading = { done: promise, waiting: 0 };
    this.#loading = loading;
    return loading;
  }

  async #acquire(): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free = Math.min(this.parallel, this.#free + 1);
    else next();
  }
}

async function readAll(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text;
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

const nsSince = (ms: number): number => Math.round((performance.now() - ms) * 1e6);
