/**
 * What a retransmission server and a snapshot server must remember of a MoldUDP64 stream of ITCH 5.0:
 * the last messages, byte for byte, and the orders that live. No I/O.
 */
import { itch50LengthOf } from "../feed/itch50.ts";
import {
  moldUdp64EndOfSession,
  moldUdp64HeaderBytes,
  moldUdp64PacketBytesMax,
  writeMoldUdp64Header,
} from "../feed/moldudp64.ts";
import { soupBinAccepted, soupBinPacket } from "../feed/soupbintcp.ts";

const two32 = 4_294_967_296;
const sessionBytes = 10;

export interface ServerCounts {
  /** Requests answered, and those that no answer is known to. */
  answered: number;
  unknown: number;
  /** Datagrams offered that are not MoldUDP64. */
  foreign: number;
  snapshots: number;
}

export class ServerState {
  readonly counts: ServerCounts = { answered: 0, unknown: 0, foreign: 0, snapshots: 0 };
  /** The sequence that comes next. */
  next = 1;
  #session = Buffer.alloc(0);
  readonly #messagesMax: number;
  /** Message s, with its length before it, is at s modulo the capacity. */
  #messages: (Buffer | undefined)[] = [];
  #first = 1;
  readonly #answer = Buffer.alloc(moldUdp64PacketBytesMax);
  /** Per stock locate: its directory message and its last trading action. */
  #directory = new Map<number, Buffer>();
  #actions = new Map<number, Buffer>();
  /** Live orders by reference, each as the message that would add it now. */
  #orders = new Map<number, Buffer>();

  /** `messagesMax`: how many messages can be asked for again. */
  constructor(messagesMax: number) {
    this.#messagesMax = messagesMax;
  }

  get session(): string {
    return this.#session.toString("latin1");
  }

  get orders(): number {
    return this.#orders.size;
  }

  /** One datagram of the stream, in order, before any impairment. */
  take(bytes: Uint8Array, offset: number, length: number): void {
    const datagram = Buffer.from(bytes.buffer, bytes.byteOffset + offset, length);
    if (length < moldUdp64HeaderBytes) {
      this.counts.foreign++;
      return;
    }
    const session = datagram.subarray(0, sessionBytes);
    const first = datagram.readUInt32BE(10) * two32 + datagram.readUInt32BE(14);
    const count = datagram.readUInt16BE(18);
    if (!session.equals(this.#session)) this.#begin(session, first);
    if (count === moldUdp64EndOfSession) return;
    let at = moldUdp64HeaderBytes;
    for (let i = 0; i < count; i++) {
      const end = at + 2 <= length ? at + 2 + datagram.readUInt16BE(at) : length + 1;
      if (end > length) {
        this.counts.foreign++;
        return;
      }
      if (first + i > this.next) this.#miss(first + i);
      if (first + i === this.next) this.#keep(Buffer.from(datagram.subarray(at, end)));
      at = end;
    }
  }

  #begin(session: Uint8Array, first: number): void {
    this.#session = Buffer.from(session);
    this.#messages = [];
    this.#first = first;
    this.next = first;
    this.#directory = new Map();
    this.#actions = new Map();
    this.#orders = new Map();
  }

  /** The recording itself has a hole before this message: nobody can be told what was in it. */
  #miss(sequence: number): void {
    this.#first = sequence;
    this.next = sequence;
  }

  #keep(message: Buffer): void {
    this.#messages[this.next % this.#messagesMax] = message;
    this.next++;
    this.#first = Math.max(this.#first, this.next - this.#messagesMax);
    this.#follow(message.subarray(2));
  }

  /** The answer to a request, valid until the next one; undefined when there is none. */
  request(bytes: Buffer, length: number): Buffer | undefined {
    const { counts } = this;
    if (length !== moldUdp64HeaderBytes || !this.#session.equals(bytes.subarray(0, sessionBytes))) {
      counts.unknown++;
      return undefined;
    }
    const from = bytes.readUInt32BE(10) * two32 + bytes.readUInt32BE(14);
    const to = Math.min(this.next, from + bytes.readUInt16BE(18));
    if (from < this.#first || from >= to) {
      counts.unknown++;
      return undefined;
    }
    const answer = this.#answer;
    let at = moldUdp64HeaderBytes;
    let count = 0;
    for (; from + count < to; count++) {
      const message = this.#messages[(from + count) % this.#messagesMax]!;
      if (at + message.length > answer.length) break;
      message.copy(answer, at);
      at += message.length;
    }
    if (count === 0) {
      counts.unknown++;
      return undefined;
    }
    this.#session.copy(answer);
    writeMoldUdp64Header(answer, from, count);
    counts.answered++;
    return answer.subarray(0, at);
  }

  /** The whole answer to a login: accepted, the books, and where the feed goes on. */
  snapshot(): Buffer {
    this.counts.snapshots++;
    const packets = [soupBinAccepted(this.session, 1)];
    const last = this.#messages[(this.next - 1) % this.#messagesMax];
    for (const messages of [this.#directory, this.#actions, this.#orders]) {
      for (const message of messages.values()) {
        const copy = Buffer.from(message);
        // Times must not go back: a snapshot is of one moment, that of the last message.
        last?.copy(copy, 5, 7, 13);
        packets.push(soupBinPacket("S", copy));
      }
    }
    const end = Buffer.from(`G${String(this.next).padStart(20)}`, "latin1");
    packets.push(soupBinPacket("S", end));
    return Buffer.concat(packets);
  }

  #follow(message: Buffer): void {
    const type = message[0]!;
    const length = itch50LengthOf[type];
    if (length === 0 || length !== message.length) return;
    switch (String.fromCharCode(type)) {
      case "R":
        this.#directory.set(message.readUInt16BE(1), message);
        return;
      case "H":
        this.#actions.set(message.readUInt16BE(1), message);
        return;
      case "A":
      case "F":
        this.#add(message);
        return;
      case "E":
      case "C":
      case "X":
        this.#reduce(referenceAt(message, 11), message.readUInt32BE(19));
        return;
      case "D":
        this.#orders.delete(referenceAt(message, 11));
        return;
      case "U":
        this.#replace(message);
        return;
      default:
    }
  }

  #add(message: Buffer): void {
    const order = Buffer.from(message.subarray(0, 36));
    order[0] = 0x41; // A
    this.#orders.set(referenceAt(order, 11), order);
  }

  #reduce(reference: number, shares: number): void {
    const order = this.#orders.get(reference);
    if (order === undefined) return;
    const left = order.readUInt32BE(20) - shares;
    if (left > 0) order.writeUInt32BE(left, 20);
    else this.#orders.delete(reference);
  }

  /** Side and stock are those of the order that it replaces. */
  #replace(message: Buffer): void {
    const old = referenceAt(message, 11);
    const order = this.#orders.get(old);
    if (order === undefined) return;
    this.#orders.delete(old);
    message.copy(order, 11, 19, 27);
    message.copy(order, 20, 27, 31);
    message.copy(order, 32, 31, 35);
    this.#orders.set(referenceAt(order, 11), order);
  }
}

/** A double is exact below 2^53, and exchanges count references from 1. */
function referenceAt(message: Buffer, at: number): number {
  return message.readUInt32BE(at) * two32 + message.readUInt32BE(at + 4);
}
