/** What threads say to each other by message: rare things only; data goes through shared memory. */
import type { RunPlan } from "./plan.ts";
import type { SharedMemory } from "./shared.ts";

/** The first message to a Worker. */
export interface Start {
  kind: "start";
  plan: RunPlan;
  shared: SharedMemory;
  /** Which start of this Worker in the run this is; 0 is the first. */
  attempt: number;
  /** What the life before this one said of itself when it was ready; empty at the first start. */
  before: Readonly<Record<string, unknown>>;
}

/** How a worker writes to the log. */
export type OpsLog = (
  level: "error" | "warn" | "info" | "debug",
  text: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

/** An error that crosses threads keeps its code and its remedy. */
export interface Failure {
  code: string;
  message: string;
  hint: string;
}

/**
 * What the supervisor says later. A change comes in two steps, so that what cannot be done anywhere
 * is done nowhere: `prepare` opens what may fail and is answered, then `commit` or `abandon`.
 */
export type Order =
  { kind: "prepare"; plan: RunPlan } | { kind: "commit" } | { kind: "abandon" } | { kind: "stop" };

export type WorkerMessage =
  | { kind: "prepared" }
  | { kind: "refused"; failure: Failure }
  | { kind: "ready"; notes: readonly string[]; facts: Readonly<Record<string, unknown>> }
  | { kind: "failed"; failure: Failure }
  | {
      kind: "log";
      level: "error" | "warn" | "info" | "debug";
      text: string;
      /** For machines: beside the words in a JSON log. */
      fields?: Readonly<Record<string, unknown>>;
    }
  | { kind: "stopped"; report: unknown };

export function failureOf(error: unknown): Failure {
  if (error instanceof RangeError && /out of memory/i.test(error.message)) {
    return {
      code: "OUT_OF_MEMORY",
      message: "what [limit] asks for does not fit into memory",
      hint: "Lower limit.orders, limit.levels or limit.symbols, or give the process more memory.",
    };
  }
  const { code, message, hint } = error as Partial<Failure>;
  return {
    code: typeof code === "string" ? code : "WORKER_FAILED",
    message: message ?? String(error),
    hint: typeof hint === "string" ? hint : "",
  };
}
