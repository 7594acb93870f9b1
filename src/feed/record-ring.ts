/**
 * Datagrams as they came, and notes between them, on their way to a file: a ring of bytes in shared
 * memory with one writing and one reading thread. The feed thread only copies; a full ring loses the
 * newest, and counts it.
 *
 * In units of 8 bytes: head and tail only grow (mod 2^32). A record is
 *
 *   u32 length | u32 source | f64 received, ns since the run's base | bytes, padded to 8
 *
 * and never wraps: a length of 0xffffffff says that the next one begins at the start of the memory.
 */
const headerBytes = 128;
const headAt = 0;
const droppedAt = 1;
const tailAt = 16;
const filesAt = 17;
const unitBytes = 8;
const recordHeaderUnits = 2;
const skip = 0xffff_ffff;
/** The source of a note, which is no datagram. */
export const noteSource = 0xffff_ffff;

export function recordRingBytes(capacityBytes: number): number {
  return headerBytes + capacityBytes;
}

export interface RecordedDatagram {
  source: number;
  receivedNs: number;
  /** `bytes[at, at + length)`, valid until the call returns. */
  bytes: Uint8Array;
  at: number;
  length: number;
}

export class RecordRing {
  readonly #state: Int32Array;
  readonly #words: Uint32Array;
  readonly #doubles: Float64Array;
  readonly #bytes: Buffer;
  readonly #units: number;

  /** `capacityBytes` is a power of two. */
  constructor(memory: SharedArrayBuffer, capacityBytes: number) {
    this.#state = new Int32Array(memory, 0, headerBytes / 4);
    this.#words = new Uint32Array(memory, headerBytes, capacityBytes / 4);
    this.#doubles = new Float64Array(memory, headerBytes, capacityBytes / 8);
    this.#bytes = Buffer.from(memory, headerBytes, capacityBytes);
    this.#units = capacityBytes / unitBytes;
  }

  /** Writer. False when there was no room, which is counted. */
  put(source: number, bytes: Buffer, length: number, receivedNs: number): boolean {
    const state = this.#state;
    const units = this.#units;
    const needed = recordHeaderUnits + ((length + 7) >>> 3);
    let head = state[headAt]!;
    let at = (head & (units - 1)) >>> 0;
    const free = units - ((head - Atomics.load(state, tailAt)) >>> 0);
    const left = units - at;
    if (needed > left) {
      if (needed + left > free) return this.#drop();
      this.#words[at * 2] = skip;
      head = (head + left) | 0;
      at = 0;
    } else if (needed > free) return this.#drop();
    this.#words[at * 2] = length;
    this.#words[at * 2 + 1] = source;
    this.#doubles[at + 1] = receivedNs;
    bytes.copy(this.#bytes, (at + recordHeaderUnits) * unitBytes, 0, length);
    Atomics.store(state, headAt, (head + needed) | 0);
    return true;
  }

  #drop(): boolean {
    this.#state[droppedAt] = (this.#state[droppedAt]! + 1) | 0;
    return false;
  }

  /** Reader. Hands over what is there, at most `limit` datagrams; returns how many. */
  drain(take: (datagram: RecordedDatagram) => void, limit: number): number {
    const state = this.#state;
    const units = this.#units;
    const bytes: Uint8Array = this.#bytes;
    const datagram: RecordedDatagram = { source: 0, receivedNs: 0, bytes, at: 0, length: 0 };
    let taken = 0;
    let tail = state[tailAt]!;
    const head = Atomics.load(state, headAt);
    while (taken < limit && tail !== head) {
      const at = (tail & (units - 1)) >>> 0;
      const length = this.#words[at * 2]!;
      if (length === skip) {
        tail = (tail + units - at) | 0;
        continue;
      }
      datagram.source = this.#words[at * 2 + 1]!;
      datagram.receivedNs = this.#doubles[at + 1]!;
      datagram.at = (at + recordHeaderUnits) * unitBytes;
      datagram.length = length;
      take(datagram);
      taken++;
      tail = (tail + recordHeaderUnits + ((length + 7) >>> 3)) | 0;
      Atomics.store(state, tailAt, tail);
    }
    Atomics.store(state, tailAt, tail);
    return taken;
  }

  /** Reader. Another file begins with what comes next. */
  beginFile(): void {
    Atomics.add(this.#state, filesAt, 1);
  }

  /** Files begun so far (mod 2^32): when it changes, what is written must not rest on what was. */
  get files(): number {
    return this.#state[filesAt]! >>> 0;
  }

  /** Records that found no room (mod 2^32). */
  get dropped(): number {
    return this.#state[droppedAt]! >>> 0;
  }
}
