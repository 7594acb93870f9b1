/** GPUs: room for the model, heat, and whether something holds the clocks down. */
import { blockingReasons } from "../host/clock-reason.ts";
import type { Probe, ProbeContext } from "./context.ts";
import { finding, notApplicable, severityAbove, type Outcome } from "./finding.ts";
import { parseNvidiaSmi, queries, type NvidiaGpu } from "./nvidia-smi.ts";
import { amdGpus } from "./gpu-amd.ts";
import { percent } from "../unit.ts";
import { bytes } from "./text.ts";

/** The first call after a pause wakes the driver, which takes a second or two. */
const toolTimeoutMs = 5000;
const nvidiaVendor = "0x10de";

/** Display controllers of NVIDIA's on the PCI bus, with or without a driver. */
function nvidiaOnBus({ root }: ProbeContext): number {
  const bus = "/sys/bus/pci/devices";
  return root
    .list(bus)
    .filter((name) => root.word(`${bus}/${name}/vendor`) === nvidiaVendor)
    .filter((name) => root.word(`${bus}/${name}/class`)?.startsWith("0x03") === true).length;
}

async function readNvidia({ runTool }: ProbeContext): Promise<NvidiaGpu[] | undefined> {
  for (const fields of queries) {
    const output = await runTool(
      ["nvidia-smi", `--query-gpu=${fields.join(",")}`, "--format=csv,noheader,nounits"],
      toolTimeoutMs,
    );
    if (output === undefined) return undefined;
    if (output.code === 0) return parseNvidiaSmi(output.stdout);
  }
  return [];
}

function memory(gpu: NvidiaGpu): Outcome {
  const { usedBytes, totalBytes, uuid } = gpu;
  if (usedBytes === undefined || totalBytes === undefined || totalBytes === 0) {
    return notApplicable("gpu.memory", "it shares the machine's memory", uuid);
  }
  const used = usedBytes / totalBytes;
  return finding(
    "gpu.memory",
    severityAbove(used, 0.9, 0.97),
    `${gpu.name}: ${bytes(usedBytes)} of ${bytes(totalBytes)} used (${percent(used)}).`,
    { usedBytes, totalBytes, share: used },
    uuid,
  );
}

function temperature({ temperatureC, uuid, name }: NvidiaGpu): Outcome {
  if (temperatureC === undefined) return notApplicable("gpu.temperature", "it does not tell", uuid);
  return finding(
    "gpu.temperature",
    severityAbove(temperatureC, 75, 83, 90),
    `${name}: ${temperatureC} °C.`,
    { temperatureC },
    uuid,
  );
}

function clocks(gpu: NvidiaGpu): Outcome {
  const { smMhz, smMaxMhz, reasons, uuid, powerW, powerLimitW } = gpu;
  if (smMhz === undefined || smMaxMhz === undefined) {
    return notApplicable("gpu.throttle", "it does not tell its clocks", uuid);
  }
  const blocking = blockingReasons(reasons);
  const power = powerW === undefined ? "" : `, ${powerW} of ${powerLimitW ?? "unknown"} W`;
  return finding(
    "gpu.throttle",
    blocking.some(({ hard }) => hard) ? "critical" : blocking.length > 0 ? "warning" : "ok",
    `${smMhz} of ${smMaxMhz} MHz in ${gpu.powerState}${power}; ` +
      (blocking.length === 0
        ? reasons === undefined
          ? "the driver does not tell why."
          : "nothing holds it back."
        : `held back by ${blocking.map(({ words }) => words).join(", ")}.`),
    {
      smMhz,
      smMaxMhz,
      powerState: gpu.powerState,
      reasons: blocking.map(({ name }) => name).join(","),
    },
    uuid,
  );
}

function utilisation({ utilisationPercent, uuid, name }: NvidiaGpu): Outcome {
  if (utilisationPercent === undefined) {
    return notApplicable("gpu.utilisation", "it does not tell", uuid);
  }
  return finding(
    "gpu.utilisation",
    severityAbove(utilisationPercent, 70, 95),
    `${name}: ${utilisationPercent} % busy.`,
    { utilisationPercent },
    uuid,
  );
}

function persistence({ persistence: on, uuid, driver }: NvidiaGpu): Outcome {
  if (on === undefined) return notApplicable("gpu.persistence", "the driver does not tell", uuid);
  return finding(
    "gpu.persistence",
    on ? "ok" : "warning",
    `${on ? "On" : "Off"}, driver ${driver}.`,
    { on, driver },
    uuid,
  );
}

export const gpuProbe: Probe = {
  area: "gpu",
  run: async (context) => {
    const amd = amdGpus(context.root);
    const onBus = nvidiaOnBus(context);
    const gpus = await readNvidia(context);
    if (gpus === undefined || gpus.length === 0) {
      if (onBus > 0) {
        const state =
          gpus === undefined
            ? "nvidia-smi is not installed or does not answer"
            : "nvidia-smi finds none";
        return [
          finding("gpu.driver", "warning", `${onBus} on the PCI bus, and ${state}.`, { onBus }),
          ...amd,
        ];
      }
      return amd.length > 0 ? amd : [notApplicable("gpu.driver", "there is no GPU")];
    }
    const nvidia = gpus.flatMap((gpu) => [
      memory(gpu),
      temperature(gpu),
      clocks(gpu),
      utilisation(gpu),
      persistence(gpu),
    ]);
    return [...nvidia, ...amd];
  },
};
