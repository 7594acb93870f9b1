/** What every probe is given: the machine, two readings of its counters, and what hftedge needs of it. */
import type { CounterSample } from "../host/counter.ts";
import type { Inventory } from "../host/inventory.ts";
import type { HostRoot } from "../host/root.ts";
import type { KernelClock } from "../host/timex.ts";
import type { RunTool } from "../host/tool.ts";
import type { Outcome } from "./finding.ts";

export interface DoctorClock {
  /** Wall-clock time, epoch ms. */
  nowMs(): number;
  /** Monotonic, ns. */
  nowNs(): number;
  sleep(ms: number): Promise<void>;
  /** Runs something later unless the returned function is called first. */
  after(ms: number, run: () => void): () => void;
}

export const systemClock: DoctorClock = {
  nowMs: () => Date.now(),
  nowNs: () => Bun.nanoseconds(),
  sleep: (ms) => Bun.sleep(ms),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** How the run uses Ollama. */
export interface OllamaNeeds {
  hosts: readonly string[];
  model: string;
  /** num_ctx of the run's requests; 0 when they leave it to the server. */
  contextLength: number;
  /** Requests that the run keeps in flight on a host. */
  inFlight: number;
  /** The run's own request for a prompt; any other set of options would reload the model. */
  body: (prompt: string) => unknown;
}

/** A tuned setting that is not as it was applied. */
export interface DriftItem {
  /** The setting's id, a file's path or a unit's name. */
  id: string;
  live: string | null;
  desired: string | null;
  reason: string | null;
}

export interface DriftReport {
  /** False when nothing was ever applied here; `drift` is then what would change. */
  applied: boolean;
  drift: readonly DriftItem[];
  pending: readonly DriftItem[];
}

/** What the configuration asks of the machine; a part that is unknown is left out of the checks. */
export interface MachineNeeds {
  /** Absolute path; undefined leaves storage out. */
  dataDirectory: string | undefined;
  /** Interfaces on which feeds are joined. */
  interfaces: readonly string[];
  /** Local UDP ports of the feeds. */
  ports: readonly number[];
  multicastGroups: number;
  /** CPUs that the feed thread is pinned to. */
  feedCpus: readonly number[];
  /** SO_RCVBUF that each feed socket asks for. */
  receiveBufferBytes: number;
  ollama: OllamaNeeds | undefined;
  /** Compares the machine with what was applied to it; undefined leaves it out. */
  drift: (() => Promise<DriftReport>) | undefined;
  /** The configuration's file and what is wrong with it, in words; undefined leaves it out. */
  config: { file: string; problems: readonly string[] } | undefined;
}

/** With nothing configured only the machine itself is examined. */
export const noNeeds: MachineNeeds = {
  dataDirectory: undefined,
  interfaces: [],
  ports: [],
  multicastGroups: 0,
  feedCpus: [],
  receiveBufferBytes: 0,
  ollama: undefined,
  drift: undefined,
  config: undefined,
};

export interface ProbeContext {
  root: HostRoot;
  needs: MachineNeeds;
  /** Two readings, `second.atNs - first.atNs` apart. */
  first: CounterSample;
  second: CounterSample;
  /** Undefined where only files may be read. */
  inventory: Inventory | undefined;
  clock: DoctorClock;
  runTool: RunTool;
  fetch: (url: string, init?: RequestInit) => Promise<Response>;
  kernelClock: () => KernelClock | undefined;
  /** Send a few requests to a model that is already loaded. */
  active: boolean;
  /**
   * Ask and write the data directory's own file system. False in a stand-in root, where only files
   * of that root are read.
   */
  measuresDisk: boolean;
  /** Write a larger file to the data directory as well. */
  throughput: boolean;
}

export interface Probe {
  area: Outcome["area"];
  run(context: ProbeContext): Outcome[] | Promise<Outcome[]>;
}

/** A box has a handful of interfaces; a container host with more is examined up to here. */
export const interfacesMax = 64;

/** The time between the two readings, s. */
export function windowS(context: ProbeContext): number {
  return Math.max(1e-9, (context.second.atNs - context.first.atNs) / 1e9);
}
