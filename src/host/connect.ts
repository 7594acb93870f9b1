/**
 * TCP connections made with the system call itself. An event loop adds its own turn to every
 * connect (25 µs on loopback, twice what the handshake takes), which is too coarse for a ruler.
 */
import { ptr } from "bun:ffi";
import { EdgeError } from "../error.ts";
import { cBytes, cLongs } from "./c-memory.ts";
import { ipv6Bytes } from "./ip-address.ts";
import { errno, openLibc } from "./libc.ts";

const symbols = {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
} as const;

const addressFamily = { 4: 2, 6: 10 } as const;
const streamCloseOnExec = 1 | 0o2000000;
const socketLevel = 1;
const sendTimeout = 21;

const errorNames: Readonly<Record<number, string>> = {
  4: "EINTR",
  11: "EAGAIN",
  24: "EMFILE",
  97: "EAFNOSUPPORT",
  99: "EADDRNOTAVAIL",
  101: "ENETUNREACH",
  104: "ECONNRESET",
  110: "ETIMEDOUT",
  111: "ECONNREFUSED",
  113: "EHOSTUNREACH",
  115: "ETIMEDOUT",
};

/** `struct sockaddr_in` or `sockaddr_in6` for a numeric address. */
export function socketAddress(address: string, port: number): Uint8Array {
  if (address.includes(":")) {
    const bytes = cBytes(28);
    bytes[0] = addressFamily[6];
    bytes[2] = port >> 8;
    bytes[3] = port & 255;
    bytes.set(ipv6Bytes(address), 8);
    return bytes;
  }
  const bytes = cBytes(16);
  bytes[0] = addressFamily[4];
  bytes[2] = port >> 8;
  bytes[3] = port & 255;
  bytes.set(address.split(".").map(Number), 4);
  return bytes;
}

export interface Connector {
  /** One handshake: its time in ns, or the error's name. Blocks for up to the time-out. */
  connect(): number | string;
  close(): void;
}

/** @throws EdgeError where the C library cannot be opened. */
export function openConnector(address: string, port: number, timeoutMs: number): Connector {
  const library = openLibc(symbols);
  if (library === undefined) {
    throw new EdgeError("NO_LIBC", "the C library cannot be opened", "Use ping or curl.");
  }
  const { socket, connect, setsockopt, close } = library.symbols;
  const target = socketAddress(address, port);
  // struct timeval
  const timeout = cLongs(Math.floor(timeoutMs / 1000), Math.round((timeoutMs % 1000) * 1000));
  return {
    connect: () => {
      const fd = socket(target[0]!, streamCloseOnExec, 0);
      if (fd < 0) return errorNames[errno()] ?? "EIO";
      // Linux bounds a blocking connect by the send time-out; it then says EINPROGRESS.
      setsockopt(fd, socketLevel, sendTimeout, ptr(timeout), timeout.byteLength);
      const targetPtr = ptr(target);
      const before = Bun.nanoseconds();
      const code = connect(fd, targetPtr, target.length);
      const elapsedNs = Bun.nanoseconds() - before;
      const error = code === 0 ? 0 : errno();
      close(fd);
      return error === 0 ? elapsedNs : (errorNames[error] ?? `errno ${error}`);
    },
    close: () => library.close(),
  };
}
