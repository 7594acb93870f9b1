/**
 * sd_notify(3): tells the service manager that the program is ready, alive, reloading or stopping,
 * over the datagram socket that $NOTIFY_SOCKET names. Without one, every call does nothing.
 */
import { ptr } from "bun:ffi";
import { cBytes } from "./c-memory.ts";
import { errno, openLibc } from "./libc.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** sizeof(sockaddr_un.sun_path) */
const pathBytesMax = 108;

const symbols = {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: "i64" },
  close: { args: ["i32"], returns: "i32" },
} as const;

export interface Notifier {
  /** False where no service manager listens. */
  readonly listening: boolean;
  /** How often the watchdog wants to be fed, halved as sd_watchdog_enabled(3) asks; null for never. */
  readonly watchdogMs: number | null;
  ready(status: string): void;
  status(text: string): void;
  watchdog(): void;
  /** `monotonicUs`: CLOCK_MONOTONIC in microseconds; `ready` ends it. */
  reloading(monotonicUs: number): void;
  stopping(status: string): void;
  close(): void;
}

const silent: Notifier = {
  listening: false,
  watchdogMs: null,
  ready() {},
  status() {},
  watchdog() {},
  reloading() {},
  stopping() {},
  close() {},
};

/** Never throws: a program that cannot notify still runs. `failed` hears the first reason. */
export function openNotifier(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
  failed: (reason: string) => void = () => {},
): Notifier {
  const name = env["NOTIFY_SOCKET"] ?? "";
  if (name === "") return silent;
  const address = socketAddress(name);
  if (address === null) {
    failed(`NOTIFY_SOCKET is neither a path nor an abstract name: ${name}`);
    return silent;
  }
  const libc = openLibc(symbols);
  const socket = libc?.symbols.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) ?? -1;
  if (libc === undefined || socket < 0) {
    failed("no socket for the service manager");
    return silent;
  }
  let reported = false;
  const send = (text: string): void => {
    const message = new TextEncoder().encode(text);
    const bytes = cBytes(message.length);
    bytes.set(message);
    const sent = libc.symbols.sendto(
      socket,
      ptr(bytes),
      BigInt(bytes.length),
      MSG_DONTWAIT | MSG_NOSIGNAL,
      ptr(address),
      address.length,
    );
    if (Number(sent) === bytes.length || reported) return;
    reported = true;
    failed(`the service manager did not take a message (errno ${errno()})`);
  };
  return {
    listening: true,
    watchdogMs: watchdogMs(env, pid),
    ready: (status) => send(`READY=1\nSTATUS=${oneLine(status)}`),
    status: (text) => send(`STATUS=${oneLine(text)}`),
    watchdog: () => send("WATCHDOG=1"),
    reloading: (monotonicUs) => send(`RELOADING=1\nMONOTONIC_USEC=${Math.floor(monotonicUs)}`),
    stopping: (status) => send(`STOPPING=1\nSTATUS=${oneLine(status)}`),
    close: () => void libc.symbols.close(socket),
  };
}

/** struct sockaddr_un; a name that begins with @ is abstract: its first byte is zero. */
export function socketAddress(name: string): Uint8Array | null {
  const path = Buffer.from(name);
  if (path.length > pathBytesMax - 1 || !/^[/@]/.test(name)) return null;
  const abstract = name.startsWith("@");
  if (abstract) path[0] = 0;
  // A path ends with a zero; an abstract name has exactly its own length.
  const address = cBytes(2 + path.length + (abstract ? 0 : 1));
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(path, 2);
  return address;
}

function watchdogMs(env: Readonly<Record<string, string | undefined>>, pid: number): number | null {
  const us = Number(env["WATCHDOG_USEC"] ?? "");
  const owner = env["WATCHDOG_PID"];
  if (!(us > 0) || (owner !== undefined && Number(owner) !== pid)) return null;
  return us / 1000 / 2;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ");
}
