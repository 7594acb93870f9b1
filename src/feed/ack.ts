/**
 * Acknowledgements from a receiver to the sender of its feed: "this many of your datagrams have
 * arrived". A replay at full speed is paced by them, so that a small receive buffer loses nothing.
 *
 * ```
 *  0               8              16
 * +---------------+---------------+
 * | magic "HEDGACK1" | count u64 LE |   16 bytes, sent to the source address of the feed
 * +---------------+---------------+
 * ```
 *
 * `count` is the number of datagrams received from that very source address and port since the first
 * of them, duplicates and bad ones included: it says what left the receive buffer, not what was
 * understood. A receiver sends one at least every {@link ackEveryDatagrams} datagrams and once when
 * the line goes quiet. Acknowledgements are cumulative, so a lost one does no harm.
 */

export const ackBytes = 16;
/** A receiver acknowledges at least this often; a sender's window must be larger. */
export const ackEveryDatagrams = 64;

const magic = new Uint8Array([0x48, 0x45, 0x44, 0x47, 0x41, 0x43, 0x4b, 0x31]);

/** Writes an acknowledgement of `count` datagrams (an integer up to 2^53) and returns its length. */
export function encodeAck(out: Uint8Array, offset: number, count: number): number {
  out.set(magic, offset);
  const high = Math.floor(count / 0x1_0000_0000);
  const low = count >>> 0;
  for (let i = 0; i < 4; i++) {
    out[offset + 8 + i] = low >>> (8 * i);
    out[offset + 12 + i] = high >>> (8 * i);
  }
  return ackBytes;
}

/** The acknowledged count, or -1 when these bytes are no acknowledgement or exceed 2^53. */
export function decodeAck(bytes: Uint8Array, offset: number, length: number): number {
  if (length !== ackBytes) return -1;
  for (let i = 0; i < 8; i++) if (bytes[offset + i] !== magic[i]) return -1;
  let low = 0;
  let high = 0;
  for (let i = 3; i >= 0; i--) {
    low = low * 256 + (bytes[offset + 8 + i] as number);
    high = high * 256 + (bytes[offset + 12 + i] as number);
  }
  if (high >= 0x20_0000) return -1;
  return high * 0x1_0000_0000 + low;
}

/**
 * The receiver's side: counts what arrives from the sender that spoke last and says when an
 * acknowledgement is due. One sender at a time: another one starts the count anew.
 */
export class AckCounter {
  /** Datagrams received from the present sender. */
  received = 0;
  address = "";
  port = 0;
  #acknowledged = 0;

  /** Counts one datagram from this sender; true when an acknowledgement is due at once. */
  count(address: string, port: number): boolean {
    if (port !== this.port || address !== this.address) {
      this.address = address;
      this.port = port;
      this.received = 0;
      this.#acknowledged = 0;
    }
    this.received += 1;
    return this.received - this.#acknowledged >= ackEveryDatagrams;
  }

  /** True when the line went quiet with something still unacknowledged. */
  get idleDue(): boolean {
    return this.received > this.#acknowledged;
  }

  /** Writes the acknowledgement that is due and returns its length; send it to `address`, `port`. */
  encode(out: Uint8Array, offset: number): number {
    this.#acknowledged = this.received;
    return encodeAck(out, offset, this.received);
  }
}
