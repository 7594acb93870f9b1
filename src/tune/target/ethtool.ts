/**
 * One key of ethtool at a time. Exit codes differ from version to version (1, 76, 81 were seen for
 * "not supported"), so only words and the value read back are believed.
 */
import type { Host } from "../../host/host.ts";
import type { EthtoolGroup, Reading, Refusal } from "../target.ts";

interface Key {
  interface: string;
  group: EthtoolGroup;
  key: string;
}

const show: Record<EthtoolGroup, string> = {
  feature: "-k",
  coalesce: "-c",
  ring: "-g",
  pause: "-a",
};
const change: Record<EthtoolGroup, string> = {
  feature: "-K",
  coalesce: "-C",
  ring: "-G",
  pause: "-A",
};
/** -k prints long names, -K takes short ones. */
const featureNames: Readonly<Record<string, string>> = {
  "generic-receive-offload": "gro",
  "large-receive-offload": "lro",
};

/** The value of `key` in what `ethtool -k|-c|-g|-a` printed; null where it is not there or n/a. */
export function parseEthtool(
  text: string,
  group: EthtoolGroup,
  key: string,
): { value: string; fixed: boolean } | null {
  if (group === "coalesce" && key.startsWith("adaptive-")) {
    const match = /^Adaptive RX:\s*(\S+)\s+TX:\s*(\S+)/m.exec(text);
    const value = key === "adaptive-rx" ? match?.[1] : match?.[2];
    return value === undefined || value === "n/a" ? null : { value, fixed: false };
  }
  const current = group === "ring" ? text.slice(text.indexOf("Current hardware settings")) : text;
  const label = group === "pause" && key === "autoneg" ? "Autonegotiate" : key;
  const match = new RegExp(`^${label}:[ \\t]*(\\S+)(.*)$`, "im").exec(current);
  if (match === null || match[1] === "n/a") return null;
  return { value: match[1]!, fixed: match[2]!.includes("[fixed]") };
}

export function readEthtool(host: Host, target: Key): Reading {
  const result = host.run(["ethtool", show[target.group], target.interface]);
  if (result.code === 127) return { ok: false, reason: "ethtool is not installed" };
  const found = parseEthtool(result.stdout, target.group, target.key);
  if (found === null) {
    return { ok: false, reason: `the driver of ${target.interface} has no ${target.key}` };
  }
  if (found.fixed) {
    return { ok: false, reason: `${target.key} is fixed at ${found.value} by the driver` };
  }
  return { ok: true, value: found.value };
}

export function writeEthtool(host: Host, target: Key, value: string): Refusal | null {
  const name = featureNames[target.key] ?? target.key;
  const result = host.run(["ethtool", change[target.group], target.interface, name, value]);
  if (result.code === 0) return null;
  const words = result.stderr.trim().split("\n")[0] ?? "";
  const unsupported = result.code === 127 || /not supported|unsupported/i.test(words);
  return {
    outcome: unsupported ? "unsupported" : "rejected",
    reason: `ethtool ${change[target.group]} ${target.interface} ${name} ${value}: ${words || `exit ${result.code}`}`,
  };
}
