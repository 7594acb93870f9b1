/**
 * What the kernel itself knows about its clock: adjtimex(2) with modes 0 reads and changes nothing,
 * and needs no privilege and no time daemon's cooperation.
 */
import { ptr } from "bun:ffi";
import { cBytes } from "./c-memory.ts";
import { openLibc } from "./libc.ts";

export interface KernelClock {
  /** False while the kernel's STA_UNSYNC is set: no daemon keeps the clock. */
  synchronised: boolean;
  /** The daemon's bounds, µs. */
  errorMaxUs: number;
  errorEstimateUs: number;
  /** The frequency correction, parts per million. */
  frequencyPpm: number;
  /** A leap second is announced for the end of the day: 0, +1 or -1. */
  leapSecond: number;
  /** TAI - UTC, seconds; 0 when nobody told the kernel. */
  taiOffsetS: number;
  /** The return value of adjtimex: 5 is TIME_ERROR. */
  state: number;
}

/** sizeof(struct timex) on 64-bit Linux, both x86-64 and arm64. */
export const timexBytes = 208;

/**
 * The fields of a 64-bit `struct timex` (little-endian), offsets from <sys/timex.h>: modes u32 at 0,
 * offset i64 at 8, freq i64 at 16 (2^-16 ppm), maxerror i64 at 24, esterror i64 at 32, status i32 at
 * 40, ..., tai i32 at 160.
 */
export function parseTimex(bytes: Uint8Array, state: number): KernelClock {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const status = view.getInt32(40, true);
  return {
    synchronised: (status & 0x0040) === 0 && state !== 5,
    errorMaxUs: Number(view.getBigInt64(24, true)),
    errorEstimateUs: Number(view.getBigInt64(32, true)),
    frequencyPpm: Number(view.getBigInt64(16, true)) / 65_536,
    leapSecond: (status & 0x0010) !== 0 ? 1 : (status & 0x0020) !== 0 ? -1 : 0,
    taiOffsetS: view.getInt32(160, true),
    state,
  };
}

/** Undefined where the call is not to be had (no C library, a filter that forbids it). */
export function readKernelClock(): KernelClock | undefined {
  const libc = openLibc({ adjtimex: { args: ["ptr"], returns: "i32" } } as const);
  if (libc === undefined) return undefined;
  try {
    const bytes = cBytes(timexBytes);
    const state = libc.symbols.adjtimex(ptr(bytes));
    return state < 0 ? undefined : parseTimex(bytes, state);
  } finally {
    libc.close();
  }
}
