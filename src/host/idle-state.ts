/**
 * Idle states of a CPU as the kernel lists them in cpuidle. Their numbers mean nothing by themselves:
 * on x86 state0 is POLL and state1 is C1, on arm64 state0 is WFI and state1 already a deep one.
 *
 * Source: kernel documentation, admin-guide/pm/cpuidle.rst.
 */

/** Reads files of a machine, which may be a directory that stands in for one. */
export interface FileReader {
  /** Nothing where there is none. */
  read(path: string): string | null | undefined;
  /** Names in a directory; none where there is none. */
  list(path: string): readonly string[];
}

export interface IdleState {
  name: string;
  /** How long leaving it takes, µs. */
  latencyUs: number;
  disabled: boolean;
}

/** Exit latency of C1 where the kernel does not list its idle states, µs. */
const shallowLatencyUsDefault = 2;

/** Idle states of CPU 0, the quickest to leave first; none where the kernel controls none. */
export function idleStates(files: FileReader): IdleState[] {
  const folder = "/sys/devices/system/cpu/cpu0/cpuidle";
  return files
    .list(folder)
    .map((entry) => {
      const word = (name: string): string =>
        (files.read(`${folder}/${entry}/${name}`) ?? "").trim();
      return {
        name: word("name") || entry,
        latencyUs: Number.parseInt(word("latency"), 10) || 0,
        disabled: word("disable") === "1",
      };
    })
    .toSorted((a, b) => a.latencyUs - b.latencyUs);
}

/**
 * Exit latency of the shallowest state in which a CPU rests, µs: C1's, or WFI's. At least 1, because
 * a bound of 0 means spinning in one of the kernel's interfaces and no bound at all in the other.
 */
export function shallowIdleLatencyUs(files: FileReader): number {
  const shallowest = idleStates(files).find(({ name }) => name !== "POLL");
  return Math.max(1, shallowest?.latencyUs ?? shallowLatencyUsDefault);
}
