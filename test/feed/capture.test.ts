/**
 * Real messages: the facts that were checked about both captures hold. The ITCH file has no framing,
 * so its messages are packed into MoldUDP64 here (real messages, own framing).
 */
import { expect, test } from "bun:test";
import { FeedCount, feedCountSize } from "../../src/feed/count.ts";
import { Verdict } from "../../src/feed/decoder.ts";
import { formats } from "../../src/feed/format.ts";
import { MoldUdp64Packer } from "../../src/feed/moldudp64-encode.ts";
import { BookSet } from "../../src/market/book.ts";
import { BookCount, BookFault } from "../../src/market/fault.ts";
import { InstrumentTable } from "../../src/market/instrument.ts";
import { capturePath, hasCapture } from "../support/capture.ts";
import { EventLog } from "./event-log.ts";
import { testOptions } from "./format-options.ts";

const itchFile = "aapl-20200130.itch50";
const iexFile = "iex-deep-20231002.pcap.gz";

/** The file's messages in datagrams of at most 1,400 bytes. */
function* moldDatagrams(file: Buffer): Generator<Buffer> {
  const packer = new MoldUdp64Packer("20200130", 1400);
  packer.begin(1);
  for (let at = 0; at < file.length;) {
    const length = file.readUInt16BE(at);
    if (!packer.room(length)) {
      yield packer.bytes.subarray(0, packer.length);
      packer.begin(packer.next);
    }
    file.copy(packer.bytes, packer.at, at + 2, at + 2 + length);
    packer.end(length);
    at += 2 + length;
  }
  yield packer.bytes.subarray(0, packer.length);
}

/** UDP payloads of a classic little-endian pcap of Ethernet, IPv4 without options. */
function* pcapPayloads(file: Buffer): Generator<Buffer> {
  for (let at = 24; at < file.length;) {
    const length = file.readUInt32LE(at + 8);
    yield file.subarray(at + 16 + 14 + 20 + 8, at + 16 + length);
    at += 16 + length;
  }
}

test.skipIf(!hasCapture(itchFile))(`${itchFile}: 10,000 messages, final book`, async () => {
  const file = Buffer.from(await Bun.file(capturePath(itchFile)).arrayBuffer());
  const counters = new Uint32Array(feedCountSize);
  const table = new InstrumentTable(16, [{ priceDecimals: 4, tickSize: 100 }]);
  const books = new BookSet(table, 0, { orders: 10_000, levels: 10_000, levelsPerSide: 1_000 });
  const decoder = formats.itch50.create(books, counters, testOptions);
  for (const datagram of moldDatagrams(file)) {
    expect(decoder.decode(datagram, datagram.length, 0, 0)).toBe(Verdict.applied);
  }
  expect(counters[FeedCount.messages]).toBe(10_000);
  expect(counters[FeedCount.gaps]).toBe(0);
  expect(counters[FeedCount.unmapped]).toBe(0);
  expect(books.counts[BookCount.orphans]).toBe(0);
  expect(table.count).toBe(1);
  expect(books.bidPrice(0)).toBe(3_201_400);
  expect(books.askPrice(0)).toBe(3_203_000);
  expect(books.bookFault(0)).toBe(BookFault.ok);
});

test.skipIf(!hasCapture(iexFile))(`${iexFile}: 48,325 messages, 11,309 symbols`, async () => {
  const zipped = await Bun.file(capturePath(iexFile)).arrayBuffer();
  const counters = new Uint32Array(feedCountSize);
  const log = new EventLog();
  const known = new Map<string, number>();
  // EventLog's list of symbols is too slow for so many.
  log.instrument = (bytes, offset, length) => {
    const symbol = Buffer.from(bytes.subarray(offset, offset + length)).toString("latin1");
    const index = known.get(symbol) ?? known.size;
    known.set(symbol, index);
    return index;
  };
  const decoder = formats.iex.create(log, counters, testOptions);
  let packets = 0;
  for (const datagram of pcapPayloads(Buffer.from(Bun.gunzipSync(zipped)))) {
    const verdict = decoder.decode(datagram, datagram.length, 0, 0);
    expect(verdict & ~(Verdict.applied | Verdict.heartbeat)).toBe(0);
    packets++;
  }
  expect(packets).toBe(5_000);
  expect(counters[FeedCount.messages]).toBe(48_325);
  expect(known.size).toBe(11_309);
  expect(counters[FeedCount.gaps]).toBe(0);
  expect(counters[FeedCount.trailingBytes]).toBe(0);
  expect(log.events.filter(([name]) => name === "trade")).toHaveLength(37);
  expect(log.events.filter(([name]) => name === "setLevel")).toHaveLength(1226 + 1526);
  expect(Number.isNaN(decoder.sentNs)).toBe(false);
});
