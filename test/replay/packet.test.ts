import { describe, expect, test } from "bun:test";
import { LinkType, Packet, UdpExtractor } from "../../src/replay/packet.ts";
import { Random } from "../../src/replay/random.ts";
import {
  be16,
  be32,
  bytesOf,
  ethernet,
  ipv4,
  ipv6,
  ipv6Destination,
  udp,
  zeros,
} from "../support/packet.ts";
import { scaled, testSeed } from "../support/scale.ts";

const payload = bytesOf("payload");
const v4 = ipv4(udp(payload));
const v6 = ipv6(udp(payload));
const vlan = [0x81, 0x00, 0x00, 0x05];
const outer = [0x88, 0xa8, 0x00, 0x07];

interface Found {
  packet: Packet;
  text: string;
}

function extract(bytes: Uint8Array, linkType: number, extractor = new UdpExtractor([])): Found {
  // A packet never begins at 0 in a capture, so a mistaken absolute offset shows.
  const shifted = bytesOf(zeros(3), bytes);
  const packet = extractor.extract(shifted, 3, bytes.length, linkType);
  const { payloadOffset: from, payloadLength: length } = extractor;
  const text =
    packet === Packet.udp ? Buffer.from(shifted).toString("latin1", from, from + length) : "";
  return { packet, text };
}

const carriers: [string, number, Uint8Array][] = [
  ["Ethernet", LinkType.ethernet, ethernet(v4)],
  ["Ethernet, IPv6", LinkType.ethernet, ethernet(v6, 0x86dd)],
  ["VLAN", LinkType.ethernet, ethernet(v4, 0x0800, [vlan])],
  ["QinQ", LinkType.ethernet, ethernet(v4, 0x0800, [outer, vlan])],
  ["Ethernet with padding", LinkType.ethernet, bytesOf(ethernet(v4), zeros(9))],
  ["raw IPv4", LinkType.raw, v4],
  ["raw IPv6", LinkType.raw, v6],
  ["LINKTYPE_IPV4", LinkType.ipv4, v4],
  ["LINKTYPE_IPV6", LinkType.ipv6, v6],
  ["Linux cooked", LinkType.cooked, bytesOf(zeros(14), be16(0x0800), v4)],
  ["Linux cooked with VLAN", LinkType.cooked, bytesOf(zeros(14), vlan, be16(0x0800), v4)],
  ["Linux cooked v2", LinkType.cooked2, bytesOf(be16(0x86dd), zeros(18), v6)],
  ["BSD loopback, little-endian", LinkType.null, bytesOf([2, 0, 0, 0], v4)],
  ["BSD loopback, big-endian", LinkType.null, bytesOf([0, 0, 0, 30], v6)],
  ["OpenBSD loopback", LinkType.loop, bytesOf([0, 0, 0, 2], v4)],
  ["IPv4 with options", LinkType.raw, ipv4(udp(payload), { options: [1, 1, 1, 1, 0x94, 4, 0, 0] })],
  [
    "IPv6 with extension headers",
    LinkType.raw,
    ipv6(udp(payload), [
      [0, [0, ...zeros(6)]],
      [60, [1, ...zeros(14)]],
      [51, [2, ...zeros(14)]],
    ]),
  ],
  ["IPv6 in one atomic fragment", LinkType.raw, ipv6(udp(payload), [[44, [0, 0, 0, 1, 2, 3, 4]]])],
];

describe("a UDP datagram is found in", () => {
  test.each(carriers)("%s", (_, linkType, bytes) => {
    expect(extract(bytes, linkType)).toEqual({ packet: Packet.udp, text: "payload" });
  });
});

describe("a packet cut by the snap length", () => {
  test.each(carriers)("%s: never yields a payload, at any length", (name, linkType, bytes) => {
    const whole = name === "Ethernet with padding" ? bytes.length - 9 : bytes.length;
    for (let length = 0; length < whole; length++) {
      expect(extract(bytes.subarray(0, length), linkType).packet).toBe(Packet.cut);
    }
  });
});

const others: [string, Packet, Uint8Array][] = [
  ["the first fragment", Packet.fragment, ipv4(udp(payload), { fragment: 0x2000 })],
  ["a later fragment", Packet.fragment, ipv4(udp(payload), { fragment: 0x00b9 })],
  ["an IPv6 fragment", Packet.fragment, ipv6(udp(payload), [[44, [0, 0, 9, 1, 2, 3, 4]]])],
  ["TCP over IPv4", Packet.notUdp, ipv4(payload, { protocol: 6 })],
  ["ICMPv6", Packet.notUdp, ipv6(payload, [], 58)],
  ["a header length below 20", Packet.badHeader, bytesOf([0x44], v4.subarray(1))],
  [
    "a UDP length beyond its IP packet",
    Packet.badHeader,
    ipv4(bytesOf(be16(1), be16(2), be16(99), be16(0))),
  ],
  ["a UDP length below 8", Packet.badHeader, ipv4(bytesOf(be16(1), be16(2), be16(7), be16(0)))],
  [
    "an IPv4 total length without UDP header",
    Packet.badHeader,
    bytesOf([0x45, 0, 0, 24], v4.subarray(4)),
  ],
  ["IP version 5", Packet.notIp, bytesOf([0x55], v4.subarray(1))],
];

describe("no datagram for us", () => {
  test.each(others)("%s is counted for what it is", (_, packet, bytes) => {
    expect(extract(bytes, LinkType.raw).packet).toBe(packet);
  });

  test("ARP", () => {
    expect(
      extract(ethernet(zeros(28) as unknown as Uint8Array, 0x0806), LinkType.ethernet).packet,
    ).toBe(Packet.notIp);
  });
});

function matches(address: Uint8Array | undefined, port: number, bytes = v4): Packet {
  return extract(bytes, LinkType.raw, new UdpExtractor([{ address, port }])).packet;
}

describe("the destination filter", () => {
  const group = Uint8Array.from([233, 54, 12, 111]);

  test("lets pass address and port, or either alone", () => {
    expect(matches(group, 26_400)).toBe(Packet.udp);
    expect(matches(group, 0)).toBe(Packet.udp);
    expect(matches(undefined, 26_400)).toBe(Packet.udp);
    expect(matches(Uint8Array.from(ipv6Destination), 26_400, v6)).toBe(Packet.udp);
  });

  test("keeps out another address, port or family", () => {
    expect(matches(group, 26_401)).toBe(Packet.filtered);
    expect(matches(Uint8Array.from([233, 54, 12, 112]), 0)).toBe(Packet.filtered);
    expect(matches(group, 0, v6)).toBe(Packet.filtered);
  });

  test("any of several will do", () => {
    const several = new UdpExtractor([
      { address: undefined, port: 1 },
      { address: group, port: 0 },
    ]);
    expect(extract(v4, LinkType.raw, several).packet).toBe(Packet.udp);
  });
});

test("mutated packets never throw and never yield bytes outside of the packet", () => {
  const random = new Random(testSeed("mutated packets"));
  const extractor = new UdpExtractor([]);
  const room = new Uint8Array(4096);
  for (let round = 0; round < scaled(60_000); round++) {
    const [, linkType, bytes] = carriers[random.below(carriers.length)]!;
    const at = random.below(64);
    room.set(bytes, at);
    for (let n = random.below(4); n >= 0; n--) room[at + random.below(bytes.length)] = random.u32();
    const length = random.below(bytes.length + 1);
    const found = extractor.extract(room, at, length, linkType);
    if (found !== Packet.udp) continue;
    expect(extractor.payloadOffset).toBeGreaterThanOrEqual(at);
    expect(extractor.payloadOffset + extractor.payloadLength).toBeLessThanOrEqual(at + length);
  }
});

test("jumbo lengths of 0 mean the rest of the packet, as offloaded sends are captured", () => {
  const bytes = v4.slice();
  bytes.set(be32(0x4500_0000), 0);
  expect(extract(bytes, LinkType.raw).text).toBe("payload");
});
