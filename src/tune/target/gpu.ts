/**
 * GPU properties. The driver does not say which clock it was locked to, so a lock is noted in /run,
 * which is lost by a reboot just as the lock is; a clock that runs faster than the note disproves it.
 */
import { errnoOf, type Host } from "../../host/host.ts";
import type { GpuControl } from "../../host/nvidia.ts";
import type { GpuKey, Reading, Refusal } from "../target.ts";
import { refusalOf } from "./value.ts";

interface Key {
  uuid: string;
  key: GpuKey;
}

/** One step of the clock of every card since Volta, so a sample above the lock by less proves nothing. */
const clockStepMhz = 15;
export const unlocked = "unlocked";

const notePath = (target: Key): string => `/run/hftedge-tune.${target.key}.${target.uuid}`;

export function readGpu(host: Host, control: GpuControl | null, target: Key): Reading {
  const gpu = control?.list().find((g) => g.uuid === target.uuid);
  if (gpu === undefined) return { ok: false, reason: `no GPU ${target.uuid}` };
  switch (target.key) {
    case "persistence":
      return gpu.persistence === null
        ? { ok: false, reason: "the card shows no persistence mode" }
        : { ok: true, value: gpu.persistence ? "on" : "off" };
    case "power-limit":
      return gpu.powerLimitW === null
        ? { ok: false, reason: "the card shows no power limit" }
        : { ok: true, value: String(gpu.powerLimitW) };
    default: {
      const note = host.read(notePath(target))?.trim() ?? unlocked;
      const clock = target.key === "graphics-clock" ? gpu.smClockMhz : gpu.memoryClockMhz;
      const disproved = clock !== null && clock > Number(note) + clockStepMhz;
      return { ok: true, value: disproved ? unlocked : note };
    }
  }
}

function setNote(host: Host, target: Key, value: string): Refusal | null {
  const path = notePath(target);
  try {
    if (value === unlocked) {
      if (host.exists(path)) host.remove(path);
    } else {
      host.replaceFile(path, new TextEncoder().encode(`${value}\n`), 0o644);
    }
    return null;
  } catch (error) {
    if (errnoOf(error) === "") throw error;
    return refusalOf(error, path);
  }
}

export function writeGpu(
  host: Host,
  control: GpuControl | null,
  target: Key,
  value: string,
): Refusal | null {
  if (control === null) return { outcome: "unsupported", reason: "no NVIDIA driver answers" };
  const mhz = value === unlocked ? null : Number(value);
  let words: string | null;
  switch (target.key) {
    case "persistence":
      words = control.setPersistence(target.uuid, value === "on");
      break;
    case "power-limit":
      words = control.setPowerLimit(target.uuid, Number(value));
      break;
    case "graphics-clock":
      words = control.lockGraphicsClock(target.uuid, mhz);
      break;
    case "memory-clock":
      words = control.lockMemoryClock(target.uuid, mhz);
      break;
  }
  if (words !== null) {
    const outcome = /not supported/i.test(words) ? "unsupported" : "rejected";
    return { outcome, reason: `${target.key} of ${target.uuid}: ${words}` };
  }
  return target.key.endsWith("-clock") ? setNote(host, target, value) : null;
}
