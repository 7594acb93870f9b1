/**
 * A change that cuts the operator off must undo itself: unless somebody confirms in time, the run is
 * taken back. A confirmation is a line on stdin, or `hftedge tune apply --confirm` from elsewhere.
 */
import { EdgeError } from "../error.ts";
import type { Host } from "../host/host.ts";
import { requireRoot } from "./apply.ts";
import { JournalWriter, readJournal } from "./journal.ts";
import { underLock } from "./lock.ts";

/** How often the journal is looked at for a confirmation by another process. */
const pollMs = 200;

/** Keeps the last run's settings. Throws EdgeError NOTHING_TO_CONFIRM. */
export function confirm(host: Host): Promise<void> {
  requireRoot(host);
  return underLock(host, () => {
    const journal = readJournal(host);
    if (journal === null || journal.confirmByMs === null) {
      throw new EdgeError(
        "NOTHING_TO_CONFIRM",
        "no run waits for a confirmation",
        "see hftedge tune status",
      );
    }
    JournalWriter.resume(host, journal).confirmed();
    return Promise.resolve();
  });
}

/** How the wait for a confirmation ended; "taken back" is by somebody else. */
export type WaitEnd = "confirmed" | "not confirmed" | "taken back";

/** What became of a run that waited for its confirmation, or null while it still does. */
function endOf(host: Host, run: AwaitedRun): WaitEnd | null {
  const journal = readJournal(host);
  if (journal?.confirmByMs === run.confirmByMs) return null;
  // A journal that went, or went back to an earlier run, was reverted; a later run can only have
  // begun when ours was settled, and in the same journal only when it was kept.
  return journal === null || journal.run < run.run ? "taken back" : "confirmed";
}

export interface AwaitedRun {
  run: number;
  /** As the journal has it, by which the run is known; a boot goes by it too. */
  confirmByMs: number;
  /** The same time on the monotonic clock, which nobody can set back. */
  confirmByNs: number;
}

/**
 * Waits until the run is confirmed, taken back or its time is over.
 * `line` resolves with true for a line on stdin; an end of input is no confirmation.
 */
export async function waitForConfirmation(
  host: Host,
  run: AwaitedRun,
  line: Promise<boolean>,
  signal: AbortSignal,
): Promise<WaitEnd> {
  let typed = false;
  const { promise: woken, resolve: wake } = Promise.withResolvers<void>();
  const heard = (yes: boolean): void => {
    if (!yes) return;
    typed = true;
    wake();
  };
  // A terminal that is gone fails to be read: that is no confirmation either.
  void line.then(heard, () => {});
  signal.addEventListener("abort", () => wake(), { once: true });
  for (;;) {
    const end = endOf(host, run) ?? (typed ? await confirmAwaited(host) : null);
    if (end !== null) return end;
    const leftMs = (run.confirmByNs - host.nowNs()) / 1e6;
    if (leftMs <= 0 || signal.aborted) return "not confirmed";
    const { promise: slept, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.min(pollMs, leftMs));
    // Once a line was typed only another tune's work is waited for, and that takes its time.
    await (typed ? slept : Promise.race([slept, woken]));
    clearTimeout(timer);
  }
}

/** Null while another tune is at work or has just settled the run: the journal then tells how. */
async function confirmAwaited(host: Host): Promise<WaitEnd | null> {
  try {
    await confirm(host);
    return "confirmed";
  } catch (error) {
    const passing = ["TUNE_BUSY", "NOTHING_TO_CONFIRM"];
    if (error instanceof EdgeError && passing.includes(error.code)) return null;
    throw error;
  }
}
