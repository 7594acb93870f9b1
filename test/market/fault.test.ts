import { describe, expect, test } from "bun:test";
import { Side, TradingState } from "../../src/feed/event.ts";
import { BookCount, BookFault } from "../../src/market/fault.ts";
import { createBooks, touchedOf } from "../support/market.ts";

const { bid, ask, unknown } = Side;

/** One instrument with 100 × 101 standing. */
function standing(limits: Parameters<typeof createBooks>[1] = {}) {
  const books = createBooks(3, limits);
  books.addOrder(0, 0, 1, bid, 10, 100);
  books.addOrder(0, 0, 2, ask, 10, 101);
  expect(books.bookFault(0)).toBe(BookFault.ok);
  books.clearTouched();
  return books;
}

describe("a book", () => {
  test("that nothing was told about is never seen", () => {
    expect(createBooks(1).bookFault(0)).toBe(BookFault.neverSeen);
  });

  test("of which only trades were told has no quote", () => {
    const books = createBooks(1);
    books.trade(0, unknown, 5, 100);
    expect(books.bookFault(0)).toBe(BookFault.noQuote);
    expect([books.lastPrice(0), books.lastSize(0)]).toEqual([100, 5]);
  });

  test("with one side is one-sided, and with none is empty", () => {
    const books = standing();
    books.deleteOrder(0, 0, 2);
    expect(books.bookFault(0)).toBe(BookFault.oneSided);
    expect([books.askPrice(0), books.askSize(0)]).toEqual([0, 0]);
    books.executeOrder(0, 0, 1, 10, true);
    expect(books.bookFault(0)).toBe(BookFault.empty);
    const quoted = createBooks(1);
    quoted.quote(0, 100, 5, 0, 0);
    expect(quoted.bookFault(0)).toBe(BookFault.oneSided);
  });

  test("with its bid above its ask is crossed, and at its ask locked", () => {
    const books = createBooks(1);
    books.quote(0, 100, 5, 99, 5);
    expect(books.bookFault(0)).toBe(BookFault.crossed);
    books.quote(0, 100, 5, 100, 5);
    expect(books.bookFault(0)).toBe(BookFault.locked);
    books.quote(0, 100, 5, 101, 5);
    expect(books.bookFault(0)).toBe(BookFault.ok);
  });

  test("whose sizes are not said is sound all the same", () => {
    const books = createBooks(1);
    books.quote(0, 100, Number.NaN, 101, Number.NaN);
    expect(books.bookFault(0)).toBe(BookFault.ok);
  });

  test("that is not trading is halted until it trades, and a cleared book stays so", () => {
    const books = standing();
    for (const state of [TradingState.halted, TradingState.paused, TradingState.quotationOnly]) {
      books.tradingState(0, state);
      expect(books.bookFault(0)).toBe(BookFault.halted);
    }
    books.clear(-1);
    expect(books.bookFault(0)).toBe(BookFault.halted);
    books.tradingState(0, TradingState.trading);
    expect(books.bookFault(0)).toBe(BookFault.neverSeen);
  });

  test("with a reference that is unknown is partial until it is cleared", () => {
    for (const damage of [
      (books: ReturnType<typeof standing>) => books.deleteOrder(0, 0, 9),
      (books: ReturnType<typeof standing>) => books.cancelOrder(0, 0, 9, 1),
      (books: ReturnType<typeof standing>) => books.executeOrder(0, 0, 9, 1, true),
      (books: ReturnType<typeof standing>) => books.executeOrderAt(0, 0, 9, 1, 100, true),
      (books: ReturnType<typeof standing>) => books.replaceOrder(0, 0, 9, 0, 10, 1, 100),
    ]) {
      const books = standing();
      damage(books);
      expect(books.counts[BookCount.orphans]).toBe(1);
      expect(books.bookFault(0)).toBe(BookFault.partial);
      expect(books.bookFault(1)).toBe(BookFault.neverSeen);
      expect(touchedOf(books)).toEqual([0]);
      books.clear(0);
      expect(books.bookFault(0)).toBe(BookFault.neverSeen);
      books.addOrder(0, 0, 1, bid, 10, 100);
      books.addOrder(0, 0, 2, ask, 10, 101);
      expect(books.bookFault(0)).toBe(BookFault.ok);
    }
  });

  test("that lost an order to another's reference is partial, and so is the other", () => {
    const books = standing();
    books.addOrder(1, 0, 1, bid, 5, 50);
    expect(books.counts[BookCount.duplicateOrders]).toBe(1);
    expect(books.levelCount(0, bid)).toBe(0);
    books.addOrder(0, 0, 3, bid, 10, 100);
    expect(books.bookFault(0)).toBe(BookFault.partial);
    books.addOrder(1, 0, 4, ask, 5, 51);
    expect(books.bookFault(1)).toBe(BookFault.partial);
  });

  test("whose reference came with another instrument is partial, and so is the other", () => {
    const books = standing();
    books.quote(1, 50, 1, 51, 1);
    books.cancelOrder(1, 0, 1, 5);
    expect(books.counts[BookCount.mismatches]).toBe(1);
    expect(books.bidSize(0)).toBe(10);
    expect([books.bookFault(0), books.bookFault(1)]).toEqual([
      BookFault.partial,
      BookFault.partial,
    ]);
  });

  test("with more taken than was there is partial, and the order gone", () => {
    const books = standing();
    books.addOrder(0, 0, 3, bid, 10, 99);
    books.executeOrder(0, 0, 1, 11, true);
    expect(books.counts[BookCount.overfills]).toBe(1);
    expect(books.bidPrice(0)).toBe(99);
    expect(books.bookFault(0)).toBe(BookFault.partial);
  });

  test("that found the order table full is full until it is cleared, and others are not", () => {
    const books = standing({ orders: 5 });
    books.addOrder(1, 0, 3, bid, 10, 100);
    books.addOrder(1, 0, 4, ask, 10, 101);
    books.addOrder(0, 0, 5, ask, 10, 102);
    books.addOrder(0, 0, 6, ask, 10, 103);
    expect(books.counts[BookCount.ordersFull]).toBe(1);
    expect(books.bookFault(0)).toBe(BookFault.full);
    expect(books.bookFault(1)).toBe(BookFault.ok);
    expect([books.bidPrice(0), books.askPrice(0)]).toEqual([100, 101]);
    books.clear(0);
    books.addOrder(0, 0, 7, bid, 10, 100);
    books.addOrder(0, 0, 8, ask, 10, 101);
    expect(books.bookFault(0)).toBe(BookFault.ok);
  });

  test("that found the level pool full is full, and its other orders still go", () => {
    const books = standing({ levels: 24, levelsPerSide: 16 });
    for (let i = 0; i < 8; i++) books.addOrder(0, 1, i, bid, 10, 90 - i);
    expect(books.counts[BookCount.levelsFull]).toBe(1);
    expect(books.bookFault(0)).toBe(BookFault.full);
    for (let i = 0; i < 8; i++) books.deleteOrder(0, 1, i);
    expect(books.levelCount(0, bid)).toBe(1);
    expect(books.bidPrice(0)).toBe(100);
    expect(books.orders.count).toBe(2);
  });

  test("with more levels on a side than a side may have is full", () => {
    const books = standing({ levelsPerSide: 16 });
    for (let i = 0; i < 16; i++) books.setLevel(1, ask, 200 + i, 10, true);
    books.setLevel(1, bid, 100, 10, true);
    expect(books.bookFault(1)).toBe(BookFault.ok);
    books.setLevel(1, ask, 300, 10, true);
    expect(books.bookFault(1)).toBe(BookFault.full);
    expect(books.counts[BookCount.levelsFull]).toBe(1);
  });

  test("that somebody knows to lack messages is partial, one or all of the feed", () => {
    const books = standing();
    books.markPartial(0);
    expect(books.bookFault(0)).toBe(BookFault.partial);
    books.clear(-1);
    books.quote(1, 50, 1, 51, 1);
    books.quote(2, 50, 1, 51, 1);
    books.markPartial(-1);
    expect([books.bookFault(1), books.bookFault(2)]).toEqual([
      BookFault.partial,
      BookFault.partial,
    ]);
  });

  test("refuses an order of no size or no side, and a level of no side", () => {
    const books = standing();
    books.addOrder(0, 0, 3, bid, 0, 100);
    books.addOrder(0, 0, 4, unknown, 10, 100);
    books.addOrder(0, 0, 5, bid, Number.NaN, 100);
    books.setLevel(0, unknown, 100, 10, true);
    expect(books.counts[BookCount.badValues]).toBe(4);
    expect(books.bookFault(0)).toBe(BookFault.ok);
    expect(books.bidSize(0)).toBe(10);
  });
});

test("forgetting a book of which nothing is known touches nobody", () => {
  const books = createBooks(3);
  books.quote(1, 100, 10, 200, 10);
  books.clearTouched();
  books.clear(0);
  books.clear(1);
  expect(touchedOf(books)).toEqual([1]);
  books.clearTouched();
  books.clear(-1);
  books.clear(1);
  expect(touchedOf(books)).toEqual([]);
});
