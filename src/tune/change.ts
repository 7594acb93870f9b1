/** From a plan and a journal to the writes of one run, in order. */
import type { Host } from "../host/host.ts";
import { type Access, sameValue } from "./access.ts";
import { volatileItems } from "./boot.ts";
import type { Journal, JournalEntry } from "./journal.ts";
import type { Plan, PlanItem } from "./plan.ts";
import { Outcome, type Target, targetKey } from "./target.ts";

export interface Change {
  setting: string;
  target: Target;
  before: string | null;
  desired: string | null;
  always: boolean;
  /** Given back because the plan no longer wants it. */
  retired: boolean;
}

const limits = new Set<Outcome>([Outcome.clamped, Outcome.rejected, Outcome.unsupported]);

/** The machine took this value and no other when it was asked: that is not drift. */
export function isLimited(
  entry: JournalEntry | undefined,
  live: string | null,
  desired: string | null,
): boolean {
  return (
    entry?.outcome !== undefined &&
    entry.outcome !== null &&
    limits.has(entry.outcome) &&
    sameValue(entry.target, entry.desired, desired) &&
    sameValue(entry.target, entry.accepted, live)
  );
}

/** What this plan wants to hold, changed or not. */
function wantedOf(plan: Plan): Omit<Change, "retired">[] {
  const wanted: Omit<Change, "retired">[] = [];
  for (const item of plan.items) {
    for (const { target, live, desired, always } of item.targets) {
      wanted.push({ setting: item.id, target, before: live, desired, always: always === true });
    }
  }
  for (const file of plan.files) {
    if (file.state === "external") continue;
    const target: Target = { kind: "file", path: file.path, mode: file.mode };
    wanted.push({
      setting: "file",
      target,
      before: file.live,
      desired: file.desired,
      always: false,
    });
  }
  for (const { target, live, desired } of plan.units) {
    wanted.push({ setting: "unit", target, before: live, desired, always: false });
  }
  // Of several changes of one file the last one holds them all.
  return [...new Map(wanted.map((change) => [targetKey(change.target), change])).values()];
}

/** A setting that is left alone today keeps what it was given: it is neither renewed nor taken back. */
function isLeftAlone(plan: Plan, entry: JournalEntry): boolean {
  if (entry.setting === "file") {
    return plan.files.some(
      (file) => file.state === "external" && file.path === targetKey(entry.target),
    );
  }
  return plan.items.some(
    (item) =>
      item.id === entry.setting &&
      ["external", "refused", "not applicable", "seen", "finding"].includes(item.state),
  );
}

/** Whether a setting puts right what others have left, in files or values that are theirs. */
export function isLeftover({ setting }: Pick<Change, "setting">): boolean {
  return setting.startsWith("leftover.");
}

/** What an earlier run did and this plan no longer wants, newest first. */
function retiredOf(access: Access, plan: Plan, journal: Journal): Change[] {
  const wanted = new Set(wantedOf(plan).map(({ target }) => targetKey(target)));
  return [...journal.entries.values()]
    .toReversed()
    .filter((entry) => !wanted.has(entry.key) && !isLeftAlone(plan, entry))
    .filter((entry) => !isLeftover(entry))
    .flatMap((entry): Change[] => {
      const reading = access.read(entry.target);
      const { setting, target, original } = entry;
      if (!reading.ok || sameValue(target, reading.value, original)) return [];
      return [
        { setting, target, before: reading.value, desired: original, always: false, retired: true },
      ];
    });
}

/** What is written after the files and their commands. */
export function isLate(target: Target): boolean {
  return target.kind === "unit" || target.kind === "gpu";
}

/** All writes of a run; empty when everything is as it should be. */
export function changesOf(access: Access, plan: Plan, journal: Journal | null): Change[] {
  const wanted = wantedOf(plan)
    .filter(({ target, before, desired, always }) => always || !sameValue(target, before, desired))
    .filter(
      ({ target, before, desired }) =>
        !isLimited(journal?.entries.get(targetKey(target)), before, desired),
    )
    .map((change): Change => ({ ...change, retired: false }));
  const retired = journal === null ? [] : retiredOf(access, plan, journal);
  // Units need the files of this run, and a clock lock needs the daemon that keeps the driver loaded.
  return [
    ...retired,
    ...wanted.filter(({ target }) => !isLate(target)),
    ...wanted.filter(({ target }) => target.kind === "unit"),
    ...wanted.filter(({ target }) => target.kind === "gpu"),
  ];
}

/** The part of a plan that a reboot loses; with an interface's name only what belongs to it. */
export function bootPlan(plan: Plan, interfaces: readonly string[]): Plan {
  const items = volatileItems(plan.items).filter((item: PlanItem) =>
    item.setting.scope === "interface"
      ? interfaces.includes(item.instance)
      : interfaces.length === 0,
  );
  return { ...plan, items, files: [], units: [] };
}

/** Folders that have to be made for these changes, outermost first. */
export function missingFolders(host: Host, changes: readonly Change[]): string[] {
  const missing = new Set<string>();
  for (const { target, desired } of changes) {
    if (target.kind !== "file" || desired === null) continue;
    for (const folder of host.missingDirectories(target.path)) missing.add(folder);
  }
  return [...missing];
}
