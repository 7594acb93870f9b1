/**
 * A market of real kinds of messages over two bad lines: the books are those of the clean stream,
 * instrument by instrument.
 */
import { expect, test } from "bun:test";
import { fullMarket } from "../../bench/full-market.ts";
import type { RecoveryOptions } from "../../src/feed/recovery.ts";
import { FeedCount, feedCountSize } from "../../src/feed/count.ts";
import { Itch50 } from "../../src/feed/itch50.ts";
import { MoldUdp64 } from "../../src/feed/moldudp64.ts";
import { BookSet } from "../../src/market/book.ts";
import { BookCount } from "../../src/market/fault.ts";
import { InstrumentTable } from "../../src/market/instrument.ts";
import { random } from "../support/random.ts";
import { scaled, testSeed } from "../support/scale.ts";

const instruments = 200;
const liveOrders = 5_000;

const recovery: RecoveryOptions = {
  lines: 2,
  holdNs: 50_000,
  holdDatagrams: 64,
  reorderDatagrams: 1_024,
  reorderBytes: 1400,
  requests: 10,
  requestTimeoutNs: 1_000_000,
  requestMessages: 1_000,
  requestGapMessages: 100_000,
  giveUpNs: 100_000_000,
  gapRecords: 16,
};

function receiver() {
  const counters = new Uint32Array(feedCountSize);
  const table = new InstrumentTable(instruments, [{ priceDecimals: 4, tickSize: 100 }]);
  const limits = { orders: 20_000, levels: 200_000, levelsPerSide: 1_000 };
  const books = new BookSet(table, 0, limits);
  const itch = new Itch50(books, counters);
  const decoder = new MoldUdp64(itch, counters, 1e6, recovery, true, () => books.clear(-1));
  return { counters, books, decoder };
}

/** Best prices and sizes of every book, and how many orders live. */
function picture({ books }: ReturnType<typeof receiver>): number[] {
  const numbers = [books.orders.count];
  for (let i = 0; i < books.instruments.count; i++) {
    numbers.push(books.bidPrice(i), books.bidSize(i), books.askPrice(i), books.askSize(i));
    numbers.push(books.levelCount(i, 0), books.levelCount(i, 1));
  }
  return numbers;
}

test("booksAreThoseOfTheCleanStream", () => {
  const seed = testSeed("recovered books");
  for (let run = 0; run < scaled(3); run++) {
    const rng = random(seed + run);
    const market = fullMarket({
      instruments,
      liveOrders,
      messages: 30_000,
      seed: seed + run,
      datagramBytes: 1400,
    });
    const datagrams: Buffer[] = [];
    for (let i = 0; i + 1 < market.offsets.length; i++) {
      datagrams.push(market.bytes.subarray(market.offsets[i]!, market.offsets[i + 1]!));
    }
    const clean = receiver();
    for (const datagram of datagrams) clean.decoder.decode(datagram, datagram.length, 0, 0);

    const arrivals: { atNs: number; line: number; datagram: Buffer }[] = [];
    for (const [i, datagram] of datagrams.entries()) {
      for (const line of [0, 1]) {
        // The first and the last come: what is lost at the end shows only by a later heartbeat.
        const inside = i > 0 && i < datagrams.length - 1;
        if (rng.next() < 0.1 && inside) continue;
        const reorderedNs = rng.next() < 0.1 ? rng.int(100_000) : rng.int(5_000);
        const lateNs = i === 0 ? 0 : reorderedNs;
        const copies = rng.next() < 0.01 ? 2 : 1;
        for (let n = 0; n < copies; n++) {
          arrivals.push({ atNs: i * 10_000 + lateNs + n, line, datagram });
        }
      }
    }
    arrivals.sort((one, other) => one.atNs - other.atNs);
    const bad = receiver();
    const answer = (nowNs: number): void => {
      for (let request = bad.decoder.takeRequest(); request;) {
        const first = request.readBigUInt64BE(10);
        // Any packet that holds the first message will do: more than was asked for overlaps.
        const packet = datagrams.findLast((one) => one.readBigUInt64BE(10) <= first)!;
        bad.decoder.decode(packet, packet.length, 2, nowNs);
        request = bad.decoder.takeRequest();
      }
    };
    for (const { atNs, line, datagram } of arrivals) {
      bad.decoder.poll(atNs);
      answer(atNs);
      bad.decoder.decode(datagram, datagram.length, line, atNs);
      answer(atNs);
    }
    for (const laterNs of [1e6, 2e6, 3e6]) {
      const atNs = arrivals.at(-1)!.atNs + laterNs;
      bad.decoder.poll(atNs);
      answer(atNs);
    }
    const where = `HFTEDGE_TEST_SEED=${seed + run}`;
    expect(bad.counters[FeedCount.gaps], where).toBeGreaterThan(5);
    expect(bad.counters[FeedCount.lostMessages], where).toBe(0);
    expect(bad.books.counts[BookCount.orphans], where).toBe(0);
    expect(bad.counters[FeedCount.messages], where).toBe(clean.counters[FeedCount.messages]!);
    expect(picture(bad), where).toEqual(picture(clean));
  }
});
