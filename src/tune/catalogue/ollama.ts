/** Ollama's environment, in an own drop-in of its systemd unit: a shell's exports never reach it. */
import { formatCpuList } from "../../host/proc.ts";
import type { Machine } from "../machine.ts";
import { type Setting, type Value, skip } from "../setting.ts";

const config = "Ollama, envconfig/config.go";

const needsOllama = (machine: Machine): string | null =>
  machine.installed.ollama ? null : "ollama.service is not installed";

interface Variable {
  name: string;
  id: string;
  title: string;
  why: string;
  value: Value;
  answer: string;
  guide?: string;
  source?: string;
}

const variables: readonly Variable[] = [
  {
    name: "OLLAMA_KEEP_ALIVE",
    id: "keep-alive",
    title: "the model stays loaded",
    why: "after five idle minutes the next answer would wait for a load",
    value: ({ wishes }) => (wishes.keepAliveS < 0 ? "-1" : `${wishes.keepAliveS}s`),
    answer: "for ever, unless the configuration says otherwise",
    guide: "ollama.configure(keep_alive=…), which does not exist",
  },
  {
    name: "OLLAMA_NUM_PARALLEL",
    id: "num-parallel",
    title: "as many slots as questions in flight",
    why: "a question beyond the slots waits without limit, and each slot keeps a context of its own",
    value: ({ wishes }) => String(wishes.parallel),
    answer: "as inference.parallel says: 1 unless configured",
  },
  {
    name: "OLLAMA_MAX_LOADED_MODELS",
    id: "max-loaded-models",
    title: "one model",
    why: "another model would push ours out of the GPU's memory",
    value: "1",
    answer: "1",
  },
  {
    name: "OLLAMA_CONTEXT_LENGTH",
    id: "context-length",
    title: "a short context",
    why: "the default follows the GPU's memory and can be 256k tokens, all of them allocated",
    value: (machine) => String(machine.wishes.contextTokens),
    answer: "as long as the prompt needs",
    guide: "num_ctx 1024",
  },
  {
    name: "OLLAMA_NO_CLOUD",
    id: "no-cloud",
    title: "no cloud models",
    why: "nothing of the market leaves the box",
    value: "1",
    answer: "1",
  },
  {
    name: "LLAMA_ARG_CACHE_RAM",
    id: "cache-ram",
    title: "no prompt cache in host memory",
    why: "up to 8 GiB of saved prompts are of no use to prompts of a hundred tokens",
    value: "0",
    answer: "0",
    source: "llama.cpp, llama-server --cache-ram",
  },
  {
    name: "CUDA_VISIBLE_DEVICES",
    id: "gpu",
    title: "the GPU by UUID",
    why: "indices change with the driver and the slots",
    value: (machine) =>
      machine.roles.gpus.length > 0
        ? machine.roles.gpus.join(",")
        : skip("no NVIDIA GPU with a loaded driver"),
    answer: "UUIDs, where the service can see them",
    guide: "export CUDA_VISIBLE_DEVICES=0 in a shell",
  },
];

export const ollamaSettings: readonly Setting[] = [
  ...variables.map((variable): Setting => ({
    id: `ollama.${variable.id}`,
    area: "ollama",
    title: `${variable.title} (${variable.name})`,
    why: variable.why,
    source: variable.source ?? config,
    ...(variable.guide === undefined ? {} : { guide: variable.guide }),
    verdict: variable.guide === undefined ? "done" : "done otherwise",
    answer: variable.answer,
    scope: "service",
    safe: variable.value,
    aggressive: variable.value,
    risk: "low",
    effect: "service restart",
    needs: needsOllama,
    knob: {
      kind: "drop-in",
      unit: "ollama.service",
      directive: "Environment",
      variable: variable.name,
    },
  })),
  {
    id: "ollama.memlock",
    area: "ollama",
    title: "Ollama may lock its memory",
    why: "a model's pages must not be written out",
    source: "systemd.exec(5)",
    verdict: "done",
    answer: "LimitMEMLOCK=infinity",
    scope: "service",
    safe: "infinity",
    aggressive: "infinity",
    risk: "none",
    effect: "service restart",
    needs: needsOllama,
    knob: { kind: "drop-in", unit: "ollama.service", directive: "LimitMEMLOCK" },
  },
  {
    id: "ollama.cpus",
    area: "ollama",
    title: "Ollama on the housekeeping CPUs",
    why: "its threads must not run on the feed's CPU",
    source: "systemd.exec(5)",
    guide: "num_thread 16",
    verdict: "done otherwise",
    answer: "CPUAffinity= the housekeeping CPUs",
    scope: "service",
    safe: (machine) => formatCpuList(machine.roles.housekeepingCpus),
    aggressive: (machine) => formatCpuList(machine.roles.housekeepingCpus),
    risk: "low",
    effect: "service restart",
    needs: (machine) =>
      needsOllama(machine) ??
      (machine.roles.feedCpus.length > 0 ? null : "no CPU is set apart for the feed"),
    knob: { kind: "drop-in", unit: "ollama.service", directive: "CPUAffinity" },
  },
];
