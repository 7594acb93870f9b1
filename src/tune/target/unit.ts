/** Whether a systemd unit is enabled and, where that is ours to say, running. */
import type { Host } from "../../host/host.ts";
import { unitState } from "../../host/systemd.ts";
import type { Reading, Refusal } from "../target.ts";

interface Unit {
  unit: string;
  start: boolean;
}

export function readUnit(host: Host, target: Unit): Reading {
  const state = unitState(host, target.unit);
  if (state === null) return { ok: true, value: null };
  // A unit that is not started by us is compared by its enablement alone.
  return { ok: true, value: target.start ? state : `${state.split(" ")[0]} inactive` };
}

export function writeUnit(host: Host, target: Unit, value: string | null): Refusal | null {
  const [enabled, active] = (value ?? "disabled inactive").split(" ");
  const verbs = [enabled === "enabled" ? "enable" : "disable"];
  if (target.start) verbs.push(active === "active" ? "start" : "stop");
  for (const verb of verbs) {
    const result = host.run(["systemctl", verb, target.unit]);
    if (result.code !== 0) {
      const words = result.stderr.trim().split("\n")[0] ?? "";
      return {
        outcome: result.code === 127 ? "unsupported" : "rejected",
        reason: `systemctl ${verb} ${target.unit}: ${words || `exit ${result.code}`}`,
      };
    }
  }
  return null;
}
