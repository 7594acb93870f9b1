/** Ollama: is it there, is it a good version, and is the model where it can answer at once. */
import { findProcesses, type HostProcess } from "../host/process.ts";
import type { OllamaNeeds, Probe, ProbeContext } from "./context.ts";
import { finding, notApplicable, type Outcome } from "./finding.ts";
import { knownDefects } from "./ollama-defect.ts";
import { readOllama, type OllamaState, type RunningModel } from "./ollama-state.ts";
import { warmRequests } from "./ollama-warm.ts";
import { duration, percent } from "../unit.ts";
import { bytes, plural } from "./text.ts";

const hostsMax = 16;
/** Names of the server and of the child that runs a model. */
const processNames = ["ollama", "llama-server", "ollama_llama_se"];

function isLocal(host: string): boolean {
  return /^https?:\/\/(127\.|localhost|\[::1\])/.test(host);
}

/** The server: its clients and, in some versions, its model runners have the same name. */
function serverOf(processes: readonly HostProcess[]): HostProcess | undefined {
  const named = processes.filter(({ name }) => name === "ollama");
  return named.find(({ argv }) => argv[1] === "serve") ?? named[0];
}

function isRunner({ name, argv }: HostProcess): boolean {
  return name !== "ollama" || argv[1] === "runner";
}

function processFinding(processes: readonly HostProcess[], reached: boolean): Outcome {
  const server = serverOf(processes);
  if (server === undefined && reached) {
    return notApplicable("ollama.process", "it runs where its process cannot be seen");
  }
  const runners = processes.filter(isRunner);
  return finding(
    "ollama.process",
    server === undefined ? "critical" : "ok",
    server === undefined
      ? "There is no process called ollama."
      : `pid ${server.pid}, ${plural(runners.length, "model runner")}.`,
    { pid: server?.pid ?? 0, runners: runners.length },
  );
}

/** Settings that only the server's environment shows, read from its process. */
function environmentFindings(processes: readonly HostProcess[], needs: OllamaNeeds): Outcome[] {
  const server = serverOf(processes);
  const environment = server?.environment;
  if (server === undefined) return [];
  if (environment === undefined) {
    return [notApplicable("ollama.environment", "only root or its own user may read it")];
  }
  const kept = environment.get("OLLAMA_KEEP_ALIVE") ?? "5m";
  const cacheRam = environment.get("LLAMA_ARG_CACHE_RAM") ?? "8192";
  const parallel = Number(environment.get("OLLAMA_NUM_PARALLEL") ?? "1") || 1;
  const visible = environment.get("CUDA_VISIBLE_DEVICES");
  const remarks: string[] = [];
  if (cacheRam !== "0")
    remarks.push(`LLAMA_ARG_CACHE_RAM=${cacheRam} MiB of host memory for prompts`);
  if (visible !== undefined && /^\d/.test(visible)) {
    remarks.push(`CUDA_VISIBLE_DEVICES=${visible} names GPUs by index, which is not stable`);
  }
  if (!kept.startsWith("-")) remarks.push(`OLLAMA_KEEP_ALIVE=${kept} for requests that do not say`);
  return [
    finding(
      "ollama.environment",
      remarks.length > 0 ? "note" : "ok",
      remarks.length > 0
        ? `${remarks.join("; ")}.`
        : "Keeps models loaded, and no host prompt cache.",
      { keepAlive: kept, cacheRamMib: cacheRam, pid: server.pid },
    ),
    finding(
      "ollama.slot",
      needs.inFlight > parallel ? "warning" : "ok",
      `${plural(parallel, "slot")} a model, and the run keeps up to ${plural(needs.inFlight, "request")} in flight.`,
      { slots: parallel, inFlight: needs.inFlight },
    ),
  ];
}

function version(host: string, text: string): Outcome {
  const defects = knownDefects(text);
  return finding(
    "ollama.version",
    defects.length > 0 ? "warning" : "ok",
    defects.length > 0 ? `${text}: ${defects.join("; ")}.` : `${text}, without a known defect.`,
    { version: text, defects: defects.length },
    host,
  );
}

/** The request that loads a model and keeps it, for the command line of a remedy. */
function loadRequest(name: string): { load: string } {
  return { load: JSON.stringify({ model: name, keep_alive: -1 }) };
}

function model(host: string, needs: OllamaNeeds, state: OllamaState): Outcome {
  const values = { model: needs.model, loaded: state.running !== undefined };
  if (state.running !== undefined) {
    const { sizeBytes, name } = state.running;
    return finding("ollama.model", "ok", `${name} is loaded, ${bytes(sizeBytes)}.`, values, host);
  }
  const installed = state.installed === true;
  return finding(
    "ollama.model",
    installed || state.installed === undefined ? "warning" : "critical",
    state.installed === false
      ? `${needs.model} is not installed.`
      : `${needs.model} is not loaded${state.others.length > 0 ? `; loaded: ${state.others.join(", ")}` : ""}.`,
    values,
    host,
    { words: loadRequest(needs.model) },
  );
}

function placement(host: string, running: RunningModel): Outcome {
  const share = running.sizeBytes === 0 ? 0 : running.vramBytes / running.sizeBytes;
  return finding(
    "ollama.vram",
    share === 0 ? "note" : share < 0.999 ? "warning" : "ok",
    share === 0
      ? "All of it is in the machine's memory; it runs on the CPU."
      : `${bytes(running.vramBytes)} of ${bytes(running.sizeBytes)} are in GPU memory (${percent(share)}).`,
    { vramBytes: running.vramBytes, sizeBytes: running.sizeBytes, share },
    host,
  );
}

function context(host: string, needs: OllamaNeeds, running: RunningModel): Outcome {
  const { contextLength } = running;
  if (contextLength === 0 || needs.contextLength === 0) {
    return notApplicable("ollama.context", "one side leaves it open", host);
  }
  const differs = contextLength !== needs.contextLength;
  return finding(
    "ollama.context",
    differs ? "warning" : "ok",
    differs
      ? `Loaded with ${contextLength}, and the run asks for ${needs.contextLength}: its next request reloads the model.`
      : `${contextLength} tokens, as the run asks for.`,
    { contextLength, wanted: needs.contextLength, model: needs.model },
    host,
  );
}

function keepAlive(
  host: string,
  needs: OllamaNeeds,
  running: RunningModel,
  nowMs: number,
): Outcome {
  const leftMs = running.expiresAtMs - nowMs;
  if (!Number.isFinite(leftMs)) return notApplicable("ollama.keep-alive", "it does not tell", host);
  // "For ever" is a date in the next centuries.
  const forever = leftMs > 365 * 86_400e3;
  return finding(
    "ollama.keep-alive",
    forever ? "ok" : "warning",
    forever
      ? "For ever."
      : `It is dropped in ${duration(Math.max(0, leftMs) * 1e6)}, unless it is used.`,
    { leftMs, forever, model: needs.model },
    host,
    { words: loadRequest(needs.model) },
  );
}

async function examineHost(
  probe: ProbeContext,
  host: string,
  needs: OllamaNeeds,
): Promise<Outcome[]> {
  const state = await readOllama(probe, host, needs.model);
  if ("failure" in state) {
    return [finding("ollama.reach", "critical", `${state.failure}.`, { host }, host)];
  }
  const outcomes = [
    finding(
      "ollama.reach",
      "ok",
      `Answers in ${duration(state.answerNs)}.`,
      { answerNs: state.answerNs },
      host,
    ),
    version(host, state.version),
    model(host, needs, state),
  ];
  const { running } = state;
  if (running === undefined) return outcomes;
  const fits = running.contextLength === needs.contextLength || needs.contextLength === 0;
  outcomes.push(
    placement(host, running),
    context(host, needs, running),
    keepAlive(host, needs, running, probe.clock.nowMs()),
  );
  // With another context the request would throw the model out and load it again.
  if (probe.active && fits) outcomes.push(...(await warmRequests(probe, host, needs)));
  return outcomes;
}

export const ollamaProbe: Probe = {
  area: "ollama",
  run: async (probe) => {
    const needs = probe.needs.ollama;
    if (needs === undefined) return [notApplicable("ollama.reach", "the run does not use it")];
    const hosts = needs.hosts.slice(0, hostsMax).map((host) => host.replace(/\/+$/, ""));
    const examined = await Promise.all(hosts.map((host) => examineHost(probe, host, needs)));
    const outcomes = examined.flat();
    if (!hosts.some(isLocal)) return outcomes;
    const reached = outcomes.some(
      (outcome) => outcome.id === "ollama.version" && isLocal(outcome.subject),
    );
    const processes = findProcesses(probe.root, processNames);
    return [
      processFinding(processes, reached),
      ...environmentFindings(processes, needs),
      ...outcomes,
    ];
  },
};
