/**
 * Large tables on large pages. A table of 100 MiB that is read at random needs 25,000 entries of
 * 4 KiB in a translation cache that has a few thousand, so that nearly each read walks the page
 * table as well; of 2 MiB it needs fifty.
 *
 * Source: madvise(2). The kernel heeds the advice unless transparent_hugepage is "never", and has
 * large pages only while memory is not fragmented: what it cannot give stays on small pages.
 */
import { ptr } from "bun:ffi";
import { openLibc } from "./libc.ts";

const libc = openLibc({
  madvise: { args: ["u64", "u64", "i32"], returns: "i32" },
} as const);

const adviceHugePage = 14;
const hugePageBytes = 2 * 1024 * 1024;

/**
 * An ArrayBuffer of zeros whose whole large pages the kernel was asked to make large, before any is
 * touched. One that is smaller than two of them is an ordinary one, as is any without a C library.
 */
export function allocateHuge(bytes: number): ArrayBuffer {
  const memory = new ArrayBuffer(bytes);
  if (libc === undefined || bytes < 2 * hugePageBytes) return memory;
  // Outside the collector's heap at this size, so that the address stays.
  const address = Number(ptr(memory));
  const start = Math.ceil(address / hugePageBytes) * hugePageBytes;
  const end = Math.floor((address + bytes) / hugePageBytes) * hugePageBytes;
  // A refusal costs nothing but speed.
  libc.symbols.madvise(BigInt(start), BigInt(end - start), adviceHugePage);
  return memory;
}
