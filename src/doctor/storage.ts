/** The data directory: room, kind of file system, and how long a small synchronous write takes. */
import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { mountOf, parseMountinfo, type Mount } from "../host/disk.ts";
import { windowS, type Probe, type ProbeContext } from "./context.ts";
import { finding, notApplicable, severityAbove, type Outcome, type Severity } from "./finding.ts";
import { diskTimeoutMs, flush, reasonOf, spaceCriticalBytes, throughput } from "./storage-write.ts";
import { within } from "./within.ts";
import { duration, percent } from "../unit.ts";
import { bytes, plural } from "./text.ts";

const remote = new Set(["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph", "glusterfs"]);
const volatile = new Set(["tmpfs", "ramfs"]);

export function spaceFinding(free: number, total: number, directory: string): Outcome {
  const share = total === 0 ? 1 : free / total;
  const low =
    free < spaceCriticalBytes ? "critical" : free < 2 * 2 ** 30 || share < 0.05 ? "warning" : "ok";
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
    `Some task waited for a disk ${percent(now)} of the time now, ${after.some.avg10} % over 10 s; all tasks ${full} %.`,
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
function existingDirectory(path: string, exists: (path: string) => boolean): string {
  let there = path;
  while (!exists(there) && dirname(there) !== there) there = dirname(there);
  return there;
}

/** What the file system says when it is asked, and how fast it takes what is written. */
async function measured(
  context: ProbeContext,
  there: string,
  mount: Mount | undefined,
): Promise<Outcome[]> {
  const directory = context.needs.dataDirectory!;
  let freeBytes: number;
  const outcomes: Outcome[] = [];
  try {
    const { bavail, bsize, blocks } = await within(statfs(there), diskTimeoutMs, context.clock);
    freeBytes = bavail * bsize;
    outcomes.push(spaceFinding(freeBytes, blocks * bsize, there));
  } catch (error) {
    // A mount whose server is gone, or a directory that went meanwhile.
    const reason = `its file system does not answer: ${reasonOf(error)}`;
    return [notApplicable("storage.space", reason, there)];
  }
  if (mount?.options.includes("ro") === true) return outcomes;
  if (there !== directory) {
    // An examination leaves no directories behind, least of all with another user's name on them.
    return [...outcomes, notApplicable("storage.flush", "no run has made it yet", directory)];
  }
  outcomes.push(await flush(context, directory));
  if (context.throughput) outcomes.push(await throughput(context, directory, freeBytes));
  return outcomes;
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
    const { root, measuresDisk } = context;
    const exists = measuresDisk ? existsSync : root.exists;
    const there = existingDirectory(directory, exists);
    const mounts = parseMountinfo(root.text("/proc/self/mountinfo") ?? "");
    const mount = mountOf(mounts, there);
    const kept =
      mount === undefined
        ? [notApplicable("storage.file-system", "no /proc/self/mountinfo", there)]
        : [fileSystem(mount, there), device(context, mount, there)];
    const outcomes: Outcome[] = [pressure(context), ...disks(context), ...kept];
    if (measuresDisk) return [...outcomes, ...(await measured(context, there, mount))];
    const standIn = "a stand-in root is only read";
    return [
      ...outcomes,
      notApplicable("storage.space", standIn, directory),
      notApplicable("storage.flush", standIn, directory),
    ];
  },
};
