/** What the tables take that are allocated at the start, whole, and never grow. */
import { marketBytes } from "../market/memory.ts";
import { bookLimits } from "./feed-core.ts";
import type { RunPlan } from "./plan.ts";
import { sharedBytes, type SharedMemory } from "./shared.ts";

export interface MemoryRow {
  table: string;
  bytes: number;
  /** The options that size it. */
  options: string;
}

const sharedRows: Record<keyof SharedMemory, readonly [table: string, options: string]> = {
  control: ["switches and held symbols", "limit.heldSymbols"],
  board: ["histograms and counters", ""],
  table: ["decisions", "limit.denseStates, limit.tableEntries"],
  pending: ["states that wait", "limit.pendingStates"],
  answers: ["answers to the feed", "limit.pendingStates"],
  signalsOut: ["signals to stdout", "limit.signalRing"],
  signalsOps: ["signals to history and HTTP", "limit.signalRing"],
  lines: ["lines of feeds", ""],
  gaps: ["gaps for the history", ""],
  record: ["the recording", "record.ringBytes"],
  publication: ["published books", "limit.symbols"],
};

/** Largest first; books of several feeds are apart. */
export function memoryReport(plan: RunPlan): MemoryRow[] {
  const { limits } = plan;
  const shared = Object.entries(sharedBytes(plan)).map(([name, bytes]) => {
    const [table, options] = sharedRows[name as keyof SharedMemory];
    return { table, bytes, options };
  });
  const symbols = { table: "symbols and features", options: "limit.symbols" };
  const rows: MemoryRow[] = [
    ...shared,
    { ...symbols, bytes: marketBytes(limits.instruments, []) },
    ...plan.feeds.map((feed) => ({
      table: `books of feed ${feed.name}`,
      bytes:
        marketBytes(limits.instruments, [bookLimits(feed.format, limits)]) -
        marketBytes(limits.instruments, []),
      options: "limit.orders, limit.levels, limit.symbols",
    })),
  ];
  if (plan.stdout) {
    const { stdoutBytes } = plan.config.limit;
    rows.push({ table: "lines for stdout", bytes: stdoutBytes, options: "limit.stdoutBytes" });
  }
  return rows.toSorted((a, b) => b.bytes - a.bytes);
}

export function memoryTotal(rows: readonly MemoryRow[]): number {
  return rows.reduce((sum, { bytes }) => sum + bytes, 0);
}
