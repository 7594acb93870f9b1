/**
 * Two keys that stand for one setting: vm.dirty_bytes and vm.dirty_ratio. Writing one zeroes the
 * other, and writing 0 to dirty_bytes is refused (EINVAL), so the value is that of the key in force,
 * with its name: "dirty_ratio=20".
 */
import { basename, dirname } from "node:path";
import type { Host } from "../../host/host.ts";
import type { Reading, Refusal } from "../target.ts";
import { readValue, writeValue } from "./value.ts";

interface Coupled {
  path: string;
  partner: string;
}

export function readCoupled(host: Host, target: Coupled): Reading {
  const own = readValue(host, target.path);
  if (!own.ok) return own;
  const partner = readValue(host, target.partner);
  if (own.value !== "0" || !partner.ok) {
    return { ok: true, value: `${basename(target.path)}=${own.value}` };
  }
  return { ok: true, value: `${basename(target.partner)}=${partner.value}` };
}

export function writeCoupled(host: Host, target: Coupled, value: string): Refusal | null {
  const [name = "", number = ""] = value.split("=");
  return writeValue(host, `${dirname(target.path)}/${name}`, number);
}
