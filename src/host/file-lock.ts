/**
 * A lock that ends with its holder: flock(2) belongs to the open file, and the kernel lets it go
 * however the process ends. A file with a process id in it would outlive a crash, and after a reboot
 * that id is somebody else's, or one's own.
 */
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { EdgeError } from "../error.ts";
import { openLibc } from "./libc.ts";

const exclusiveAtOnce = 2 | 4;
/** Not in node:fs; the same on x86-64 and arm64. */
const closeOnExec = 0o2000000;
/** Nobody else may open it, because whoever can open a file can lock it. */
const lockMode = 0o600;

let libc: ReturnType<typeof openFlock>;

function openFlock() {
  return openLibc({ flock: { args: ["i32", "i32"], returns: "i32" } } as const);
}

/** Whether the path still leads to the open file: its last holder may have removed it meanwhile. */
function isStill(descriptor: number, path: string): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  return there?.ino === fstatSync(descriptor).ino;
}

/**
 * Makes a file with this text and locks it; the returned function removes it and lets go. Null while
 * another process, or this one, holds it. Throws EdgeError NO_LIBC, and the system's errors.
 */
export function lockFile(path: string, text: string): (() => void) | null {
  libc ??= openFlock();
  if (libc === undefined) {
    throw new EdgeError(
      "NO_LIBC",
      "the C library cannot be opened",
      "use a system with glibc or musl",
    );
  }
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | closeOnExec;
  const descriptor = openSync(path, flags, lockMode);
  if (libc.symbols.flock(descriptor, exclusiveAtOnce) !== 0 || !isStill(descriptor, path)) {
    closeSync(descriptor);
    return null;
  }
  ftruncateSync(descriptor);
  writeSync(descriptor, text, 0);
  return () => {
    unlinkSync(path);
    closeSync(descriptor);
  };
}
