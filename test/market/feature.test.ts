import { describe, expect, test } from "bun:test";
import { Side } from "../../src/feed/event.ts";
import { Feature, FEATURE_STRIDE, FeatureSet, type FeatureName } from "../../src/market/feature.ts";
import { createBooks } from "../support/market.ts";
import { random } from "../support/random.ts";
import { scaled, testSeed } from "../support/scale.ts";

const { bid, ask, unknown } = Side;
const windows = { momentumNs: 5e9, flowNs: 3e9, volatilityNs: 7e9 };
const second = 1e9;

function create(instruments = 1) {
  const books = createBooks(instruments);
  const features = new FeatureSet(instruments, windows);
  const value = (name: FeatureName, instrument = 0): number =>
    features.values[instrument * FEATURE_STRIDE + Feature[name]]!;
  return { books, features, value };
}

describe("features", () => {
  test("agree with their definitions over a random history, summed up anew at each step", () => {
    const { int, next } = random(testSeed("features"));
    for (let run = 0; run < scaled(20); run++) {
      const { books, features, value } = create();
      const history: { at: number; mid: number; signed: number; volume: number }[] = [];
      let now = 1e12;
      for (let step = 0; step < 60; step++) {
        now += next() < 0.2 ? 0 : next() * 4 * second;
        books.time(now);
        const bidPrice = 1_000_000 + int(20) * 100;
        const askPrice = bidPrice + (1 + int(5)) * 100;
        const bidSize = 1 + int(900);
        const askSize = 1 + int(900);
        let signed = 0;
        let volume = 0;
        for (let i = int(3); i > 0; i--) {
          const size = 1 + int(400);
          const side = int(2) as 0 | 1;
          books.trade(0, side, size, bidPrice);
          signed += side === ask ? size : -size;
          volume += size;
        }
        books.quote(0, bidPrice, bidSize, askPrice, askSize);
        features.update(books, 0);
        history.push({ at: now, mid: (bidPrice + askPrice) / 2, signed, volume });

        expect(value("spread")).toBe((askPrice - bidPrice) / 100);
        expect(value("imbalance")).toBeCloseTo((bidSize - askSize) / (bidSize + askSize), 12);
        const mid = (bidPrice + askPrice) / 2;
        // The mean: the first mid for all time before, then each mid for as long as it stood.
        let mean = history[0]!.mid * Math.exp(-(now - history[0]!.at) / windows.momentumNs);
        let path = 0;
        for (let i = 0; i + 1 < history.length; i++) {
          const from = Math.exp(-(now - history[i]!.at) / windows.momentumNs);
          const to = Math.exp(-(now - history[i + 1]!.at) / windows.momentumNs);
          mean += history[i]!.mid * (to - from);
          const moved = Math.abs(history[i + 1]!.mid - history[i]!.mid);
          path += moved * Math.exp(-(now - history[i + 1]!.at) / windows.volatilityNs);
        }
        expect(value("momentum")).toBeCloseTo((mid - mean) / 100, 6);
        expect(value("volatility")).toBeCloseTo(path / 100, 6);
        const decayed = (pick: (h: (typeof history)[0]) => number, ns: number): number =>
          history.reduce((sum, h) => sum + pick(h) * Math.exp(-(now - h.at) / ns), 0);
        const all = decayed((h) => h.volume, windows.flowNs);
        const usual = decayed((h) => h.volume, windows.flowNs * 10) / 10;
        const flow = decayed((h) => h.signed, windows.flowNs) / Math.max(all, usual);
        if (history.some((h) => h.volume > 0)) expect(value("flow")).toBeCloseTo(flow, 9);
        else expect(value("flow")).toBeNaN();
      }
    }
  });

  test("are unknown where nothing was told, and each becomes known by what it needs", () => {
    const { books, features, value } = create();
    features.update(books, 0);
    for (const name of Object.keys(Feature) as FeatureName[]) expect(value(name)).toBeNaN();
    books.quote(0, 1000, Number.NaN, 1100, Number.NaN);
    features.update(books, 0);
    expect([value("spread"), value("momentum"), value("volatility")]).toEqual([1, 0, 0]);
    expect([value("imbalance"), value("flow"), value("volume")]).toEqual([NaN, NaN, NaN]);
    expect(value("price")).toBeCloseTo(0.105, 12);
  });

  test("of a feed without quotes follow the last trade's price", () => {
    const { books, features, value } = create();
    const trade = (seconds: number, size: number, price: number): void => {
      books.time(seconds * second);
      books.trade(0, unknown, size, price);
      features.update(books, 0);
    };
    trade(1, 100, 10_000);
    expect([value("price"), value("volume"), value("momentum")]).toEqual([1, 100, 0]);
    expect(value("flow")).toBeNaN();
    trade(2, 300, 10_200);
    expect([value("price"), value("volume")]).toEqual([1.02, 300]);
    expect(value("momentum")).toBeGreaterThan(1.5);
    expect(value("volatility")).toBe(2);
    expect(value("flow")).toBe(1);
    trade(2, 300, 10_100);
    expect(value("flow")).toBe(0);
    expect([value("spread"), value("imbalance")]).toEqual([NaN, NaN]);
  });

  test("sign a trade of unknown side by the quotes around it", () => {
    const { books, features, value } = create();
    books.quote(0, 10_000, 5, 10_200, 5);
    books.trade(0, unknown, 10, 10_200);
    features.update(books, 0);
    expect(value("flow")).toBe(1);
    books.trade(0, unknown, 30, 10_000);
    features.update(books, 0);
    expect(value("flow")).toBe(-0.5);
  });

  test("take an execution of a resting bid as selling, and leave out what is not printable", () => {
    const { books, features, value } = create();
    books.addOrder(0, 0, 1, bid, 100, 10_000);
    books.addOrder(0, 0, 2, ask, 100, 10_100);
    books.executeOrder(0, 0, 1, 30, true);
    features.update(books, 0);
    expect(value("flow")).toBe(-1);
    books.executeOrderAt(0, 0, 2, 60, 10_050, false);
    features.update(books, 0);
    expect(value("flow")).toBe(-1);
    books.executeOrderAt(0, 0, 2, 30, 10_050, true);
    features.update(books, 0);
    expect([value("flow"), value("price"), value("volume")]).toEqual([0, 1.005, 30]);
  });

  test("let an old trade fade to nothing", () => {
    const { books, features, value } = create();
    books.quote(0, 10_000, 5, 10_200, 5);
    books.trade(0, ask, 1000, 10_200);
    features.update(books, 0);
    expect(value("flow")).toBe(1);
    books.time(60 * second);
    books.quote(0, 10_000, 6, 10_200, 5);
    features.update(books, 0);
    expect(value("flow")).toBeGreaterThan(0);
    expect(value("flow")).toBeLessThan(0.001);
  });

  test("take time that steps back as no time, and go on from there", () => {
    const { books, features, value } = create();
    const at = (seconds: number, mid: number): void => {
      books.time(seconds * second);
      books.quote(0, mid - 100, 5, mid + 100, 5);
      features.update(books, 0);
    };
    at(50_000, 10_000);
    at(50_001, 10_100);
    expect(value("momentum")).toBe(1);
    at(10, 10_200);
    expect(value("momentum")).toBe(2);
    expect(value("volatility")).toBeCloseTo(2, 12);
    // The clock runs again: five seconds are one window.
    at(15, 10_200);
    expect(value("momentum")).toBeCloseTo(2 * Math.exp(-1), 12);
    expect(value("volatility")).toBeCloseTo(2 * Math.exp(-5 / 7), 12);
  });

  test("of a cleared book begin anew, and those of the others do not", () => {
    const { books, features, value } = create(2);
    for (const instrument of [0, 1]) {
      books.time(second);
      books.quote(instrument, 10_000, 5, 10_200, 5);
      features.update(books, instrument);
      books.time(2 * second);
      books.quote(instrument, 11_000, 5, 11_200, 5);
      features.update(books, instrument);
      expect(value("volatility", instrument)).toBe(10);
    }
    books.clear(0);
    books.quote(0, 20_000, 5, 20_200, 5);
    features.update(books, 0);
    features.update(books, 1);
    expect([value("volatility", 0), value("momentum", 0)]).toEqual([0, 0]);
    expect(value("volatility", 1)).toBe(10);
    books.clear(-1);
    books.quote(1, 20_000, 5, 20_200, 5);
    features.update(books, 1);
    expect(value("volatility", 1)).toBe(0);
  });

  test("keep the mid while one side is away", () => {
    const { books, features, value } = create();
    books.quote(0, 10_000, 5, 10_200, 5);
    features.update(books, 0);
    books.quote(0, 10_000, 5, 0, 0);
    features.update(books, 0);
    expect([value("spread"), value("momentum"), value("volatility")]).toEqual([NaN, NaN, NaN]);
    books.quote(0, 10_100, 5, 10_300, 5);
    features.update(books, 0);
    expect([value("momentum"), value("volatility")]).toEqual([1, 1]);
  });
});
