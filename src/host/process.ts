/** Other processes, found by the name that the kernel keeps for them. */
import { parseStatus } from "./proc.ts";
import type { HostRoot } from "./root.ts";

/** A box has thousands of processes at most; the scan stops here rather than run on. */
const processesMax = 65_536;

export interface HostProcess {
  pid: number;
  name: string;
  argv: string[];
  /** Environment variables; undefined when this user may not read them. */
  environment: Map<string, string> | undefined;
  status: Map<string, string>;
}

/** /proc/PID/environ: NUL-separated NAME=value. */
export function parseEnvironment(text: string): Map<string, string> {
  const variables = new Map<string, string>();
  for (const word of text.split("\0")) {
    const equals = word.indexOf("=");
    if (equals > 0) variables.set(word.slice(0, equals), word.slice(equals + 1));
  }
  return variables;
}

/**
 * Processes whose name (/proc/PID/comm, at most 15 characters) is one of `names`, by pid.
 * Only theirs are the environments that are read.
 */
export function findProcesses(root: HostRoot, names: readonly string[]): HostProcess[] {
  const found: HostProcess[] = [];
  const pids = root
    .list("/proc")
    .filter((name) => /^\d+$/.test(name))
    .slice(0, processesMax);
  for (const pid of pids) {
    const name = root.word(`/proc/${pid}/comm`);
    if (name === undefined || !names.includes(name)) continue;
    const environment = root.text(`/proc/${pid}/environ`);
    found.push({
      pid: Number(pid),
      name,
      argv: (root.text(`/proc/${pid}/cmdline`) ?? "").split("\0").slice(0, -1),
      environment: environment === undefined ? undefined : parseEnvironment(environment),
      status: parseStatus(root.text(`/proc/${pid}/status`) ?? ""),
    });
  }
  return found.toSorted((a, b) => a.pid - b.pid);
}
