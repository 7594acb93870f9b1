/** Real messages of one day, decoded into real books, beside the naive model. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { FeedCount } from "../../src/feed/count.ts";
import { Side } from "../../src/feed/event.ts";
import { Itch50 } from "../../src/feed/itch50.ts";
import { BookCount, BookFault } from "../../src/market/fault.ts";
import { FeatureSet } from "../../src/market/feature.ts";
import { capturePath, hasCapture } from "../support/capture.ts";
import { createBooks, levelsOf } from "../support/market.ts";
import { NaiveBooks } from "../support/naive-book.ts";

const capture = "aapl-20200130.itch50";
const absent = hasCapture(capture) ? "" : " (skipped: the capture is not here)";

test.skipIf(absent !== "")(
  `the AAPL capture gives the books of the naive model and ends at 320.14 / 320.30${absent}`,
  () => {
    const bytes = readFileSync(capturePath(capture));
    const books = createBooks(1, { orders: 20_000 });
    const naive = new NaiveBooks();
    naive.symbols.set("S0", 0);
    const features = new FeatureSet(1, { momentumNs: 1e9, flowNs: 1e9, volatilityNs: 1e9 });
    const counters = new Uint32Array(64);
    const real = new Itch50({ ...eventsOf(books), instrument: () => 0 }, counters);
    const model = new Itch50({ ...eventsOf(naive), instrument: () => 0 }, new Uint32Array(64));
    let messages = 0;
    for (let at = 0; at < bytes.length; at += 2 + bytes.readUInt16BE(at)) {
      real.block(bytes, at, 1, 0);
      model.block(bytes, at, 1, 0);
      features.update(books, 0);
      messages++;
      if (messages % 100 !== 0) continue;
      for (const side of [Side.bid, Side.ask]) {
        expect(levelsOf(books, 0, side)).toEqual(naive.levels(0, side));
      }
    }
    expect(messages).toBe(10_000);
    expect(books.counts[BookCount.orphans]).toBe(0);
    expect(books.bookFault(0)).toBe(BookFault.ok);
    expect([books.bidPrice(0), books.askPrice(0)]).toEqual([3_201_400, 3_203_000]);
    expect(books.orders.count).toBe(naive.orders.size);
    expect(counters[FeedCount.badValue]).toBe(0);
  },
);

/** The events of an object as own properties, so that one of them can be another's. */
function eventsOf(target: NaiveBooks | ReturnType<typeof createBooks>) {
  return {
    instrumentOf: target.instrumentOf.bind(target),
    time: target.time.bind(target),
    prefetch: target.prefetch.bind(target),
    addOrder: target.addOrder.bind(target),
    executeOrder: target.executeOrder.bind(target),
    resizeOrder: target.resizeOrder.bind(target),
    executeOrderAt: target.executeOrderAt.bind(target),
    cancelOrder: target.cancelOrder.bind(target),
    deleteOrder: target.deleteOrder.bind(target),
    replaceOrder: target.replaceOrder.bind(target),
    setLevel: target.setLevel.bind(target),
    quote: target.quote.bind(target),
    trade: target.trade.bind(target),
    tradingState: target.tradingState.bind(target),
    clear: target.clear.bind(target),
    markPartial: target.markPartial.bind(target),
  } as const;
}
