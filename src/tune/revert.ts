/**
 * Takes back what the journal says, newest first, and only where the live value is still the one
 * that tune left: what somebody else has changed since is a conflict, reported and left alone.
 */
import type { Host } from "../host/host.ts";
import { Access, sameValue } from "./access.ts";
import { requireRoot } from "./apply.ts";
import {
  type JournalEntry,
  journalPath,
  JournalWriter,
  parseJournal,
  readJournal,
  removeStray,
  replaceJournal,
} from "./journal.ts";
import { underLock } from "./lock.ts";
import { runSteps, type StepResult, stepsFor } from "./step.ts";
import { targetKey } from "./target.ts";

export interface RevertResult {
  id: string;
  key: string;
  /** "gone": the thing itself is no longer there. */
  outcome: "restored" | "conflict" | "failed" | "gone";
  live: string | null;
  original: string | null;
  reason: string | null;
}

export interface RevertReport {
  /** False when there was nothing to take back. */
  applied: boolean;
  results: RevertResult[];
  steps: StepResult[];
  failed: boolean;
}

export interface RevertChoice {
  restart: boolean;
  /** Restores also what somebody else has changed since. */
  force: boolean;
}

/** Whether the live value is what tune wrote; a write that was cut short counts as ours. */
function isOurs(entry: JournalEntry, live: string | null): boolean {
  if (entry.phase === "started") return true;
  return (
    sameValue(entry.target, live, entry.accepted) || sameValue(entry.target, live, entry.desired)
  );
}

function restore(
  access: Access,
  writer: JournalWriter,
  entry: JournalEntry,
  to: string | null,
  force: boolean,
): RevertResult {
  const base = { id: entry.setting, key: entry.key, original: to, reason: null };
  if (entry.target.kind === "file") removeStray(access.host, entry.target.path);
  const reading = access.read(entry.target);
  if (!reading.ok) {
    return { ...base, outcome: "gone", live: null, reason: reading.reason };
  }
  const live = reading.value;
  // A GPU does not tell its lock: after a write that was cut short only another write is certain.
  const unknown = entry.phase === "started" && entry.target.kind === "gpu";
  if (entry.phase === "planned" || (sameValue(entry.target, live, to) && !unknown)) {
    return { ...base, outcome: "restored", live };
  }
  if (!isOurs(entry, live) && !force) {
    const reason = "changed by somebody else since; --force restores it all the same";
    return { ...base, outcome: "conflict", live, reason };
  }
  // A unit takes two commands: were we cut short between them, what is found then is still ours.
  writer.started(entry.key);
  const refusal = access.write(entry.target, to, entry.stat ?? undefined);
  const after = access.read(entry.target);
  if (refusal === null && after.ok && sameValue(entry.target, after.value, to)) {
    return { ...base, outcome: "restored", live: after.value };
  }
  const reason = refusal?.reason ?? "it did not take the old value";
  return { ...base, outcome: "failed", live: after.ok ? after.value : null, reason };
}

/** Restores every entry to what it was before tune. Throws EdgeError NOT_ROOT or TUNE_BUSY. */
export function revert(host: Host, choice: RevertChoice): Promise<RevertReport> {
  requireRoot(host);
  return underLock(host, () => revertLocked(host, choice));
}

const nothing: RevertReport = { applied: false, results: [], steps: [], failed: false };

async function revertLocked(host: Host, choice: RevertChoice): Promise<RevertReport> {
  removeStray(host, journalPath);
  const unconfirmed = await revertRun(host, choice);
  const journal = readJournal(host);
  if (journal === null || unconfirmed.failed) return unconfirmed;
  const writer = JournalWriter.resume(host, journal);
  const entries = [...journal.entries.values()].toReversed();
  const report = await takeBack(host, writer, entries, (entry) => entry.original, choice);
  if (journal.entries.size === 0 && !hasFailedStep(report)) {
    // The journal goes last: until then it knows which folders were not there.
    for (const folder of journal.directories.toReversed()) host.removeDirectory(folder);
    host.remove(journalPath);
  }
  return { ...report, results: [...unconfirmed.results, ...report.results] };
}

/** The operator may be cut off: another tune that is at work is waited for. */
const takeBackWaitMs = 180_000;

/**
 * Takes back the last run alone, when it was not confirmed in time: what an earlier, confirmed run
 * did stays. Does nothing when the run was confirmed meanwhile.
 */
export function revertUnconfirmed(host: Host): Promise<RevertReport> {
  requireRoot(host);
  const choice = { restart: false, force: false };
  const work = async (): Promise<RevertReport> => {
    const journal = readJournal(host);
    if (journal === null || journal.confirmByMs === null) return nothing;
    return await (journal.previous === null ? revertLocked(host, choice) : revertRun(host, choice));
  };
  return underLock(host, work, takeBackWaitMs);
}

/** Goes back to the journal before an unconfirmed run, where there was one. */
async function revertRun(host: Host, choice: RevertChoice): Promise<RevertReport> {
  const journal = readJournal(host);
  if (journal === null || journal.confirmByMs === null || journal.previous === null) return nothing;
  const { previous } = journal;
  const mine = [...journal.entries.values()].toReversed().filter(({ run }) => run === journal.run);
  const writer = JournalWriter.resume(host, journal);
  const report = await takeBack(host, writer, mine, (entry) => entry.before, choice);
  if (!report.failed) {
    const known = parseJournal(previous).directories;
    for (const folder of journal.directories.toReversed()) {
      if (!known.includes(folder)) host.removeDirectory(folder);
    }
    replaceJournal(host, previous);
  }
  return report;
}

function hasFailedStep({ steps }: RevertReport): boolean {
  return steps.some(({ state }) => state === "failed");
}

async function takeBack(
  host: Host,
  writer: JournalWriter,
  entries: readonly JournalEntry[],
  to: (entry: JournalEntry) => string | null,
  choice: RevertChoice,
): Promise<RevertReport> {
  const access = new Access(host);
  try {
    const files = entries.filter(
      ({ target, phase }) => target.kind === "file" && phase !== "planned",
    );
    for (const step of stepsFor(
      host,
      files.map(({ target }) => targetKey(target)),
    )) {
      const before = writer.journal.owed.get(step.command.join(" "));
      // A service that never restarted since the files were written still runs as it was.
      if (step.pid !== 0 && before?.pid === step.pid) writer.ran(step.command);
      else writer.owe(step);
    }
    const results: RevertResult[] = [];
    for (const entry of entries) {
      const result = restore(access, writer, entry, to(entry), choice.force);
      if (result.outcome === "restored" || result.outcome === "gone") writer.restored(entry.key);
      results.push(result);
    }
    const steps = [
      ...(await runSteps(host, writer, { restart: choice.restart, restarts: false })),
      ...(await runSteps(host, writer, { restart: choice.restart, restarts: true })),
    ];
    const failed =
      results.some(({ outcome }) => outcome === "failed" || outcome === "conflict") ||
      steps.some(({ state }) => state === "failed");
    return { applied: true, results, steps, failed };
  } finally {
    access.close();
  }
}
