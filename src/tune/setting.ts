/**
 * A setting of the catalogue: data from which plan, diff, apply, verify, revert, help and the
 * README's table derive. What differs from host to host is a small function of the probed machine.
 */
import type { Host } from "../host/host.ts";
import type { Machine } from "./machine.ts";
import type { EthtoolGroup, GpuKey } from "./target.ts";

export type Profile = "safe" | "aggressive";

export type Area =
  | "sysctl"
  | "cpu"
  | "memory"
  | "kernel command line"
  | "irq"
  | "nic"
  | "gpu"
  | "ollama"
  | "limit"
  | "clock"
  | "leftover";

/** What applying it disturbs. */
export type Effect = "none" | "new socket" | "service restart" | "NIC reset" | "reboot";
export type Risk = "none" | "low" | "medium" | "high";

/** Another program that manages the same thing; while it runs it stays in charge unless told otherwise. */
export type Owner = "tuned" | "power-profiles-daemon" | "irqbalance";

/** A wish that this machine cannot or need not have, with the reason in words. */
export interface Skip {
  skip: string;
}
export const skip = (reason: string): Skip => ({ skip: reason });

/**
 * The wanted value: a constant, or what follows from the machine. `live` is the value found, null
 * where nothing can be read.
 */
export type Value =
  string | ((machine: Machine, instance: string, live: string | null) => string | Skip);

/** How a setting is read and written; `{if}` in a pattern is the instance, an interface's name. */
export type Knob =
  | { kind: "sysctl"; key: string; partner?: string }
  | { kind: "sysfs"; pattern: string }
  /** The same file once per feed CPU. */
  | { kind: "feed-cpu"; pattern: string }
  | { kind: "ethtool"; group: EthtoolGroup; key: string }
  | { kind: "irq" }
  | { kind: "gpu"; key: GpuKey }
  | { kind: "unit"; unit: string }
  /** One argument of the kernel command line. */
  | { kind: "kernel"; argument: string }
  /** One line of our own systemd drop-in: directive=value, or directive=variable=value. */
  | { kind: "drop-in"; unit: string; directive: string; variable?: string }
  /** Rewrites the reverse-path filter of all interfaces so that only the feed's own is off. */
  | { kind: "rp-filter" }
  /** Looked at, never written. */
  | { kind: "audit"; look: (host: Host, machine: Machine) => Look }
  /** A harmful remnant; `mend` gives the new text of what holds it. */
  | { kind: "leftover"; look: (host: Host, machine: Machine) => Leftover[] }
  /** Held by `hftedge run` for as long as it runs. */
  | { kind: "run" }
  /** Not done at all: the verdict says why. */
  | { kind: "none" };

export interface Look {
  live: string | null;
  /** What is wrong in one sentence, or null. */
  finding: string | null;
}

export interface Leftover {
  /** The file that holds it, or the live key. */
  path: string;
  /** What was found, as it stands there. */
  found: string;
  /** The new text of the file, or value of the key; null when only a person can mend it. */
  mend: ((text: string) => string) | null;
}

export interface Setting {
  /** Stable, dotted: "sysctl.vm.swappiness". */
  id: string;
  area: Area;
  title: string;
  /** Why it matters to a feed or to the model, in one sentence. */
  why: string;
  /** Where the claim comes from. */
  source: string;
  /** How guides write it, where they do. */
  guide?: string;
  verdict: "done" | "done otherwise" | "audit" | "refused";
  /** The verdict in one sentence; for a refusal, the reason. */
  answer: string;
  scope: "host" | "interface" | "gpu" | "service";
  safe?: Value;
  aggressive?: Value;
  /** Only when it is asked for by id with --with. */
  asked?: Value;
  /** "at least" keeps a larger value that is there already. */
  compare?: "equal" | "at least";
  risk: Risk;
  effect: Effect;
  owners?: readonly Owner[];
  /** Why it does not apply to this machine, or null. */
  needs?: (machine: Machine) => string | null;
  /** Why it is refused without --force here, or null. */
  guard?: (machine: Machine, instance: string) => string | null;
  knob: Knob;
}
