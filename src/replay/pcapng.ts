/**
 * pcapng (IETF draft-ietf-opsawg-pcapng): section, interface, enhanced, simple and the obsolete packet
 * blocks; both byte orders, which each section chooses anew; if_tsresol and if_tsoffset per interface.
 *
 * ```
 * block: type u32 | total length u32 | body, padded to 4 | total length u32
 * ```
 */
import { Step } from "./source.ts";
import { recordBytesMax } from "./byte-reader.ts";
import { PacketReader } from "./packet-reader.ts";

const Block = { section: 0x0a0d0d0a, interface: 1, packet: 2, simple: 3, enhanced: 6 } as const;
const Option = { end: 0, timeResolution: 9, timeOffset: 14 } as const;
const byteOrderMagic = 0x1a2b3c4d;
const interfacesMax = 65_536;

interface Interface {
  linkType: number;
  snapLength: number;
  unitsPerSecond: bigint;
  nsPerUnit: number;
  offsetSeconds: bigint;
  /** The file's time 0 in this interface's own units, once known. */
  originHi: number;
  originLo: number;
  originRestNs: number;
  anchored: boolean;
}

export class PcapngReader extends PacketReader {
  #interfaces: Interface[] = [];
  /** Epoch ns of the file's first packet, once it is known: time 0. */
  originNs: bigint | undefined;
  /** Which interface of its section the present packet came by. */
  interfaceIndex = 0;
  #consumed = 0;
  #inSection = false;

  static opens(bytes: Uint8Array, offset: number): boolean {
    return (
      bytes[offset] === 0x0a &&
      bytes[offset + 1] === 0x0d &&
      bytes[offset + 2] === 0x0d &&
      bytes[offset + 3] === 0x0a
    );
  }

  next(): Step {
    const { reader } = this;
    for (;;) {
      reader.start += this.#consumed;
      this.#consumed = 0;
      const lack = this.lacks(12, "a block");
      if (lack !== undefined) return lack;
      const section = PcapngReader.opens(reader.bytes, reader.start);
      if (section) this.#chooseByteOrder();
      else if (!this.#inSection) throw reader.broken("no section header block");
      const length = this.u32(reader.start + 4);
      if (length < 12 || length % 4 !== 0 || length > recordBytesMax) {
        throw reader.broken(`a block claims ${length} bytes`, 4);
      }
      const short = this.lacks(length, "a block");
      if (short !== undefined) return short;
      const at = reader.start;
      if (this.u32(at + length - 4) !== length) {
        throw reader.broken("the two lengths of a block differ", length - 4);
      }
      this.#consumed = length;
      if (section) this.#section(at, length);
      else if (this.#block(this.u32(at), at, length)) return Step.datagram;
    }
  }

  #chooseByteOrder(): void {
    const { reader } = this;
    this.little = (reader.bytes[reader.start + 8] as number) === 0x4d;
    if (this.u32(reader.start + 8) !== byteOrderMagic) {
      throw reader.broken("the section header has no byte-order magic", 8);
    }
  }

  #section(at: number, length: number): void {
    if (length < 28) throw this.reader.broken("the section header is too short", 4);
    const major = this.u16(at + 12);
    if (major !== 1) throw this.reader.broken(`pcapng version ${major}, not 1`, 12);
    this.#interfaces = [];
    this.#inSection = true;
  }

  /** True when the block is a packet, which is the present one then. */
  #block(type: number, at: number, length: number): boolean {
    switch (type) {
      case Block.interface:
        this.#interface(at, length);
        return false;
      case Block.enhanced:
        return this.#packet(at, length, this.u32(at + 8));
      case Block.packet:
        return this.#packet(at, length, this.u16(at + 8));
      case Block.simple:
        return this.#simple(at, length);
      default:
        return this.other(type, at, length);
    }
  }

  /** A block of another type, in `reader.bytes[at, at + length)`; true when it is what `next` finds. */
  protected other(_type: number, _at: number, _length: number): boolean {
    return false;
  }

  #interface(at: number, length: number): void {
    if (length < 20) throw this.reader.broken("an interface block is too short", 4);
    if (this.#interfaces.length >= interfacesMax) {
      throw this.reader.broken(`more than ${interfacesMax} interfaces`);
    }
    const made: Interface = {
      linkType: this.u16(at + 8),
      snapLength: this.u32(at + 12),
      unitsPerSecond: 1_000_000n,
      nsPerUnit: 1000,
      offsetSeconds: 0n,
      originHi: 0,
      originLo: 0,
      originRestNs: 0,
      anchored: false,
    };
    const end = at + length - 4;
    let option = at + 16;
    while (option + 4 <= end) {
      const code = this.u16(option);
      const bytes = this.u16(option + 2);
      if (code === Option.end) break;
      if (option + 4 + bytes > end)
        throw this.reader.broken("an option leaves its block", option - at);
      if (code === Option.timeResolution && bytes === 1) this.#resolution(made, option + 4, at);
      if (code === Option.timeOffset && bytes === 8) {
        const [first, second] = [this.u32(option + 4), this.u32(option + 8)];
        const [hi, lo] = this.little ? [second, first] : [first, second];
        made.offsetSeconds = BigInt.asIntN(64, (BigInt(hi) << 32n) | BigInt(lo));
      }
      option += 4 + ((bytes + 3) & ~3);
    }
    this.#interfaces.push(made);
  }

  /** if_tsresol: 10^-n, or 2^-n with the top bit set. */
  #resolution(made: Interface, at: number, block: number): void {
    const value = this.reader.bytes[at] as number;
    const exponent = value & 0x7f;
    const binary = value >= 0x80;
    if (exponent > (binary ? 62 : 18)) {
      throw this.reader.broken(`a time resolution of ${binary ? 2 : 10}^-${exponent}`, at - block);
    }
    made.unitsPerSecond = (binary ? 2n : 10n) ** BigInt(exponent);
    made.nsPerUnit = 1e9 / Number(made.unitsPerSecond);
  }

  #packet(at: number, length: number, index: number): boolean {
    if (length < 32) throw this.reader.broken("a packet block is too short", 4);
    const from = this.#interfaces[index];
    if (from === undefined)
      throw this.reader.broken(`a packet of the unknown interface ${index}`, 8);
    const captured = this.u32(at + 20);
    if (captured > length - 32) {
      throw this.reader.broken(`a packet claims ${captured} bytes, more than its block has`, 20);
    }
    this.#time(from, this.u32(at + 12), this.u32(at + 16));
    this.offset = at + 28;
    this.length = captured;
    this.linkType = from.linkType;
    this.interfaceIndex = index;
    return true;
  }

  /** A simple packet has no time: it goes out with the packet before it. */
  #simple(at: number, length: number): boolean {
    const from = this.#interfaces[0];
    if (length < 16) throw this.reader.broken("a packet block is too short", 4);
    if (from === undefined) throw this.reader.broken("a simple packet before any interface");
    const snap = from.snapLength === 0 ? Number.POSITIVE_INFINITY : from.snapLength;
    this.offset = at + 12;
    this.length = Math.min(this.u32(at + 8), snap, length - 16);
    this.linkType = from.linkType;
    return true;
  }

  /**
   * Epoch nanoseconds do not fit a double, but their distance from the file's first packet does, so
   * each interface subtracts that origin in its own units, as two 32-bit halves.
   */
  #time(from: Interface, hi: number, lo: number): void {
    if (!from.anchored) this.#anchor(from, hi, lo);
    const units = (hi - from.originHi) * 0x1_0000_0000 + (lo - from.originLo);
    this.timeNs = Math.round(units * from.nsPerUnit - from.originRestNs);
  }

  #anchor(from: Interface, hi: number, lo: number): void {
    const perSecond = from.unitsPerSecond;
    if (this.originNs === undefined) {
      const units = (BigInt(hi) << 32n) | BigInt(lo);
      this.originNs = (units * 1_000_000_000n) / perSecond + from.offsetSeconds * 1_000_000_000n;
      this.originMs = Number(this.originNs / 1_000_000n);
    }
    const ns = this.originNs - from.offsetSeconds * 1_000_000_000n;
    const units = (ns * perSecond) / 1_000_000_000n;
    from.originRestNs = Number(ns * perSecond - units * 1_000_000_000n) / Number(perSecond);
    from.originHi = Number(units >> 32n);
    from.originLo = Number(units & 0xffff_ffffn);
    from.anchored = true;
  }
}
