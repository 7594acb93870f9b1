/** What Ollama's HTTP interface says about itself, each question with a time limit. */
import type { ProbeContext } from "./context.ts";

const answerTimeoutMs = 2000;
/** The list of a box with hundreds of models stays far below this. */
const answerBytesMax = 4 << 20;

export interface RunningModel {
  name: string;
  sizeBytes: number;
  vramBytes: number;
  contextLength: number;
  /** Epoch ms; NaN when not told. */
  expiresAtMs: number;
}

export interface OllamaState {
  version: string;
  answerNs: number;
  running: RunningModel | undefined;
  /** Other models in memory. */
  others: string[];
  /** Undefined when the list could not be read. */
  installed: boolean | undefined;
}

type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null;
}

async function ask(context: ProbeContext, url: string): Promise<Json> {
  const response = await context.fetch(url, { signal: AbortSignal.timeout(answerTimeoutMs) });
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  const text = await readBounded(response);
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) throw new Error("the answer is no object");
  return value;
}

/** A server that is not Ollama may send without end. */
export async function readBounded(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > answerBytesMax) throw new Error("the answer is too long");
  }
  return text;
}

/** "llama3.2" means "llama3.2:latest". */
function fullName(name: string): string {
  return name.includes(":") ? name : `${name}:latest`;
}

function sameModel(a: unknown, b: string): boolean {
  return typeof a === "string" && fullName(a) === fullName(b);
}

function models(answer: Json): Json[] {
  const list = answer["models"];
  return Array.isArray(list) ? list.filter(isObject) : [];
}

function number(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

function runningModel(entry: Json): RunningModel {
  return {
    name: String(entry["name"] ?? entry["model"]),
    sizeBytes: number(entry["size"]),
    vramBytes: number(entry["size_vram"]),
    contextLength: number(entry["context_length"]),
    expiresAtMs: Date.parse(String(entry["expires_at"] ?? "")),
  };
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `No answer within ${answerTimeoutMs} ms`;
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ConnectionRefused" || code === "ECONNREFUSED") return "The connection is refused";
  if (error instanceof SyntaxError) return "The answer is not Ollama's";
  return `${error.message.replace(/\.$/, "")}${code === undefined ? "" : ` (${code})`}`;
}

/** Reads version, loaded models and, when the wanted one is not loaded, the installed ones. */
export async function readOllama(
  context: ProbeContext,
  host: string,
  wanted: string,
): Promise<OllamaState | { failure: string }> {
  try {
    const startNs = context.clock.nowNs();
    const { version } = await ask(context, `${host}/api/version`);
    const answerNs = context.clock.nowNs() - startNs;
    if (typeof version !== "string") return { failure: "The answer is not Ollama's" };
    const loaded = models(await ask(context, `${host}/api/ps`));
    const isWanted = (entry: Json): boolean =>
      sameModel(entry["name"], wanted) || sameModel(entry["model"], wanted);
    const entry = loaded.find(isWanted);
    const state: OllamaState = {
      version,
      answerNs,
      running: entry === undefined ? undefined : runningModel(entry),
      others: loaded.filter((other) => other !== entry).map((other) => String(other["name"])),
      installed: entry === undefined ? undefined : true,
    };
    if (entry === undefined) {
      state.installed = models(await ask(context, `${host}/api/tags`)).some(isWanted);
    }
    return state;
  } catch (error) {
    return { failure: describe(error) };
  }
}
