/** Whole text files. A replacement goes through a new file and a rename, so none is ever half written. */
import { dirname } from "node:path";
import { errnoOf, type FileStat, type Host } from "../../host/host.ts";
import type { Reading, Refusal } from "../target.ts";

export function readFileTarget(host: Host, path: string): Reading {
  const stat = host.stat(path);
  if (stat === null) return { ok: true, value: null };
  if (stat.kind !== "file") return { ok: false, reason: `${path} is a ${stat.kind}, not a file` };
  const bytes = host.readBytes(path);
  if (bytes === null) return { ok: false, reason: `${path} is not readable here` };
  try {
    return {
      ok: true,
      value: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes),
    };
  } catch {
    return { ok: false, reason: `${path} is not a text file` };
  }
}

/** The folder must exist: whoever plans a file makes its folder, and writes down that it did. */
export function writeFileTarget(
  host: Host,
  target: { path: string; mode: number },
  value: string | null,
  stat?: FileStat,
): Refusal | null {
  try {
    if (value === null) {
      if (host.stat(target.path) !== null) host.remove(target.path);
    } else {
      const bytes = new TextEncoder().encode(value);
      host.replaceFile(target.path, bytes, stat?.mode ?? target.mode, stat);
    }
    return null;
  } catch (error) {
    const code = errnoOf(error);
    if (code === "") throw error;
    const reason = `${target.path} cannot be written in ${dirname(target.path)} (${code})`;
    return { outcome: code === "EROFS" ? "unsupported" : "rejected", reason };
  }
}
