import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { EdgeError } from "../../src/error.ts";
import { openSource } from "../../src/replay/open.ts";
import {
  bytesOf,
  ethernet,
  ipv4,
  order,
  pcap,
  PcapngFile,
  udp,
  zeros,
  type Timed,
} from "../support/packet.ts";
import { drain, openOptions, withFile, type Drained } from "../support/source.ts";

const read = (file: Uint8Array): Promise<Drained> =>
  withFile(file, async (path) => drain(await openSource(path, openOptions(), 1)));

const packet = (text: string): Uint8Array => ethernet(ipv4(udp(bytesOf(text))));
const packets: Timed[] = [
  { bytes: packet("one"), seconds: 1_700_000_000, nanos: 999_999_000 },
  { bytes: packet("two"), seconds: 1_700_000_001, nanos: 5_000 },
  { bytes: packet("three!"), seconds: 1_700_000_001, nanos: 123_456_789 },
];
const payloads = ["one", "two", "three!"];

describe("classic pcap", () => {
  for (const little of [true, false]) {
    for (const nanosecond of [true, false]) {
      for (const zipped of [true, false]) {
        const name = `${little ? "little" : "big"}-endian, ${nanosecond ? "ns" : "µs"}${zipped ? ", gzip" : ""}`;
        test(name, async () => {
          const file = pcap(packets, little, nanosecond);
          const { datagrams, error, source } = await read(zipped ? gzipSync(file) : file);
          expect(error).toBeUndefined();
          expect(datagrams.map((d) => d.bytes)).toEqual(payloads);
          expect(datagrams.map((d) => d.timeNs)).toEqual([
            0,
            6_000,
            nanosecond ? 123_457_789 : 123_457_000,
          ]);
          expect(source.originMs).toBe(1_700_000_000_999);
          expect(source.cut).toBeUndefined();
          expect(source.progress()).toBe(1);
        });
      }
    }
  }

  test("an absurd packet length is a broken file, named with its offset and remedy", async () => {
    const file = pcap(packets, true, false);
    const second = 24 + 16 + packets[0]!.bytes.length;
    file.set(order(true).u32(0x7fffffff), second + 8);
    const { datagrams, error } = await read(file);
    expect(datagrams.map((d) => d.bytes)).toEqual(["one"]);
    expect(error).toBeInstanceOf(EdgeError);
    expect(error?.message).toContain(`at byte ${second + 8}: a packet claims 2147483647 bytes`);
    expect((error as EdgeError).hint).toContain("What came before it was sent.");
  });

  test("a link type without IP is refused", async () => {
    const { error } = await read(pcap(packets, true, false, 195));
    expect((error as EdgeError).code).toBe("CAPTURE_LINK_TYPE");
  });

  test("a file larger than the window streams through it", async () => {
    const many = Array.from({ length: 3000 }, (_, i) => ({
      bytes: packet(String(i).padEnd(400)),
      seconds: 5,
      nanos: i * 1000,
    }));
    const { datagrams } = await read(pcap(many, true, false));
    expect(datagrams.length).toBe(3000);
    expect(datagrams.every((d, i) => d.bytes.trim() === String(i) && d.timeNs === i * 1000)).toBe(
      true,
    );
  });
});

describe("pcapng", () => {
  for (const little of [true, false]) {
    for (const zipped of [true, false]) {
      test(`${little ? "little" : "big"}-endian${zipped ? ", gzip" : ""}: interfaces of different resolution share one time`, async () => {
        const file = new PcapngFile(little)
          .interface()
          .interface({ resolution: 9 })
          .interface({ resolution: 0x80 | 20, offsetSeconds: 1_700_000_000n })
          .packet(packet("micros"), 1_700_000_000_000_001n, 0)
          .block(5, bytesOf([0, 0, 0, 0]))
          .packet(packet("nanos"), 1_700_000_000_000_002_500n, 1)
          .packet(packet("binary"), 1n << 19n, 2)
          .simple(packet("simple")).bytes;
        const { datagrams, error, source } = await read(zipped ? gzipSync(file) : file);
        expect(error).toBeUndefined();
        expect(datagrams).toEqual([
          { bytes: "micros", timeNs: 0 },
          { bytes: "nanos", timeNs: 1_500 },
          { bytes: "binary", timeNs: 499_999_000 },
          { bytes: "simple", timeNs: 499_999_000 },
        ]);
        expect(source.originMs).toBe(1_700_000_000_000);
      });
    }
  }

  test("a second section may turn the byte order and forgets the interfaces", async () => {
    const first = new PcapngFile(true).interface().packet(packet("a"), 10n).bytes;
    const second = new PcapngFile(false).interface({ resolution: 3 }).packet(packet("b"), 1n).bytes;
    const { datagrams } = await read(Buffer.concat([first, second]));
    expect(datagrams).toEqual([
      { bytes: "a", timeNs: 0 },
      { bytes: "b", timeNs: 990_000 },
    ]);
  });

  test("a simple packet ends at the snap length, which cuts its datagram", async () => {
    const whole = packet("abcdef");
    const file = new PcapngFile(true)
      .interface({ snapLength: whole.length - 2 })
      .simple(whole.subarray(0, whole.length - 2), whole.length);
    const { datagrams, source } = await read(file.bytes);
    expect(datagrams).toEqual([]);
    expect(source.counts()).toMatchObject({ packets: 1, cutBySnapLength: 1 });
  });

  const broken: [string, (file: PcapngFile) => void, string][] = [
    [
      "a packet of an unknown interface",
      (f) => f.packet(packet("x"), 1n, 7),
      "unknown interface 7",
    ],
    [
      "a resolution beyond reason",
      (f) => f.interface({ resolution: 40 }),
      "time resolution of 10^-40",
    ],
    [
      "a packet longer than its block",
      (f) => f.block(6, bytesOf(zeros(12), [255, 255, 0, 0], [0, 0, 0, 0])),
      "more than its block has",
    ],
    [
      "another major version",
      (f) => f.block(0x0a0d0d0a, bytesOf([0x4d, 0x3c, 0x2b, 0x1a, 2, 0, 0, 0], zeros(8))),
      "pcapng version 2",
    ],
  ];
  test.each(broken)("%s is a broken file", async (_, spoil, words) => {
    const file = new PcapngFile(true).interface().packet(packet("before"), 1n);
    const offset = file.bytes.length;
    spoil(file);
    const { datagrams, error } = await read(file.bytes);
    expect(datagrams.map((d) => d.bytes)).toEqual(["before"]);
    expect(error?.message).toContain(words);
    expect(Number(/at byte (\d+)/.exec(error?.message ?? "")?.[1])).toBeGreaterThanOrEqual(offset);
  });
});

describe("a file cut at every offset", () => {
  const files: [string, Uint8Array][] = [
    ["pcap", pcap(packets, true, false)],
    [
      "pcapng",
      new PcapngFile(true)
        .interface()
        .packet(packet("one"), 1n)
        .packet(packet("two"), 2n)
        .packet(packet("three!"), 3n).bytes,
    ],
  ];
  test.each(files)("%s: what came before is sent, the cut is told", async (_, file) => {
    const ends: number[] = [];
    for (let length = 24; length <= file.length; length++) {
      const { datagrams, error, source } = await read(file.subarray(0, length));
      expect(error).toBeUndefined();
      expect(datagrams.map((d) => d.bytes)).toEqual(payloads.slice(0, datagrams.length));
      if (source.cut === undefined) ends.push(datagrams.length);
      else expect(source.cut).toMatch(/^the file ends inside .* at byte \d+$/);
    }
    expect(ends.at(-1)).toBe(3);
    // Only a cut between two records goes unseen, because such a file is whole.
    expect(new Set(ends)).toEqual(new Set([0, 1, 2, 3]));
  });

  test("gzip: the packets before the cut are sent, the cut is told", async () => {
    const file = gzipSync(pcap(packets, true, false), { level: 0 });
    for (let length = 60; length < file.length; length++) {
      const { datagrams, error, source } = await read(file.subarray(0, length));
      expect(error).toBeUndefined();
      expect(datagrams.map((d) => d.bytes)).toEqual(payloads.slice(0, datagrams.length));
      expect(source.cut).toStartWith("the gzip stream ends too early");
    }
  });

  test("gzip with damage: what was unzipped before it is sent, then the error", async () => {
    const many = Array.from({ length: 4000 }, (_, i) => ({
      bytes: packet(String(i)),
      seconds: i,
      nanos: 0,
    }));
    const file = gzipSync(pcap(many, true, false));
    file[file.length - 6]! ^= 0xff;
    const { datagrams, error } = await read(file);
    expect(datagrams.length).toBeGreaterThan(1000);
    expect((error as EdgeError).code).toBe("CAPTURE_BROKEN");
    expect(error?.message).toContain("gzip stream is damaged");
  });

  test("gzip with damage in the first block, an empty file: one clear error", async () => {
    const file = gzipSync(pcap(packets, true, false));
    file[12]! ^= 0xff;
    const damaged = await read(file).catch((e: unknown) => e);
    expect((damaged as EdgeError).code).toBe("CAPTURE_BROKEN");
    const empty = await read(new Uint8Array(0)).catch((e: unknown) => e);
    expect((empty as EdgeError).message).toEndWith("the file is empty");
  });
});

test("a missing file, a folder: one clear error", async () => {
  for (const path of ["/nonexistent/capture.pcap", "/"]) {
    const error = await openSource(path, openOptions(), 1).catch((e: unknown) => e);
    expect((error as EdgeError).code).toBe("FILE_UNREADABLE");
    expect((error as EdgeError).message).toContain(path);
  }
});

const iex = join(import.meta.dir, "../../../shared/captures/iex-deep-20231002.pcap.gz");
test.skipIf(!existsSync(iex))(
  "a real IEX DEEP capture has its 5,000 packets (needs the captures)",
  async () => {
    const { datagrams, source } = await drain(await openSource(iex, openOptions(), 1));
    expect(datagrams.length).toBe(5000);
    expect(source.counts()).toMatchObject({ packets: 5000, udp: 5000 });
    const messages = datagrams.reduce(
      (sum, d) => sum + Buffer.from(d.bytes, "latin1").readUInt16LE(14),
      0,
    );
    expect(messages).toBe(48_325);
  },
);
