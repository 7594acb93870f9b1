/**
 * CPUs of one interrupt vector. What was asked for is smp_affinity_list; where it is delivered is
 * effective_affinity_list, and an interrupt moves only when it next fires.
 */
import { parseCpuList } from "../../host/proc.ts";
import { errnoOf, type Host } from "../../host/host.ts";
import type { Reading, Refusal } from "../target.ts";
import { readValue, refusalOf } from "./value.ts";

export function readIrq(host: Host, irq: number): Reading {
  return readValue(host, `/proc/irq/${irq}/smp_affinity_list`);
}

export function writeIrq(host: Host, irq: number, value: string): Refusal | null {
  const path = `/proc/irq/${irq}/smp_affinity_list`;
  try {
    host.writeValue(path, value);
    return null;
  } catch (error) {
    if (errnoOf(error) === "EIO") {
      return {
        outcome: "unsupported",
        reason: `IRQ ${irq} is managed by the kernel: only isolcpus=managed_irq moves it`,
      };
    }
    return refusalOf(error, path);
  }
}

export function irqPending(host: Host, irq: number, wanted: string): string | null {
  const text = host.read(`/proc/irq/${irq}/effective_affinity_list`)?.trim() ?? "";
  if (text === "") return null;
  const allowed = new Set(parseCpuList(wanted));
  if (parseCpuList(text).every((cpu) => allowed.has(cpu))) return null;
  return `IRQ ${irq} is still delivered to CPU ${text} and moves when it next fires`;
}
