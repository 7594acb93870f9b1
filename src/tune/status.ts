/** Whether the machine still is what was applied: the one question behind exit codes 0, 2 and 3. */
import type { Host } from "../host/host.ts";
import { sameValue } from "./access.ts";
import { isLimited } from "./change.ts";
import { type Journal, readJournal } from "./journal.ts";
import { makePlan, type Plan, type PlanItem, type PlanRequest } from "./plan.ts";
import { owedNow } from "./step.ts";
import { targetKey } from "./target.ts";

export interface Drift {
  /** The setting's id, a file's path or a unit's name. */
  id: string;
  live: string | null;
  desired: string | null;
  reason: string | null;
}

export interface Status {
  applied: boolean;
  plan: Plan;
  drift: Drift[];
  /** In place, and waiting for a reboot, a restart or an interrupt. */
  pending: Drift[];
  /** Accepted as they are: clamped or refused by this machine when they were applied. */
  limited: Drift[];
  /** Until when the last run has to be confirmed, epoch ms. */
  confirmByMs: number | null;
}

function driftOf(item: PlanItem, reason: string | null): Drift {
  return { id: item.id, live: item.live, desired: item.desired, reason };
}

function judge(status: Status, journal: Journal | null, item: PlanItem): void {
  if (item.state === "pending") status.pending.push(driftOf(item, item.reason));
  if (item.state === "external" && (item.boot !== null || item.contributions.length > 0)) {
    status.drift.push(driftOf(item, item.reason));
  }
  if (item.state !== "change") return;
  const differing = item.targets.filter((t) => !sameValue(t.target, t.live, t.desired));
  const limited = differing.filter((t) =>
    isLimited(journal?.entries.get(targetKey(t.target)), t.live, t.desired),
  );
  if (differing.length > 0 && limited.length === differing.length) {
    const reason = journal?.entries.get(targetKey(limited[0]!.target))?.reason ?? null;
    status.limited.push(driftOf(item, reason));
    return;
  }
  // A line that only its file lacks is reported with the file, once.
  if (differing.length === 0 && item.targets.length > 0) return;
  const worst = differing[0];
  status.drift.push({
    id: item.id,
    live: worst?.live ?? item.live,
    desired: worst?.desired ?? item.desired,
    reason: worst === undefined ? item.reason : targetKey(worst.target),
  });
}

/**
 * Compares the machine with what was applied, or with `request` where it is given. Needs no root,
 * as far as the kernel shows its values to everybody.
 */
export function statusOf(host: Host, request: PlanRequest | null, otherwise: PlanRequest): Status {
  const journal = readJournal(host);
  const lenient = request === null && journal !== null;
  const plan = makePlan(host, request ?? journal?.request ?? otherwise, lenient);
  const status: Status = {
    applied: journal !== null,
    plan,
    drift: [],
    pending: [],
    limited: [],
    confirmByMs: journal?.confirmByMs ?? null,
  };
  for (const item of plan.items) judge(status, journal, item);
  for (const file of plan.files) {
    if (file.state === "in sync") continue;
    const reason = file.reason ?? (file.live === null ? "is not there" : "is not as written");
    status.drift.push({ id: file.path, live: null, desired: null, reason });
  }
  for (const { target, live, desired } of plan.units) {
    if (target.kind !== "unit" || sameValue(target, live, desired)) continue;
    status.drift.push({ id: target.unit, live, desired, reason: null });
  }
  for (const owed of journal === null ? [] : owedNow(host, journal)) {
    const id = owed.command.join(" ");
    status.pending.push({ id, live: null, desired: null, reason: "has yet to run" });
  }
  return status;
}

/** 0 in sync, 2 drift, 3 a reboot or a restart is pending. */
export function statusCode(status: Status): 0 | 2 | 3 {
  if (status.drift.length > 0) return 2;
  return status.pending.length > 0 ? 3 : 0;
}
