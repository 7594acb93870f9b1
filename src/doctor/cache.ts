/** Keeps a diagnosis for a while, so that any number of readers causes one examination at a time. */
import { systemClock, type DoctorClock, type MachineNeeds } from "./context.ts";
import { diagnose, type Diagnosis } from "./diagnose.ts";

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

const serverAgeMaxMs = 30_000;
const serverProbeTimeoutMs = 5000;

/**
 * The diagnosis for a server's readers: passive, so that nobody can make the model work by asking,
 * and at most one examination in half a minute, however many ask.
 */
export function createDiagnosis(needs: MachineNeeds): () => Promise<Diagnosis> {
  return cacheDiagnosis(
    () => diagnose({ needs, active: false, probeTimeoutMs: serverProbeTimeoutMs }),
    serverAgeMaxMs,
    systemClock,
  );
}
