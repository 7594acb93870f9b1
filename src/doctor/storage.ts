/** The data directory: room, kind of file system, and how long a small synchronous write takes. */
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fsyncSync,
  constants,
  openSync,
  statfsSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { mountOf, parseMountinfo, type Mount } from "../host/disk.ts";
import { windowS, type DoctorClock, type Probe, type ProbeContext } from "./context.ts";
import { finding, notApplicable, severityAbove, type Outcome, type Severity } from "./finding.ts";
import { bytes, duration, percent, plural } from "./text.ts";

/** A page of SQLite's, the unit of its log. */
const writeBytes = 4096;
const writesMax = 16;
const writeBudgetNs = 500e6;
const throughputChunkBytes = 1 << 20;
const throughputBytesMax = 64 << 20;
const throughputBudgetNs = 2e9;

const remote = new Set(["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph", "glusterfs"]);
const volatile = new Set(["tmpfs", "ramfs"]);

function space(directory: string): Outcome {
  const { bavail, bsize, blocks } = statfsSync(directory);
  return spaceFinding(bavail * bsize, blocks * bsize, directory);
}

export function spaceFinding(free: number, total: number, directory: string): Outcome {
  const share = total === 0 ? 1 : free / total;
  const low = free < 256 << 20 ? "critical" : free < 2 * 2 ** 30 || share < 0.05 ? "warning" : "ok";
  return finding(
    "storage.space",
    low,
    `${bytes(free)} of ${bytes(total)} free (${percent(share)}).`,
    { freeBytes: free, totalBytes: total, share, directory },
    directory,
  );
}

function fileSystem(mount: Mount, directory: string): Outcome {
  const kind = mount.fileSystem;
  const values = {
    fileSystem: kind,
    device: mount.source,
    options: mount.options.join(","),
    directory,
  };
  if (mount.options.includes("ro")) {
    return finding(
      "storage.file-system",
      "critical",
      `${kind} on ${mount.source} is mounted read-only.`,
      values,
      directory,
    );
  }
  const severity: Severity = remote.has(kind)
    ? "warning"
    : volatile.has(kind) || kind === "overlay"
      ? "note"
      : "ok";
  const words = remote.has(kind)
    ? ", over a network"
    : volatile.has(kind)
      ? ", which forgets at a restart"
      : kind === "overlay"
        ? ", a container's layer, which goes when the container does"
        : "";
  return finding(
    "storage.file-system",
    severity,
    `${kind} on ${mount.source}${words}.`,
    values,
    directory,
  );
}

function device(context: ProbeContext, mount: Mount, directory: string): Outcome {
  const before = context.first.disks.get(mount.device);
  const after = context.second.disks.get(mount.device);
  if (before === undefined || after === undefined) {
    return notApplicable("storage.device", `${mount.fileSystem} has no block device`, directory);
  }
  const busy = (after.busyMs - before.busyMs) / 1000 / windowS(context);
  const writes = after.writes - before.writes;
  const writeMs = writes === 0 ? 0 : (after.writeMs - before.writeMs) / writes;
  return finding(
    "storage.device",
    severityAbove(busy, 0.5, 0.9),
    `${after.name} was busy ${percent(Math.min(1, busy))} of the time: ` +
      `${plural(writes, "write")}${writes === 0 ? "" : ` at ${duration(writeMs * 1e6)} on average`}, ` +
      `${plural(after.reads - before.reads, "read")}.`,
    { device: after.name, busyShare: busy, writes, writeMs, directory },
    directory,
  );
}

/**
 * One name for every examination: what one that was killed left behind is overwritten by the next,
 * and a link that somebody put in its place is not followed.
 */
const scratchName = ".hftedge-doctor";

function openScratch(path: string): number {
  const { O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY } = constants;
  return openSync(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
}

/** Times a few appended and flushed pages, as a commit does; the file is gone afterwards. */
function timedWrites(path: string, clock: DoctorClock): number[] {
  const page = new Uint8Array(writeBytes).fill(0x5a);
  const file = openScratch(path);
  const times: number[] = [];
  try {
    const start = clock.nowNs();
    for (let index = 0; index < writesMax; index++) {
      const before = clock.nowNs();
      writeSync(file, page, 0, writeBytes, index * writeBytes);
      fdatasyncSync(file);
      const after = clock.nowNs();
      times.push(after - before);
      if (after - start > writeBudgetNs) break;
    }
  } finally {
    closeSync(file);
    rmSync(path, { force: true });
  }
  return times.toSorted((a, b) => a - b);
}

function flush({ clock }: ProbeContext, directory: string): Outcome {
  let times: number[];
  try {
    times = timedWrites(join(directory, scratchName), clock);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EACCES" || code === "EPERM") {
      return notApplicable("storage.flush", "this user may not write there", directory);
    }
    return finding(
      "storage.flush",
      "critical",
      `A write failed: ${code ?? String(error)}.`,
      { directory },
      directory,
    );
  }
  const middleNs = times[times.length >> 1] ?? 0;
  const maxNs = times.at(-1) ?? 0;
  return finding(
    "storage.flush",
    severityAbove(middleNs, 5e6, 20e6, 200e6),
    `${times.length} writes of 4 KiB, each flushed: median ${duration(middleNs)}, worst ${duration(maxNs)}.`,
    { writes: times.length, medianNs: middleNs, maxNs, directory },
    directory,
  );
}

async function throughput({ clock }: ProbeContext, directory: string): Promise<Outcome> {
  const path = join(directory, scratchName);
  const chunk = new Uint8Array(throughputChunkBytes);
  // Bytes that do not compress, so that a compressing file system cannot flatter itself.
  for (let offset = 0; offset < chunk.length; offset += 65_536) {
    crypto.getRandomValues(chunk.subarray(offset, offset + 65_536));
  }
  const file = openScratch(path);
  let written = 0;
  const start = clock.nowNs();
  try {
    while (written < throughputBytesMax && clock.nowNs() - start < throughputBudgetNs) {
      written += writeSync(file, chunk);
      fdatasyncSync(file);
      // Others on this thread go on between the chunks.
      await clock.sleep(0);
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
    rmSync(path, { force: true });
  }
  const rate = written / ((clock.nowNs() - start) / 1e9);
  return finding(
    "storage.throughput",
    rate < 20e6 ? "warning" : rate < 100e6 ? "note" : "ok",
    `${bytes(written)} written and flushed at ${bytes(rate)}/s.`,
    { bytesPerSecond: rate, writtenBytes: written, directory },
    directory,
  );
}

function pressure(context: ProbeContext): Outcome {
  const before = context.first.pressure.io;
  const after = context.second.pressure.io;
  if (before?.some === undefined || after?.some === undefined) {
    return notApplicable("storage.pressure", "the kernel keeps no pressure (psi=1 turns it on)");
  }
  const now = Math.max(0, after.some.totalUs - before.some.totalUs) / 1e6 / windowS(context);
  const full = after.full?.avg10 ?? 0;
  return finding(
    "storage.pressure",
    severityAbove(after.some.avg10, 10, 30),
    `Some task waited for a disk ${percent(now)} of the time now, ${after.some.avg10}% over 10 s; all tasks ${full}%.`,
    { someShareNow: now, someAvg10Percent: after.some.avg10, fullAvg10Percent: full },
  );
}

function disks({ inventory }: ProbeContext): Outcome[] {
  return (inventory?.disks ?? []).map(({ name, kind, sizeBytes, health }) => {
    const failing = !/^(ok|passed|unknown)?$/i.test(health);
    return finding(
      "storage.disk",
      failing ? "critical" : kind === "HD" ? "note" : "ok",
      `${kind || "unknown kind"}, ${bytes(sizeBytes)}, health ${health || "unknown"}.`,
      { kind, sizeBytes, health },
      name,
    );
  });
}

/** The directory itself, or the nearest one above it that exists. */
function existingDirectory(path: string): string {
  let there = path;
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there);
  return there;
}

export const storageProbe: Probe = {
  area: "storage",
  run: async (context) => {
    const directory = context.needs.dataDirectory;
    if (directory === undefined) {
      return [
        pressure(context),
        ...disks(context),
        notApplicable("storage.space", "no data directory is set"),
      ];
    }
    const there = existingDirectory(directory);
    const outcomes: Outcome[] = [pressure(context), ...disks(context), space(there)];
    const mounts = parseMountinfo(context.root.text("/proc/self/mountinfo") ?? "");
    const mount = mountOf(mounts, there);
    if (mount === undefined) {
      outcomes.push(notApplicable("storage.file-system", "no /proc/self/mountinfo", there));
    } else {
      outcomes.push(fileSystem(mount, there), device(context, mount, there));
      if (mount.options.includes("ro")) return outcomes;
    }
    if (there !== directory) {
      // An examination leaves no directories behind, least of all with another user's name on them.
      outcomes.push(notApplicable("storage.flush", "no run has made it yet", directory));
      return outcomes;
    }
    outcomes.push(flush(context, directory));
    if (context.throughput) outcomes.push(await throughput(context, directory));
    return outcomes;
  },
};
