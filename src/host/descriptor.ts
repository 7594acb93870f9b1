/** What this process has open, and how to go on when it may not open any more. */
import { readdirSync, readFileSync } from "node:fs";
import { parseLimits } from "./proc.ts";

/** Infinity when there are so many that they cannot even be counted; 0 where nobody counts them. */
export function openDescriptors(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "EMFILE" || code === "ENFILE" ? Infinity : 0;
  }
}

/** How many this process may have open; Infinity where nobody says. */
export function descriptorLimit(): number {
  try {
    const limits = parseLimits(readFileSync("/proc/self/limits", "utf8"));
    return limits.get("Max open files")?.soft ?? Infinity;
  } catch {
    return Infinity;
  }
}

/** Resident memory of this process; undefined when no file can be opened to read it from. */
export function residentBytes(): number | undefined {
  try {
    return process.memoryUsage.rss();
  } catch {
    return undefined;
  }
}
