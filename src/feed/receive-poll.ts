/**
 * Receiving without the event loop: recvmmsg on memory that was made once, so that a datagram costs
 * no garbage and comes with the kernel's own receive time. For a thread that spins on a core of its
 * own; one set of slots serves all of its sockets, one after the other.
 *
 * struct mmsghdr on 64-bit Linux, as u32 words: name pointer 0, name length 2, vector pointer 4,
 * vector count 6, control pointer 8, control length 10, flags 12, and the bytes received at 14.
 */
import { ptr, read } from "bun:ffi";
import { EdgeError } from "../error.ts";
import { openLibc, setSocketOption, SocketLevel } from "../host/libc.ts";

const libc = openLibc({
  recvmmsg: { args: ["i32", "ptr", "u32", "i32", "ptr"], returns: "i32" },
  sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: "i64" },
  poll: { args: ["ptr", "u64", "i32"], returns: "i32" },
  dup: { args: ["i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  __errno_location: { args: [], returns: "ptr" },
});

const headerWords = 16;
const controlBytes = 256;
const controlWords = controlBytes / 4;
/** An IPv6 address with its family, port, flow and scope. */
const nameBytes = 28;
const nameWords = nameBytes / 4;
const datagramBytesMax = 65_536;
/**
 * From one slot to the next. A power of two would send the beginning of every slot to the same few
 * lines of the cache; 23 cache lines more spread them.
 */
const slotStride = datagramBytesMax + 23 * 64;

const dontWait = 0x40;
const truncatedFlag = 0x20;
const again = 11;
const interrupted = 4;
const pollIn = 1;
const familyIpv4 = 2;
const familyIpv6 = 10;
const ipv4NameBytes = 16;
const two32 = 4294967296;

const option = { timestampNs: 35, overflow: 40, ipv4Errors: 11, ipv6Errors: 25 } as const;
const ipv6Level = 41;

/** A second descriptor of the same socket; the first can then be closed by its owner. */
export function adoptSocket(fd: number): number {
  const own = libc === undefined ? -1 : libc.symbols.dup(fd);
  if (own < 0) {
    throw new EdgeError(
      "POLL_UNAVAILABLE",
      "a feed socket cannot be polled: the C library gives no access to it",
      'Set feed.receive = "event".',
    );
  }
  setSocketOption(own, SocketLevel.socket, option.timestampNs, 1);
  setSocketOption(own, SocketLevel.socket, option.overflow, 1);
  // Errors of what was sent would queue up in the receive buffer, because nobody reads them here.
  setSocketOption(own, SocketLevel.ip, option.ipv4Errors, 0);
  setSocketOption(own, ipv6Level, option.ipv6Errors, 0);
  return own;
}

export function releaseSocket(fd: number): void {
  libc?.symbols.close(fd);
}

/** Memory that C writes into must not be of the collector's own heap. */
function memory(bytes: number): ArrayBuffer {
  return new ArrayBuffer(bytes);
}

export class PollSlots {
  readonly slots: number;
  /** After `receive`, per slot: its bytes, how many of them, when they came, whether they are all. */
  readonly bytes: readonly Buffer[];
  readonly lengths: Uint32Array;
  /** ns since `baseSeconds`, the kernel's; NaN where it gave none. */
  readonly stampNs: Float64Array;
  readonly truncated: Uint8Array;
  /** Datagrams that the kernel dropped on this socket before the last one; -1 when it said nothing. */
  overflow = -1;
  /** errno of the last failure; 0 when there was simply nothing. */
  error = 0;

  readonly #baseSeconds: number;
  readonly #headers: Uint32Array;
  readonly #headersPtr: ReturnType<typeof ptr>;
  readonly #names: Uint32Array;
  readonly #control: Uint32Array;
  /** A field, because only its address is used from then on, and that keeps nothing alive. */
  readonly #vectors: BigUint64Array;
  /** Slots that the last call wrote into, and whose lengths have to be set again. */
  #used: number;

  constructor(slots: number, baseSeconds: number) {
    this.slots = slots;
    this.#baseSeconds = baseSeconds;
    this.#used = slots;
    const data = memory(slots * slotStride);
    this.bytes = Array.from({ length: slots }, (_, slot) =>
      Buffer.from(data, slot * slotStride, datagramBytesMax),
    );
    this.lengths = new Uint32Array(slots);
    this.stampNs = new Float64Array(slots);
    this.truncated = new Uint8Array(slots);
    this.#names = new Uint32Array(memory(slots * nameBytes));
    this.#control = new Uint32Array(memory(slots * controlBytes));
    this.#headers = new Uint32Array(memory(slots * headerWords * 4));
    this.#headersPtr = ptr(this.#headers);
    this.#vectors = new BigUint64Array(memory(slots * 16));
    this.#layOut(data);
  }

  #layOut(data: ArrayBuffer): void {
    const vectors = this.#vectors;
    const headers = new BigUint64Array(this.#headers.buffer);
    const dataAt = pointerOf(new Uint8Array(data));
    const vectorsAt = pointerOf(vectors);
    const namesAt = pointerOf(this.#names);
    const controlAt = pointerOf(this.#control);
    for (let slot = 0; slot < this.slots; slot++) {
      vectors[slot * 2] = dataAt + BigInt(slot * slotStride);
      vectors[slot * 2 + 1] = BigInt(datagramBytesMax);
      const at = (slot * headerWords) / 2;
      headers[at] = namesAt + BigInt(slot * nameBytes);
      headers[at + 2] = vectorsAt + BigInt(slot * 16);
      headers[at + 3] = 1n;
      headers[at + 4] = controlAt + BigInt(slot * controlBytes);
    }
  }

  /** Takes up to `most` datagrams of the socket, without waiting: how many slots are filled now. */
  receive(fd: number, most = this.slots): number {
    const headers = this.#headers;
    // The kernel writes the lengths it used over those it was offered: the next control message
    // would be cut to the length of the last.
    for (let slot = 0; slot < this.#used; slot++) {
      headers[slot * headerWords + 2] = nameBytes;
      headers[slot * headerWords + 10] = controlBytes;
    }
    this.#used = 0;
    this.overflow = -1;
    this.error = 0;
    const count = libc!.symbols.recvmmsg(fd, this.#headersPtr, most, dontWait, null);
    if (count < 0) {
      const error = errno();
      if (error !== again && error !== interrupted) this.error = error;
      return 0;
    }
    this.#used = count;
    for (let slot = 0; slot < count; slot++) {
      const at = slot * headerWords;
      this.lengths[slot] = headers[at + 14]!;
      this.truncated[slot] = (headers[at + 12]! & truncatedFlag) === 0 ? 0 : 1;
      this.#readControl(slot, headers[at + 10]!);
    }
    return count;
  }

  /** struct cmsghdr: u64 length with the header, i32 level, i32 type, data, padded to 8 bytes. */
  #readControl(slot: number, length: number): void {
    const control = this.#control;
    const end = slot * controlWords + (length >>> 2);
    this.stampNs[slot] = Number.NaN;
    for (let at = slot * controlWords; at + 5 <= end;) {
      const bytes = control[at]!;
      if (bytes < 16) return;
      if (control[at + 2] === SocketLevel.socket) {
        if (control[at + 3] === option.timestampNs) {
          const seconds = control[at + 5]! * two32 + control[at + 4]!;
          this.stampNs[slot] = (seconds - this.#baseSeconds) * 1e9 + control[at + 6]!;
        } else if (control[at + 3] === option.overflow) {
          this.overflow = control[at + 4]!;
        }
      }
      at += ((bytes + 7) >>> 3) << 1;
    }
  }

  /** Whether the datagram in the slot came from the address in `name`. */
  isFrom(slot: number, name: SenderName): boolean {
    const names = this.#names;
    const at = slot * nameWords;
    for (let word = 0; word < this.#headers[slot * headerWords + 2]! >>> 2; word++) {
      if (names[at + word] !== name.words[word]) return false;
    }
    return name.length === this.#headers[slot * headerWords + 2];
  }

  /** Copies the sender's address to `name`. */
  readName(slot: number, name: SenderName): void {
    const length = Math.min(nameBytes, this.#headers[slot * headerWords + 2]!);
    const at = slot * nameWords;
    for (let word = 0; word < nameWords; word++) name.words[word] = this.#names[at + word]!;
    name.set(length);
  }
}

/** The address of a sender, as C has it and as text. */
export class SenderName {
  readonly words = new Uint32Array(memory(nameBytes));
  length = 0;
  address = "";
  port = 0;
  readonly #ptr = ptr(this.words);

  set(length: number): void {
    this.length = length;
    const view = Buffer.from(this.words.buffer);
    this.port = view.readUInt16BE(2);
    if (view.readUInt16LE(0) === familyIpv4) {
      this.address = view.subarray(4, 8).join(".");
      return;
    }
    const groups = Array.from({ length: 8 }, (_, i) => view.readUInt16BE(8 + 2 * i).toString(16));
    this.address = groups.join(":");
  }

  /** Takes an address as text. */
  read(address: string, port: number): void {
    const view = Buffer.from(this.words.buffer);
    view.fill(0);
    view.writeUInt16BE(port, 2);
    const v6 = address.includes(":");
    view.writeUInt16LE(v6 ? familyIpv6 : familyIpv4, 0);
    if (v6) ipv6Groups(address).forEach((group, i) => view.writeUInt16BE(group, 8 + 2 * i));
    else address.split(".").forEach((byte, i) => view.writeUInt8(Number(byte), 4 + i));
    // Spelled as the sender of a datagram is, so that the two can be compared.
    this.set(v6 ? nameBytes : ipv4NameBytes);
  }

  /** Sends to it; `bytes` must be memory of an ArrayBuffer made as one. */
  send(fd: number, bytes: Uint8Array): boolean {
    if (libc === undefined || this.length === 0) return false;
    const length = BigInt(bytes.length);
    const sent = libc.symbols.sendto(fd, ptr(bytes), length, dontWait, this.#ptr, this.length);
    return Number(sent) === bytes.length;
  }
}

function groupsOf(part: string): number[] {
  return part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
}

/** The eight groups of an IPv6 address without a zone. */
function ipv6Groups(text: string): number[] {
  const [left = "", right] = text.split("%")[0]!.split("::");
  const before = groupsOf(left);
  const after = right === undefined ? [] : groupsOf(right);
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => 0);
  return right === undefined ? before : [...before, ...zeros, ...after];
}

/** Sleeps in the kernel until one of the sockets has something, at most `timeoutMs`. */
export class PollWait {
  readonly #descriptors: Int32Array;
  readonly #ptr: ReturnType<typeof ptr>;
  readonly #count: bigint;

  constructor(fds: readonly number[]) {
    this.#descriptors = new Int32Array(memory(Math.max(1, fds.length) * 8));
    fds.forEach((fd, i) => {
      this.#descriptors[2 * i] = fd;
      this.#descriptors[2 * i + 1] = pollIn;
    });
    this.#ptr = ptr(this.#descriptors);
    this.#count = BigInt(fds.length);
  }

  wait(timeoutMs: number): void {
    libc?.symbols.poll(this.#ptr, this.#count, timeoutMs);
  }
}

function pointerOf(array: NodeJS.TypedArray): bigint {
  return BigInt(ptr(array));
}

function errno(): number {
  const location = libc!.symbols.__errno_location();
  return location === null ? 0 : read.i32(location);
}
