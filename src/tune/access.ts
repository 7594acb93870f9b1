/** How a target is read, compared and written: one file a kind below target/, one dispatch here. */
import { formatCpuMask, parseCpuMask } from "../host/cpu-mask.ts";
import { formatCpuList, parseCpuList } from "../host/proc.ts";
import type { FileStat, Host } from "../host/host.ts";
import { type GpuControl, openGpus } from "../host/nvidia.ts";
import type { Reading, Refusal, Target } from "./target.ts";
import { readCoupled, writeCoupled } from "./target/coupled.ts";
import { readEthtool, writeEthtool } from "./target/ethtool.ts";
import { readFileTarget, writeFileTarget } from "./target/file.ts";
import { readGpu, writeGpu } from "./target/gpu.ts";
import { readGrubby, writeGrubby } from "./target/grubby.ts";
import { irqPending, readIrq, writeIrq } from "./target/irq.ts";
import { readUnit, writeUnit } from "./target/unit.ts";
import { readValue, writeValue } from "./target/value.ts";

export class Access {
  readonly host: Host;
  private control: GpuControl | null | undefined;

  constructor(host: Host) {
    this.host = host;
  }

  /** Opened when first asked for: most hosts have no GPU. */
  gpus(): GpuControl | null {
    if (this.control === undefined) this.control = openGpus(this.host);
    return this.control;
  }

  close(): void {
    this.control?.close();
    this.control = undefined;
  }

  read(target: Target): Reading {
    switch (target.kind) {
      case "value":
        return readValue(this.host, target.path);
      case "coupled":
        return readCoupled(this.host, target);
      case "file":
        return readFileTarget(this.host, target.path);
      case "ethtool":
        return readEthtool(this.host, target);
      case "irq":
        return readIrq(this.host, target.irq);
      case "gpu":
        return readGpu(this.host, this.gpus(), target);
      case "unit":
        return readUnit(this.host, target);
      case "grubby":
        return readGrubby(this.host, target.argument);
    }
  }

  /**
   * Writes once; null when the write itself went through, which says nothing about what became of
   * it: read it back. `stat` is the owner and mode of a file that is being restored.
   */
  write(target: Target, value: string | null, stat?: FileStat): Refusal | null {
    switch (target.kind) {
      case "file":
        return writeFileTarget(this.host, target, value, stat);
      case "unit":
        return writeUnit(this.host, target, value);
      case "grubby":
        return writeGrubby(this.host, target.argument, value);
      default:
        break;
    }
    // What cannot be absent is never written as absent: there is nothing to take away.
    if (value === null) return { outcome: "rejected", reason: "it had no value before" };
    switch (target.kind) {
      case "value":
        return writeValue(this.host, target.path, value);
      case "coupled":
        return writeCoupled(this.host, target, value);
      case "ethtool":
        return writeEthtool(this.host, target, value);
      case "irq":
        return writeIrq(this.host, target.irq, value);
      case "gpu":
        return writeGpu(this.host, this.gpus(), target, value);
    }
  }

  /** Why a value that reads back as wanted is not in force yet, or null. */
  pending(target: Target, value: string): string | null {
    return target.kind === "irq" ? irqPending(this.host, target.irq, value) : null;
  }
}

const maskPath = /(?:cpumask|rps_cpus|xps_cpus|smp_affinity)$/;

function normal(target: Target, value: string): string {
  if (target.kind === "file") return value;
  const text = value.trim().replace(/\s+/g, " ");
  if (target.kind === "irq") return formatCpuList(parseCpuList(text));
  if (target.kind === "value" && maskPath.test(target.path)) {
    return formatCpuMask(parseCpuMask(text));
  }
  if (target.kind === "gpu" && target.key === "power-limit") return String(Math.round(+text));
  return text;
}

/** Whether two values of a target mean the same: "0000000f" and "f", "0,1" and "0-1". */
export function sameValue(target: Target, a: string | null, b: string | null): boolean {
  // A unit without a file and one that is disabled start just as little.
  if (target.kind === "unit") return (a ?? "disabled inactive") === (b ?? "disabled inactive");
  if (a === null || b === null) return a === b;
  return normal(target, a) === normal(target, b);
}
