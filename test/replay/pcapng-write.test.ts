import { expect, test } from "bun:test";
import { openSource } from "../../src/replay/open.ts";
import { datagramBytesMax, PcapngWriter } from "../../src/replay/pcapng-write.ts";
import { drain, openOptions, withFile } from "../support/source.ts";

const two32 = 4_294_967_296;
const loopback = Uint8Array.from([127, 0, 0, 1]);
const interfaces = [
  { name: "nasdaq/0", address: loopback, port: 26_400 },
  { name: "nasdaq/1", address: new Uint8Array(16).fill(1, 15), port: 26_401 },
];

/** What is read back of datagrams that were received at these times since the base. */
async function readBack(baseEpochNs: bigint, times: readonly number[]) {
  const writer = new PcapngWriter(interfaces, baseEpochNs);
  const parts = [writer.begin("a test")];
  for (const [i, ns] of times.entries()) {
    const bytes = Buffer.from(`datagram ${i}`);
    const out = Buffer.alloc(writer.size(i % 2, bytes.length));
    expect(writer.packet(out, 0, i % 2, ns, bytes, 0, bytes.length)).toBe(out.length);
    parts.push(out);
  }
  return withFile(Buffer.concat(parts), async (path) =>
    drain(await openSource(path, openOptions(), 1)),
  );
}

test("times are exact across the carry of their words, and before the base", async () => {
  // The low word of the second base is full, so that the next nanosecond carries.
  for (const base of [1_790_000_000_000_000_000n, (416_770_000n << 32n) + 0xffff_ffffn]) {
    const times = [-5_000_000_001, -two32, -1, 0, 1, two32 - 1, two32, 8_640_000_000_001];
    const { datagrams, source, error } = await readBack(base, times);
    expect(error).toBeUndefined();
    expect(datagrams.map(({ bytes }) => bytes)).toEqual(times.map((_, i) => `datagram ${i}`));
    expect(datagrams.map(({ timeNs }) => timeNs)).toEqual(times.map((ns) => ns - times[0]!));
    expect(source.originMs).toBe(Number((base + BigInt(times[0]!)) / 1_000_000n));
  }
});

test("the longest datagram still fits the headers that are made up", async () => {
  const writer = new PcapngWriter(interfaces, 0n);
  for (const source of [0, 1]) {
    const bytes = Buffer.alloc(datagramBytesMax, 7);
    const out = Buffer.alloc(writer.size(source, bytes.length));
    writer.packet(out, 0, source, 1, bytes, 0, bytes.length);
    const file = Buffer.concat([writer.begin(""), out]);
    const { datagrams } = await withFile(file, async (path) =>
      drain(await openSource(path, openOptions(), 1)),
    );
    expect(datagrams.map((datagram) => datagram.bytes.length)).toEqual([datagramBytesMax]);
  }
});
