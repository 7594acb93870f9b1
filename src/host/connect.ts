/**
 * TCP connections made with the system call itself. An event loop adds its own turn to every
 * connect (25 µs on loopback, twice what the handshake takes), which is too coarse for a ruler.
 */
import { dlopen, ptr } from "bun:ffi";
import { EdgeError } from "../error.ts";
import { errno } from "./libc.ts";

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
  11: "ETIMEDOUT",
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
    const bytes = new Uint8Array(28);
    bytes[0] = addressFamily[6];
    bytes[2] = port >> 8;
    bytes[3] = port & 255;
    bytes.set(ipv6Bytes(address), 8);
    return bytes;
  }
  const bytes = new Uint8Array(16);
  bytes[0] = addressFamily[4];
  bytes[2] = port >> 8;
  bytes[3] = port & 255;
  bytes.set(address.split(".").map(Number), 4);
  return bytes;
}

function ipv6Bytes(address: string): Uint8Array {
  // The URL parser turns a mapped IPv4 tail and every short form into plain groups.
  const plain = new URL(`http://[${address.replace(/%.*$/, "")}]`).hostname.slice(1, -1);
  const [head = "", tail] = plain.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => "0");
  const bytes = new Uint8Array(16);
  [...left, ...zeros, ...right].forEach((group, index) => {
    const value = Number.parseInt(group, 16);
    bytes[2 * index] = value >> 8;
    bytes[2 * index + 1] = value & 255;
  });
  return bytes;
}

export interface Connector {
  /** One handshake: its time in ns, or the error's name. Blocks for up to the time-out. */
  connect(): number | string;
  close(): void;
}

/** @throws EdgeError where the C library cannot be opened. */
export function openConnector(address: string, port: number, timeoutMs: number): Connector {
  let library;
  try {
    library = dlopen("libc.so.6", symbols);
  } catch (error) {
    throw new EdgeError("NO_LIBC", "the C library cannot be opened", "Use ping or curl.", error);
  }
  const { socket, connect, setsockopt, close } = library.symbols;
  const target = socketAddress(address, port);
  const targetPtr = ptr(target);
  const timeout = new BigInt64Array([
    BigInt(Math.floor(timeoutMs / 1000)),
    BigInt(Math.round((timeoutMs % 1000) * 1000)),
  ]);
  const timeoutPtr = ptr(timeout);
  return {
    connect: () => {
      const fd = socket(target[0]!, streamCloseOnExec, 0);
      if (fd < 0) return errorNames[errno()] ?? "EIO";
      // Linux bounds a blocking connect by the send time-out; it then says EINPROGRESS.
      setsockopt(fd, socketLevel, sendTimeout, timeoutPtr, 16);
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
