/** Files and sockets that this process has open. */
import { readdirSync } from "node:fs";

/** Infinity when there are so many that they cannot even be counted; 0 where nobody counts them. */
export function openDescriptors(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "EMFILE" || code === "ENFILE" ? Infinity : 0;
  }
}
