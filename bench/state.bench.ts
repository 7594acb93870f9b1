/**
 * From a book to its state, features included, and a day's capture into books; each beside the naive
 * way. An iteration of the states goes over 1,000 instruments, one of the capture over its 10,000
 * messages, so mitata's times divided by those are the cost of one.
 *
 *     bun bench/state.bench.ts
 */
import { readFileSync } from "node:fs";
import { bench, do_not_optimize as use, summary } from "mitata";
import { runBenches } from "./report.ts";
import { feedCountSize } from "../src/feed/count.ts";
import { assert } from "../src/error.ts";
import type { MarketEvents } from "../src/feed/event.ts";
import { Itch50 } from "../src/feed/itch50.ts";
import { BookSet } from "../src/market/book.ts";
import { StateCoder } from "../src/market/coder.ts";
import { FeatureSet } from "../src/market/feature.ts";
import { InstrumentTable } from "../src/market/instrument.ts";
import { StateSpace } from "../src/market/state.ts";
import { capturePath, hasCapture } from "../test/support/capture.ts";
import { createBooks } from "../test/support/market.ts";
import { NaiveBooks } from "../test/support/naive-book.ts";
import { random } from "../test/support/random.ts";

const instruments = 1000;
const windows = { momentumNs: 10e9, flowNs: 10e9, volatilityNs: 30e9 };
const books = createBooks(instruments);
const features = new FeatureSet(instruments, windows);
const space = new StateSpace({
  preset: "microstructure",
  windows,
  instruments,
  denseStates: 1 << 20,
});
const coder = new StateCoder(space, instruments);
const key = new Uint32Array(space.keyWords);
const rng = random(7);
const steps = Array.from({ length: 4096 }, () => rng.int(10) - 5);
let now = 0;

/** A new quote for every instrument, now and then with a trade: what a state is made from. */
function move(set: BookSet): void {
  now += 1_000_000;
  set.time(now);
  for (let i = 0; i < instruments; i++) {
    const step = steps[(i + now / 1_000_000) & 4095]!;
    const bid = 1_000_000 + step * 100;
    set.quote(i, bid, 100 + step * 10, bid + (step > 2 ? 200 : 100), 150 - step * 10);
    if (step === 0) set.trade(i, 0, 100, bid);
  }
  set.clearTouched();
}

summary(() => {
  bench("1,000 books moved, no states", () => {
    move(books);
    return use(books.touchedCount);
  });
  bench("1,000 books moved, and their states", () => {
    move(books);
    let sum = 0;
    for (let i = 0; i < instruments; i++) {
      features.update(books, i);
      sum += coder.stateOf(i, features, key);
    }
    return use(sum);
  });
  const means = new Map<number, { mid: number; at: number }>();
  bench("1,000 books moved, and naive states: an object and a string key each", () => {
    move(books);
    const keys: string[] = [];
    for (let i = 0; i < instruments; i++) {
      const mid = (books.bidPrice(i) + books.askPrice(i)) / 2;
      const before = means.get(i) ?? { mid, at: now };
      const keep = Math.exp((before.at - now) / 10e9);
      const mean = before.mid * keep + mid * (1 - keep);
      means.set(i, { mid: mean, at: now });
      const bid = books.bidSize(i);
      const ask = books.askSize(i);
      const state = {
        spread: Math.round((books.askPrice(i) - books.bidPrice(i)) / 100),
        imbalance: ((bid - ask) / (bid + ask)).toFixed(1),
        momentum: ((mid - mean) / 100).toFixed(0),
      };
      keys.push(`${state.spread}:${state.imbalance}:${state.momentum}`);
    }
    return use(keys.length);
  });
});

const capture = "aapl-20200130.itch50";
if (hasCapture(capture)) {
  const bytes = readFileSync(capturePath(capture));
  let messages = 0;
  for (let at = 0; at < bytes.length; at += 2 + bytes.readUInt16BE(at)) messages++;
  const replay = (name: string, events: MarketEvents): void => {
    const decoder = new Itch50(events, new Uint32Array(feedCountSize));
    bench(name, () => {
      events.clear(-1);
      return use(decoder.block(bytes, 0, messages, 0));
    });
  };
  const table = new InstrumentTable(1, [{ priceDecimals: 4, tickSize: 100 }]);
  const real = new BookSet(table, 0, { orders: 2000, levels: 4096, levelsPerSide: 1024 });
  new Itch50(real, new Uint32Array(feedCountSize)).block(bytes, 0, messages, 0);
  assert(real.bidPrice(0) === 3_201_400, "the capture is applied, not passed over");
  summary(() => {
    replay(`${messages} messages of the capture into books`, real);
    replay(`${messages} messages of the capture into naive books`, new NaiveBooks());
  });
}

await runBenches(import.meta.path);
