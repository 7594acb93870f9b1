import { describe, expect, test } from "bun:test";
import { demoInstruments } from "../../src/demo/instrument.ts";
import { demoDatagramBytesMax, DemoMarket } from "../../src/demo/market.ts";
import { FeedCount, feedCounts, feedCountSize } from "../../src/feed/count.ts";
import { Verdict } from "../../src/feed/decoder.ts";
import { formats } from "../../src/feed/format.ts";
import { BookSet } from "../../src/market/book.ts";
import { BookCount, BookFault } from "../../src/market/fault.ts";
import { InstrumentTable } from "../../src/market/instrument.ts";
import { scaled, testSeed } from "../support/scale.ts";

const startNs = 34_200e9;
/** What a sender that loses nothing never causes. */
const staleVerdicts =
  Verdict.bad |
  Verdict.damaged |
  Verdict.gap |
  Verdict.joined |
  Verdict.restart |
  Verdict.endOfSession;

/** The product's own decoder and books behind a market. */
function createReceiver() {
  const table = new InstrumentTable(32, [{ priceDecimals: 4, tickSize: 100 }]);
  const books = new BookSet(table, 0, { orders: 8192, levels: 16_384, levelsPerSide: 1024 });
  const counters = new Uint32Array(feedCountSize);
  const decoder = formats.itch50.create(books, counters, { channels: 4, maxJump: 1e6 } as never);
  return { table, books, counters, decoder };
}

function countsOf(counters: Uint32Array): Record<string, number> {
  const seen = feedCounts.map(({ id, name }) => [name, counters[id]!] as const);
  return Object.fromEntries(seen.filter(([, count]) => count > 0));
}

/** Everything that a market sends in its first datagrams, as one hash. */
function digest(seed: number): string {
  const market = new DemoMarket({ seed, rate: 2000, startNs });
  const hash = new Bun.CryptoHasher("sha256");
  for (let i = 0; i < 5000; i++) {
    market.next();
    hash.update(market.bytes.subarray(0, market.length)).update(String(market.dueNs));
  }
  return hash.digest("hex");
}

describe("the synthetic market", () => {
  test("decodes without an orphan or a bad byte, and no book is ever crossed, locked or one-sided", () => {
    const seed = testSeed("synthetic market");
    const market = new DemoMarket({ seed, rate: 2000, startNs });
    const { table, books, counters, decoder } = createReceiver();
    const wanted = scaled(60_000);
    let verdicts = 0;
    let opened = false;
    let lastDue = 0;
    for (let i = 0; i < wanted; i++) {
      market.next();
      expect(market.length).toBeLessThanOrEqual(demoDatagramBytesMax);
      expect(market.dueNs).toBeGreaterThanOrEqual(lastDue);
      lastDue = market.dueNs;
      verdicts |= decoder.decode(market.bytes, market.length, 0, market.dueNs);
      const faults = [...books.touched.subarray(0, books.touchedCount)].map((t) =>
        books.bookFault(t),
      );
      books.clearTouched();
      // While the first orders come in a book has one side only.
      if (opened && faults.some((fault) => fault !== BookFault.ok)) {
        throw new Error(`seed ${seed}, datagram ${i}: faults ${faults}`);
      }
      opened ||= i > 30;
    }
    expect(verdicts & staleVerdicts).toBe(0);
    expect(countsOf(counters)).toEqual({
      datagrams: wanted,
      bytes: counters[FeedCount.bytes]!,
      messages: market.messages,
    });
    expect(books.counts[BookCount.orphans]).toBe(0);
    expect(market.symbols.every((symbol) => table.find(0, symbol) >= 0)).toBe(true);
  });

  test("is the same for the same seed and another for another", () => {
    expect(digest(1)).toBe(digest(1));
    expect(digest(1)).not.toBe(digest(2));
  });

  test("keeps its rate in the long run and comes in bursts", () => {
    const market = new DemoMarket({ seed: 3, rate: 2000, startNs });
    const perWindow = new Float64Array(3000);
    while (market.dueNs < 30e9) {
      market.next();
      const window = Math.floor(market.dueNs / 1e7);
      if (window < perWindow.length) perWindow[window]! += 1;
    }
    expect(market.datagrams / 30).toBeGreaterThan(1700);
    expect(market.datagrams / 30).toBeLessThan(2300);
    const mean = perWindow.reduce((a, b) => a + b) / perWindow.length;
    const variance = perWindow.reduce((a, b) => a + (b - mean) ** 2, 0) / perWindow.length;
    // Independent arrivals have a ratio of 1; with 0.7 children an event it is near 1 / 0.3² in the limit.
    expect(variance / mean).toBeGreaterThan(4);
  });

  test("prices move, spreads stay narrow, every instrument trades on both sides", () => {
    const market = new DemoMarket({ seed: 4, rate: 2000, startNs });
    const { table, books, decoder } = createReceiver();
    const moved = new Map<string, Set<number>>();
    const spreads: number[] = [];
    while (market.dueNs < 20e9) {
      market.next();
      decoder.decode(market.bytes, market.length, 0, market.dueNs);
      if (market.datagrams % 100 !== 0 || market.datagrams < 1000) continue;
      for (const symbol of market.symbols) {
        const at = table.find(0, symbol);
        const [bid, ask] = [books.bidPrice(at), books.askPrice(at)];
        spreads.push((ask - bid) / 100);
        moved.set(symbol, (moved.get(symbol) ?? new Set()).add(bid + ask));
      }
    }
    const narrow = spreads.filter((ticks) => ticks <= 4).length / spreads.length;
    expect(narrow).toBeGreaterThan(0.8);
    expect(Math.max(...spreads)).toBeLessThan(60);
    for (const [symbol, mids] of moved) expect([symbol, mids.size > 5]).toEqual([symbol, true]);
  });

  test("a reopened session brings a receiver that lost everything the whole books", () => {
    const market = new DemoMarket({ seed: 5, rate: 2000, startNs });
    const whole = createReceiver();
    const late = createReceiver();
    for (let i = 0; i < 4000; i++) {
      market.next();
      whole.decoder.decode(market.bytes, market.length, 0, market.dueNs);
    }
    market.reopen();
    let verdicts = 0;
    for (let i = 0; i < 2000; i++) {
      market.next();
      const verdict = whole.decoder.decode(market.bytes, market.length, 0, market.dueNs);
      if (i === 0) expect(verdict & Verdict.sessionChange).toBe(Verdict.sessionChange);
      verdicts |= late.decoder.decode(market.bytes, market.length, 0, market.dueNs);
    }
    expect(verdicts & (staleVerdicts | Verdict.joined)).toBe(0);
    for (const symbol of market.symbols) {
      const touch = [whole, late].map(({ table, books }) => {
        const at = table.find(0, symbol);
        return [books.bidPrice(at), books.bidSize(at), books.askPrice(at), books.askSize(at)];
      });
      expect(touch[1]).toEqual(touch[0]!);
    }
    expect(late.books.counts[BookCount.orphans]).toBe(0);
  });

  test("a quiet market sends a heartbeat every second", () => {
    const market = new DemoMarket({
      seed: 6,
      rate: 0.2,
      startNs,
      instruments: demoInstruments.slice(0, 2),
    });
    const { decoder, counters } = createReceiver();
    let last = 0;
    for (let i = 0; i < 200; i++) {
      market.next();
      decoder.decode(market.bytes, market.length, 0, market.dueNs);
      expect(market.dueNs - last).toBeLessThanOrEqual(1e9 + 1);
      last = market.dueNs;
    }
    expect(counters[FeedCount.heartbeats]!).toBeGreaterThan(100);
    expect(counters[FeedCount.gaps]!).toBe(0);
  });

  test("market time runs over midnight without leaving the day", () => {
    const market = new DemoMarket({ seed: 7, rate: 100, startNs: 86_399.9e9 });
    const { decoder, counters } = createReceiver();
    for (let i = 0; i < 500; i++) {
      market.next();
      decoder.decode(market.bytes, market.length, 0, market.dueNs);
      const ns = market.length > 20 ? market.bytes.readUIntBE(22 + 5, 6) : 0;
      expect(ns).toBeLessThan(86_400e9);
    }
    expect(counters[FeedCount.badValue]!).toBe(0);
  });
});
