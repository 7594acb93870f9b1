/** NVIDIA GPUs, one by one, by UUID. */
import type { Machine } from "../machine.ts";
import type { Setting } from "../setting.ts";
import { skip } from "../setting.ts";

const nvml = "NVML API reference";

const needsGpu = (machine: Machine): string | null =>
  machine.gpus.length > 0 ? null : "no NVIDIA GPU with a loaded driver";

function highest(machine: Machine, uuid: string, which: "graphics" | "memory") {
  const clock = machine.supportedClocks.get(uuid)?.[which][0];
  return clock === undefined ? skip("the card lists no supported clocks") : String(clock);
}

export const gpuSettings: readonly Setting[] = [
  {
    id: "gpu.persistenced",
    area: "gpu",
    title: "the driver stays loaded",
    why: "without a client the driver unloads, and the next one waits for its start",
    source: "NVIDIA driver persistence documentation",
    guide: "nvidia-smi -pm 1",
    verdict: "done otherwise",
    answer: "the daemon nvidia-persistenced, which survives a reboot",
    scope: "service",
    safe: "enabled active",
    aggressive: "enabled active",
    risk: "low",
    effect: "none",
    needs: (machine) =>
      needsGpu(machine) ??
      (machine.installed.persistenced ? null : "nvidia-persistenced is not installed"),
    knob: { kind: "unit", unit: "nvidia-persistenced.service" },
  },
  {
    id: "gpu.persistence",
    area: "gpu",
    title: "persistence mode without the daemon",
    why: "the older way to keep the driver loaded, lost by a reboot and set again at boot",
    source: nvml,
    guide: "nvidia-smi -pm 1",
    verdict: "done otherwise",
    answer: "only where nvidia-persistenced is not installed",
    scope: "gpu",
    safe: "on",
    aggressive: "on",
    risk: "low",
    effect: "none",
    needs: (machine) =>
      needsGpu(machine) ?? (machine.installed.persistenced ? "nvidia-persistenced does it" : null),
    knob: { kind: "gpu", key: "persistence" },
  },
  {
    id: "gpu.graphics-clock",
    area: "gpu",
    title: "graphics clock locked",
    why: "an idle GPU drops its clock, and the next answer pays for the way up",
    source: nvml,
    guide: "nvidia-smi -lgc 1995",
    verdict: "done otherwise",
    answer: "the highest clock of the card's own list; a request, to be proved under load",
    scope: "gpu",
    safe: (machine, uuid) => highest(machine, uuid, "graphics"),
    aggressive: (machine, uuid) => highest(machine, uuid, "graphics"),
    risk: "low",
    effect: "none",
    needs: needsGpu,
    knob: { kind: "gpu", key: "graphics-clock" },
  },
  {
    id: "gpu.memory-clock",
    area: "gpu",
    title: "memory clock locked",
    why: "it cost 16–32 % of speed on one card, so it must be measured on yours",
    source: "open-gpu-kernel-modules issue 1265",
    guide: "nvidia-smi -lmc 5001",
    verdict: "audit",
    answer: "only with --with gpu.memory-clock, at the highest supported clock",
    scope: "gpu",
    asked: (machine, uuid) => highest(machine, uuid, "memory"),
    risk: "medium",
    effect: "none",
    needs: needsGpu,
    knob: { kind: "gpu", key: "memory-clock" },
  },
  {
    id: "gpu.power-limit",
    area: "gpu",
    title: "power limit at the card's maximum",
    why: "a power cap takes back the clock that was asked for",
    source: nvml,
    verdict: "done",
    answer: "the card's maximum in the aggressive profile",
    scope: "gpu",
    aggressive: (machine, uuid) => {
      const watts = machine.gpus.find((gpu) => gpu.uuid === uuid)?.powerMaxW ?? null;
      return watts === null ? skip("the card shows no power limit") : String(watts);
    },
    risk: "medium",
    effect: "none",
    needs: needsGpu,
    knob: { kind: "gpu", key: "power-limit" },
  },
  {
    id: "gpu.acp",
    area: "gpu",
    title: "application clocks for everybody",
    why: "it relaxes permissions, and application clocks are deprecated in CUDA 13",
    source: "CUDA 13 release notes",
    guide: "nvidia-smi -acp 0, -ac",
    verdict: "refused",
    answer: "left out: locked clocks replace application clocks",
    scope: "gpu",
    risk: "low",
    effect: "none",
    knob: { kind: "none" },
  },
  {
    id: "gpu.NVreg_EnableGpuScheduling",
    area: "gpu",
    title: "hardware scheduling in the kernel module",
    why: "NVIDIA's Linux driver has no such parameter",
    source: "modinfo nvidia",
    guide: "options nvidia NVreg_EnableGpuScheduling=1",
    verdict: "refused",
    answer: "does not exist in the Linux driver",
    scope: "gpu",
    risk: "none",
    effect: "reboot",
    knob: { kind: "none" },
  },
  {
    id: "gpu.mode",
    area: "gpu",
    title: "MIG and compute mode",
    why: "clocks belong to the whole GPU, and other programs may rely on the mode",
    source: "NVIDIA MIG user guide",
    verdict: "refused",
    answer: "modes are never changed",
    scope: "gpu",
    risk: "high",
    effect: "reboot",
    knob: { kind: "none" },
  },
];
