import { describe, expect, test } from "bun:test";
import { Side } from "../../src/feed/event.ts";
import { BookCount, BookFault } from "../../src/market/fault.ts";
import { createBooks, levelsOf, touchedOf } from "../support/market.ts";
import { NaiveBooks } from "../support/naive-book.ts";
import { random } from "../support/random.ts";
import { scaled, testSeed } from "../support/scale.ts";

const { bid, ask, unknown } = Side;

function expectSame(books: ReturnType<typeof createBooks>, naive: NaiveBooks, instrument: number) {
  for (const side of [bid, ask]) {
    expect(levelsOf(books, instrument, side)).toEqual(naive.levels(instrument, side));
  }
  const [best] = naive.levels(instrument, bid);
  const [offer] = naive.levels(instrument, ask);
  expect(books.bidPrice(instrument)).toBe(best?.price ?? 0);
  expect(books.bidSize(instrument)).toBe(best?.size ?? 0);
  expect(books.askPrice(instrument)).toBe(offer?.price ?? 0);
  expect(books.askSize(instrument)).toBe(offer?.size ?? 0);
}

/** The search for a level goes by the tick, and has to find it where prices keep to another one. */
function setTicksAmiss(books: ReturnType<typeof createBooks>, instruments: number): void {
  const ticks = [100, 1, 33, 700, 1e9];
  for (let i = 0; i < instruments; i++) books.instruments.tickSize[i] = ticks[i % ticks.length]!;
}

describe("order books", () => {
  test("agree with the naive model, event by event, damage included", () => {
    const { int, next } = random(testSeed("order books"));
    const instruments = 12;
    const books = createBooks(instruments, { orders: 3000 });
    setTicksAmiss(books, instruments);
    const naive = new NaiveBooks();
    const refs: [hi: number, lo: number, instrument: number][] = [];
    let last = 0;
    for (let step = 0; step < scaled(60_000); step++) {
      const roll = next();
      let instrument = int(instruments);
      const both = (apply: (events: NaiveBooks | typeof books) => void): void => {
        apply(books);
        apply(naive);
      };
      // Half the prices lie near the touch and half anywhere; odd instruments grow deep.
      const price =
        1_000_000 + (next() < 0.5 ? int(10) : int(instrument % 2 === 1 ? 2000 : 100)) * 100;
      const size = 1 + int(500);
      // References that are live, gone and to come, of instruments that are theirs and not.
      for (let i = int(4); i > 0; i--) {
        books.prefetch(int(instruments), last % 3, int((last + 2) * 16));
      }
      if (next() < 0.2) both((events) => events.time(step));
      if (roll < 0.4 && naive.orders.size < 2500) {
        const hi = last % 3;
        const lo = (++last * 16) >>> 0;
        refs.push([hi, lo, instrument]);
        const side = int(2) as 0 | 1;
        both((events) => events.addOrder(instrument, hi, lo, side, size, price));
      } else if (roll < 0.9 && refs.length > 0) {
        const at = int(refs.length);
        const [hi, lo, owner] = refs[at]!;
        instrument = owner;
        const kind = int(6);
        if (kind === 0) both((events) => events.executeOrder(owner, hi, lo, size, true));
        if (kind === 1) both((events) => events.executeOrderAt(owner, hi, lo, size, 5, false));
        if (kind === 2) both((events) => events.cancelOrder(owner, hi, lo, size));
        if (kind === 5) both((events) => events.resizeOrder(owner, hi, lo, size));
        if (kind === 3) both((events) => events.deleteOrder(owner, hi, lo));
        if (kind === 4) {
          const newLo = (++last * 16) >>> 0;
          both((events) => events.replaceOrder(owner, hi, lo, 9, newLo, size, price));
          refs.push([9, newLo, owner]);
        }
        if (kind === 3 || kind === 4) {
          refs[at] = refs.at(-1)!;
          refs.pop();
        }
      } else if (roll < 0.905) {
        both((events) => events.deleteOrder(instrument, 77, step));
      } else if (roll < 0.91 && refs.length > 0) {
        // A reference that is live already, and one that belongs to another instrument.
        const [hi, lo] = refs[int(refs.length)]!;
        both((events) => events.addOrder(instrument, hi, lo, bid, size, price));
        both((events) => events.cancelOrder((instrument + 1) % instruments, hi, lo, 1));
      } else if (roll < 0.9105) {
        both((events) => events.clear(instrument));
      } else if (roll < 0.91052) {
        both((events) => events.clear(-1));
        refs.length = 0;
      }
      expectSame(books, naive, instrument);
      if (step % 500 === 0) {
        for (let i = 0; i < instruments; i++) {
          expectSame(books, naive, i);
          const fault = books.bookFault(i);
          if (fault === BookFault.ok || fault === BookFault.locked) {
            expect(naive.partial.has(i)).toBe(false);
          }
          if (fault === BookFault.partial) expect(naive.partial.has(i)).toBe(true);
        }
      }
      books.clearTouched();
    }
    expect(books.counts[BookCount.orphans]).toBe(naive.orphans);
    expect(books.counts[BookCount.ordersFull]).toBe(0);
    expect(books.counts[BookCount.unknownLevels]).toBe(0);
    expect(books.counts[BookCount.duplicateOrders]).toBeGreaterThan(0);
    expect(books.counts[BookCount.mismatches]).toBeGreaterThan(0);
  });

  test("of cleared instruments give the order table its room back", () => {
    const books = createBooks(2, { orders: 1000 });
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 900; i++) {
        books.addOrder(0, round, i, bid, 1, 100 + (i % 50));
      }
      expect(books.bookFault(0)).toBe(BookFault.oneSided);
      books.clear(0);
      expect(books.levelCount(0, bid)).toBe(0);
      // An old reference is not the new book's: its order was forgotten with the book.
      books.deleteOrder(0, round, 0);
      expect(books.bookFault(0)).toBe(BookFault.neverSeen);
      books.clear(0);
      for (let i = 0; i < 500; i++) books.addOrder(1, 1000 + round, i, bid, 1, 100);
      for (let i = 0; i < 500; i++) books.deleteOrder(1, 1000 + round, i);
    }
    expect(books.counts[BookCount.ordersFull]).toBe(0);
    expect(books.counts[BookCount.orphans]).toBe(20);
  });

  test("list each touched instrument once until the list is cleared", () => {
    const books = createBooks(4);
    books.time(123);
    books.addOrder(2, 0, 1, bid, 10, 100);
    books.addOrder(2, 0, 2, bid, 10, 101);
    books.tradingState(0, 1);
    books.cancelOrder(2, 0, 1, 5);
    expect(touchedOf(books)).toEqual([2, 0]);
    expect(books.marketNs(2)).toBe(123);
    books.clearTouched();
    expect(touchedOf(books)).toEqual([]);
    books.deleteOrder(2, 0, 1);
    expect(touchedOf(books)).toEqual([2]);
  });

  test("ignore every event of an instrument that is not followed", () => {
    const books = createBooks(1);
    const before = new Uint8Array(books.words.buffer.slice(0) as ArrayBuffer);
    books.addOrder(-1, 0, 1, bid, 10, 100);
    books.executeOrder(-1, 0, 1, 10, true);
    books.executeOrderAt(-1, 0, 1, 10, 5, true);
    books.cancelOrder(-1, 0, 1, 10);
    books.deleteOrder(-1, 0, 1);
    books.replaceOrder(-1, 0, 1, 0, 2, 10, 100);
    books.setLevel(-1, bid, 100, 10, true);
    books.quote(-1, 1, 1, 2, 1);
    books.trade(-1, unknown, 1, 1);
    books.tradingState(-1, 1);
    expect(new Uint8Array(books.words.buffer as ArrayBuffer)).toEqual(before);
    expect(books.counts.every((count) => count === 0)).toBe(true);
    expect(books.orders.count).toBe(0);
  });
});

describe("reading ahead", () => {
  test("changes nothing, whatever is noted and however much", () => {
    const { int } = random(testSeed("read ahead"));
    const books = createBooks(5);
    setTicksAmiss(books, 5);
    for (let ref = 0; ref < 600; ref++) {
      // The last instrument stays empty.
      books.addOrder(int(4), 0, ref * 4, int(2), 100, 2 ** int(40));
    }
    for (let ref = 0; ref < 600; ref += 3) books.deleteOrder(ref % 4, 0, ref * 4);
    const memory = (): number[] =>
      [books.words, books.orders.words, books.ladders.pool.levels].map(({ buffer }) =>
        Bun.hash.crc32(buffer),
      );
    const before = memory();
    for (let i = 0; i < 5000; i++) books.prefetch(int(5), int(2), int(4000));
    books.time(1);
    expect(memory()).toEqual(before);
    books.addOrder(4, 9, 9, bid, 5, 100);
    expect(levelsOf(books, 4, bid)).toEqual([{ price: 100, size: 5, orders: 1 }]);
  });
});

describe("level books", () => {
  test("agree with the naive model over random levels, in blocks of every size", () => {
    const { int, next } = random(testSeed("level books"));
    const books = createBooks(6);
    setTicksAmiss(books, 6);
    const naive = new NaiveBooks();
    for (let step = 0; step < scaled(60_000); step++) {
      const instrument = int(6);
      const side = int(2) as 0 | 1;
      const width = 10 ** (1 + (instrument % 3));
      // IEX prices do not fit 32 bits.
      const price = 2 ** 33 + (side === bid ? -1 : 1) * (1 + int(width)) * 100;
      const size = next() < 0.3 ? 0 : 1 + int(1000);
      // Within a change in several messages the best prices are those from before it.
      if (next() < 0.2) {
        const other = price + (int(40) - 20) * 100;
        books.setLevel(instrument, side, other, 7, false);
        naive.setLevel(instrument, side, other, 7);
      }
      books.setLevel(instrument, side, price, size, true);
      naive.setLevel(instrument, side, price, size);
      if (step % 50 === 0) expectSame(books, naive, instrument);
    }
    expect(books.counts[BookCount.levelsFull]).toBe(0);
  });

  test("show nothing of a change in several messages until it is complete", () => {
    const books = createBooks(1);
    books.setLevel(0, bid, 100, 10, true);
    books.setLevel(0, ask, 102, 10, true);
    books.clearTouched();
    books.setLevel(0, ask, 102, 0, false);
    books.setLevel(0, bid, 103, 5, false);
    books.trade(0, ask, 10, 102);
    expect(touchedOf(books)).toEqual([]);
    expect([books.bidPrice(0), books.askPrice(0)]).toEqual([100, 102]);
    expect(books.bookFault(0)).toBe(BookFault.ok);
    books.setLevel(0, ask, 104, 7, true);
    expect(touchedOf(books)).toEqual([0]);
    expect([books.bidPrice(0), books.askPrice(0)]).toEqual([103, 104]);
    expect([books.bidSize(0), books.askSize(0)]).toEqual([5, 7]);
  });

  test("count the removal of a level that is not there", () => {
    const books = createBooks(1);
    books.setLevel(0, bid, 100, 0, true);
    expect(books.counts[BookCount.unknownLevels]).toBe(1);
    expect(books.bookFault(0)).toBe(BookFault.empty);
  });
});
