/**
 * UDP through bun:ffi on preallocated memory: what the load generator and the native floor are made
 * of. IPv4 loopback only. Struct layouts are Linux's for 64-bit machines.
 */
import { dlopen, ptr } from "bun:ffi";

const libc = dlopen("libc.so.6", {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
  getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  send: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
  recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
  recvmmsg: { args: ["i32", "ptr", "u32", "i32", "ptr"], returns: "i32" },
  sendmmsg: { args: ["i32", "ptr", "u32", "i32"], returns: "i32" },
  clock_gettime: { args: ["i32", "ptr"], returns: "i32" },
  prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
}).symbols;

const inet = 2;
const datagram = 2;
const socketLevel = 1;
const receiveBufferForce = 33;
const sendBufferForce = 32;
const dontWait = 0x40;
const waitForOne = 0x10000;
const udpLevel = 17;
const udpSegment = 103;
const bufferBytes = 32 * 1024 * 1024;

/** Memory that C writes into must not be of the collector's own heap. */
function memory(bytes: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer(bytes));
}

function loopback(port: number): Uint8Array {
  const address = memory(16);
  const view = new DataView(address.buffer);
  view.setUint16(0, inet, true);
  view.setUint16(2, port, false);
  view.setUint32(4, 0x7f000001, false);
  return address;
}

/** A socket on a free loopback port with large buffers. */
export function openSocket(): { fd: number; port: number } {
  const fd = libc.socket(inet, datagram, 0);
  if (fd < 0 || libc.bind(fd, ptr(loopback(0)), 16) !== 0) throw new Error("no UDP socket");
  const size = new Int32Array(memory(4).buffer);
  size[0] = bufferBytes;
  libc.setsockopt(fd, socketLevel, receiveBufferForce, ptr(size), 4);
  libc.setsockopt(fd, socketLevel, sendBufferForce, ptr(size), 4);
  const address = memory(16);
  const length = new Uint32Array(memory(4).buffer);
  length[0] = 16;
  libc.getsockname(fd, ptr(address), ptr(length));
  return { fd, port: new DataView(address.buffer).getUint16(2, false) };
}

export function connectTo(fd: number, port: number): void {
  if (libc.connect(fd, ptr(loopback(port)), 16) !== 0) throw new Error(`no way to port ${port}`);
}

/**
 * From now on what is handed to `send` leaves as datagrams of this many bytes (UDP_SEGMENT): one
 * call for many of them. At most 64 at once, and the last may be shorter.
 */
export function segmentSends(fd: number, datagramBytes: number): void {
  const size = new Int32Array(memory(4).buffer);
  size[0] = datagramBytes;
  if (libc.setsockopt(fd, udpLevel, udpSegment, ptr(size), 4) !== 0)
    throw new Error("no UDP_SEGMENT");
}

const timespec = new Uint32Array(memory(16).buffer);
const timespecPtr = ptr(timespec);

/** CLOCK_MONOTONIC, ns since the machine's start: an exact double for a hundred days. */
export function monotonicNs(): number {
  libc.clock_gettime(1, timespecPtr);
  return (timespec[0] as number) * 1e9 + (timespec[2] as number);
}

const setTimerSlack = 29;

/** Lets the calling thread's sleeps end within a microsecond of their time rather than fifty. */
export function sleepSharply(): void {
  libc.prctl(setTimerSlack, 1000n, 0n, 0n, 0n);
}

/** One datagram at a time, never waiting. */
export class Endpoint {
  readonly fd: number;
  readonly port: number;
  readonly received: Buffer;
  readonly #receivedPtr: ReturnType<typeof ptr>;

  constructor() {
    const { fd, port } = openSocket();
    this.fd = fd;
    this.port = port;
    this.received = Buffer.from(new ArrayBuffer(2048));
    this.#receivedPtr = ptr(this.received);
  }

  /** Bytes received into `received`, or -1 when there was nothing. */
  receive(): number {
    return Number(libc.recv(this.fd, this.#receivedPtr, 2048, dontWait));
  }

  /** Whether the kernel took it. `bytes` is the address of the datagram's memory. */
  send(bytes: ReturnType<typeof ptr>, length: number): boolean {
    return Number(libc.send(this.fd, bytes, length, dontWait)) === length;
  }
}

export { ptr };

const slotBytes = 2048;
/** struct mmsghdr: msghdr of 56 bytes, msg_len, padding. */
const headerBytes = 64;

/**
 * recvmmsg → sendmmsg back to each sender, blocking, until a datagram of one byte comes: the least
 * that any program must do between a datagram in and one out.
 */
export function echoBlocking(fd: number, slots: number): void {
  echo(fd, slots, waitForOne);
}

/** The same without ever sleeping. */
export function echoSpinning(fd: number, slots: number): void {
  echo(fd, slots, dontWait);
}

function echo(fd: number, slots: number, flags: number): void {
  const data = memory(slots * slotBytes);
  const addresses = memory(slots * 16);
  const vectors = new BigUint64Array(new ArrayBuffer(slots * 16));
  const headers = new ArrayBuffer(slots * headerBytes);
  const words = new BigUint64Array(headers);
  const halves = new Uint32Array(headers);
  const dataAt = BigInt(ptr(data));
  const addressesAt = BigInt(ptr(addresses));
  const vectorsAt = BigInt(ptr(vectors));
  const reset = (slot: number): void => {
    vectors[slot * 2] = dataAt + BigInt(slot * slotBytes);
    vectors[slot * 2 + 1] = BigInt(slotBytes);
    halves[slot * 16 + 2] = 16;
  };
  for (let slot = 0; slot < slots; slot++) {
    words[slot * 8] = addressesAt + BigInt(slot * 16);
    words[slot * 8 + 2] = vectorsAt + BigInt(slot * 16);
    words[slot * 8 + 3] = 1n;
    reset(slot);
  }
  const headersPtr = ptr(new Uint8Array(headers));
  for (;;) {
    const count = libc.recvmmsg(fd, headersPtr, slots, flags, null);
    for (let slot = 0; slot < count; slot++) {
      const length = halves[slot * 16 + 14] as number;
      if (length === 1) return;
      vectors[slot * 2 + 1] = BigInt(length);
    }
    if (count > 0) libc.sendmmsg(fd, headersPtr, count, 0);
    for (let slot = 0; slot < count; slot++) reset(slot);
  }
}
