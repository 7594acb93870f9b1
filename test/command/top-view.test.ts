import { describe, expect, test } from "bun:test";
import type { TopModel, TopSignal } from "../../src/command/top-model.ts";
import { emptyModel } from "../../src/command/top-news.ts";
import type { TopLook } from "../../src/command/top-line.ts";
import { stageNames } from "../../src/telemetry/stage.ts";
import { clampOffset, sortSignals } from "../../src/command/top-table.ts";
import { renderTop, renderTopPlain } from "../../src/command/top-view.ts";

const nowMs = 1_800_000_000_000;

function signal(symbol: string, more: Partial<TopSignal> = {}): TopSignal {
  return {
    symbol,
    signal: "BUY",
    confidence: 0.82,
    source: "l1",
    price: 189.25,
    emittedMs: nowMs - 1500,
    latencyNs: 8100,
    ...more,
  };
}

function lines(shown: TopModel, how: TopLook): string[] {
  return renderTop(shown, how).lines;
}

const model: TopModel = {
  version: "0.1.0",
  startedMs: nowMs - 3_725_000,
  readiness: "ready",
  reasons: [],
  feed: {
    datagramsPerS: 12_345,
    messagesPerS: 45_678,
    drops: 0,
    gaps: 0,
    staleChannels: 0,
    channels: 2,
    instruments: 1204,
  },
  clocksAgree: true,
  signalsPerS: 80,
  process: { memoryBytes: 412e6, cpuShare: 0.35, storeBytes: 12.3e6, store: "writing" },
  cache: { l1Share: 0.9987, l2Share: 0.001, missesPerS: 16, pending: 3 },
  inference: {
    model: "llama3.2:3b",
    answersPerS: 31,
    queued: 4,
    inFlight: 1,
    hosts: 2,
    hostsUp: 2,
    errors: 0,
  },
  stages: [
    {
      name: "data_ingestion",
      ratePerS: 12_345,
      p50Ns: 2400,
      p99Ns: 11_000,
      p999Ns: 48_000,
      maxNs: 1_200_000,
      successShare: 1,
      thresholdNs: 1e6,
    },
    {
      name: "total_pipeline.cached",
      ratePerS: 900,
      p50Ns: 8100,
      p99Ns: 31_000,
      p999Ns: 14e6,
      maxNs: 20e6,
      successShare: 0.9999,
      thresholdNs: 10e6,
    },
  ],
  alerts: [],
  signals: ["MSFT", "AAPL", "GOOG"].map((symbol) => signal(symbol)),
  atMs: nowMs - 400,
  updatedMs: nowMs - 400,
};

const look: TopLook = {
  columns: 100,
  lines: 24,
  colour: false,
  sort: "symbol",
  offset: 0,
  paused: false,
  help: false,
  address: "127.0.0.1:8080",
  trouble: "",
  nowMs,
};

describe("a frame", () => {
  const frame = lines(model, look);
  const text = frame.join("\n");

  test("has the essentials in words and numbers", () => {
    expect(frame[0]).toBe("hftedge 0.1.0  127.0.0.1:8080  ready  up 1 h 2 min");
    expect(text).toContain("12,345 datagrams/s  45,678 messages/s  drops 0  gaps 0  stale 0 of 2");
    expect(text).toContain("99.87 % at once  0.1 % of the rest from disk  16 misses/s  3 wait");
    expect(text).toContain(
      "inference  llama3.2:3b  31 answers/s  queued 4  in flight 1  up 2 of 2  errors 0",
    );
    expect(text).toContain("process    memory 412.0 MB  cpu 35.0 %  store 12.3 MB, writing");
    expect(text).toMatch(
      /data_ingestion +12,345\/s +2\.40 µs +11\.0 µs +48\.0 µs +!1\.20 ms +100 % +1\.00 ms/,
    );
    expect(text).toMatch(/AAPL +BUY +82 % +l1 +1\.5 s +8\.10 µs +189\.25/);
  });

  test("fills the terminal exactly, keys on the last line", () => {
    expect(frame).toHaveLength(24);
    expect(frame.at(-1)).toContain("q quit  space pause  s sort: symbol");
  });

  test("marks what is over its threshold without any colour", () => {
    expect(text).toMatch(/total_pipeline\.cached .* !14\.0 ms +!20\.0 ms/);
    expect(text).not.toContain("\x1b");
  });

  test("colours change nothing but colour", () => {
    const coloured = lines(model, { ...look, colour: true });
    expect(coloured.join("\n")).toContain("\x1b[");
    expect(coloured.map((line) => Bun.stripANSI(line).trimEnd())).toEqual(
      frame.map((line) => line.trimEnd()),
    );
  });

  test.each([
    [20, 5],
    [40, 10],
    [60, 12],
    [80, 24],
    [200, 60],
    [1, 1],
  ])("fits %d columns and %d lines", (columns, rows) => {
    for (const colour of [false, true]) {
      const small = lines(model, { ...look, columns, lines: rows, colour });
      expect(small).toHaveLength(rows);
      for (const line of small) expect(Bun.stripANSI(line).length).toBeLessThanOrEqual(columns);
    }
  });

  test("no stage's name is cut, in any width that has the whole table", () => {
    for (const columns of [80, 93, 94, 120]) {
      for (const name of stageNames) {
        const stages = [{ ...model.stages[0]!, name }];
        const shown = lines({ ...model, stages }, { ...look, columns }).join("\n");
        expect(shown).toContain(`${name} `);
        expect(shown).toMatch(/100 %(?: +1\.00 ms)?$/m);
      }
    }
  });

  test("ages are by the run's clock, wherever it is shown", () => {
    const away = { ...look, nowMs: nowMs - 3_600_000 };
    const there = { ...model, updatedMs: model.updatedMs - 3_600_000 };
    expect(lines(there, away)).toEqual(frame);
    expect(lines(there, { ...away, trouble: "HTTP 503" })[1]).toEndWith("is 400 ms old");
  });

  test("80 columns are enough for all but the thresholds", () => {
    const narrow = lines(model, { ...look, columns: 80 });
    expect(narrow.join("\n")).not.toContain("…");
    expect(narrow.join("\n")).toMatch(/total_pipeline\.cached .* !20\.0 ms +99\.99 %$/m);
  });

  test("60 columns keep p50, p99 and the maximum, with their marks", () => {
    const [head, ingestion] = lines(model, { ...look, columns: 60 }).slice(6);
    expect(head).toBe("STAGE                         P50      P99      MAX  SUCCESS");
    expect(ingestion).toBe("data_ingestion            2.40 µs  11.0 µs !1.20 ms    100 %");
  });

  test("before the first answer it connects, and is not disconnected", () => {
    const early = lines(emptyModel, { ...look, trouble: "connecting" });
    expect(early[1]).toBe("connecting …");
    expect(renderTopPlain(emptyModel, "connecting")).toBe("connecting");
  });

  test("before any news has dashes for numbers, and never NaN", () => {
    const early = lines(emptyModel, look).join("\n");
    expect(early).toContain("unknown");
    expect(early).toContain("- datagrams/s");
    expect(early).toContain("No latencies yet.");
    expect(early).not.toMatch(/NaN|undefined/);
  });
});

describe("trouble", () => {
  test("network latency is marked while the clocks do not agree", () => {
    const stages = [{ ...model.stages[0]!, name: "network_latency" }];
    const apart = lines({ ...model, stages, clocksAgree: false }, look).join("\n");
    expect(apart).toContain("network_latency ~");
    expect(lines({ ...model, stages }, look).join("\n")).not.toContain("~");
  });

  test("a lost connection says so, and how old the numbers are", () => {
    const text = lines(model, { ...look, trouble: "nothing listens there" })[1];
    expect(text).toBe("DISCONNECTED: nothing listens there; what is shown is 400 ms old");
  });

  test("a run that is not ready says why", () => {
    const degraded = { ...model, readiness: "degraded", reasons: ["ollama is down", "disk low"] };
    expect(lines(degraded, look)[1]).toBe("why: ollama is down; disk low");
  });

  test("an open alert is shown with its worst, and the others are counted", () => {
    const alerts = [
      {
        severity: "critical",
        words: "total_pipeline 31 ms over 10 ms",
        openedMs: nowMs - 90_000,
        count: 1234,
      },
      { severity: "warning", words: "gap", openedMs: nowMs, count: 1 },
    ];
    const [, first, second] = lines({ ...model, alerts }, { ...look, lines: 40 });
    expect(first).toBe("ALERT critical: total_pipeline 31 ms over 10 ms, 1,234 times in 90.0 s");
    expect(second).toBe("ALERT warning: gap, once in 0 ns");
    const small = lines({ ...model, alerts }, { ...look, lines: 12 });
    expect(small[1]).toEndWith("1,234 times in 90.0 s (and 1 more)");
  });
});

describe("signals", () => {
  const many = Array.from({ length: 50 }, (_, index) =>
    signal(`S${String(index).padStart(2, "0")}`, { emittedMs: nowMs - index * 1000 }),
  );

  test("more than fit are scrolled, and never beyond the last page", () => {
    const text = lines({ ...model, signals: many }, { ...look, offset: 45 }).join("\n");
    expect(text).toContain("S49");
    expect(text).toContain("newest 39–50 of 50");
    expect(renderTop({ ...model, signals: many }, { ...look, offset: 45 }).offset).toBe(38);
    expect(text).not.toContain("S00");
    expect(clampOffset(99, 50, 10)).toBe(40);
    expect(clampOffset(3, 2, 10)).toBe(0);
    expect(clampOffset(-5, 50, 10)).toBe(0);
  });

  test("are sorted as asked, and equal ones by symbol", () => {
    const signals = [
      signal("B", { latencyNs: 5, confidence: 0.1, emittedMs: 3 }),
      signal("C", { latencyNs: 9, confidence: 0.9, emittedMs: 1 }),
      signal("A", { latencyNs: 5, confidence: 0.5, emittedMs: 2 }),
    ];
    const order = (sort: TopLook["sort"]): string =>
      sortSignals(signals, sort)
        .map(({ symbol }) => symbol)
        .join("");
    expect(order("symbol")).toBe("ABC");
    expect(order("newest")).toBe("BAC");
    expect(order("slowest")).toBe("CAB");
    expect(order("confidence")).toBe("CAB");
  });
});

describe("a short terminal", () => {
  const stages = Array.from({ length: 12 }, (_, index) => {
    return { ...model.stages[0]!, name: `stage_${index}` };
  });
  const signals = Array.from({ length: 12 }, (_, index) => signal(`S${10 + index}`));

  test("keeps room for signals, and tells what gave way to them", () => {
    const text = lines({ ...model, stages, signals }, { ...look, columns: 80 });
    expect(text.filter((row) => row.startsWith("S1") || row.startsWith("S2"))).toHaveLength(6);
    expect(text.join("\n")).toMatch(/stage_6 .*\n… and 5 more, with a taller terminal\n/);
  });

  test("a tall one shows all", () => {
    const text = lines({ ...model, stages, signals }, { ...look, lines: 50 }).join("\n");
    expect(text).toContain("stage_11");
    expect(text).not.toContain("taller");
    expect(text).toContain("S21");
  });
});

describe("other views", () => {
  test("help names every key and the way back", () => {
    const text = lines(model, { ...look, help: true }).join("\n");
    for (const key of ["q, Ctrl-C", "space", "PgUp PgDn", "h back"]) expect(text).toContain(key);
  });

  test("the words of the help are whole in 80 columns", () => {
    expect(lines(model, { ...look, columns: 80, help: true }).join("\n")).not.toContain("…");
  });

  test("a pause is told", () => {
    const frame = lines(model, { ...look, paused: true });
    expect(frame[0]).toEndWith("PAUSED");
    expect(frame.at(-1)).toContain("space go on");
  });

  test("without a terminal there is one line", () => {
    expect(renderTopPlain(model, "")).toBe(
      "ready  12,345 datagrams/s  p50 8.10 µs  p99 31.0 µs  hits 99.87 %  drops 0  gaps 0  alerts 0",
    );
    expect(renderTopPlain(model, "HTTP 503")).toBe("disconnected: HTTP 503");
  });
});
