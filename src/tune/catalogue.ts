/** Every setting with a verdict, in the order in which a plan shows and applies them. */
import { clockSettings } from "./catalogue/clock.ts";
import { cpuSettings } from "./catalogue/cpu.ts";
import { gpuSettings } from "./catalogue/gpu.ts";
import { irqSettings } from "./catalogue/irq.ts";
import { kernelSettings } from "./catalogue/kernel.ts";
import { leftoverSettings } from "./catalogue/leftover.ts";
import { limitSettings } from "./catalogue/limit.ts";
import { memorySettings } from "./catalogue/memory.ts";
import { nicSettings } from "./catalogue/nic.ts";
import { ollamaSettings } from "./catalogue/ollama.ts";
import { sysctlSettings } from "./catalogue/sysctl.ts";
import type { Setting } from "./setting.ts";

export const catalogue: readonly Setting[] = [
  ...sysctlSettings,
  ...memorySettings,
  ...cpuSettings,
  ...nicSettings,
  ...irqSettings,
  ...gpuSettings,
  ...ollamaSettings,
  ...limitSettings,
  ...kernelSettings,
  ...clockSettings,
  ...leftoverSettings,
];
