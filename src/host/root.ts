/**
 * Reads the files in which a kernel tells about itself. The root is a parameter, so that the same
 * readers work on the machine ("/") and on a directory that a test filled. What is missing or
 * unreadable is `undefined` or an empty list: a box without a knob is not a broken box.
 */
import { closeSync, openSync, readSync, readdirSync, readlinkSync } from "node:fs";

/** No file of /proc or /sys that is read here comes near this, even with hundreds of CPUs. */
const fileBytesMax = 8 << 20;

export interface HostRoot {
  readonly path: string;
  /** False for a directory that stands in for a machine: nothing may be executed on its behalf. */
  readonly real: boolean;
  /** The file's text, untouched. */
  text(path: string): string | undefined;
  /** The file's text without surrounding white space; undefined when empty. */
  word(path: string): string | undefined;
  /** The file's leading decimal integer. */
  number(path: string): number | undefined;
  /** Names in a directory, sorted. */
  list(path: string): string[];
  exists(path: string): boolean;
  /** The target of a symbolic link as it is written. */
  link(path: string): string | undefined;
}

function readBounded(path: string): Uint8Array {
  // The size that stat gives for such files is 0 or a page, so reading goes on until the end.
  const descriptor = openSync(path, "r");
  try {
    let bytes = new Uint8Array(16_384);
    let length = 0;
    while (length < fileBytesMax) {
      const count = readSync(descriptor, bytes, length, bytes.length - length, null);
      if (count === 0) break;
      length += count;
      if (length === bytes.length) {
        const larger = new Uint8Array(Math.min(bytes.length * 2, fileBytesMax));
        larger.set(bytes);
        bytes = larger;
      }
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}

/** Opens a root; nothing is read until asked for. */
export function openRoot(path = "/"): HostRoot {
  const decoder = new TextDecoder();
  // Not joined by a library: "device/.." must go up from where the link leads, not from its name.
  const at = (name: string): string => (path === "/" ? name : `${path}/${name}`);
  const text = (name: string): string | undefined => {
    try {
      return decoder.decode(readBounded(at(name)));
    } catch {
      return undefined;
    }
  };
  const list = (name: string): string[] => {
    try {
      return readdirSync(at(name)).toSorted();
    } catch {
      return [];
    }
  };
  return {
    path,
    real: path === "/",
    text,
    list,
    word: (name) => text(name)?.trim() || undefined,
    number: (name) => {
      const match = /^\s*(-?\d+)/.exec(text(name) ?? "");
      return match === null ? undefined : Number(match[1]);
    },
    exists: (name) => text(name) !== undefined || list(name).length > 0,
    link: (name) => {
      try {
        return readlinkSync(at(name));
      } catch {
        return undefined;
      }
    },
  };
}
