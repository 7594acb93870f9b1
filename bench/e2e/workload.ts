/**
 * What is sent, and how an answer names the datagram that it answers. Datagrams live in preallocated
 * memory; number i is written just before it is sent.
 */
import { decodeAck } from "../../src/feed/ack.ts";
import { signalBytes } from "../../src/decision/signal.ts";
import { Replaces } from "../replaces.ts";
import { ptr } from "./udp.ts";

export type Pointer = ReturnType<typeof ptr>;

/** "itch": replace messages of ITCH 5.0. "tick": one JSON object a datagram. */
export type WorkloadName = "itch" | "tick";
/**
 * What comes back: the datagram itself, signal records, JSON with the tick's id, or counts of
 * datagrams read.
 */
export type AnswerName = "echo" | "signal" | "json" | "ack";

export interface Workload {
  /** Of the datagram made last: its memory, that memory's address, its length. */
  bytes: Buffer;
  pointer: Pointer;
  length: number;
  /** Makes datagram `number`; they are made in order. */
  make(number: number): void;
  /** Calls `note` with the number of each datagram that these bytes answer. */
  answered(bytes: Buffer, length: number, note: (number: number) => void): void;
}

const instruments = 64;

export class ItchWorkload implements Workload {
  readonly bytes: Buffer;
  readonly pointer: Pointer;
  readonly #market: Replaces;
  readonly #answer: AnswerName;
  /** By the sequence of a datagram's last message: its number. */
  readonly #numberOf: Int32Array;
  #acknowledged = 0;

  constructor(answer: AnswerName, total: number, messages: number) {
    this.#market = new Replaces(instruments, messages);
    this.bytes = this.#market.bytes;
    this.pointer = ptr(this.bytes);
    this.#answer = answer;
    this.#numberOf = new Int32Array(answer === "ack" ? 0 : total * messages + instruments * 8);
    this.#numberOf.fill(-1);
  }

  get length(): number {
    return this.#market.length;
  }

  make(number: number): void {
    this.#market.next();
    this.#numberOf[this.#market.lastSequence] = number;
  }

  answered(bytes: Buffer, length: number, note: (number: number) => void): void {
    if (this.#answer === "ack") {
      const count = decodeAck(bytes, 0, length);
      while (this.#acknowledged < count) note(this.#acknowledged++);
    } else if (this.#answer === "echo") {
      if (length >= 20) this.#last(bytes.readUInt32BE(14) + bytes.readUInt16BE(18) - 1, note);
    } else {
      for (let at = 0; at + signalBytes <= length; at += signalBytes) {
        if (bytes[at + 3] === 1) this.#last(bytes.readUInt32LE(at + 24), note);
      }
    }
  }

  #last(sequence: number, note: (number: number) => void): void {
    const number = this.#numberOf[sequence] ?? -1;
    if (number < 0) return;
    this.#numberOf[sequence] = -1;
    note(number);
  }
}

/** Ids have ten digits and times, in µs, sixteen, so that only digits change in a prepared text. */
const idBase = 1_000_000_000;
const variants = 64;
/** At least the longest tick: all are padded with spaces, so that they can be sent by the dozen. */
const tickBytes = 96;

/** Ticks of 64 symbols whose price walks and whose volume varies, each with an id; of one length. */
export class TickWorkload implements Workload {
  bytes: Buffer;
  pointer: Pointer;
  length = 0;
  readonly #answer: AnswerName;
  readonly #baseUs = Date.now() * 1000;
  #acknowledged = 0;
  readonly #texts: { bytes: Buffer; pointer: Pointer; idAt: number; timeAt: number }[] = [];

  constructor(answer: AnswerName) {
    this.#answer = answer;
    for (let variant = 0; variant < variants; variant++) {
      for (let instrument = 0; instrument < instruments; instrument++) {
        this.#texts.push(this.#prepare(instrument, variant));
      }
    }
    this.bytes = this.#texts[0]!.bytes;
    this.pointer = this.#texts[0]!.pointer;
  }

  #prepare(instrument: number, variant: number) {
    const text = JSON.stringify({
      symbol: `S${instrument}`,
      timestamp: this.#baseUs,
      price: 100 + instrument + Math.abs(variant - variants / 2) / 100,
      volume: 100 + ((variant * 37 + instrument * 11) % 90) * 10,
      id: idBase,
    }).padEnd(tickBytes);
    const bytes = Buffer.from(new ArrayBuffer(text.length));
    bytes.write(text, "latin1");
    const idAt = text.indexOf(`${idBase}`, text.indexOf('"id"'));
    return { bytes, pointer: ptr(bytes), idAt, timeAt: text.indexOf(`${this.#baseUs}`) };
  }

  make(number: number): void {
    const text = this.#texts[number % this.#texts.length]!;
    writeDigits(text.bytes, text.idAt, 10, idBase + number);
    writeDigits(text.bytes, text.timeAt, 16, this.#baseUs + number);
    this.bytes = text.bytes;
    this.pointer = text.pointer;
    this.length = text.bytes.length;
  }

  answered(bytes: Buffer, length: number, note: (number: number) => void): void {
    if (this.#answer === "ack") {
      const count = decodeAck(bytes, 0, length);
      while (this.#acknowledged < count) note(this.#acknowledged++);
      return;
    }
    if (this.#answer === "json") {
      // {"id": 1000000000, …
      let id = 0;
      for (let at = 7; at < 17; at++) id = id * 10 + (bytes[at]! - 0x30);
      note(id - idBase);
      return;
    }
    for (let at = 0; at + signalBytes <= length; at += signalBytes) {
      if (bytes[at + 3] !== 1) continue;
      // The exchange time, epoch ns: a double is exact to 256 ns here, and ids are 1 µs apart.
      const timeNs = bytes.readUInt32LE(at + 36) * 2 ** 32 + bytes.readUInt32LE(at + 32);
      note(Math.round(timeNs / 1000) - this.#baseUs);
    }
  }
}

function writeDigits(bytes: Buffer, at: number, digits: number, value: number): void {
  for (let i = at + digits - 1; i >= at; i--) {
    const rest = Math.floor(value / 10);
    bytes[i] = 0x30 + (value - rest * 10);
    value = rest;
  }
}

export function createWorkload(
  name: WorkloadName,
  answer: AnswerName,
  total: number,
  messages: number,
): Workload {
  return name === "tick" ? new TickWorkload(answer) : new ItchWorkload(answer, total, messages);
}
