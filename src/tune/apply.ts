/**
 * Writes a plan. The journal with all originals is on disk before the first write; each write is
 * announced there, done, read back, and its outcome noted, so a crash at any point leaves a state
 * that can be completed (apply again) or taken back (revert).
 */
import { dirname } from "node:path";
import { EdgeError } from "../error.ts";
import type { FileStat, Host } from "../host/host.ts";
import { Access, sameValue } from "./access.ts";
import { bootPlan, type Change, changesOf, isLate, isLeftover, missingFolders } from "./change.ts";
import {
  type Journal,
  type JournalEntry,
  journalPath,
  JournalWriter,
  previousText,
  readJournal,
  removeStray,
} from "./journal.ts";
import { underLock } from "./lock.ts";
import { makePlan, type Plan, type PlanRequest } from "./plan.ts";
import { owedNow, runSteps, type StepResult, stepsFor } from "./step.ts";
import { Outcome, targetKey } from "./target.ts";

export interface ApplyChoice {
  restart: boolean;
  /** Reverts unless confirmed by then, epoch ms; null: no confirmation wanted. */
  confirmByMs: number | null;
}

export interface WriteResult {
  id: string;
  key: string;
  outcome: Outcome;
  before: string | null;
  desired: string | null;
  accepted: string | null;
  reason: string | null;
  retired: boolean;
  /** It should have worked: the kernel or systemd refused one of our own constants, or a file. */
  failed: boolean;
}

export interface ApplyReport {
  plan: Plan;
  results: WriteResult[];
  steps: StepResult[];
  rebootPending: boolean;
  failed: boolean;
}

/** Throws EdgeError NOT_ROOT where nothing can be written. */
export function requireRoot(host: Host): void {
  if (host.privileged) return;
  throw new EdgeError("NOT_ROOT", "changing the machine needs root", "run it with sudo");
}

function entryOf(
  host: Host,
  change: Change,
  known: JournalEntry | undefined,
  run: number,
): JournalEntry {
  const { target, setting, before, desired } = change;
  const stat: FileStat | null = target.kind === "file" ? host.stat(target.path) : null;
  return {
    key: targetKey(target),
    setting,
    run,
    target,
    original: known === undefined ? before : known.original,
    stat: known === undefined ? stat : known.stat,
    before,
    desired,
    phase: "planned",
    outcome: null,
    accepted: null,
    reason: null,
  };
}

/** The journal of this run: what earlier runs did stays, with its originals. */
function openJournal(
  host: Host,
  plan: Plan,
  changes: readonly Change[],
  choice: ApplyChoice,
  made: readonly string[],
  old: Journal | null,
): JournalWriter {
  const run = (old?.run ?? 0) + 1;
  const entries = new Map(old?.entries);
  for (const change of changes) {
    const key = targetKey(change.target);
    const known = entries.get(key);
    // Order is the order of writing, which a revert walks backwards.
    entries.delete(key);
    entries.set(key, entryOf(host, change, known, run));
  }
  const journal: Journal = {
    request: plan.request,
    run,
    directories: [
      ...new Set([...(old?.directories ?? []), ...made, ...missingFolders(host, changes)]),
    ],
    confirmByMs: choice.confirmByMs,
    previous: choice.confirmByMs === null ? null : previousText(host),
    entries,
    owed: new Map(old?.owed),
  };
  const writer = new JournalWriter(host, journal);
  writer.begin();
  return writer;
}

/** Kinds whose refusal is a limit of the hardware rather than a failure of ours. */
const hardware = new Set(["ethtool", "irq", "gpu"]);

function isFailure(change: Change, outcome: Outcome): boolean {
  if (outcome !== Outcome.rejected) return false;
  const { target } = change;
  if (hardware.has(target.kind)) return false;
  return target.kind !== "value" || target.path.startsWith("/proc/sys/");
}

function writeOne(access: Access, writer: JournalWriter, change: Change): WriteResult {
  const { target, before, desired, retired } = change;
  const key = targetKey(target);
  const entry = writer.journal.entries.get(key)!;
  if (target.kind === "file" && desired !== null) access.host.makeDirectory(dirname(target.path));
  writer.started(key);
  // What is somebody else's keeps its owner and its mode.
  const theirs = retired || isLeftover(change);
  const stat = theirs ? (entry.stat ?? undefined) : undefined;
  const refusal = access.write(target, desired, stat);
  const reading = access.read(target);
  const accepted = reading.ok ? reading.value : null;
  let outcome: Outcome;
  let reason: string | null = refusal?.reason ?? null;
  if (refusal !== null) outcome = refusal.outcome;
  else if (!reading.ok) {
    outcome = Outcome.unsupported;
    reason = reading.reason;
  } else if (sameValue(target, accepted, desired)) {
    reason = desired === null ? null : access.pending(target, desired);
    outcome = reason === null ? Outcome.applied : Outcome.pending;
  } else if (sameValue(target, accepted, before)) {
    outcome = Outcome.rejected;
    reason = `the write was accepted, and it still is ${before}`;
  } else {
    outcome = Outcome.clamped;
    reason = `asked for ${desired}, and it became ${accepted}`;
  }
  // An unconfirmed run may have to give it again.
  const forget = retired && outcome === Outcome.applied && writer.journal.confirmByMs === null;
  if (forget) writer.restored(key);
  else writer.done(key, outcome, accepted, reason);
  const failed = isFailure(change, outcome);
  return { id: change.setting, key, outcome, before, desired, accepted, reason, retired, failed };
}

/**
 * Drivers keep several keys in one word: a later write of this run may have changed an earlier one
 * (an e1000e switches receive pause frames on again when those it sends go off). Such a value is
 * written once more, and what it is then is what is reported.
 */
function recheck(
  access: Access,
  writer: JournalWriter,
  changes: readonly Change[],
  results: readonly WriteResult[],
): WriteResult[] {
  const byKey = new Map(changes.map((change) => [targetKey(change.target), change]));
  return results.map((result) => {
    const change = byKey.get(result.key);
    if (change === undefined || result.retired || result.outcome !== Outcome.applied) return result;
    const reading = access.read(change.target);
    if (!reading.ok || sameValue(change.target, reading.value, result.accepted)) return result;
    const again = writeOne(access, writer, { ...change, before: reading.value });
    return { ...again, before: result.before };
  });
}

/** Settings that count as applied live but that another file undoes at boot are external. */
function externalResults(plan: Plan, results: WriteResult[]): void {
  for (const item of plan.items) {
    if (item.state !== "external" || item.boot === null) continue;
    for (const result of results) {
      if (result.id !== item.id || result.outcome !== Outcome.applied) continue;
      result.outcome = Outcome.external;
      result.reason = `applied now, but ${item.reason}`;
    }
  }
}

function report(plan: Plan, results: WriteResult[], steps: StepResult[]): ApplyReport {
  externalResults(plan, results);
  return {
    plan,
    results,
    steps,
    rebootPending: plan.items.some(
      ({ setting, state }) =>
        setting.effect === "reboot" && (state === "change" || state === "pending"),
    ),
    failed: results.some(({ failed }) => failed) || steps.some(({ state }) => state === "failed"),
  };
}

/** Applies what differs from the plan; a second run with the same request writes nothing. */
export function apply(host: Host, request: PlanRequest, choice: ApplyChoice): Promise<ApplyReport> {
  requireRoot(host);
  return underLock(host, (made) => {
    const plan = makePlan(host, request);
    // Roles as they were found, so that they are the same at the next boot.
    const settled = { ...plan, request: { ...request, roles: plan.machine.roles } };
    return applyLocked(host, settled, choice, made);
  });
}

/**
 * At boot the host's unit and those of the interfaces start together, each for its part: one waits
 * for the other. Longer than a whole run takes, with a restart of a slow service in it.
 */
const bootWaitMs = 180_000;

/**
 * Applies again what a reboot lost, from the journal's own request, which stays as it is: an interface
 * or GPU that is not there yet has a unit that comes later. Null when nothing was applied, or when the
 * run that did was never confirmed.
 */
export async function applyAtBoot(
  host: Host,
  interfaces: readonly string[],
): Promise<ApplyReport | null> {
  requireRoot(host);
  if (readJournal(host) === null) return null;
  const work = async (made: readonly string[]): Promise<ApplyReport | null> => {
    const journal = readJournal(host);
    if (journal === null || journal.confirmByMs !== null) return null;
    const plan = bootPlan(makePlan(host, journal.request, true), interfaces);
    const choice = { restart: false, confirmByMs: null };
    return await applyLocked(host, plan, choice, made, false);
  };
  return await underLock(host, work, bootWaitMs);
}

async function applyLocked(
  host: Host,
  plan: Plan,
  choice: ApplyChoice,
  made: readonly string[],
  whole = true,
): Promise<ApplyReport> {
  const access = new Access(host);
  try {
    removeStray(host, journalPath);
    const old = readJournal(host);
    if (old !== null && old.confirmByMs !== null) {
      throw new EdgeError(
        "CONFIRM_FIRST",
        "the last run still waits for its confirmation",
        "keep it with `hftedge tune apply --confirm`, or take it back with `hftedge tune revert`",
      );
    }
    const changes = changesOf(access, plan, whole ? old : null);
    const owed = old === null ? [] : owedNow(host, old);
    if (changes.length === 0 && owed.length === 0) return report(plan, [], []);

    const writer =
      changes.length === 0 && old !== null
        ? JournalWriter.resume(host, old)
        : openJournal(host, plan, changes, choice, made, old);
    const files = changes.filter(({ target }) => target.kind === "file");
    for (const step of stepsFor(
      host,
      files.map(({ target }) => targetKey(target)),
    )) {
      writer.owe(step);
    }
    const late = changes.filter(({ target }) => isLate(target));
    const results = changes
      .filter(({ target }) => !isLate(target))
      .map((change) => writeOne(access, writer, change));
    const steps = await runSteps(host, writer, { restart: choice.restart, restarts: false });
    results.push(...late.map((change) => writeOne(access, writer, change)));
    steps.push(...(await runSteps(host, writer, { restart: choice.restart, restarts: true })));
    return report(plan, recheck(access, writer, changes, results), steps);
  } finally {
    access.close();
  }
}
