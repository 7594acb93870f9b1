/** Damaged files of every kind, in chunks of every size: an EdgeError or less data, never anything else. */
import { describe, expect, test } from "bun:test";
import { EdgeError } from "../../src/error.ts";
import { ByteReader, type ChunkSource } from "../../src/replay/byte-reader.ts";
import { CaptureSource } from "../../src/replay/capture.ts";
import type { OpenFile } from "../../src/replay/file.ts";
import { ItchFileSource } from "../../src/replay/itch-file.ts";
import { PcapReader } from "../../src/replay/pcap.ts";
import { PcapngReader } from "../../src/replay/pcapng.ts";
import { Random } from "../../src/replay/random.ts";
import type { DatagramSource } from "../../src/replay/source.ts";
import { TickFileSource } from "../../src/replay/tick-file.ts";
import { be16, bytesOf, ethernet, ipv4, pcap, PcapngFile, udp, zeros } from "../support/packet.ts";
import { scaled, testSeed } from "../support/scale.ts";
import { drain } from "../support/source.ts";

/** A file in memory that comes in chunks of random sizes. */
function memoryFile(bytes: Uint8Array, random: Random): OpenFile {
  let at = 0;
  const source: ChunkSource = {
    cut: undefined,
    get rawBytes() {
      return at;
    },
    read() {
      if (at === bytes.length) return Promise.resolve(undefined);
      const chunk = bytes.subarray(at, at + 1 + random.below(random.chance(0.5) ? 8 : 500));
      at += chunk.length;
      return Promise.resolve(chunk);
    },
    close: () => Promise.resolve(),
  };
  return { reader: new ByteReader("memory", source), sizeBytes: bytes.length };
}

const packet = (i: number): Uint8Array => ethernet(ipv4(udp(bytesOf(`payload ${i}`))));
const several = Array.from({ length: 8 }, (_, i) => i);

const ng = new PcapngFile(true).interface().interface({ resolution: 9, offsetSeconds: 5n });
for (const i of several) ng.packet(packet(i), BigInt(i) << 20n, i % 2);

const kinds: [string, Uint8Array, (file: OpenFile) => DatagramSource][] = [
  [
    "pcap",
    pcap(
      several.map((i) => ({ bytes: packet(i), seconds: i, nanos: i })),
      true,
      true,
    ),
    (file) => new CaptureSource(file, new PcapReader(file.reader), []),
  ],
  ["pcapng", ng.bytes, (file) => new CaptureSource(file, new PcapngReader(file.reader), [])],
  [
    "ITCH",
    bytesOf(...several.flatMap(() => [be16(19), "D", zeros(18)])),
    (file) => new ItchFileSource(file, "FUZZ", 1),
  ],
  [
    "NDJSON",
    bytesOf(several.map((i) => `{"symbol":"A","timestamp":${i},"price":1,"volume":2}\n`).join("")),
    (file) => new TickFileSource(file, "ndjson", {}),
  ],
  [
    "CSV",
    bytesOf(`symbol,timestamp,price,volume\n${several.map((i) => `"A",${i},1.5,2\n`).join("")}`),
    (file) => new TickFileSource(file, "csv", {}),
  ],
];

describe("damaged files", () => {
  test.each(kinds)("%s", async (name, whole, open) => {
    const random = new Random(testSeed(`damaged ${name}`));
    const intact = await drain(open(memoryFile(whole, random)));
    expect(intact.error).toBeUndefined();
    expect(intact.datagrams.length).toBe(name === "ITCH" ? 1 : several.length);
    let errors = 0;
    for (let round = 0; round < scaled(1500); round++) {
      const bytes = whole.slice(
        0,
        random.chance(0.3) ? random.below(whole.length + 1) : whole.length,
      );
      for (let n = random.below(5); n > 0 && bytes.length > 0; n--)
        bytes[random.below(bytes.length)] = random.u32();
      const { datagrams, error } = await drain(open(memoryFile(bytes, random)));
      for (const { bytes: sent, timeNs } of datagrams) {
        expect(sent.length).toBeLessThanOrEqual(whole.length + 64);
        expect(Number.isFinite(timeNs)).toBe(true);
      }
      if (error === undefined) continue;
      if (!(error instanceof EdgeError)) throw error;
      errors += 1;
    }
    expect(errors).toBeGreaterThan(0);
  });
});
