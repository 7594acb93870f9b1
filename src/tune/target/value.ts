/** Pseudo-files of /proc/sys and /sys that hold one value. */
import { errnoOf, type Host } from "../../host/host.ts";
import type { Reading, Refusal } from "../target.ts";

const notHere = new Set(["ENOENT", "ENODEV", "ENXIO", "EOPNOTSUPP", "ENOTSUP", "ENOSYS"]);
const notAllowed = new Set(["EROFS", "EACCES", "EPERM"]);

/** What a failed write means to the operator. */
export function refusalOf(error: unknown, path: string): Refusal {
  const code = errnoOf(error);
  if (code === "") throw error;
  if (notHere.has(code)) return { outcome: "unsupported", reason: `${path}: not on this machine` };
  if (notAllowed.has(code)) {
    return { outcome: "unsupported", reason: `${path} cannot be written here (${code})` };
  }
  return { outcome: "rejected", reason: `the kernel refused it for ${path} (${code})` };
}

/** "always [madvise] never" is "madvise"; anything else is itself. */
export function chosen(text: string): string {
  return /\[([^\]\s]+)\]/.exec(text)?.[1] ?? text.trim();
}

export function readValue(host: Host, path: string): Reading {
  const text = host.read(path);
  if (text !== null) return { ok: true, value: chosen(text) };
  return { ok: false, reason: host.exists(path) ? "not readable here" : "not on this machine" };
}

export function writeValue(host: Host, path: string, value: string): Refusal | null {
  try {
    host.writeValue(path, value);
    return null;
  } catch (error) {
    return refusalOf(error, path);
  }
}
