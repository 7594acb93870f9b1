/**
 * The few system calls that Bun has no name for, through bun:ffi on the C library.
 *
 * Everything the hot path needs is preallocated here: no call allocates. Sources: Linux's
 * asm-generic/socket.h, sockios.h, sched.h, mman.h; values are the same on x86-64 and arm64.
 */
import { dlopen, type FFIFunction, type Library, ptr, read } from "bun:ffi";

const symbols = {
  clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
  ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  poll: { args: ["ptr", "u64", "i32"], returns: "i32" },
  mlockall: { args: ["i32"], returns: "i32" },
  munlockall: { args: [], returns: "i32" },
  sched_setaffinity: { args: ["i32", "u64", "ptr"], returns: "i32" },
  sched_getaffinity: { args: ["i32", "u64", "ptr"], returns: "i32" },
  sched_setscheduler: { args: ["i32", "i32", "ptr"], returns: "i32" },
  syscall: { args: ["i64", "i64", "ptr", "u64", "u64"], returns: "i64" },
  setpriority: { args: ["i32", "u32", "i32"], returns: "i32" },
  getpriority: { args: ["i32", "u32"], returns: "i32" },
  gettid: { args: [], returns: "i32" },
  geteuid: { args: [], returns: "i32" },
  __errno_location: { args: [], returns: "ptr" },
} as const;

/** The C library with these functions; undefined where none can be opened. */
export function openLibc<Functions extends Record<string, FFIFunction>>(
  functions: Functions,
): Library<Functions> | undefined {
  // glibc by its stable name; musl has one file for everything.
  for (const name of ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"]) {
    try {
      return dlopen(name, functions);
    } catch {
      // Not this C library; the next name, and in the end none, is tried.
    }
  }
  return undefined;
}

const libc = openLibc(symbols);

// Where no C library could be opened, every call here says so by its return value.

export const SocketLevel = { socket: 1, ip: 0 } as const;
export const SocketOption = {
  sendBuffer: 7,
  receiveBuffer: 8,
  receiveBufferForce: 33,
  sendBufferForce: 32,
  receiveQueueOverflow: 40,
  busyPoll: 46,
} as const;

// Memory that C writes into is made as an ArrayBuffer first: a small typed array made by its length
// lives in the collector's own heap, and its address is good for a moment only (seen: a clock that
// stood still after some 15,000 readings).
const optionValue = new Int32Array(new ArrayBuffer(4));
const optionLength = new Uint32Array(new ArrayBuffer(4));
const optionValuePtr = ptr(optionValue);
const optionLengthPtr = ptr(optionLength);

/** 0, or the errno of the refusal; -1 where there is no C library. */
export function setSocketOption(fd: number, level: number, option: number, value: number): number {
  if (libc === undefined) return -1;
  optionValue[0] = value;
  return libc.symbols.setsockopt(fd, level, option, optionValuePtr, 4) === 0 ? 0 : errno();
}

/** The option's value, or -1 where it cannot be read. */
export function getSocketOption(fd: number, level: number, option: number): number {
  if (libc === undefined) return -1;
  optionLength[0] = 4;
  const code = libc.symbols.getsockopt(fd, level, option, optionValuePtr, optionLengthPtr);
  return code === 0 ? (optionValue[0] as number) : -1;
}

/** errno of this thread's last failed call. */
export function errno(): number {
  if (libc === undefined) return 0;
  const location = libc.symbols.__errno_location();
  return location === null ? 0 : read.i32(location);
}

const pollDescriptor = new Int32Array(new ArrayBuffer(8));
const pollDescriptorPtr = ptr(pollDescriptor);
const pollOut = 4;
const pollBroken = 8 | 16;

/**
 * Whether a write of up to 4,096 bytes to the descriptor (PIPE_BUF, for a pipe) would go through
 * without blocking; a broken one counts as writable, because its error comes at once. True where
 * there is no C library to ask.
 */
export function isWritable(fd: number): boolean {
  if (libc === undefined) return true;
  pollDescriptor[0] = fd;
  pollDescriptor[1] = pollOut;
  if (libc.symbols.poll(pollDescriptorPtr, 1n, 0) !== 1) return false;
  return (((pollDescriptor[1] as number) >>> 16) & (pollOut | pollBroken)) !== 0;
}

const clockRealtime = 0;
const timespec = new Uint32Array(new ArrayBuffer(16));
const timespecPtr = ptr(timespec);
const two32 = 4294967296;

/**
 * CLOCK_REALTIME as ns since `baseSeconds` (epoch seconds): an exact double while the base is within
 * a hundred days. Falls back to the millisecond clock where there is no C library.
 */
export function realtimeNs(baseSeconds: number): number {
  if (libc === undefined) return (Date.now() - baseSeconds * 1000) * 1e6;
  libc.symbols.clock_gettime(clockRealtime, timespecPtr);
  return timespecNs(baseSeconds);
}

const clockMonotonic = 1;

/** CLOCK_MONOTONIC in microseconds, as the service manager counts; 0 where there is no C library. */
export function monotonicUs(): number {
  if (libc === undefined) return 0;
  libc.symbols.clock_gettime(clockMonotonic, timespecPtr);
  return Math.floor(timespecNs(0) / 1000);
}

function timespecNs(baseSeconds: number): number {
  const seconds = (timespec[1] as number) * two32 + (timespec[0] as number);
  return (seconds - baseSeconds) * 1e9 + (timespec[2] as number);
}

const siocGstampNs = 0x8907;

/**
 * The kernel's receive time of the datagram last read from the socket, in the unit of `realtimeNs`;
 * -1 when the kernel has none. The first call on a socket only switches the stamping on.
 */
export function receiveStampNs(fd: number, baseSeconds: number): number {
  if (libc === undefined || libc.symbols.ioctl(fd, siocGstampNs, timespecPtr) !== 0) return -1;
  return timespecNs(baseSeconds);
}

const lockCurrent = 1;
const lockFuture = 2;
const lockOnFault = 4;

/**
 * Keeps every page in RAM from its first use on: 0, or the errno; -1 where there is no C library.
 * On fault, because the engine reserves far more address space than it uses: locking that at once
 * would take seconds and gigabytes (17 s were seen).
 */
export function lockMemory(): number {
  if (libc === undefined) return -1;
  const locked = libc.symbols.mlockall(lockCurrent | lockFuture | lockOnFault);
  return locked === 0 ? 0 : errno();
}

const affinityMask = new Uint8Array(new ArrayBuffer(128));
const affinityMaskPtr = ptr(affinityMask);

/** Pins the calling thread to the CPUs (0–1023): 0, or the errno; -1 where there is no C library. */
export function pinThread(cpus: readonly number[]): number {
  return placeThread(0, cpus);
}

/** The same for another thread of this process, by its thread id; 0 is the calling one. */
export function placeThread(id: number, cpus: readonly number[]): number {
  if (libc === undefined) return -1;
  affinityMask.fill(0);
  for (const cpu of cpus) affinityMask[cpu >> 3] = (affinityMask[cpu >> 3] ?? 0) | (1 << (cpu & 7));
  return libc.symbols.sched_setaffinity(id, 128n, affinityMaskPtr) === 0 ? 0 : errno();
}

/** The CPUs that a thread (0: the calling one) may run on; empty where it cannot be read. */
export function threadCpus(id = 0): number[] {
  if (libc === undefined) return [];
  affinityMask.fill(0);
  if (libc.symbols.sched_getaffinity(id, 128n, affinityMaskPtr) < 0) return [];
  const cpus: number[] = [];
  for (let cpu = 0; cpu < 1024; cpu++) {
    if (((affinityMask[cpu >> 3] as number) >> (cpu & 7)) & 1) cpus.push(cpu);
  }
  return cpus;
}

const schedFifo = 1;
const schedParameter = new Int32Array(new ArrayBuffer(4));
const schedParameterPtr = ptr(schedParameter);

/** SCHED_FIFO for the calling thread: 0, or the errno; -1 where there is no C library. */
export function setRealtimePriority(priority: number): number {
  if (libc === undefined) return -1;
  schedParameter[0] = priority;
  return libc.symbols.sched_setscheduler(0, schedFifo, schedParameterPtr) === 0 ? 0 : errno();
}

/** Call numbers (asm/unistd.h): C libraries have no names for these. */
const schedulingCalls = {
  x64: { set: 314n, get: 315n },
  arm64: { set: 274n, get: 275n },
} as const;
const schedulingCall = schedulingCalls[process.arch as keyof typeof schedulingCalls];
/** struct sched_attr (linux/sched/types.h), its first version: nice at 16, the slice in ns at 24. */
const attributeBytes = 48;
const attributes = new DataView(new ArrayBuffer(attributeBytes));
const attributesPtr = ptr(attributes);

/**
 * Time slice of the calling thread among ordinary threads, 100,000 to 100,000,000 ns: one with a
 * short slice is let in at once when it wakes, before those with longer ones have used theirs up.
 * 0, or the errno; -1 where it cannot be asked for. Needs no privilege; kernels before 6.12 accept it
 * and do nothing.
 */
export function setThreadSlice(sliceNs: number): number {
  if (libc === undefined || schedulingCall === undefined) return -1;
  attributes.setUint32(0, attributeBytes, true);
  attributes.setUint32(4, 0, true);
  attributes.setInt32(16, threadNice(), true);
  attributes.setBigUint64(24, BigInt(sliceNs), true);
  return libc.symbols.syscall(schedulingCall.set, 0n, attributesPtr, 0n, 0n) === 0n ? 0 : errno();
}

/** The calling thread's time slice in ns; 0 where the kernel keeps none, -1 where it cannot be read. */
export function threadSliceNs(): number {
  if (libc === undefined || schedulingCall === undefined) return -1;
  const size = BigInt(attributeBytes);
  const got = libc.symbols.syscall(schedulingCall.get, 0n, attributesPtr, size, 0n) === 0n;
  return got ? Number(attributes.getBigUint64(24, true)) : -1;
}

/**
 * Nice value of a thread (Linux keeps one for each; 0 is the calling one): 0, or the errno; -1 where
 * there is no C library. Raising it needs no privilege; lowering it does.
 */
export function setThreadNice(nice: number, id = 0): number {
  if (libc === undefined) return -1;
  return libc.symbols.setpriority(0, id, nice) === 0 ? 0 : errno();
}

export function threadNice(): number {
  return libc === undefined ? 0 : libc.symbols.getpriority(0, 0);
}

export function threadId(): number {
  return libc === undefined ? 0 : libc.symbols.gettid();
}

export function isRoot(): boolean {
  return libc === undefined ? process.getuid?.() === 0 : libc.symbols.geteuid() === 0;
}
