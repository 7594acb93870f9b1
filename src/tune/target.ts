/**
 * The things that tune can write, as plain data: a journal that was written before a crash can be
 * reverted by a later version without its catalogue. A value is always text; null means absent.
 */
export type Target =
  /** A pseudo-file of /proc/sys or /sys; bracketed choices ("always [madvise] never") are understood. */
  | { kind: "value"; path: string }
  /** Two keys of which writing one zeroes the other; the value is "NAME=N" of the one in force. */
  | { kind: "coupled"; path: string; partner: string }
  /** A file that is wholly ours, or a foreign one that the operator told us to mend. */
  | { kind: "file"; path: string; mode: number }
  /** One key of one ethtool group: a driver that refuses one key refuses the whole command. */
  | { kind: "ethtool"; interface: string; group: EthtoolGroup; key: string }
  /** CPUs of one interrupt vector, as a list. */
  | { kind: "irq"; irq: number }
  /** One property of a GPU, always by UUID. */
  | { kind: "gpu"; uuid: string; key: GpuKey }
  /** A systemd unit: "enabled active", "disabled inactive", … */
  | { kind: "unit"; unit: string; start: boolean }
  /** One argument of every installed kernel, where grubby keeps them. */
  | { kind: "grubby"; argument: string };

export type EthtoolGroup = "feature" | "coalesce" | "ring" | "pause";
export type GpuKey = "persistence" | "graphics-clock" | "memory-clock" | "power-limit";

/** One name for a target, the same in every run: what the journal files it under. */
export function targetKey(target: Target): string {
  switch (target.kind) {
    case "value":
    case "file":
    case "coupled":
      return target.path;
    case "ethtool":
      return `ethtool:${target.interface}:${target.group}:${target.key}`;
    case "irq":
      return `irq:${target.irq}`;
    case "gpu":
      return `gpu:${target.uuid}:${target.key}`;
    case "unit":
      return `unit:${target.unit}`;
    case "grubby":
      return `grubby:${target.argument}`;
  }
}

/** What was found where a target points. */
export type Reading =
  | { ok: true; value: string | null }
  /** The machine has no such thing, or will not show it: not applicable rather than wrong. */
  | { ok: false; reason: string };

/** Why a write did not happen. `unsupported`: this machine cannot; `rejected`: it said no to this value. */
export interface Refusal {
  outcome: "unsupported" | "rejected";
  reason: string;
}

export const Outcome = {
  applied: "applied",
  clamped: "clamped",
  rejected: "rejected",
  pending: "pending",
  unsupported: "unsupported",
  external: "external",
} as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];
