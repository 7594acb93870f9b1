/** What the bench says to the thread that sends and to the one that echoes. */
import type { LoadJob, LoadResult } from "./bench-load.ts";

/** Sixteen digits of µs since the epoch, at the same place in every tick: its number. */
export const numberAt = '{"timestamp":'.length;
export const numberDigits = 16;

export type BenchOrder =
  { kind: "echo"; answerPort: number } | { kind: "open" } | { kind: "load"; job: LoadJob };

export type BenchReply =
  | { kind: "open"; port: number }
  | { kind: "result"; result: LoadResult }
  | { kind: "failed"; message: string };
