/** One tune at a time: a lock file with the owner's process id, broken when that process is gone. */
import { errnoOf, type Host } from "../host/host.ts";
import { EdgeError } from "../error.ts";
import { stateFolder } from "./journal.ts";

const lockPath = `${stateFolder}/lock`;

/**
 * Runs `work` under the lock; folders that had to be made for it go when they are empty at the end.
 * Throws EdgeError TUNE_BUSY while another tune writes.
 */
export async function underLock<T>(
  host: Host,
  work: (made: readonly string[]) => Promise<T>,
): Promise<T> {
  const made = host.makeDirectory(stateFolder);
  take(host);
  try {
    return await work(made);
  } finally {
    host.remove(lockPath);
    // Only empty ones go: also the one that a killed run made and never used.
    for (const folder of [stateFolder, ...made.toReversed()]) host.removeDirectory(folder);
  }
}

function take(host: Host): void {
  for (let attempt = 0; ; attempt++) {
    try {
      host.createExclusive(lockPath, `${host.pid}\n`);
      return;
    } catch (error) {
      if (errnoOf(error) !== "EEXIST") throw error;
    }
    const owner = (host.read(lockPath) ?? "").trim();
    if (attempt > 0 || (owner !== "" && isRunning(Number(owner)))) {
      throw new EdgeError(
        "TUNE_BUSY",
        `another hftedge tune (process ${owner}) is at work`,
        `wait until it has ended; remove ${lockPath} if that process is something else`,
      );
    }
    host.remove(lockPath);
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === "EPERM";
  }
}
