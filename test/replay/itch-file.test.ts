import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { EdgeError } from "../../src/error.ts";
import { openSource, type OpenOptions } from "../../src/replay/open.ts";
import { be16, bytesOf, zeros } from "../support/packet.ts";
import { drain, openOptions, withFile, type Drained } from "../support/source.ts";

/** A delete message (19 bytes) at this time since midnight, behind its length. */
function deleted(ns: number, reference = 1): Uint8Array {
  const body = Buffer.alloc(19);
  body.write("D");
  body.writeUIntBE(ns, 5, 6);
  body.writeUInt32BE(reference, 15);
  return bytesOf(be16(19), body);
}

const read = (file: Uint8Array, pass = 1, changes: Partial<OpenOptions> = {}): Promise<Drained> =>
  withFile(file, async (path) => drain(await openSource(path, openOptions(changes), pass)));

interface Packet {
  session: string;
  sequence: number;
  references: number[];
}

function parse(text: string): Packet {
  const bytes = Buffer.from(text, "latin1");
  const references: number[] = [];
  let at = 20;
  for (let i = 0; i < bytes.readUInt16BE(18); i++) {
    references.push(bytes.readUInt32BE(at + 2 + 15));
    at += 2 + bytes.readUInt16BE(at);
  }
  expect(at).toBe(bytes.length);
  return {
    session: bytes.toString("latin1", 0, 10),
    sequence: Number(bytes.readBigUInt64BE(10)),
    references,
  };
}

const start = 34_200_000_000_000;

describe("length-prefixed ITCH", () => {
  test("messages within 20 µs of the first share a packet, which is due with its last", async () => {
    const times = [0, 5_000, 20_000, 20_001, 40_002, 9_000_000_000];
    const file = Buffer.concat(times.map((t, i) => deleted(start + t, i + 1)));
    const { datagrams, source } = await read(file);
    expect(datagrams.map((d) => parse(d.bytes))).toEqual([
      { session: "REPLAY0001", sequence: 1, references: [1, 2, 3] },
      { session: "REPLAY0001", sequence: 4, references: [4] },
      { session: "REPLAY0001", sequence: 5, references: [5] },
      { session: "REPLAY0001", sequence: 6, references: [6] },
    ]);
    expect(datagrams.map((d) => d.timeNs)).toEqual([20_000, 20_001, 40_002, 9_000_000_000]);
    expect(source.originMs).toBe(34_200_000);
    expect(source.counts()).toEqual({ messages: 6, packets: 4, unknownTypes: 0 });
  });

  test("no packet is longer than 1,400 bytes, and none that fits is split", async () => {
    const file = Buffer.concat(Array.from({ length: 200 }, (_, i) => deleted(start, i + 1)));
    const { datagrams } = await read(gzipSync(file));
    const perPacket = Math.floor((1400 - 20) / 21);
    expect(datagrams.map((d) => d.bytes.length)).toEqual([
      20 + 21 * perPacket,
      20 + 21 * perPacket,
      20 + 21 * perPacket,
      20 + 21 * (200 - 3 * perPacket),
    ]);
    expect(datagrams.flatMap((d) => parse(d.bytes).references)).toEqual(
      Array.from({ length: 200 }, (_, i) => i + 1),
    );
    expect(datagrams.map((d) => parse(d.bytes).sequence)).toEqual(
      [1, 66, 131, 196].map((n) => ((n - 1) / 65) * perPacket + 1),
    );
  });

  test("every pass is a session of its own from sequence 1", async () => {
    const { datagrams } = await read(deleted(start), 12, { session: "AB" });
    expect(parse(datagrams[0]!.bytes)).toEqual({
      session: "AB0012    ",
      sequence: 1,
      references: [1],
    });
  });

  test("signs say the sequence that comes next, before and after the present packet", async () => {
    const file = Buffer.concat([deleted(start, 1), deleted(start, 2), deleted(start + 1e9, 3)]);
    await withFile(file, async (path) => {
      const source = await openSource(path, openOptions(), 1);
      const next = (sent: boolean): number => {
        const [sign, end] = [source.heartbeat!(sent), source.endOfSession!(sent)].map((bytes) =>
          Number(Buffer.from(bytes).readBigUInt64BE(10)),
        );
        expect(end).toBe(sign!);
        return sign!;
      };
      expect(next(true)).toBe(1);
      while (source.next() !== 0) await source.fill();
      expect([next(false), next(true)]).toEqual([1, 3]);
      while (source.next() !== 0) await source.fill();
      expect([next(false), next(true)]).toEqual([3, 4]);
      while (source.next() !== 2) await source.fill();
      expect(next(true)).toBe(4);
      const end = Buffer.from(source.endOfSession!(true));
      expect([Number(end.readBigUInt64BE(10)), end.readUInt16BE(18), end.length]).toEqual([
        4, 0xffff, 20,
      ]);
      await source.close();
    });
  });

  test("a time that goes back is sent at once, never before what precedes it", async () => {
    const { datagrams } = await read(
      Buffer.concat([deleted(start + 50_000), deleted(start), deleted(start + 90_000)]),
    );
    expect(datagrams.map((d) => d.timeNs)).toEqual([0, 40_000]);
  });

  test("the empty message that ends a session file is not sent", async () => {
    const { datagrams } = await read(bytesOf(deleted(start), be16(0)));
    expect(parse(datagrams[0]!.bytes).references).toEqual([1]);
  });

  test("cut at every offset: what came before is sent, the cut is told", async () => {
    const file = Buffer.concat([0, 1, 2].map((i) => deleted(start + i * 1e6, i + 1)));
    for (let length = 21; length < file.length; length++) {
      const { datagrams, error, source } = await read(file.subarray(0, length));
      expect(error).toBeUndefined();
      expect(datagrams.flatMap((d) => parse(d.bytes).references)).toEqual(
        [1, 2, 3].slice(0, Math.floor(length / 21)),
      );
      const inside =
        length % 21 === 0
          ? undefined
          : `the file ends inside a message at byte ${length - (length % 21)}`;
      expect(source.cut).toBe(inside as string);
    }
  });

  test("a wrong length for its type and a giant message are broken files with their offset", async () => {
    const wrong = await read(bytesOf(deleted(start), be16(20), "D", zeros(19)));
    expect(wrong.error?.message).toContain("at byte 21: a message of type D has 20 bytes, not 19");
    const giant = await read(bytesOf(deleted(start), be16(5000)), 1, { format: "itch" });
    expect(giant.error?.message).toContain("at byte 21: a message claims 5000 bytes");
  });

  test("a session name that leaves no room for the pass is refused", async () => {
    const error = await read(deleted(start), 1, { session: "TOOLONG" }).catch((e: unknown) => e);
    expect((error as EdgeError).code).toBe("SESSION_NAME");
  });
});

const aapl = join(import.meta.dir, "../../../shared/captures/aapl-20200130.itch50");
test.skipIf(!existsSync(aapl))(
  "the real AAPL file keeps its 10,000 messages (needs the captures)",
  async () => {
    const { datagrams, source } = await drain(await openSource(aapl, openOptions(), 1));
    expect(source.counts()["messages"]).toBe(10_000);
    expect(
      datagrams.reduce((sum, d) => sum + Buffer.from(d.bytes, "latin1").readUInt16BE(18), 0),
    ).toBe(10_000);
    expect(Math.round(datagrams.at(-1)!.timeNs / 1e9)).toBe(17_536);
  },
);
