/** One tune at a time, by a lock file that the kernel frees when its owner ends, however it ends. */
import { errnoOf, type Host } from "../host/host.ts";
import { EdgeError } from "../error.ts";
import { stateFolder } from "./journal.ts";

export const lockPath = `${stateFolder}/lock`;

/** How often a lock that is waited for is tried. */
const pollMs = 50;

/**
 * Runs `work` under the lock; folders that had to be made for it go when they are empty at the end.
 * Throws EdgeError TUNE_BUSY while another tune writes, for longer than `waitMs`.
 */
export async function underLock<T>(
  host: Host,
  work: (made: readonly string[]) => Promise<T>,
  waitMs = 0,
): Promise<T> {
  const { made, release } = await take(host, waitMs);
  try {
    return await work(made);
  } finally {
    release();
    // Only empty ones go: also the one that a killed run made and never used.
    for (const folder of [stateFolder, ...made.toReversed()]) host.removeDirectory(folder);
  }
}

async function take(
  host: Host,
  waitMs: number,
): Promise<{ made: readonly string[]; release: () => void }> {
  const startNs = Bun.nanoseconds();
  for (;;) {
    const made = host.makeDirectory(stateFolder);
    const release = tryLock(host);
    if (release !== null) return { made, release };
    if (Bun.nanoseconds() - startNs >= waitMs * 1e6) {
      const owner = (host.read(lockPath) ?? "").trim() || "unknown";
      throw new EdgeError(
        "TUNE_BUSY",
        `another hftedge tune (process ${owner}) is at work`,
        "wait until it has ended",
      );
    }
    await Bun.sleep(pollMs);
  }
}

/** Null also where the last owner, at its end, has just removed the folder. */
function tryLock(host: Host): (() => void) | null {
  try {
    return host.lock(lockPath, `${host.pid}\n`);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null;
    throw error;
  }
}
