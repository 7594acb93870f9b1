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

/**
 * Waits until the run is confirmed or its time is over; true when it was confirmed.
 * `line` resolves with true for a line on stdin; an end of input is no confirmation.
 */
export async function waitForConfirmation(
  host: Host,
  line: Promise<boolean>,
  signal: AbortSignal,
): Promise<boolean> {
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
    const deadlineMs = readJournal(host)?.confirmByMs ?? null;
    if (deadlineMs === null) return true;
    if (typed) {
      await confirm(host);
      return true;
    }
    const leftMs = deadlineMs - host.nowMs();
    if (leftMs <= 0 || signal.aborted) return false;
    const { promise: slept, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.min(pollMs, leftMs));
    await Promise.race([slept, woken]);
    clearTimeout(timer);
  }
}
