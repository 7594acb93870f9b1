/**
 * Room for the database: how much the disk has left, and a ballast file beside the database that is
 * given up when the disk is full, because even deleting rows needs some space for the log.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";

const chunkBytes = 65_536;

export interface Disk {
  /** Bytes that this user may still write where the database is; NaN when nobody can tell. */
  freeBytes(): number;
  /** Takes the ballast's space, if it does not have it yet. False when there is none to take. */
  takeBallast(): boolean;
  /** Gives the ballast's space back. False when there was nothing to give. */
  dropBallast(): boolean;
}

/** `ballastBytes` 0 does without. */
export function diskOf(databasePath: string, ballastBytes: number): Disk {
  const path = `${databasePath}.ballast`;
  return {
    freeBytes() {
      try {
        const { bavail, bsize } = statfsSync(dirname(databasePath));
        return Number(bavail) * Number(bsize);
      } catch {
        return Number.NaN;
      }
    },
    takeBallast() {
      if (ballastBytes === 0) {
        // What an earlier configuration reserved.
        rmSync(path, { force: true });
        return false;
      }
      if (existsSync(path) && statSync(path).size === ballastBytes) return true;
      try {
        fill(path, ballastBytes);
        return true;
      } catch {
        rmSync(path, { force: true });
        return false;
      }
    },
    dropBallast() {
      if (!existsSync(path)) return false;
      rmSync(path, { force: true });
      return true;
    },
  };
}

/** Really writes the bytes, and none that a file system could squeeze: a hole reserves nothing. */
function fill(path: string, bytes: number): void {
  const chunk = crypto.getRandomValues(new Uint8Array(chunkBytes));
  const file = openSync(path, "w", 0o600);
  try {
    for (let at = 0; at < bytes; at += chunkBytes) {
      writeSync(file, chunk, 0, Math.min(chunkBytes, bytes - at));
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
