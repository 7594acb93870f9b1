/** Kernel arguments where grubby keeps them (RHEL, Fedora): in every installed kernel's entry. */
import type { Host } from "../../host/host.ts";
import type { Reading, Refusal } from "../target.ts";

/** The value of `argument` in `grubby --info=DEFAULT`; null when it is not set. */
export function parseGrubby(text: string, argument: string): string | null {
  const line = /^args="(.*)"$/m.exec(text)?.[1] ?? "";
  const found = line.split(/\s+/).findLast((word) => word.startsWith(`${argument}=`));
  return found?.slice(argument.length + 1) ?? null;
}

export function readGrubby(host: Host, argument: string): Reading {
  const result = host.run(["grubby", "--info=DEFAULT"]);
  if (result.code !== 0) return { ok: false, reason: "grubby shows no default kernel" };
  return { ok: true, value: parseGrubby(result.stdout, argument) };
}

export function writeGrubby(host: Host, argument: string, value: string | null): Refusal | null {
  const change = value === null ? `--remove-args=${argument}` : `--args=${argument}=${value}`;
  const result = host.run(["grubby", "--update-kernel=ALL", change]);
  if (result.code === 0) return null;
  const words = result.stderr.trim().split("\n")[0] || `exit ${result.code}`;
  return { outcome: "rejected", reason: `grubby ${change}: ${words}` };
}
