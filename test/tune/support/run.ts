/** Short forms of apply, revert and status for tests. */
import { apply, type ApplyReport, type WriteResult } from "../../../src/tune/apply.ts";
import type { PlanItem, PlanRequest } from "../../../src/tune/plan.ts";
import { revert, type RevertReport } from "../../../src/tune/revert.ts";
import { type Status, statusOf } from "../../../src/tune/status.ts";
import type { FakeMachine } from "./fake-machine.ts";
import { request } from "./fake-server.ts";

export function applied(
  machine: FakeMachine,
  change: Partial<PlanRequest> = {},
  confirmByMs: number | null = null,
): Promise<ApplyReport> {
  return apply(machine, request(change), { restart: false, confirmByMs });
}

export function reverted(machine: FakeMachine, force = false): Promise<RevertReport> {
  return revert(machine, { restart: false, force });
}

export function status(machine: FakeMachine): Status {
  return statusOf(machine, null, request());
}

/** The one write of a setting, or of the target with that key. */
export function writeOf(report: ApplyReport, id: string): WriteResult {
  const found = report.results.filter((result) => result.id === id || result.key === id);
  if (found.length !== 1) throw new Error(`${found.length} writes of ${id}`);
  return found[0]!;
}

export function itemOf(plan: { items: readonly PlanItem[] }, id: string): PlanItem {
  const item = plan.items.find((candidate) => candidate.id === id);
  if (item === undefined) throw new Error(`${id} is not planned`);
  return item;
}
