/**
 * From a captured packet to the UDP payload inside it: link header, VLAN tags, IPv4 or IPv6 with its
 * extension headers. Everything that is not a whole UDP datagram for us has a reason and is counted.
 */

export const Packet = {
  udp: 0,
  notIp: 1,
  notUdp: 2,
  fragment: 3,
  cut: 4,
  filtered: 5,
  badHeader: 6,
} as const;
export type Packet = (typeof Packet)[keyof typeof Packet];

/** tcpdump's LINKTYPE_ registry: the ones that carry IP and are met in practice. */
export const LinkType = {
  null: 0,
  ethernet: 1,
  raw12: 12,
  raw14: 14,
  raw: 101,
  loop: 108,
  cooked: 113,
  ipv4: 228,
  ipv6: 229,
  cooked2: 276,
} as const;

export const linkTypes: ReadonlySet<number> = new Set(Object.values(LinkType));

/** Where a datagram must have been sent to; a port of 0 means any, no address means any. */
export interface Destination {
  /** 4 or 16 bytes. */
  address: Uint8Array | undefined;
  port: number;
}

const etherIpv4 = 0x0800;
const etherIpv6 = 0x86dd;

export class UdpExtractor {
  /** The payload found by the last `extract` that answered `udp`. */
  payloadOffset = 0;
  payloadLength = 0;
  readonly #wanted: readonly Destination[];

  /** Lets pass what was sent to one of `wanted`, or everything when the list is empty. */
  constructor(wanted: readonly Destination[]) {
    this.#wanted = wanted;
  }

  extract(bytes: Uint8Array, offset: number, length: number, linkType: number): Packet {
    const end = offset + length;
    switch (linkType) {
      case LinkType.ethernet:
        return this.#ether(bytes, offset + 12, end);
      case LinkType.cooked:
        return this.#ether(bytes, offset + 14, end);
      case LinkType.cooked2:
        if (offset + 20 > end) return Packet.cut;
        return this.#network(bytes, offset + 20, end, u16(bytes, offset));
      case LinkType.null:
      case LinkType.loop:
        return this.#ip(bytes, offset + 4, end);
      case LinkType.raw:
      case LinkType.raw12:
      case LinkType.raw14:
      case LinkType.ipv4:
      case LinkType.ipv6:
        return this.#ip(bytes, offset, end);
      default:
        return Packet.notIp;
    }
  }

  /** From an EtherType on, past any number of VLAN tags (802.1Q, 802.1ad, QinQ). */
  #ether(bytes: Uint8Array, at: number, end: number): Packet {
    let type = at;
    for (;;) {
      if (type + 2 > end) return Packet.cut;
      const value = u16(bytes, type);
      if (value !== 0x8100 && value !== 0x88a8 && value !== 0x9100) {
        return this.#network(bytes, type + 2, end, value);
      }
      type += 4;
    }
  }

  #network(bytes: Uint8Array, at: number, end: number, etherType: number): Packet {
    if (etherType === etherIpv4) return this.#ipv4(bytes, at, end);
    if (etherType === etherIpv6) return this.#ipv6(bytes, at, end);
    return Packet.notIp;
  }

  #ip(bytes: Uint8Array, at: number, end: number): Packet {
    if (at + 1 > end) return Packet.cut;
    const version = (bytes[at] as number) >> 4;
    if (version === 4) return this.#ipv4(bytes, at, end);
    return version === 6 ? this.#ipv6(bytes, at, end) : Packet.notIp;
  }

  #ipv4(bytes: Uint8Array, at: number, end: number): Packet {
    if (at + 20 > end) return Packet.cut;
    const headerBytes = ((bytes[at] as number) & 0x0f) * 4;
    if ((bytes[at] as number) >> 4 !== 4 || headerBytes < 20) return Packet.badHeader;
    if (bytes[at + 9] !== 17) return Packet.notUdp;
    // Any fragment, the first as well: half a datagram would look like a whole one that is bad.
    if ((u16(bytes, at + 6) & 0x3fff) !== 0) return Packet.fragment;
    // A length of 0 is what a capture sees before segmentation offload has filled it in.
    const total = u16(bytes, at + 2) || end - at;
    if (total < headerBytes + 8) return Packet.badHeader;
    return this.#udp(bytes, at + headerBytes, end, total - headerBytes, at + 16, 4);
  }

  #ipv6(bytes: Uint8Array, at: number, end: number): Packet {
    if (at + 40 > end) return Packet.cut;
    if ((bytes[at] as number) >> 4 !== 6) return Packet.badHeader;
    const payload = u16(bytes, at + 4) || end - at - 40;
    let next = bytes[at + 6] as number;
    let header = at + 40;
    const last = header + payload;
    while (next !== 17) {
      if (next !== 0 && next !== 43 && next !== 44 && next !== 51 && next !== 60)
        return Packet.notUdp;
      if (header + 8 > end) return Packet.cut;
      // A fragment header with offset 0 and no more to come is a whole datagram (RFC 6946).
      if (next === 44 && (u16(bytes, header + 2) & 0xfff9) !== 0) return Packet.fragment;
      const words = bytes[header + 1] as number;
      const size = next === 44 ? 8 : next === 51 ? (words + 2) * 4 : (words + 1) * 8;
      next = bytes[header] as number;
      header += size;
      if (header > last) return Packet.badHeader;
    }
    if (header + 8 > last) return Packet.badHeader;
    return this.#udp(bytes, header, end, last - header, at + 24, 16);
  }

  #udp(
    bytes: Uint8Array,
    at: number,
    end: number,
    room: number,
    address: number,
    addressBytes: number,
  ): Packet {
    if (at + 8 > end) return Packet.cut;
    const length = u16(bytes, at + 4) || room;
    if (length < 8 || length > room) return Packet.badHeader;
    if (!this.#wants(bytes, address, addressBytes, u16(bytes, at + 2))) return Packet.filtered;
    if (at + length > end) return Packet.cut;
    this.payloadOffset = at + 8;
    this.payloadLength = length - 8;
    return Packet.udp;
  }

  #wants(bytes: Uint8Array, at: number, length: number, port: number): boolean {
    const wanted = this.#wanted;
    if (wanted.length === 0) return true;
    for (let i = 0; i < wanted.length; i++) {
      const { address, port: wantedPort } = wanted[i] as Destination;
      if (wantedPort !== 0 && wantedPort !== port) continue;
      if (address === undefined || sameBytes(bytes, at, length, address)) return true;
    }
    return false;
  }
}

function sameBytes(bytes: Uint8Array, at: number, length: number, other: Uint8Array): boolean {
  if (other.length !== length) return false;
  for (let i = 0; i < length; i++) if (bytes[at + i] !== other[i]) return false;
  return true;
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}
