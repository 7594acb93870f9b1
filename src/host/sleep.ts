/** A blocking sleep of this thread: timers of the event loop are a millisecond coarse. */
import { ptr } from "bun:ffi";
import { cLongs } from "./c-memory.ts";
import { openLibc } from "./libc.ts";

const nsPerSecond = 1e9;

/** Null where there is no C library. */
export function openSleep(): ((ns: number) => void) | null {
  const libc = openLibc({ nanosleep: { args: ["ptr", "ptr"], returns: "i32" } } as const);
  if (libc === undefined) return null;
  const duration = cLongs(0, 0);
  return (ns) => {
    duration[0] = BigInt(Math.floor(ns / nsPerSecond));
    duration[1] = BigInt(Math.floor(ns % nsPerSecond));
    libc.symbols.nanosleep(ptr(duration), null);
  };
}
