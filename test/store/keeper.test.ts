import { expect, test, setDefaultTimeout } from "bun:test";
import type { NewSignal } from "../../src/store/batch.ts";
import { HistoryKeeper } from "../../src/store/keeper.ts";
import { HistoryReader } from "../../src/store/query.ts";
import { defaultRules } from "../../src/telemetry/alert-default.ts";
import { stageThresholds } from "../../src/telemetry/alert-rule.ts";
import { boardBytes, openBoard } from "../../src/telemetry/board.ts";
import { Metric } from "../../src/telemetry/metric.ts";
import { Stage } from "../../src/telemetry/stage.ts";
import { epochS, Folder, openStore } from "./fixture.ts";
import { atOnce } from "../../src/store/turn.ts";
import { defaultThresholdsNs } from "../support/threshold.ts";

// Thousands of real transactions take their time on a slow disk.
setDefaultTimeout(60_000);

const rules = defaultRules({
  thresholdsNs: defaultThresholdsNs,
  quietMs: 5000,
  forMs: 3000,
  hitRateMin: 0.5,
  hitRateLookups: 100,
  diskFreeBytesMin: 0,
  memoryRatioMax: 0.95,
});

function start(folder: Folder, buffer = new SharedArrayBuffer(boardBytes())) {
  const board = openBoard(buffer);
  board.setThresholds(stageThresholds(rules));
  const store = openStore(folder.file);
  let clockNs = 0;
  const keeper = new HistoryKeeper({
    board,
    store,
    rules,
    names: { channels: ["nasdaq"], counts: ["datagrams", "gaps"] },
    alertsOpenMax: 10,
    signalsPerSecondMax: 3,
    nowNs: () => (clockNs += 1000),
  });
  return { board, buffer, store, keeper };
}

const signal: NewSignal = {
  seq: 1,
  atMs: epochS * 1000,
  feed: "nasdaq",
  inputSeq: 1,
  symbol: "AAPL",
  signal: "BUY",
  confidence: 0.5,
  source: "l1",
  reason: "",
  ageMs: null,
  version: "v",
  state: "1",
  price: 1,
  exchangeTime: "0",
  receiveTime: "0",
  emitTime: "0",
  ttlMs: 1,
  latencyNs: 1,
};

test("a second of the board is in the file, in its own second, with its alerts", () => {
  using folder = new Folder();
  const { board, store, keeper } = start(folder);
  const feed = board.writer("feed");
  for (let i = 0; i < 100; i++) feed.record(Stage.cacheAccess, 600_000);
  feed.count(Metric.feed.evaluations, 100);
  for (let i = 0; i < 5; i++) keeper.signal(signal);
  const { changes } = keeper.tick((epochS + 1) * 1000 + 3);
  expect(changes).toMatchObject([
    { kind: "opened", alert: { rule: "slow_cache_access", count: 100 } },
  ]);
  expect(keeper.tick((epochS + 2) * 1000 - 2).changes).toMatchObject([
    { kind: "opened", alert: { rule: "signals_unstored", severity: "info", count: 2 } },
  ]);
  expect(keeper.tick((epochS + 6) * 1000 + 900).changes).toMatchObject([
    { kind: "resolved", alert: { rule: "slow_cache_access" } },
  ]);

  const reader = new HistoryReader(folder.file);
  const range = { fromS: epochS, toS: epochS + 3, stepS: 1 };
  const latency = atOnce(reader.latency.series({ ...range, stages: ["cache_access"] }, [99]));
  expect([...latency.series[0]!.count]).toEqual([100, 0, 0]);
  const metrics = reader.metric.series(range, ["hftedge_evaluations_total"]);
  expect(metrics.series[0]!.sum[0]).toBe(100);
  const alerts = reader.record.alerts({ limit: 10 });
  expect(alerts.rows).toMatchObject([
    { number: 2, rule: "signals_unstored", resolvedMs: null },
    { number: 1, count: 100, worst: 600_000, resolvedMs: (epochS + 6) * 1000 + 900 },
  ]);
  expect(reader.record.signals({ limit: 10 }).rows).toHaveLength(3);
  const { totals } = keeper.reader.counters.ops;
  expect(totals[Metric.ops.signalsUnstored]).toBe(2);
  expect(totals[Metric.ops.storeDropped]).toBe(0);
  const { gauges } = keeper.reader;
  expect(gauges.ops[Metric.ops.storeBytes]).toBeGreaterThan(0);
  expect(gauges.ops[Metric.ops.storeWalBytes]).toBeGreaterThan(0);
  expect(keeper.reader.stageTotals[Stage.storeCommit]!.count).toBe(2);
  reader.close();
  store.close(0);
});

test("an ops thread that is started again loses no count and goes on with the same alert", () => {
  using folder = new Folder();
  const first = start(folder);
  const feed = first.board.writer("feed");
  feed.channel(0)[1]! += 2;
  expect(first.keeper.tick((epochS + 1) * 1000).changes).toMatchObject([
    { kind: "opened", alert: { id: 1, rule: "gap", subject: "nasdaq", count: 2 } },
  ]);
  // The thread dies here: nothing is closed. Meanwhile the feed goes on.
  feed.channel(0)[1]! += 3;
  const second = start(folder, first.buffer);
  expect(second.keeper.openAlerts()).toMatchObject([{ id: 1, count: 2 }]);
  expect(second.keeper.tick((epochS + 4) * 1000).changes).toMatchObject([
    { kind: "updated", alert: { id: 1, count: 5 } },
  ]);
  second.board.writer("main").count(Metric.main.workerRestarts + 2);
  expect(second.keeper.tick((epochS + 5) * 1000).changes).toMatchObject([
    { kind: "opened", alert: { id: 2, rule: "worker_restarted", subject: "ops" } },
  ]);
  second.store.close(0);
});
