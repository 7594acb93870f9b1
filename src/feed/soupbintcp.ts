/*
 * SoupBinTCP 3.00, a stream of packets, big-endian:
 *
 *   0        2      3
 *   ├ length ┼ type ┼ payload …        (the length counts type and payload)
 *
 *   server:  A login accepted 30  session[10] sequence[20]     J login rejected 1  reason
 *            S sequenced data     H heartbeat                  Z end of session
 *   client:  L login request 46   username[6] password[10] session[10] sequence[20]
 *            R heartbeat          O logout request
 *   both:    + debug              U unsequenced data
 *
 * Names are padded on the right, numbers are ASCII digits padded on the left. Either side sends
 * something at least every second and may hang up after fifteen seconds of silence.
 */
export const soupBinHeaderBytes = 3;
export const soupBinHeartbeatNs = 1_000_000_000;
export const soupBinSilenceNs = 15_000_000_000;
/** The longest packet: a u16 of length behind itself. */
const packetBytesMax = 2 + 0xffff;

/**
 * Cuts a stream into packets, wherever it was cut into chunks. Its memory is two of the longest
 * packets, so a reader takes what it can and is asked again:
 *
 *     for (let at = 0; at < length;) {
 *       at += reader.push(bytes, at, length);
 *       while (reader.next()) …reader.type, reader.bytes[reader.at, reader.end)…
 *     }
 */
export class SoupBinReader {
  /** The packet that `next` found: its type, and where its payload lies in `bytes`. */
  type = 0;
  at = 0;
  end = 0;
  readonly bytes = Buffer.alloc(2 * packetBytesMax);
  #from = 0;
  #to = 0;

  reset(): void {
    this.#from = 0;
    this.#to = 0;
  }

  /** Takes as much of `bytes[at, end)` as there is room for; returns how much. */
  push(bytes: Uint8Array, at: number, end: number): number {
    if (this.bytes.length - this.#to < packetBytesMax) {
      this.bytes.copyWithin(0, this.#from, this.#to);
      this.#to -= this.#from;
      this.#from = 0;
    }
    const taken = Math.min(end - at, this.bytes.length - this.#to);
    this.bytes.set(bytes.subarray(at, at + taken), this.#to);
    this.#to += taken;
    return taken;
  }

  /** Moves on to the next whole packet; false when there is none yet. */
  next(): boolean {
    const available = this.#to - this.#from;
    if (available < 2) return false;
    const length = this.bytes.readUInt16BE(this.#from);
    if (available < 2 + length) return false;
    // A length of 0 has not even a type; it is told as type 0.
    this.type = length === 0 ? 0 : this.bytes[this.#from + 2]!;
    this.at = this.#from + Math.min(soupBinHeaderBytes, 2 + length);
    this.end = this.#from + 2 + length;
    this.#from = this.end;
    return true;
  }
}

/** The number in `bytes[at, at + length)`: ASCII digits padded with spaces; -1 when it is none. */
export function soupBinNumber(bytes: Uint8Array, at: number, length: number): number {
  let from = at;
  let to = at + length;
  while (from < to && bytes[from] === 0x20) from++;
  while (to > from && bytes[to - 1] === 0x20) to--;
  let value = 0;
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    if (byte < 0x30 || byte > 0x39) return -1;
    value = value * 10 + (byte - 0x30);
  }
  return from === to || value > Number.MAX_SAFE_INTEGER ? -1 : value;
}

/** One packet of either side. */
export function soupBinPacket(type: string, payload: Uint8Array): Buffer {
  const packet = Buffer.alloc(soupBinHeaderBytes + payload.length);
  packet.writeUInt16BE(1 + payload.length, 0);
  packet.write(type, 2, "latin1");
  packet.set(payload, soupBinHeaderBytes);
  return packet;
}

/** 'L'. An empty session means the present one; sequence 1 is its beginning. */
export function soupBinLogin(
  username: string,
  password: string,
  session: string,
  sequence: number,
): Buffer {
  const text =
    username.slice(0, 6).padEnd(6) +
    password.slice(0, 10).padEnd(10) +
    session.slice(0, 10).padStart(10) +
    String(sequence).padStart(20);
  return soupBinPacket("L", Buffer.from(text, "latin1"));
}

/** 'A'. */
export function soupBinAccepted(session: string, sequence: number): Buffer {
  const text = session.slice(0, 10).padStart(10) + String(sequence).padStart(20);
  return soupBinPacket("A", Buffer.from(text, "latin1"));
}
