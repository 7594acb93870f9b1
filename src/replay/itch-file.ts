/**
 * A file of ITCH 5.0 messages, each behind its length as a big-endian u16, becomes MoldUDP64 packets
 * of our own: real messages, own framing. A packet takes the messages of {@link gatherNs} and is due
 * when its last one was, since no sender could have packed it earlier.
 *
 * Each pass over the file is a session of its own (`REPLAY0001`, `REPLAY0002`, …) from sequence 1: a
 * second pass adds the same order references again, so the receiver has to begin with empty books.
 */
import { EdgeError } from "../error.ts";
import { itch50LengthOf } from "../feed/itch50.ts";
import { moldUdp64HeaderBytes } from "../feed/moldudp64.ts";
import { MoldUdp64Packer } from "../feed/moldudp64-encode.ts";
import type { ByteReader } from "./byte-reader.ts";
import type { OpenFile } from "./file.ts";
import { Step, type DatagramSource } from "./source.ts";

const itchDatagramBytesMax = 1400;
/** Messages closer together than this share a packet, as they do on the exchange's own line. */
const gatherNs = 20_000;
/** Of a session's ten characters four are the number of the pass. */
const sessionNameMax = 6;

const messageBytesMax = itchDatagramBytesMax - moldUdp64HeaderBytes - 2;
/** Type, stock locate, tracking number and time: every message begins with them. */
const commonBytes = 11;

/** True when the window opens with a message of a known type behind its right length. */
export function opensItch(reader: ByteReader): boolean {
  const { bytes, start } = reader;
  if (reader.available < 3) return false;
  const length = ((bytes[start] as number) << 8) | (bytes[start + 1] as number);
  return length > 0 && itch50LengthOf[bytes[start + 2] as number] === length;
}

export class ItchFileSource implements DatagramSource {
  readonly bytes: Uint8Array;
  readonly offset = 0;
  length = 0;
  timeNs = 0;
  /** Of the file's midnight only the time of day is known. */
  originMs = Number.NaN;
  cut: string | undefined;
  readonly #file: OpenFile;
  readonly #packer: MoldUdp64Packer;
  readonly #sign: MoldUdp64Packer;
  #messages = 0;
  #datagrams = 0;
  #unknownTypes = 0;
  #originNs = -1;
  #firstNs = 0;
  #needed = 0;
  #sealed = false;

  /** `pass` counts from 1. Throws EdgeError SESSION_NAME. */
  constructor(file: OpenFile, session: string, pass: number) {
    if (!/^[\x21-\x7e]*$/.test(session) || session.length > sessionNameMax) {
      throw new EdgeError(
        "SESSION_NAME",
        `the session name "${session}" is not up to ${sessionNameMax} printable ASCII characters`,
        "Give a shorter one with --session; the number of the pass is added to it.",
      );
    }
    const name = session + String(pass % 10_000).padStart(4, "0");
    this.#file = file;
    this.#packer = new MoldUdp64Packer(name, itchDatagramBytesMax);
    this.#sign = new MoldUdp64Packer(name, moldUdp64HeaderBytes);
    this.#packer.begin(1);
    this.bytes = this.#packer.bytes;
  }

  next(): Step {
    const packer = this.#packer;
    const { reader } = this.#file;
    if (this.#sealed) {
      packer.begin(packer.next);
      this.#sealed = false;
    }
    for (;;) {
      const size = this.#messageBytes();
      if (size < 0) {
        if (!reader.ended) return Step.more;
        if (packer.count > 0) return this.#seal();
        this.cut = reader.atEnd("a message");
        return Step.end;
      }
      // The end of a session is a message without bytes; the packets carry their own signs.
      if (size > 0) {
        const at = reader.start + 2;
        const timeNs = this.#timeOf(at);
        if (packer.count === 0) this.#firstNs = timeNs;
        else if (!packer.room(size) || timeNs - this.#firstNs > gatherNs) return this.#seal();
        this.timeNs = Math.max(this.timeNs, timeNs);
        packer.bytes.set(reader.bytes.subarray(at, at + size), packer.at);
        packer.end(size);
        this.#messages += 1;
        if (itch50LengthOf[reader.bytes[at] as number] === 0) this.#unknownTypes += 1;
      }
      reader.start += 2 + size;
    }
  }

  async fill(): Promise<void> {
    await this.#file.reader.fill(this.#needed);
  }

  heartbeat(sent: boolean): Uint8Array {
    this.#sign.heartbeat(this.#nextToSend(sent));
    return this.#sign.bytes;
  }

  endOfSession(sent: boolean): Uint8Array {
    this.#sign.endOfSession(this.#nextToSend(sent));
    return this.#sign.bytes;
  }

  /** What a packet has gathered so far was not sent, whatever became of the one before it. */
  #nextToSend(sent: boolean): number {
    const { next, count } = this.#packer;
    return this.#sealed && sent ? next : next - count;
  }

  counts(): Record<string, number> {
    return {
      messages: this.#messages,
      packets: this.#datagrams,
      unknownTypes: this.#unknownTypes,
    };
  }

  progress(): number {
    const { reader, sizeBytes } = this.#file;
    return sizeBytes > 0 ? reader.rawBytes / sizeBytes : Number.NaN;
  }

  close(): Promise<void> {
    return this.#file.reader.close();
  }

  /** Length of the message at the window's start, or -1 when it is not wholly there. */
  #messageBytes(): number {
    const { reader } = this.#file;
    const { bytes, start } = reader;
    this.#needed = 2;
    if (reader.available < 2) return -1;
    const size = ((bytes[start] as number) << 8) | (bytes[start + 1] as number);
    if (size > messageBytesMax) throw reader.broken(`a message claims ${size} bytes`);
    this.#needed = 2 + size;
    if (reader.available < 2 + size) return -1;
    if (size === 0) return 0;
    const type = bytes[start + 2] as number;
    const known = itch50LengthOf[type] as number;
    if (size < commonBytes || (known !== 0 && known !== size)) {
      const letter =
        type >= 0x21 && type <= 0x7e ? String.fromCharCode(type) : `0x${type.toString(16)}`;
      throw reader.broken(
        `a message of type ${letter} has ${size} bytes, not ${known || commonBytes}`,
      );
    }
    return size;
  }

  /** ns after the file's first message. */
  #timeOf(at: number): number {
    const { bytes } = this.#file.reader;
    let ns = 0;
    for (let i = 5; i < commonBytes; i++) ns = ns * 256 + (bytes[at + i] as number);
    if (this.#originNs < 0) {
      this.#originNs = ns;
      this.originMs = Math.floor(ns / 1e6);
    }
    return ns - this.#originNs;
  }

  #seal(): Step {
    this.#sealed = true;
    this.#datagrams += 1;
    this.length = this.#packer.length;
    return Step.datagram;
  }
}
