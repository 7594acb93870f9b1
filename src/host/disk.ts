/** /proc/self/mountinfo and /proc/diskstats: where a directory lives and how busy its device is. */

import { decimal } from "./decimal.ts";

export interface Mount {
  /** "major:minor" of the device. */
  device: string;
  path: string;
  options: string[];
  fileSystem: string;
  source: string;
}

/** /proc/PID/mountinfo, proc_pid_mountinfo(5). Spaces in paths come as \040. */
export function parseMountinfo(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split("\n")) {
    const match =
      /^\d+ \d+ (\d+:\d+) \S+ (\S+) (\S+)(?: [a-z_]+(?::\d+)?)* - (\S+) (\S+)(?: (\S+))?$/.exec(
        line,
      );
    if (match === null) continue;
    const path = match[2]!.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    const options = [...match[3]!.split(","), ...(match[6] ?? "").split(",")];
    mounts.push({
      device: match[1]!,
      path,
      options: [...new Set(options.filter((option) => option !== ""))],
      fileSystem: match[4]!,
      source: match[5]!,
    });
  }
  return mounts;
}

/** The mount that holds an absolute path: the longest prefix, and of equals the last, which covers. */
export function mountOf(mounts: readonly Mount[], path: string): Mount | undefined {
  let best: Mount | undefined;
  for (const mount of mounts) {
    const prefix = mount.path === "/" ? "/" : `${mount.path}/`;
    if (path !== mount.path && !path.startsWith(prefix)) continue;
    if (best === undefined || mount.path.length >= best.path.length) best = mount;
  }
  return best;
}

/** A block device's counters since boot. Times are ms. */
export interface DiskCounters {
  device: string;
  name: string;
  reads: number;
  readMs: number;
  writes: number;
  writeMs: number;
  /** Time in which at least one request was in flight. */
  busyMs: number;
  flushes: number;
  flushMs: number;
}

/** /proc/diskstats by "major:minor"; flush columns exist since Linux 5.5. */
export function parseDiskstats(text: string): Map<string, DiskCounters> {
  const disks = new Map<string, DiskCounters>();
  for (const line of text.split("\n")) {
    const words = line.trim().split(/\s+/);
    if (words.length < 14) continue;
    const at = (index: number): number => decimal(words[index]);
    const device = `${words[0]}:${words[1]}`;
    disks.set(device, {
      device,
      name: words[2]!,
      reads: at(3),
      readMs: at(6),
      writes: at(7),
      writeMs: at(10),
      busyMs: at(12),
      flushes: at(18),
      flushMs: at(19),
    });
  }
  return disks;
}
