/**
 * Classic pcap, both byte orders, microseconds (0xa1b2c3d4) or nanoseconds (0xa1b23c4d).
 *
 * ```
 * file:   magic u32 | major u16 | minor u16 | zone i32 | sigfigs u32 | snaplen u32 | link type u32
 * packet: seconds u32 | fraction u32 | captured length u32 | original length u32 | bytes
 * ```
 */
import { Step } from "./source.ts";
import { PacketReader, packetBytesMax } from "./packet-reader.ts";

const magicMicros = 0xa1b2c3d4;
const magicNanos = 0xa1b23c4d;

export class PcapReader extends PacketReader {
  #started = false;
  #nsPerFraction = 1;
  #originSeconds = -1;
  #originFraction = 0;
  #consumed = 0;

  /** True when the four bytes at `offset` open a pcap file. */
  static opens(bytes: Uint8Array, offset: number): boolean {
    const word = (shift: (i: number) => number): number => {
      let value = 0;
      for (let i = 0; i < 4; i++) value = value * 256 + (bytes[offset + shift(i)] ?? 0);
      return value;
    };
    return [word((i) => i), word((i) => 3 - i)].some((m) => m === magicMicros || m === magicNanos);
  }

  next(): Step {
    const { reader } = this;
    if (!this.#started) {
      const lack = this.lacks(24, "the file header");
      if (lack !== undefined) return lack;
      this.#begin();
    }
    reader.start += this.#consumed;
    this.#consumed = 0;
    const lack = this.lacks(16, "a packet header");
    if (lack !== undefined) return lack;
    const at = reader.start;
    const captured = this.u32(at + 8);
    if (captured > packetBytesMax) {
      throw reader.broken(`a packet claims ${captured} bytes, more than ${packetBytesMax}`, 8);
    }
    const short = this.lacks(16 + captured, "a packet");
    if (short !== undefined) return short;
    const from = reader.start;
    this.#time(this.u32(from), this.u32(from + 4));
    this.offset = from + 16;
    this.length = captured;
    this.#consumed = 16 + captured;
    return Step.datagram;
  }

  #begin(): void {
    const { reader } = this;
    this.little = (reader.bytes[reader.start] as number) !== 0xa1;
    const magic = this.u32(reader.start);
    this.#nsPerFraction = magic === magicNanos ? 1 : 1000;
    const major = this.u16(reader.start + 4);
    if (major !== 2) throw reader.broken(`pcap version ${major}, not 2`, 4);
    this.linkType = this.u32(reader.start + 20) & 0xffff;
    this.#consumed = 24;
    this.#started = true;
  }

  #time(seconds: number, fraction: number): void {
    if (this.#originSeconds < 0) {
      this.#originSeconds = seconds;
      this.#originFraction = fraction;
      this.originMs = seconds * 1000 + Math.floor((fraction * this.#nsPerFraction) / 1e6);
    }
    this.timeNs =
      (seconds - this.#originSeconds) * 1e9 +
      (fraction - this.#originFraction) * this.#nsPerFraction;
  }
}
