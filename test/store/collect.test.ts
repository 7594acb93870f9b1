import { expect, test } from "bun:test";
import { emptyBatch } from "../../src/store/batch.ts";
import { channelSeriesName, Collector, seriesName } from "../../src/store/collect.ts";
import { boardBytes, openBoard } from "../../src/telemetry/board.ts";
import { mergeEncoded } from "../../src/telemetry/codec.ts";
import { Histogram } from "../../src/telemetry/histogram.ts";
import { Metric } from "../../src/telemetry/metric.ts";
import { Stage } from "../../src/telemetry/stage.ts";
import { epochS } from "./fixture.ts";

const names = { channels: ["nasdaq/a", "nasdaq/b"], counts: ["datagrams", "lostMessages"] };

function start() {
  const board = openBoard(new SharedArrayBuffer(boardBytes()));
  const reader = board.reader();
  const collector = new Collector(names);
  return {
    board,
    collect: (startS: number) => {
      const batch = emptyBatch(startS);
      reader.read();
      collector.collect(reader, batch);
      return batch;
    },
  };
}

test("a board on which nothing happened gives no rows", () => {
  const { collect } = start();
  const { latency, metrics } = collect(epochS);
  expect([latency, metrics]).toEqual([[], []]);
});

test("what moved becomes a row, under the name it has in /metrics", () => {
  const { board, collect } = start();
  const feed = board.writer("feed");
  feed.record(Stage.cacheAccess, 500);
  feed.record(Stage.cacheAccess, 1500);
  board.writer("inference").fail(Stage.ollamaProcessing);
  feed.count(Metric.feed.evaluations, 7);
  feed.count(Metric.feed.signals + 2 * 4 + 1, 2);
  feed.channel(1)[1]! += 5;
  const { latency, metrics } = collect(epochS + 1);
  expect(metrics).toEqual([
    { metric: "hftedge_evaluations_total", value: 7 },
    { metric: 'hftedge_signals_total{source="model",decision="buy"}', value: 2 },
    { metric: 'hftedge_channel_lost_messages_total{channel="nasdaq/b"}', value: 5 },
  ]);
  expect(latency).toMatchObject([
    { stage: "cache_access", count: 2, errors: 0, minNs: 500, maxNs: 1500, sumNs: 2000 },
    { stage: "ollama_processing", count: 0, errors: 1, untimed: 1, minNs: null, maxNs: null },
  ]);
  const histogram = new Histogram();
  expect(mergeEncoded(latency[0]!.histogram, histogram)).toBe(true);
  expect(histogram.count).toBe(2);
});

test("a gauge is written when it changes, and once a minute", () => {
  const { board, collect } = start();
  board.writer("feed").gauge(Metric.feed.pending, 4);
  const written: number[] = [];
  for (let s = 1; s <= 121; s++) {
    if (s === 30) board.writer("feed").gauge(Metric.feed.pending, 0);
    if (s === 100) board.writer("feed").gauge(Metric.feed.pending, Number.NaN);
    if (s === 110) board.writer("feed").gauge(Metric.feed.pending, 5);
    if (collect(epochS + s).metrics.length > 0) written.push(s);
  }
  expect(written).toEqual([1, 30, 110, 120]);
});

test("names carry their labels as Prometheus writes them", () => {
  expect(seriesName("a_total", {})).toBe("a_total");
  expect(seriesName("a_total", { x: 'say "hi"', y: "2" })).toBe('a_total{x="say \\"hi\\"",y="2"}');
  expect(channelSeriesName("badType", "a")).toBe('hftedge_channel_bad_type_total{channel="a"}');
});
