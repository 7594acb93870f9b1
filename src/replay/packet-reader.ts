/** What pcap and pcapng have in common: packets, one at a time, out of a sliding window. */
import { Step } from "./source.ts";
import type { ByteReader } from "./byte-reader.ts";

/** libpcap writes no packet beyond 262,144 bytes; a longer one is a broken length. */
export const packetBytesMax = 1 << 18;

export abstract class PacketReader {
  readonly reader: ByteReader;
  /** The present packet is `reader.bytes[offset, offset + length)`, from its link header on. */
  offset = 0;
  length = 0;
  linkType = 0;
  /** ns after the first packet of the file. */
  timeNs = 0;
  originMs = Number.NaN;
  /** What cut the file short, in words. */
  cut: string | undefined;
  /** Bytes that the window must hold before `next()` can go on. */
  needed = 0;
  protected little = true;

  constructor(reader: ByteReader) {
    this.reader = reader;
  }

  abstract next(): Step;

  /** undefined when `count` bytes are there; otherwise what `next()` has to answer. */
  protected lacks(count: number, what: string): Step | undefined {
    const { reader } = this;
    if (reader.available >= count) return undefined;
    if (!reader.ended) {
      this.needed = count;
      return Step.more;
    }
    this.cut = reader.atEnd(what);
    return Step.end;
  }

  protected u16(at: number): number {
    const { bytes } = this.reader;
    const a = bytes[at] as number;
    const b = bytes[at + 1] as number;
    return this.little ? a | (b << 8) : (a << 8) | b;
  }

  protected u32(at: number): number {
    const { bytes } = this.reader;
    const a = bytes[at] as number;
    const b = bytes[at + 1] as number;
    const c = bytes[at + 2] as number;
    const d = bytes[at + 3] as number;
    return (
      (this.little
        ? a | (b << 8) | (c << 16) | (d << 24)
        : (a << 24) | (b << 16) | (c << 8) | d) >>> 0
    );
  }
}
