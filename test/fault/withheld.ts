/**
 * What a machine keeps from a process that has work to do. A promise about time is about the time
 * that the program takes, and holds on a busy machine only when this is left out of it.
 */
import { readdirSync, readFileSync } from "node:fs";

/** USER_HZ: what the kernel counts in /proc/stat in, whatever its own tick is. */
const tickMs = 10;

/** Time that each thread of a process has waited for a core, ms; none where it isn't counted. */
function waitsMs(pid: number): Map<string, number> {
  const waits = new Map<string, number>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      const text = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8");
      waits.set(thread, Number(text.split(" ")[1]) / 1e6);
    } catch {
      // It has ended, or this kernel doesn't count.
    }
  }
  return waits;
}

/** Time that a hypervisor has given to others while a core had work, ms. */
function stolenMs(): number {
  const [, columns = ""] = /^cpu +(.*)$/m.exec(readFileSync("/proc/stat", "utf8")) ?? [];
  return Number(columns.split(" ")[7] ?? 0) * tickMs;
}

/** Begins to count; the returned function tells how many ms were kept from the process since. */
export function withheldFrom(pid: number): () => number {
  const before = waitsMs(pid);
  const stolenBefore = stolenMs();
  return () => {
    const waits = [...waitsMs(pid)].map(([thread, ms]) => ms - (before.get(thread) ?? 0));
    return Math.max(0, ...waits) + stolenMs() - stolenBefore;
  };
}
