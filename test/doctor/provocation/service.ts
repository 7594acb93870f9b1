import type { OllamaNeeds } from "../../../src/doctor/context.ts";
import type { Provocation } from "./provocation.ts";

const gpu = "GPU-5f1c2a3b-0000-1111-2222-333344445555";

/** nvidia-smi's line with some of its columns replaced. */
function smi(columns: Readonly<Record<number, string>>): { "nvidia-smi": { stdout: string } } {
  const words = [
    gpu,
    "NVIDIA RTX A4000",
    "550.54.14",
    "Enabled",
    "P0",
    "12",
    "4100",
    "16376",
    "55",
    "1995",
    "2100",
    "62.41",
    "140.00",
    "0x0000000000000000",
  ];
  for (const [index, word] of Object.entries(columns)) words[Number(index)] = word;
  return { "nvidia-smi": { stdout: `${words.join(", ")}\n` } };
}

const host = "http://127.0.0.1:11434";
const needs: { ollama: OllamaNeeds } = {
  ollama: {
    hosts: [host],
    model: "llama3.2:3b",
    contextLength: 1024,
    inFlight: 1,
    body: (prompt) => ({ model: "llama3.2:3b", prompt }),
  },
};
const loaded = {
  name: "llama3.2:3b",
  size: 2_600_000_000,
  size_vram: 2_600_000_000,
  context_length: 1024,
  expires_at: "2318-11-23T00:00:00Z",
};

/** A healthy server's answers with some of them replaced. */
function server(answers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return {
    "/api/version": { version: "0.33.0" },
    "/api/ps": { models: [loaded] },
    "/api/tags": { models: [{ name: "llama3.2:3b" }] },
    ...answers,
  };
}

const process = {
  "proc/700/comm": "ollama\n",
  "proc/700/environ": "OLLAMA_KEEP_ALIVE=-1\0LLAMA_ARG_CACHE_RAM=0\0OLLAMA_NUM_PARALLEL=1\0",
};

export const serviceProvocations: readonly Provocation[] = [
  {
    name: "a card without a driver",
    id: "gpu.driver",
    severity: "warning",
    files: {
      "sys/bus/pci/devices/0000:01:00.0/vendor": "0x10de\n",
      "sys/bus/pci/devices/0000:01:00.0/class": "0x030000\n",
      "sys/bus/pci/devices/0000:01:00.1/vendor": "0x10de\n",
      "sys/bus/pci/devices/0000:01:00.1/class": "0x040300\n",
    },
    evidence: "1 on the PCI bus, and nvidia-smi is not installed or does not answer",
    remedy: "nvrm",
  },
  {
    name: "a GPU without room",
    id: "gpu.memory",
    severity: "warning",
    tools: smi({ 6: "16100" }),
    evidence: "15.7 GiB of 16.0 GiB used (98.3 %)",
    remedy: "--query-compute-apps",
  },
  {
    name: "a hot GPU",
    id: "gpu.temperature",
    severity: "warning",
    tools: smi({ 8: "86" }),
    evidence: "NVIDIA RTX A4000: 86 °C",
    remedy: `nvidia-smi -i ${gpu}`,
  },
  {
    name: "clocks held down by heat",
    id: "gpu.throttle",
    severity: "critical",
    tools: smi({ 9: "900", 13: "0x0000000000000044" }),
    evidence:
      "900 of 2100 MHz in P0, 62.41 of 140 W; held back by the power limit, the hardware's thermal limit",
    remedy: "-d PERFORMANCE,CLOCK,POWER",
  },
  {
    name: "a GPU that others keep busy",
    id: "gpu.utilisation",
    severity: "warning",
    tools: smi({ 5: "99" }),
    evidence: "99 % busy",
    remedy: "nvidia-smi pmon",
  },
  {
    name: "a driver that unloads",
    id: "gpu.persistence",
    severity: "warning",
    tools: smi({ 3: "Disabled" }),
    evidence: "Off, driver 550.54.14",
    remedy: "nvidia-persistenced",
  },
  {
    name: "no Ollama process",
    id: "ollama.process",
    severity: "critical",
    needs,
    evidence: "no process called ollama",
    remedy: "systemctl enable --now ollama",
  },
  {
    name: "an Ollama that does not answer",
    id: "ollama.reach",
    severity: "critical",
    needs,
    evidence: "The connection is refused",
    remedy: `curl -sS -m 2 ${host}/api/version`,
  },
  {
    name: "an Ollama that reads the metadata with every request",
    id: "ollama.version",
    severity: "warning",
    needs,
    http: server({ "/api/version": { version: "0.32.9" } }),
    evidence: "0.32.9: every warm request reads the model's metadata again, 94 to 300 ms",
    remedy: "install.sh",
  },
  {
    name: "a model that is not installed",
    id: "ollama.model",
    severity: "critical",
    needs,
    http: server({ "/api/ps": { models: [] }, "/api/tags": { models: [{ name: "qwen3:4b" }] } }),
    evidence: "llama3.2:3b is not installed",
    remedy: "ollama pull llama3.2:3b",
  },
  {
    name: "a model that spilled to the CPU",
    id: "ollama.vram",
    severity: "warning",
    needs,
    http: server({ "/api/ps": { models: [{ ...loaded, size_vram: 1_300_000_000 }] } }),
    evidence: "1.2 GiB of 2.4 GiB are in GPU memory (50.0 %)",
    remedy: "OLLAMA_KV_CACHE_TYPE=q8_0",
  },
  {
    name: "a model loaded with another context",
    id: "ollama.context",
    severity: "warning",
    needs,
    http: server({ "/api/ps": { models: [{ ...loaded, context_length: 4096 }] } }),
    evidence: "Loaded with 4096, and the run asks for 1024",
    remedy: "ollama stop llama3.2:3b",
  },
  {
    name: "a model that will be dropped",
    id: "ollama.keep-alive",
    severity: "warning",
    needs,
    http: server({
      "/api/ps": {
        models: [{ ...loaded, expires_at: new Date(1_800_000_300_000).toISOString() }],
      },
    }),
    evidence: "dropped in 5 min 0 s",
    remedy: `-d '{"model":"llama3.2:3b","keep_alive":-1}'`,
  },
  {
    name: "warm requests that take long to begin",
    id: "ollama.warm",
    severity: "warning",
    needs,
    options: { active: true },
    http: server({
      "/api/generate": { total_duration: 140e6, load_duration: 120e6, prompt_eval_duration: 2e6 },
    }),
    evidence: "120 ms before the model starts, 140 ms in all (best of 2)",
    remedy: "0.32.15",
  },
  {
    name: "instructions that are read again each time",
    id: "ollama.prompt-cache",
    severity: "note",
    needs,
    options: { active: true },
    http: server({
      "/api/generate": { total_duration: 60e6, load_duration: 2e6, prompt_eval_duration: 41e6 },
    }),
    evidence: "took 41.0 ms to read, and 41.0 ms when it came again",
    remedy: "config print --origins",
  },
  {
    name: "more requests than slots",
    id: "ollama.slot",
    severity: "warning",
    needs: { ollama: { ...needs.ollama, inFlight: 4 } },
    files: process,
    http: server({}),
    evidence: "1 slot a model, and the run keeps up to 4 requests in flight",
    remedy: "OLLAMA_NUM_PARALLEL=4",
  },
  {
    name: "the server's slots, and not those of a client or a runner of the same name",
    id: "ollama.slot",
    severity: "warning",
    needs: { ollama: { ...needs.ollama, inFlight: 4 } },
    files: {
      "proc/600/comm": "ollama\n",
      "proc/600/cmdline": "ollama\0run\0llama3.2:3b\0",
      "proc/600/environ": "OLLAMA_NUM_PARALLEL=9\0",
      "proc/650/comm": "ollama\n",
      "proc/650/cmdline": "/usr/bin/ollama\0runner\0--model\0x\0",
      "proc/650/environ": "OLLAMA_NUM_PARALLEL=8\0",
      ...process,
      "proc/700/cmdline": "/usr/bin/ollama\0serve\0",
    },
    http: server({}),
    evidence: "1 slot a model",
    remedy: "OLLAMA_NUM_PARALLEL=4",
  },
  {
    name: "an environment with a desktop's defaults",
    id: "ollama.environment",
    severity: "note",
    needs,
    files: { ...process, "proc/700/environ": "HOME=/root\0CUDA_VISIBLE_DEVICES=0\0" },
    http: server({}),
    evidence:
      "LLAMA_ARG_CACHE_RAM=8192 MiB of host memory for prompts; CUDA_VISIBLE_DEVICES=0 names GPUs by index",
    remedy: "60-hftedge.conf",
  },
  {
    name: "a setting that was changed back",
    id: "tune.drift",
    severity: "warning",
    needs: {
      drift: () => {
        return Promise.resolve({
          applied: true,
          drift: [
            { id: "net.rmem-max", live: "212992", desired: "33554432", reason: null },
            {
              id: "/etc/sysctl.d/99-zz-hftedge.conf",
              live: null,
              desired: null,
              reason: "is not there",
            },
          ],
          pending: [],
        });
      },
    },
    evidence:
      "2 settings changed since: net.rmem-max is 212992, not 33554432; /etc/sysctl.d/99-zz-hftedge.conf is not there",
    remedy: "hftedge tune status",
  },
  {
    name: "a machine that was never tuned",
    id: "tune.drift",
    severity: "note",
    needs: {
      drift: () => {
        const item = {
          id: "cpu.governor",
          live: "powersave",
          desired: "performance",
          reason: null,
        };
        return Promise.resolve({ applied: false, drift: [item], pending: [] });
      },
    },
    evidence: "Never applied here; it would change 1 setting",
    remedy: "sudo hftedge tune apply",
  },
  {
    name: "a setting that waits for a reboot",
    id: "tune.drift",
    severity: "note",
    needs: {
      drift: () => {
        const item = { id: "kernel.isolcpus", live: null, desired: null, reason: "needs a reboot" };
        return Promise.resolve({ applied: true, drift: [], pending: [item] });
      },
    },
    evidence: "waiting for a reboot or a restart: kernel.isolcpus needs a reboot",
    remedy: "hftedge tune status",
  },
  {
    name: "a configuration with mistakes",
    id: "config.file",
    severity: "critical",
    needs: { config: { file: "hftedge.toml", problems: ["http.listen is not HOST:PORT"] } },
    evidence: "1 mistake in hftedge.toml: http.listen is not HOST:PORT",
    remedy: "hftedge config check",
  },
];
