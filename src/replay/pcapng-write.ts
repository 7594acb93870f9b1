/**
 * Writes pcapng that any analyser opens: one interface for each line of a feed, nanoseconds, raw IP.
 * The IP and UDP headers are made up, because a socket does not see them; the payload is byte for
 * byte what came.
 */
import { LinkType } from "./packet.ts";

export interface WrittenInterface {
  /** "nasdaq/0": feed and line. */
  name: string;
  /** 4 or 16 bytes: where the datagrams of the line are sent to. */
  address: Uint8Array;
  port: number;
}

const blockType = { section: 0x0a0d0d0a, interface: 1, enhanced: 6 } as const;
/**
 * A note between packets: a block of a type for local use, which every reader passes over.
 *
 * ```
 * type u32 | total length u32 | epoch ns, high u32, low u32 | length u32 | bytes, padded | total u32
 * ```
 */
export const noteBlock = 0x8000_4548;
const noteOverhead = 24;
const option = { end: 0, comment: 1, application: 4, interfaceName: 2, timeResolution: 9 } as const;
const byteOrderMagic = 0x1a2b3c4d;
const udp = 17;
const ipv4Bytes = 20;
const ipv6Bytes = 40;
const udpBytes = 8;
/** Block header with interface, time and lengths, and the length at its end. */
const packetOverhead = 32;
const two32 = 4_294_967_296;
/** Anything longer would overflow the made-up header's own lengths. */
export const datagramBytesMax = 65_535 - ipv4Bytes - udpBytes;

export class PcapngWriter {
  readonly #interfaces: readonly WrittenInterface[];
  /** Per interface: its IP and UDP header, of which lengths and checksum are filled in. */
  readonly #headers: readonly Buffer[];
  readonly #baseHi: number;
  readonly #baseLo: number;

  /** Times count from `baseEpochNs`. */
  constructor(interfaces: readonly WrittenInterface[], baseEpochNs: bigint) {
    this.#interfaces = interfaces;
    this.#headers = interfaces.map(headerOf);
    this.#baseHi = Number(baseEpochNs >> 32n);
    this.#baseLo = Number(baseEpochNs & 0xffff_ffffn);
  }

  /** What a file begins with. */
  begin(comment: string): Buffer {
    const section = block(
      blockType.section,
      words32(byteOrderMagic),
      words16(1, 0),
      words32(0xffff_ffff, 0xffff_ffff),
      textOption(option.application, "hftedge"),
      textOption(option.comment, comment),
      words32(option.end),
    );
    const interfaces = this.#interfaces.map(({ name }) =>
      block(
        blockType.interface,
        words16(LinkType.raw, 0),
        words32(0),
        textOption(option.interfaceName, name),
        Buffer.from([option.timeResolution, 0, 1, 0, 9, 0, 0, 0]),
        words32(option.end),
      ),
    );
    return Buffer.concat([section, ...interfaces]);
  }

  /** Bytes that a packet with `length` bytes of payload takes in the file. */
  size(source: number, length: number): number {
    return packetOverhead + padded(this.#headers[source]!.length + length);
  }

  /** Writes a packet at `out[to]` and returns its size. */
  packet(
    out: Buffer,
    to: number,
    source: number,
    receivedNs: number,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): number {
    const header = this.#headers[source]!;
    const inside = header.length + length;
    const size = packetOverhead + padded(inside);
    out.writeUInt32LE(blockType.enhanced, to);
    out.writeUInt32LE(size, to + 4);
    out.writeUInt32LE(source, to + 8);
    this.#time(out, to + 12, receivedNs);
    out.writeUInt32LE(inside, to + 20);
    out.writeUInt32LE(inside, to + 24);
    fillLengths(header, length);
    header.copy(out, to + 28);
    const payload = to + 28 + header.length;
    out.set(bytes.subarray(at, at + length), payload);
    out.fill(0, payload + length, to + size - 4);
    out.writeUInt32LE(size, to + size - 4);
    return size;
  }

  /** Bytes that a note with `length` bytes takes in the file. */
  noteSize(length: number): number {
    return noteOverhead + padded(length);
  }

  /** Writes a note at `out[to]` and returns its size. */
  note(
    out: Buffer,
    to: number,
    timeNs: number,
    bytes: Uint8Array,
    at: number,
    length: number,
  ): number {
    const size = this.noteSize(length);
    out.writeUInt32LE(noteBlock, to);
    out.writeUInt32LE(size, to + 4);
    this.#time(out, to + 8, timeNs);
    out.writeUInt32LE(length, to + 16);
    out.set(bytes.subarray(at, at + length), to + 20);
    out.fill(0, to + 20 + length, to + size - 4);
    out.writeUInt32LE(size, to + size - 4);
    return size;
  }

  /** Epoch ns as two words, the high one first. Below 0 when the clock was set back since the base. */
  #time(out: Buffer, to: number, ns: number): void {
    const units = Math.floor(ns / two32);
    const low = this.#baseLo + (ns - units * two32);
    const carry = low >= two32 ? 1 : 0;
    out.writeUInt32LE(this.#baseHi + units + carry, to);
    out.writeUInt32LE(low - carry * two32, to + 4);
  }
}

function headerOf({ address, port }: WrittenInterface): Buffer {
  const v6 = address.length === 16;
  const header = Buffer.alloc((v6 ? ipv6Bytes : ipv4Bytes) + udpBytes);
  if (v6) {
    header[0] = 0x60;
    header[6] = udp;
    header[7] = 1;
    header.set(address, 24);
  } else {
    header[0] = 0x45;
    header[8] = 1;
    header[9] = udp;
    header.set(address, 16);
  }
  header.writeUInt16BE(port, header.length - 6);
  return header;
}

function fillLengths(header: Buffer, length: number): void {
  header.writeUInt16BE(udpBytes + length, header.length - 4);
  if (header[0] === 0x60) {
    header.writeUInt16BE(udpBytes + length, 4);
    return;
  }
  header.writeUInt16BE(header.length + length, 2);
  header.writeUInt16BE(0, 10);
  let sum = 0;
  for (let at = 0; at < ipv4Bytes; at += 2) sum += header.readUInt16BE(at);
  sum = (sum & 0xffff) + (sum >>> 16);
  header.writeUInt16BE(~(sum + (sum >>> 16)) & 0xffff, 10);
}

function padded(length: number): number {
  return (length + 3) & ~3;
}

function block(type: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([words32(type, body.length + 12), body, words32(body.length + 12)]);
}

function textOption(code: number, text: string): Buffer {
  const bytes = Buffer.from(text);
  const value = Buffer.alloc(padded(bytes.length));
  bytes.copy(value);
  return Buffer.concat([words16(code, bytes.length), value]);
}

function words16(...values: number[]): Buffer {
  return Buffer.from(Uint16Array.from(values).buffer);
}

function words32(...values: number[]): Buffer {
  return Buffer.from(Uint32Array.from(values).buffer);
}
