import { describe, expect, test } from "bun:test";
import { emptyModel, modelOf, TopNews } from "../../src/command/top-news.ts";

function status(data: string) {
  return { event: "status", data, id: "" };
}

function alertWords(unit: string, worst: number, limit: number): string | undefined {
  return modelOf({ alerts: [{ summary: "It is so.", unit, worst, limit }] }, 1).alerts[0]?.words;
}

describe("news", () => {
  test("other events, and text that is no status, change nothing", () => {
    const news = new TopNews();
    news.take({ event: "dropped", data: '{"events":3}', id: "" }, 1);
    news.take(status("{"), 1);
    expect(news.complete).toBe(false);
    expect(news.unknown).toBe(1);
    expect(news.model()).toBe(emptyModel);
  });

  test("a status of another version is shown as far as it is understood", () => {
    const news = new TopNews();
    news.take(
      status('{"version":"2.0.0","feed":{"datagramsPerS":7,"gaps":"many"},"stages":{}}'),
      5,
    );
    const model = news.model();
    expect(news.complete).toBe(true);
    expect(model.version).toBe("2.0.0");
    expect(model.readiness).toBe("unknown");
    expect(model.feed.datagramsPerS).toBe(7);
    expect(model.feed.gaps).toBeNaN();
    expect(model.stages).toEqual([]);
    expect(model.updatedMs).toBe(5);
  });

  test("an alert says how bad it was in its own unit", () => {
    expect(alertWords("ns", 11_666_479, 1e6)).toBe("It is so (worst 11.7 ms, limit 1.00 ms)");
    expect(alertWords("bytes", 2e9, 1e9)).toBe("It is so (worst 2.00 GB, limit 1.00 GB)");
    expect(alertWords("ratio", 0.4, 0.5)).toBe("It is so (worst 40.0 %, limit 50.0 %)");
    expect(alertWords("bytes", Number.NaN, 0)).toBe("It is so (worst -, limit 0 B)");
    expect(alertWords("", 1200, 0)).toBe("It is so (worst 1,200, limit 0)");
  });

  test("null is unknown, and a price of 0 is no price", () => {
    const model = modelOf(
      {
        stages: [{ name: "cache_access", p50Ns: null, ratePerS: 0 }],
        signals: { newest: [{ symbol: "AAPL", price: 0, emitTime: "1800000000123456789" }] },
      },
      1,
    );
    expect(model.stages[0]?.p50Ns).toBeNaN();
    expect(model.stages[0]?.ratePerS).toBe(0);
    expect(model.signals[0]?.price).toBeNaN();
    expect(model.signals[0]?.emittedMs).toBe(1_800_000_000_123);
  });

  test("names out of the network cannot move the cursor, and nothing is without bound", () => {
    const newest = Array.from({ length: 5000 }, () => {
      return { symbol: "A\x1b[2J\r\nB\u009b1m", source: "x".repeat(5000) };
    });
    const model = modelOf({ signals: { newest } }, 1);
    expect(model.signals).toHaveLength(1000);
    expect(model.signals[0]?.symbol).toBe("A?[2J??B?1m");
    expect(model.signals[0]?.source).toHaveLength(200);
  });
});
