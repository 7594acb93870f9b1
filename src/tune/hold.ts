/** What `run` does for its machine while it runs, and the one line it says about drift at start. */
import { closeSync, openSync, writeSync } from "node:fs";
import { errnoOf, Host } from "../host/host.ts";
import { shallowIdleLatencyUs } from "../host/idle-state.ts";
import { defaultWishes } from "./machine.ts";
import type { PlanRequest } from "./plan.ts";
import { statusCode, statusOf } from "./status.ts";

const latencyDevice = "/dev/cpu_dma_latency";
const latencyName = "cpu_dma_latency";

export interface LatencyHold extends Disposable {
  held: boolean;
  /** The longest wake-up that the kernel may plan for, in µs. */
  latencyUs: number;
  /** Why it is not held, or null. */
  reason: string | null;
  /** Lets the CPUs sleep deeply again. */
  release(): void;
}

const firstHandedOver = 3;

/** The descriptor that systemd opened for us (OpenFile=, sd_listen_fds(3)), or null. */
function handedOver({ environment, pid }: Host): number | null {
  if (environment["LISTEN_PID"] !== String(pid)) return null;
  const names = (environment["LISTEN_FDNAMES"] ?? "").split(":");
  const index = names.indexOf(latencyName);
  return index < 0 || index >= Number(environment["LISTEN_FDS"]) ? null : firstHandedOver + index;
}

/**
 * Keeps every CPU out of idle states deeper than the shallowest (C1, WFI) for as long as the descriptor stays open: the
 * kernel drops the request when it is closed, also by a crash. Never throws.
 */
export function holdCpuLatency(host: Host = new Host()): LatencyHold {
  const latencyUs = shallowIdleLatencyUs(host);
  let descriptor = -1;
  let reason: string | null = null;
  try {
    descriptor = handedOver(host) ?? openSync(host.root + latencyDevice, "r+");
    // The device takes one binary s32 in µs.
    writeSync(descriptor, new Uint8Array(new Int32Array([latencyUs]).buffer));
  } catch (error) {
    const code = errnoOf(error);
    reason =
      code === "ENOENT"
        ? `not applicable: there is no ${latencyDevice} here`
        : `${latencyDevice} cannot be held (${code}): run as root, or let the service's group write it`;
    if (descriptor >= 0) closeSync(descriptor);
    descriptor = -1;
  }
  const release = (): void => {
    if (descriptor >= 0) closeSync(descriptor);
    descriptor = -1;
  };
  return { held: descriptor >= 0, latencyUs, reason, release, [Symbol.dispose]: release };
}

const safeRequest: PlanRequest = {
  profile: "safe",
  roles: {},
  wishes: defaultWishes,
  with: [],
  without: [],
  take: [],
  force: false,
  removeLeftovers: false,
  program: [],
};

/** More names than this would make the line unreadable; the rest is a number. */
const namesMax = 5;

/**
 * One line for the start of a run: which settings are in drift and the command that mends it; null
 * when the machine is as it was tuned. Reads only, never throws.
 */
export function driftLine(host: Host = new Host(), program = "hftedge"): string | null {
  try {
    const status = statusOf(host, null, safeRequest);
    const code = statusCode(status);
    if (!status.applied) {
      const count = status.plan.items.filter(({ state }) => state === "change").length;
      return count === 0
        ? null
        : `tune: ${count} settings of this machine cost latency; see \`${program} tune plan\`, mend with \`sudo ${program} tune\``;
    }
    if (code === 0) return null;
    const rows = code === 2 ? status.drift : status.pending;
    const names = rows.slice(0, namesMax).map(({ id }) => id);
    if (rows.length > namesMax) names.push(`and ${rows.length - namesMax} more`);
    const what = code === 2 ? "in drift" : "waiting for a restart or reboot";
    const mend = code === 2 ? `sudo ${program} tune apply` : `${program} tune status`;
    return `tune: ${what}: ${names.join(", ")}; ${code === 2 ? "mend with" : "see"} \`${mend}\``;
  } catch (error) {
    return `tune: the state of this machine cannot be told: ${error instanceof Error ? error.message : String(error)}`;
  }
}
