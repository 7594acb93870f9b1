/** Writes to the data directory, few and short: what a commit costs there, and a stream on request. */
import { constants } from "node:fs";
import { open, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "../host/host.ts";
import type { DoctorClock, ProbeContext } from "./context.ts";
import { finding, notApplicable, severityAbove, type Outcome } from "./finding.ts";
import { within } from "./within.ts";
import { duration } from "../unit.ts";
import { bytes } from "./text.ts";

/** A page of SQLite's, the unit of its log. */
const writeBytes = 4096;
const writesMax = 16;
const writeBudgetNs = 500e6;
const throughputChunkBytes = 1 << 20;
const throughputBytesMax = 64 << 20;
const throughputBudgetNs = 2e9;
/**
 * A disk that is failing, or a mount whose server is gone, may never answer; that is a finding, and
 * no reason to lose the others.
 */
export const diskTimeoutMs = 4000;
/** With less free than this the history stops soon. */
export const spaceCriticalBytes = 256 << 20;

/**
 * One name for every examination: what one that was killed left behind is overwritten by the next,
 * and a link that somebody put in its place is not followed.
 */
const scratchName = ".hftedge-doctor";

function openScratch(path: string): Promise<FileHandle> {
  const { O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY } = constants;
  return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
}

/**
 * Times a few appended and flushed pages, as a commit does; the file is gone afterwards. Nothing
 * waits meanwhile: a slow disk must not stop a server's thread. That adds some 0.1 ms to each time.
 */
async function timedWrites(path: string, clock: DoctorClock): Promise<number[]> {
  const page = new Uint8Array(writeBytes).fill(0x5a);
  const file = await openScratch(path);
  const times: number[] = [];
  try {
    const start = clock.nowNs();
    for (let index = 0; index < writesMax; index++) {
      const before = clock.nowNs();
      await file.write(page, 0, writeBytes, index * writeBytes);
      await file.datasync();
      const after = clock.nowNs();
      times.push(after - before);
      if (after - start > writeBudgetNs) break;
    }
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
  return times.toSorted((a, b) => a - b);
}

/** Why the disk did not do what was asked: the system's code, or the words where it gave none. */
export function reasonOf(error: unknown): string {
  return errnoOf(error) || (error instanceof Error ? error.message : String(error));
}

/** A write that did not go through: nothing to look at for a user who may not, else a finding. */
function refused(
  id: "storage.flush" | "storage.throughput",
  error: unknown,
  directory: string,
): Outcome {
  const code = errnoOf(error);
  if (code === "EACCES" || code === "EPERM") {
    return notApplicable(id, "this user may not write there", directory);
  }
  const evidence = `A write failed: ${reasonOf(error)}.`;
  return finding(id, "critical", evidence, { directory }, directory);
}

export async function flush({ clock }: ProbeContext, directory: string): Promise<Outcome> {
  let times: number[];
  try {
    times = await within(timedWrites(join(directory, scratchName), clock), diskTimeoutMs, clock);
  } catch (error) {
    return refused("storage.flush", error, directory);
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

/** `freeBytes`: what the file system has left for us. */
export async function throughput(
  { clock }: ProbeContext,
  directory: string,
  freeBytes: number,
): Promise<Outcome> {
  if (freeBytes < throughputBytesMax + spaceCriticalBytes) {
    return notApplicable(
      "storage.throughput",
      `only ${bytes(freeBytes)} are free, and it would write ${bytes(throughputBytesMax)}`,
      directory,
    );
  }
  try {
    const stream = timedStream(join(directory, scratchName), clock, directory);
    return await within(stream, diskTimeoutMs, clock);
  } catch (error) {
    return refused("storage.throughput", error, directory);
  }
}

async function timedStream(path: string, clock: DoctorClock, directory: string): Promise<Outcome> {
  const chunk = new Uint8Array(throughputChunkBytes);
  // Bytes that do not compress, so that a compressing file system cannot flatter itself.
  for (let offset = 0; offset < chunk.length; offset += 65_536) {
    crypto.getRandomValues(chunk.subarray(offset, offset + 65_536));
  }
  const file = await openScratch(path);
  let written = 0;
  const start = clock.nowNs();
  let elapsedNs = 0;
  try {
    while (written < throughputBytesMax && clock.nowNs() - start < throughputBudgetNs) {
      const { bytesWritten } = await file.write(chunk);
      await file.datasync();
      written += bytesWritten;
    }
    elapsedNs = clock.nowNs() - start;
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
  const rate = written / (elapsedNs / 1e9);
  return finding(
    "storage.throughput",
    rate < 20e6 ? "warning" : rate < 100e6 ? "note" : "ok",
    `${bytes(written)} written and flushed at ${bytes(rate)}/s.`,
    { bytesPerSecond: rate, writtenBytes: written, directory },
    directory,
  );
}
