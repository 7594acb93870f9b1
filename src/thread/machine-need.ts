/** What a configuration asks of the machine, in the plain values that the doctor takes. */
import { accepted, isLoopback, isMulticast, parseFeedLine } from "../config/address.ts";
import type { LoadedConfig } from "../config/load.ts";
import type { InferenceConfig } from "../config/section/inference.ts";
import type { MachineNeeds, OllamaNeeds } from "../doctor/context.ts";
import { readDrift } from "../doctor/drift.ts";
import { runTool } from "../host/tool.ts";
import { freezeRequest, type OptionValue } from "../inference/request.ts";

/** `program` is how hftedge is started, for what it has to ask of itself. */
export function machineNeeds(
  { config, dataDirectory, file }: Pick<LoadedConfig, "config" | "dataDirectory" | "file">,
  program: readonly string[],
): MachineNeeds {
  const lines = config.feed.flatMap((feed) =>
    feed.lines.map((line) => accepted(parseFeedLine(line))),
  );
  // An address in place of a name selects an interface too; only a name can be looked up here.
  const named = lines
    .map((line) => line.interface)
    .filter((name): name is string => name !== null && !/^\d+\.\d+\.\d+\.\d+$/.test(name));
  const loopbackOnly = lines.every(({ host }) => isLoopback(host));
  return {
    dataDirectory,
    interfaces: named.length > 0 ? [...new Set(named)] : loopbackOnly ? ["lo"] : [],
    ports: [...new Set(lines.map(({ port }) => port).filter((port) => port !== 0))],
    multicastGroups: new Set(lines.map(({ host }) => host).filter(isMulticast)).size,
    feedCpus: config.thread.feedCpu >= 0 ? [config.thread.feedCpu] : [],
    receiveBufferBytes: Math.max(...config.feed.map((feed) => feed.receiveBufferBytes)),
    ollama: config.inference.engine === "ollama" ? ollamaNeeds(config.inference) : undefined,
    drift: () => readDrift(runTool, program, file === null ? [] : ["--config", file]),
    config: { file: file ?? "defaults, environment and flags", problems: [] },
  };
}

/** The run's own request; an automatic mode begins with log-probabilities. */
function ollamaNeeds(inference: InferenceConfig): OllamaNeeds {
  const { model, mode, raw, keepAliveS, hosts, parallel, options } = inference;
  const sent: Record<string, OptionValue> = {};
  for (const [name, value] of Object.entries(options)) if (value !== "server") sent[name] = value;
  const request = freezeRequest({
    model,
    mode: mode === "auto" ? "logprobs" : mode,
    raw,
    keepAliveS,
    options: sent,
  });
  return {
    hosts,
    model,
    contextLength: options.num_ctx,
    inFlight: parallel,
    body: request.body,
  };
}
