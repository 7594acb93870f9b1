/**
 * Roles: which interface carries the feed, which CPUs serve it, which do the housekeeping, and which
 * GPU runs the model. Found by default, named by the operator where it matters.
 */
import { EdgeError } from "../error.ts";
import { formatCpuList } from "../host/proc.ts";

export interface Roles {
  feedInterfaces: readonly string[];
  feedCpus: readonly number[];
  housekeepingCpus: readonly number[];
  gpus: readonly string[];
}

/** What the operator said; an absent part is found. */
export interface RoleRequest {
  feedInterfaces?: readonly string[];
  feedCpus?: readonly number[];
  housekeepingCpus?: readonly number[];
  gpus?: readonly string[];
}

export interface RoleFacts {
  online: readonly number[];
  isolated: readonly number[];
  /** Hardware threads that share a core, one list a core. */
  cores: readonly (readonly number[])[];
  interfaces: readonly { name: string; physical: boolean; up: boolean; cpus: readonly number[] }[];
  /** Also what is beneath them: the ports of a bond, the parent of a VLAN. */
  defaultRouteInterfaces: readonly string[];
  gpus: readonly string[];
}

/** Below this many CPUs, taking one away from everybody else costs more than it gives. */
const dedicatedCpuOnlineMin = 4;

function findFeedInterfaces(facts: RoleFacts): string[] {
  const candidates = facts.interfaces.filter((i) => i.physical && i.up);
  const dedicated = candidates.filter((i) => !facts.defaultRouteInterfaces.includes(i.name));
  const chosen = dedicated.length > 0 ? dedicated : candidates;
  return chosen.slice(0, 1).map((i) => i.name);
}

/** The kernel's isolated CPUs, else the last core near the feed's NIC that does not hold CPU 0. */
function findFeedCpus(facts: RoleFacts, feedInterfaces: readonly string[]): number[] {
  if (facts.isolated.length > 0 && facts.isolated.length < facts.online.length) {
    return facts.isolated.filter((cpu) => cpu !== 0);
  }
  if (facts.online.length < dedicatedCpuOnlineMin) return [];
  const near = facts.interfaces.find((i) => i.name === feedInterfaces[0])?.cpus ?? [];
  const cores = facts.cores.filter((core) => !core.includes(0));
  const local = cores.filter((core) => near.includes(core[0]!));
  return [...((local.length > 0 ? local : cores).at(-1) ?? [])];
}

/**
 * Settles every role. Throws EdgeError ROLE_REFUSED for a role that would take the box down (CPU 0
 * for the feed, no CPU left for the rest) unless `force`, and ROLE_UNKNOWN for a name that the
 * machine does not have.
 */
export function settleRoles(request: RoleRequest, facts: RoleFacts, force: boolean): Roles {
  const feedInterfaces = request.feedInterfaces ?? findFeedInterfaces(facts);
  for (const name of feedInterfaces) {
    if (!facts.interfaces.some((i) => i.name === name)) {
      throw new EdgeError(
        "ROLE_UNKNOWN",
        `there is no interface ${name}`,
        `name one of: ${facts.interfaces.map((i) => i.name).join(", ")}`,
      );
    }
  }
  for (const uuid of request.gpus ?? []) {
    if (!facts.gpus.includes(uuid)) {
      throw new EdgeError(
        "ROLE_UNKNOWN",
        `there is no GPU ${uuid}`,
        `name one of: ${facts.gpus.join(", ") || "none was found"}`,
      );
    }
  }
  const feedCpus = request.feedCpus ?? findFeedCpus(facts, feedInterfaces);
  const housekeepingCpus =
    request.housekeepingCpus ?? facts.online.filter((cpu) => !feedCpus.includes(cpu));
  const offline = [...feedCpus, ...housekeepingCpus].filter((cpu) => !facts.online.includes(cpu));
  if (offline.length > 0) {
    throw new EdgeError(
      "ROLE_UNKNOWN",
      `CPU ${formatCpuList(offline)} is not online`,
      `choose among ${formatCpuList(facts.online)}`,
    );
  }
  if (!force) refuse(feedCpus, housekeepingCpus);
  return { feedInterfaces, feedCpus, housekeepingCpus, gpus: request.gpus ?? facts.gpus };
}

function refuse(feedCpus: readonly number[], housekeepingCpus: readonly number[]): void {
  if (feedCpus.includes(0)) {
    throw new EdgeError(
      "ROLE_REFUSED",
      "CPU 0 cannot be a feed CPU: the kernel keeps timers and interrupts there",
      "choose other feed CPUs, or say --force",
    );
  }
  if (housekeepingCpus.length === 0) {
    throw new EdgeError(
      "ROLE_REFUSED",
      "no CPU is left for housekeeping",
      "give the feed fewer CPUs, or say --force",
    );
  }
  const both = feedCpus.filter((cpu) => housekeepingCpus.includes(cpu));
  if (both.length > 0) {
    throw new EdgeError(
      "ROLE_REFUSED",
      `CPU ${formatCpuList(both)} is both a feed and a housekeeping CPU`,
      "keep the two sets apart, or say --force",
    );
  }
}
