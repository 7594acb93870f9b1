/** Keeps a diagnosis for a while, so that any number of readers causes one examination at a time. */
import type { DoctorClock } from "./context.ts";
import type { Diagnosis } from "./diagnose.ts";

/**
 * A function that gives the last diagnosis while it is younger than `ageMaxMs`, and otherwise runs
 * one, which everybody who asks meanwhile shares. A failure is not kept.
 */
export function cacheDiagnosis(
  examine: () => Promise<Diagnosis>,
  ageMaxMs: number,
  clock: Pick<DoctorClock, "nowNs">,
): () => Promise<Diagnosis> {
  let kept: { diagnosis: Diagnosis; atNs: number } | undefined;
  let running: Promise<Diagnosis> | undefined;
  return () => {
    if (kept !== undefined && clock.nowNs() - kept.atNs < ageMaxMs * 1e6) {
      return Promise.resolve(kept.diagnosis);
    }
    running ??= examine()
      .then((diagnosis) => {
        kept = { diagnosis, atNs: clock.nowNs() };
        return diagnosis;
      })
      .finally(() => {
        running = undefined;
      });
    return running;
  };
}
