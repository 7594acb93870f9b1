import { assert } from "../error.ts";
import { moldUdp64EndOfSession, moldUdp64HeaderBytes, writeMoldUdp64Header } from "./moldudp64.ts";

/**
 * Packs messages into MoldUDP64 datagrams, in place and without allocating:
 *
 *     packer.begin(sequence);
 *     while (packer.room(36)) packer.end(encodeAdd(packer.bytes, packer.at, …));
 *     send(packer.bytes.subarray(0, packer.length));
 */
export class MoldUdp64Packer {
  readonly bytes: Buffer;
  /** Where the next message is to be written. */
  at = moldUdp64HeaderBytes + 2;
  /** Messages in the datagram so far. */
  count = 0;
  /** The sequence of the message that comes next. */
  next = 1;

  /** `session` is up to ten characters of ASCII; `maxBytes` bounds a datagram. */
  constructor(session: string, maxBytes: number) {
    this.bytes = Buffer.alloc(maxBytes);
    this.setSession(session);
  }

  /** Bytes of the datagram so far. */
  get length(): number {
    return this.at - 2;
  }

  setSession(session: string): void {
    assert(session.length <= 10, "a MoldUDP64 session has at most ten characters");
    this.bytes.write(session.padEnd(10, " "), 0, "latin1");
  }

  /** Begins a datagram of which the first message has this sequence (below 2^53). */
  begin(sequence: number): void {
    this.next = sequence;
    this.count = 0;
    this.at = moldUdp64HeaderBytes + 2;
    writeMoldUdp64Header(this.bytes, sequence, 0);
  }

  /** Whether a message of this many bytes fits in. */
  room(bytes: number): boolean {
    return this.at + bytes <= this.bytes.length && this.count < moldUdp64EndOfSession - 1;
  }

  /** Takes in the message of this many bytes that was written at `at`. */
  end(bytes: number): void {
    this.bytes.writeUInt16BE(bytes, this.at - 2);
    this.at += bytes + 2;
    this.next++;
    this.bytes.writeUInt16BE(++this.count, 18);
  }

  /** Makes the datagram a heartbeat: `next` is the sequence that comes next. */
  heartbeat(next: number): void {
    this.begin(next);
  }

  endOfSession(next: number): void {
    this.begin(next);
    this.bytes.writeUInt16BE(moldUdp64EndOfSession, 18);
  }
}
