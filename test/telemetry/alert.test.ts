import { describe, expect, test } from "bun:test";
import { customRule } from "../../src/telemetry/alert-custom.ts";
import { defaultRules } from "../../src/telemetry/alert-default.ts";
import { type AlertRule, AlertRules, stageThresholds } from "../../src/telemetry/alert-rule.ts";
import { type AlertChange, AlertBook, type AlertPolicy } from "../../src/telemetry/alert.ts";
import { type Board, boardBytes, openBoard } from "../../src/telemetry/board.ts";
import { Metric } from "../../src/telemetry/metric.ts";
import { RecorderCell } from "../../src/telemetry/recorder.ts";
import { Stage } from "../../src/telemetry/stage.ts";
import { defaultThresholdsNs } from "../support/threshold.ts";

const policy: AlertPolicy = {
  name: "slow",
  severity: "warning",
  summary: "It is slow.",
  limit: 10,
  unit: "ns",
  lowIsWorse: false,
  forMs: 0,
  quietMs: 5000,
};

const names = { channels: ["nasdaq/a", "nasdaq/b"], counts: ["datagrams", "gaps"] };
const limits = {
  thresholdsNs: defaultThresholdsNs,
  quietMs: 5000,
  forMs: 3000,
  hitRateMin: 0.5,
  hitRateLookups: 100,
  diskFreeBytesMin: 1e8,
  memoryRatioMax: 0.95,
};

const kinds = (changes: readonly AlertChange[]) =>
  changes.map(({ kind, alert }) => `${kind} ${alert.rule} ${alert.subject}`.trim());

describe("one alert", () => {
  test("opens, is counted exactly, keeps its worst value and resolves after a quiet time", () => {
    const book = new AlertBook(10);
    book.breach(policy, "a", 3, 50, 1000);
    expect(book.tick(1000)).toMatchObject([{ kind: "opened", alert: { id: 1, count: 3 } }]);
    book.breach(policy, "a", 100_000, 20, 2000);
    expect(book.tick(2000)).toMatchObject([
      { kind: "updated", alert: { id: 1, count: 100_003, worst: 50, lastMs: 2000 } },
    ]);
    expect(book.tick(6999)).toEqual([]);
    expect(book.tick(7000)).toMatchObject([
      { kind: "resolved", alert: { id: 1, openedMs: 1000, lastMs: 2000, resolvedMs: 7000 } },
    ]);
    expect(book.open()).toEqual([]);
  });

  test("that comes back after its resolution is a new one", () => {
    const book = new AlertBook(10);
    book.breach(policy, "a", 1, 50, 1000);
    book.tick(1000);
    book.tick(6000);
    book.breach(policy, "a", 1, 60, 7000);
    expect(book.tick(7000)).toMatchObject([{ kind: "opened", alert: { id: 2, worst: 60 } }]);
  });

  test("waits until the state has lasted, and forgets one that did not", () => {
    const book = new AlertBook(10);
    const patient = { ...policy, forMs: 3000 };
    book.breach(patient, "", 1, 11, 1000);
    expect(book.tick(1000)).toEqual([]);
    expect(book.tick(2000)).toEqual([]);
    for (const nowMs of [3000, 4000, 5000]) {
      book.breach(patient, "", 1, 11, nowMs);
      expect(book.tick(nowMs)).toEqual([]);
    }
    book.breach(patient, "", 1, 11, 6000);
    expect(book.tick(6000)).toMatchObject([
      { kind: "opened", alert: { openedMs: 3000, count: 4 } },
    ]);
  });

  test("keeps the lowest value where low is worse", () => {
    const book = new AlertBook(10);
    const low = { ...policy, lowIsWorse: true };
    book.breach(low, "", 1, 5, 1000);
    book.tick(1000);
    book.breach(low, "", 1, 7, 2000);
    expect(book.tick(2000)[0]!.alert.worst).toBe(5);
  });

  test("is not kept open by a clock that was set back", () => {
    const book = new AlertBook(10);
    book.breach(policy, "", 1, 50, 10_000_000);
    book.tick(10_000_000);
    expect(book.tick(1000)).toEqual([]);
    expect(kinds(book.tick(6000))).toEqual(["resolved slow"]);
  });

  test("is not kept waiting by a clock that was set back", () => {
    const book = new AlertBook(10);
    const patient = { ...policy, forMs: 3000 };
    book.breach(patient, "", 1, 50, 10_000_000);
    book.tick(10_000_000);
    for (const nowMs of [1000, 2000, 3000]) {
      book.breach(patient, "", 1, 50, nowMs);
      expect(book.tick(nowMs)).toEqual([]);
    }
    book.breach(patient, "", 1, 50, 4000);
    expect(book.tick(4000)).toMatchObject([
      { kind: "opened", alert: { openedMs: 1000, count: 5 } },
    ]);
  });

  test("that was open when its thread stopped goes on under its number", () => {
    const first = new AlertBook(10);
    first.breach(policy, "a", 2, 50, 1000);
    const [opened] = first.tick(1000);
    const second = new AlertBook(10);
    second.restore(policy, opened!.alert);
    second.breach(policy, "a", 5, 70, 2000);
    second.breach(policy, "b", 1, 70, 2000);
    expect(second.tick(2000).map(({ kind, alert }) => [kind, alert.id, alert.count])).toEqual([
      ["updated", 1, 7],
      ["opened", 2, 1],
    ]);
  });
});

test("a book that is full counts what it cannot open and keeps what it has", () => {
  const book = new AlertBook(3);
  for (let i = 0; i < 10; i++) book.breach(policy, `stage ${i}`, 2, 50, 1000);
  expect(book.tick(1000)).toHaveLength(3);
  expect(book.overflow).toBe(14);
});

function start(rules: AlertRule[] = defaultRules(limits)): {
  board: Board;
  interval: (nowMs: number) => AlertChange[];
} {
  const board = openBoard(new SharedArrayBuffer(boardBytes()));
  const bound = new AlertRules(rules, names);
  board.setThresholds(stageThresholds(rules));
  const reader = board.reader();
  const book = new AlertBook(100);
  return {
    board,
    interval: (nowMs) => {
      reader.read();
      bound.check(reader, book, nowMs);
      return book.tick(nowMs);
    },
  };
}

describe("the default rules", () => {
  test("are silent on a board where nothing happens", () => {
    const { interval } = start();
    expect(interval(1000)).toEqual([]);
    expect(interval(60_000)).toEqual([]);
  });

  test("100,000 breaches a second for ten seconds are one alert with the exact count", () => {
    const { board, interval } = start();
    const feed = board.writer("feed");
    const changes: AlertChange[] = [];
    for (let second = 1; second <= 10; second++) {
      for (let i = 0; i < 100_000; i++) feed.record(Stage.cacheAccess, 600_000 + i);
      feed.record(Stage.cacheAccess, 1000);
      changes.push(...interval(second * 1000));
    }
    expect(changes).toHaveLength(10);
    expect(changes.filter(({ kind }) => kind === "opened")).toHaveLength(1);
    expect(changes.at(-1)!.alert).toMatchObject({
      rule: "slow_cache_access",
      subject: "cache_access",
      count: 1_000_000,
      worst: 699_999,
    });
  });

  test("a breach that is read apart from its value is as bad as its limit at least", () => {
    const { board, interval } = start();
    board.recorders[Stage.cacheAccess]!.cells[RecorderCell.breaches]!++;
    expect(interval(1000)).toMatchObject([{ alert: { count: 1, worst: 500_000 } }]);
  });

  test("tell cached from uncached, one channel from another, one worker from another", () => {
    const { board, interval } = start();
    const feed = board.writer("feed");
    feed.record(Stage.totalUncached, 20_000_000);
    feed.channel(1)[1]! += 2;
    board.writer("main").count(Metric.main.workerRestarts + 1);
    expect(kinds(interval(1000)).toSorted()).toEqual([
      "opened gap nasdaq/b",
      "opened slow_total_pipeline total_pipeline.uncached",
      "opened worker_restarted inference",
    ]);
  });

  test("say that no model server answers only when one is configured", () => {
    const { board, interval } = start();
    for (let nowMs = 1000; nowMs <= 5000; nowMs += 1000) expect(interval(nowMs)).toEqual([]);
    board.writer("inference").gauge(Metric.inference.hosts, 2);
    const changes = [6000, 7000, 8000, 9000].flatMap(interval);
    expect(kinds(changes)).toEqual(["opened ollama_down"]);
  });

  test("judge the hit rate over enough look-ups", () => {
    const { board, interval } = start();
    const feed = board.writer("feed");
    feed.count(Metric.feed.l1Misses, 60);
    expect(interval(1000)).toEqual([]);
    feed.count(Metric.feed.l1Misses, 10);
    feed.count(Metric.feed.l1Hits, 30);
    expect(interval(2000)).toMatchObject([{ alert: { rule: "hit_rate_low", worst: 0.3 } }]);
  });

  test("that name nothing that exists are refused with what does exist", () => {
    const [rule] = defaultRules(limits);
    const of = (source: AlertRule["source"]) => () => new AlertRules([{ ...rule!, source }], names);
    expect(of({ kind: "stage", stage: "lunch" })).toThrow('unknown stage "lunch"');
    expect(of({ kind: "event", metric: "hftedge_pending_states" })).toThrow("no counter");
    expect(of({ kind: "above", metric: "x" })).toThrow("no gauge");
    expect(of({ kind: "channel", count: "tea" })).toThrow('channel counter "tea"');
    expect(() => new AlertRules([rule!, rule!], names)).toThrow("defined twice");
    const twin = { ...rule!, name: "twin" };
    expect(() => new AlertRules([rule!, twin], names)).toThrow("has a threshold already");
  });

  test("take the operator's own beside them", () => {
    const values = { severity: "info", forMs: 0, quietMs: 1, summary: "" } as const;
    const { board, interval } = start([
      ...defaultRules(limits),
      customRule({ ...values, name: "slow_http", kind: "stage", of: "http_request", limit: 0.5 }),
      customRule({ ...values, name: "lag", kind: "above", of: "hftedge_pending_states", limit: 3 }),
    ]);
    board.writer("ops").record(Stage.httpRequest, 499_999);
    board.writer("feed").gauge(Metric.feed.pending, 3);
    expect(interval(1000)).toEqual([]);
    board.writer("ops").record(Stage.httpRequest, 500_001);
    board.writer("feed").gauge(Metric.feed.pending, 4);
    expect(kinds(interval(2000)).toSorted()).toEqual([
      "opened lag",
      "opened slow_http http_request",
    ]);
  });
});
