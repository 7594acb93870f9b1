/**
 * What would change on this machine, and why: every setting of the profile with its desired, live and
 * boot-effective value. Nothing here writes, and nothing needs root.
 */
import type { Host } from "../host/host.ts";
import { Access } from "./access.ts";
import { planBoot } from "./boot.ts";
import { catalogue } from "./catalogue.ts";
import { instancesOf } from "./expand.ts";
import { composeFiles, type Contribution, type PlannedFile } from "./file-plan.ts";
import { readJournal } from "./journal.ts";
import { type Machine, probeMachine, type Wishes } from "./machine.ts";
import { Planner } from "./planner.ts";
import type { RoleRequest } from "./role.ts";
import type { Leftover, Owner, Profile, Setting } from "./setting.ts";
import type { Target } from "./target.ts";

export interface PlanRequest {
  profile: Profile;
  roles: RoleRequest;
  wishes: Wishes;
  /** Ids that are wanted although the profile leaves them out, and the reverse. */
  with: readonly string[];
  without: readonly string[];
  /** Owners that the operator overrules. */
  take: readonly Owner[];
  force: boolean;
  removeLeftovers: boolean;
  /** How this program is started again by the boot unit; empty where that is not known. */
  program: readonly string[];
}

export type ItemState =
  /** Live and at the next boot as wanted. */
  | "in sync"
  | "change"
  /** Written, and waiting for a reboot or a restart. */
  | "pending"
  | "not applicable"
  | "refused"
  | "external"
  /** Looked at only, and well. */
  | "seen"
  /** Looked at, and something is wrong that we do not change unasked. */
  | "finding";

export interface PlannedTarget {
  target: Target;
  live: string | null;
  desired: string;
  /** Written although it is as wanted, because another write of the same run would change it. */
  always?: boolean;
}

export interface PlanItem {
  id: string;
  setting: Setting;
  instance: string;
  state: ItemState;
  reason: string | null;
  live: string | null;
  desired: string | null;
  boot: { value: string; path: string } | null;
  targets: readonly PlannedTarget[];
  contributions: readonly Contribution[];
  leftovers: readonly Leftover[];
}

export interface Plan {
  request: PlanRequest;
  machine: Machine;
  items: readonly PlanItem[];
  files: readonly PlannedFile[];
  /** Units to enable or stop after the files are in place. */
  units: readonly PlannedTarget[];
  notes: readonly string[];
}

/**
 * Throws EdgeError for a role that is refused or unknown; a `lenient` plan, of a request that was
 * applied before, leaves out an interface or GPU that is not there (yet).
 */
export function makePlan(host: Host, request: PlanRequest, lenient = false): Plan {
  const machine = probeMachine(host, request, lenient);
  const access = new Access(host);
  try {
    const planner = new Planner(access, machine, request, readJournal(host));
    const found = catalogue.flatMap((setting) =>
      instancesOf(setting, machine).flatMap((instance) => planner.item(setting, instance) ?? []),
    );
    const boot = planBoot(host, machine, request, found);
    const { items, files } = composeFiles(access, found, boot.files, request.force);
    const units = boot.units.map(({ target, desired }) => {
      const reading = access.read(target);
      return { target, desired, live: reading.ok ? reading.value : null };
    });
    return { request, machine, items, files, units, notes: boot.notes };
  } finally {
    access.close();
  }
}
