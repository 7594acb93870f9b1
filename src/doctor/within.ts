/** Time limits of examinations. */
import type { DoctorClock } from "./context.ts";

/** Work within its time; what it does after that is nobody's, so probes bound their own parts too. */
export function within<T>(work: Promise<T>, timeoutMs: number, clock: DoctorClock): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const cancel = clock.after(timeoutMs, () =>
    reject(new Error(`no answer within ${timeoutMs} ms`)),
  );
  work.then(resolve, reject);
  return promise.finally(cancel);
}
