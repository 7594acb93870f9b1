import { describe, expect, test } from "bun:test";
import { LiveView } from "../../src/demo/live-view.ts";
import {
  renderFrame,
  renderPlain,
  renderSummary,
  type ViewLook,
  type ViewSnapshot,
} from "../../src/demo/view.ts";

const none = Number.NaN;

const snapshot: ViewSnapshot = {
  elapsedMs: 2000,
  datagrams: 4000,
  messages: 5200,
  signals: { buy: 12, sell: 9, hold: 1234 },
  rows: [
    {
      symbol: "ORBT",
      bid: 189.5,
      ask: 189.52,
      state: "spread 2 ticks, bid heavy",
      decision: "BUY",
      confidence: 0.72,
      source: "l1",
      ageNs: 1.2e9,
    },
    {
      symbol: "QNTA",
      bid: 412.7,
      ask: 412.75,
      state: "spread wide",
      decision: "SELL",
      confidence: 0.6,
      source: "rules",
      ageNs: 45e6,
    },
    {
      symbol: "NEW",
      bid: none,
      ask: none,
      state: "",
      decision: "-",
      confidence: 0,
      source: "",
      ageNs: none,
    },
  ],
  latencyNs: { p50: 18_400, p99: 93_000, p999: 1_250_000, max: 4_100_000 },
  hitRate: 0.9987,
  gaps: 0,
  drops: 0,
};

const plain: ViewLook = { columns: 100, lines: 40, colour: false };

describe("the live table", () => {
  test("shows totals, latency and a row an instrument", () => {
    expect(renderFrame(snapshot, null, plain)).toEqual([
      "2.0 s  4,000 datagrams (2,000/s)  5,200 messages  BUY 12  SELL 9  HOLD 1,234",
      "p50 18.4 µs  p99 93.0 µs  p99.9 1.25 ms  max 4.10 ms  hits 99.87 %  gaps 0  drops 0",
      "",
      "SYMBOL         BID        ASK  SIGNAL   CONF  SOURCE        AGE  STATE",
      "ORBT        189.50     189.52  BUY      72 %  l1          1.2 s  spread 2 ticks, bid heavy",
      "QNTA        412.70     412.75  SELL     60 %  rules     45.0 ms  spread wide",
      "NEW              -          -  -           -                  -",
    ]);
  });

  test("rates are of the time since the snapshot before", () => {
    const before = { ...snapshot, elapsedMs: 1500, datagrams: 3900 };
    expect(renderFrame(snapshot, before, plain)[0]).toContain("4,000 datagrams (200/s)");
  });

  test("no line is wider than the terminal, with colours or without", () => {
    for (const colour of [false, true]) {
      for (let columns = 1; columns < 110; columns++) {
        for (const line of renderFrame(snapshot, null, { ...plain, columns, colour })) {
          expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns);
        }
      }
    }
  });

  test("rows that do not fit the terminal are told of", () => {
    const frame = renderFrame(snapshot, null, { ...plain, lines: 7 });
    expect(frame.length).toBe(6);
    expect(frame.at(-1)).toBe("… and 2 more instruments");
    expect(renderFrame(snapshot, null, { ...plain, lines: 3 })).toHaveLength(3);
  });

  test("colours mark the decision, and trouble", () => {
    const frame = renderFrame({ ...snapshot, gaps: 2 }, null, { ...plain, colour: true });
    expect(frame[4]).toContain("\x1b[32mBUY   \x1b[0m");
    expect(frame[5]).toContain("\x1b[31mSELL  \x1b[0m");
    expect(frame[1]).toStartWith("\x1b[33m");
    expect(Bun.stripANSI(frame.join("\n"))).toBe(
      renderFrame({ ...snapshot, gaps: 2 }, null, plain).join("\n"),
    );
  });
});

test("the plain line has everything but the rows", () => {
  expect(renderPlain(snapshot, null)).toBe(
    "2.0 s  4,000 datagrams (2,000/s)  5,200 messages  BUY 12  SELL 9  HOLD 1,234  " +
      "p50 18.4 µs  p99 93.0 µs  p99.9 1.25 ms  max 4.10 ms  hits 99.87 %  gaps 0  drops 0",
  );
});

test("the summary says what the run did", () => {
  expect(renderSummary(snapshot)).toEqual([
    "Ran for 2.0 s.",
    "  market data  4,000 datagrams (2,000/s), 5,200 messages (2,600/s)",
    "  signals      12 BUY, 9 SELL, 1,234 HOLD",
    "  latency      p50 18.4 µs, p99 93.0 µs, p99.9 1.25 ms, max 4.10 ms from kernel to signal",
    "  table        99.87 % of look-ups answered at once",
    "  losses       none",
  ]);
  expect(renderSummary({ ...snapshot, gaps: 1, drops: 1500 }).at(-1)).toBe(
    "  losses       1 gaps, 1,500 datagrams dropped by the kernel",
  );
});

/** All that a view writes in 2.4 seconds. */
function written(
  stream: { isTTY?: boolean; columns?: number },
  environment: Record<string, string>,
): string {
  let out = "";
  const view = new LiveView({ ...stream, write: (text) => (out += text) }, environment);
  for (const elapsedMs of [250, 1000, 1250, 2000, 2400]) view.show({ ...snapshot, elapsedMs });
  view.end(snapshot);
  return out;
}

describe("the stream", () => {
  test("that is no terminal gets one plain line a second and no escape sequence", () => {
    const lines = written({}, {}).trimEnd().split("\n");
    expect(lines.length).toBe(2 + renderSummary(snapshot).length);
    expect(lines[0]).toStartWith("1.0 s  ");
    expect(lines[1]).toStartWith("2.0 s  ");
    expect(lines.join("")).not.toContain("\x1b");
  });

  test("that is a terminal is drawn in place, and the cursor comes back", () => {
    const out = written({ isTTY: true, columns: 100 }, { TERM: "xterm" });
    const frames = out.split(`\x1b[${7}A`);
    expect(frames.length).toBe(6);
    expect(out).toStartWith("\x1b[?25l\r");
    expect(out).toContain("\x1b[?25h");
    expect(out).toContain("\x1b[32m");
  });

  test("with NO_COLOR is drawn in place without colours, and a dumb one not at all", () => {
    const out = written({ isTTY: true, columns: 100 }, { NO_COLOR: "1" });
    expect(out).toContain("\x1b[7A");
    expect(out).not.toContain("\x1b[32m");
    expect(written({ isTTY: true }, { TERM: "dumb" })).not.toContain("\x1b");
  });
});
