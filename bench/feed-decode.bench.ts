/**
 * Decoding: M messages/s and heap per message of each format beside a naive baseline.
 *
 *     bun bench/feed-decode.bench.ts
 *
 * One iteration decodes a whole batch, so mitata's time divided by the batch (printed at the end) is
 * the cost of a message. The naive baseline of the binary formats makes a DataView per datagram,
 * BigInts for u64 and one object per message; that of the tick format is JSON.parse of the text.
 */
import { do_not_optimize as use, bench, summary } from "mitata";
import { runBenches } from "./report.ts";
import type { RecoveryOptions } from "../src/feed/recovery.ts";
import { feedCountSize } from "../src/feed/count.ts";
import type { DatagramDecoder } from "../src/feed/decoder.ts";
import { type FormatName, type FormatOptions, formats } from "../src/feed/format.ts";
import { MoldUdp64Packer } from "../src/feed/moldudp64-encode.ts";
import { capturePath, hasCapture } from "../test/support/capture.ts";
import { fullMarket } from "./full-market.ts";
import { naiveItch } from "./naive-itch.ts";
import { NullMarket } from "./null-market.ts";

const options: FormatOptions = {
  channels: 4,
  maxJump: 1_000_000_000,
  prefetch: false,
  instruments: 16_384,
  baseEpochNs: 1_696_219_200_000_000_000n,
  priceDecimals: 4,
  sizeDecimals: 0,
  timestampUnit: "ms",
};

const recovery: RecoveryOptions = {
  lines: 2,
  holdNs: 100_000,
  holdDatagrams: 64,
  reorderDatagrams: 64,
  reorderBytes: 1_400,
  requests: 8,
  requestTimeoutNs: 1_000_000,
  requestMessages: 1_000,
  requestGapMessages: 100_000,
  giveUpNs: 100_000_000,
  gapRecords: 256,
};

const batches = new Map<string, number>();
const market = new NullMarket();

function decoder(format: FormatName): DatagramDecoder {
  return formats[format].create(market, new Uint32Array(feedCountSize), options);
}

/** Each datagram in a Buffer of its own, as a socket hands them in. */
function apart(bytes: Buffer, offsets: ArrayLike<number>, from: number): Buffer[] {
  const datagrams: Buffer[] = [];
  for (let i = from; i + 1 < offsets.length; i++) {
    datagrams.push(Buffer.from(bytes.subarray(offsets[i]!, offsets[i + 1]!)));
  }
  return datagrams;
}

/** Every datagram by two lines, the second of which brings nothing new; with recovery armed. */
function decodeTwice(name: string, datagrams: readonly Buffer[], n: number): void {
  batches.set(name, n);
  bench(name, () => {
    const counters = new Uint32Array(feedCountSize);
    const one = formats.itch50.create(market, counters, { ...options, recovery });
    for (let i = 0; i < datagrams.length; i++) {
      const datagram = datagrams[i]!;
      one.decode(datagram, datagram.length, i & 1, i);
      one.decode(datagram, datagram.length, 1 - (i & 1), i);
    }
    return use(market.sum);
  });
}

/** The sequence must not look like a duplicate in the second round, so each round has its decoder. */
function decodeAll(
  name: string,
  format: FormatName,
  datagrams: readonly Buffer[],
  n: number,
): void {
  batches.set(name, n);
  bench(name, () => {
    const one = decoder(format);
    for (let i = 0; i < datagrams.length; i++) {
      one.decode(datagrams[i]!, datagrams[i]!.length, 0, 0);
    }
    return use(market.sum);
  });
}

const full = fullMarket({
  instruments: 8_000,
  liveOrders: 200_000,
  messages: 200_000,
  seed: 1,
  datagramBytes: 1400,
});
const fullDatagrams = apart(full.bytes, full.offsets, 0);
const fullMessages = 8_000 + 200_000 + full.messages;

summary(() => {
  decodeAll("itch50: full market", "itch50", fullDatagrams, fullMessages);
  decodeTwice("itch50: full market, two lines", fullDatagrams, fullMessages);
  batches.set("itch50: full market, naive", fullMessages);
  bench("itch50: full market, naive", () => {
    let sum = 0;
    for (const datagram of fullDatagrams) for (const m of naiveItch(datagram)) sum += m.locate;
    return use(sum);
  });
});

if (hasCapture("aapl-20200130.itch50")) {
  const file = Buffer.from(await Bun.file(capturePath("aapl-20200130.itch50")).arrayBuffer());
  const packer = new MoldUdp64Packer("CAPTURE", 1400);
  const datagrams: Buffer[] = [];
  packer.begin(1);
  for (let round = 0; round < 20; round++) {
    for (let at = 0; at < file.length; at += 2 + file.readUInt16BE(at)) {
      const length = file.readUInt16BE(at);
      if (!packer.room(length)) {
        datagrams.push(Buffer.from(packer.bytes.subarray(0, packer.length)));
        packer.begin(packer.next);
      }
      file.copy(packer.bytes, packer.at, at + 2, at + 2 + length);
      packer.end(length);
    }
  }
  decodeAll("itch50: capture of one stock", "itch50", datagrams, packer.next - 1);
}

if (hasCapture("iex-deep-20231002.pcap.gz")) {
  const zipped = await Bun.file(capturePath("iex-deep-20231002.pcap.gz")).arrayBuffer();
  const file = Buffer.from(Bun.gunzipSync(zipped));
  const datagrams: Buffer[] = [];
  for (let at = 24; at < file.length;) {
    const end = at + 16 + file.readUInt32LE(at + 8);
    datagrams.push(Buffer.from(file.subarray(at + 58, end)));
    at = end;
  }
  decodeAll("iex: capture of DEEP", "iex", datagrams, 48_325);
}

const ticks = Array.from({ length: 10_000 }, (_, i) =>
  Buffer.from(
    JSON.stringify({
      symbol: `S${i % 500}`,
      timestamp: 1_696_219_200_000 + i,
      price: (10_000 + (i % 1000)) / 100,
      volume: 100 + (i % 7),
      bid: (9_999 + (i % 1000)) / 100,
      ask: (10_001 + (i % 1000)) / 100,
      bidSize: 200,
      askSize: 300,
    }),
  ),
);
summary(() => {
  decodeAll("tick", "tick", ticks, ticks.length);
  batches.set("tick, JSON.parse", ticks.length);
  bench("tick, JSON.parse", () => {
    let sum = 0;
    for (const tick of ticks) sum += (JSON.parse(tick.toString()) as { volume: number }).volume;
    return use(sum);
  });
});

const { benchmarks } = await runBenches(import.meta.path);
console.log(
  "\nM messages/s in the mean and in the best batch, bytes of heap a message in the mean",
);
for (const { runs } of benchmarks) {
  for (const { name, stats } of runs) {
    const batch = batches.get(name);
    if (stats === undefined || batch === undefined) continue;
    const mean = ((batch / stats.avg) * 1e3).toFixed(1).padStart(7);
    const best = ((batch / stats.min) * 1e3).toFixed(1).padStart(7);
    const heap = ((stats.heap?.avg ?? 0) / batch).toFixed(2).padStart(8);
    console.log(`${name.padEnd(32)} ${mean} ${best} ${heap}`);
  }
}
