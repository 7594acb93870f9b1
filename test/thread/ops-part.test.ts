/** Parts of the ops thread that need no run: queue drops, the report line, the window, the signal tap. */
import { describe, expect, test } from "bun:test";
import { Ring, ringBytes } from "../../src/decision/ring.ts";
import {
  Decision,
  Field,
  initialiseRecord,
  RecordKind,
  setKindAndFlags,
  setText16,
  SignalFlag,
  signalWords,
  Source,
} from "../../src/decision/signal.ts";
import { FeedCount } from "../../src/feed/count.ts";
import type { HostRoot } from "../../src/host/root.ts";
import { Hub, StreamCap } from "../../src/http/hub.ts";
import type { LatencyItem, NewSignal } from "../../src/store/batch.ts";
import { encode } from "../../src/telemetry/codec.ts";
import { boardBytes, openBoard } from "../../src/telemetry/board.ts";
import { Histogram } from "../../src/telemetry/histogram.ts";
import { QueueDrops } from "../../src/thread/ops-host.ts";
import { FeedActivity } from "../../src/thread/ops-part.ts";
import { ReportWindow } from "../../src/thread/ops-report.ts";
import { SignalTap } from "../../src/thread/ops-signal.ts";
import { StageWindow } from "../../src/thread/ops-window.ts";

function udpRow(inode: number, drops: number): string {
  return ` 1: 0100007F:6720 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 ${inode} 2 0000000000000000 ${drops}`;
}

describe("queue drops", () => {
  test("only of our own sockets, differences, and a socket that is new counts from its first drop", () => {
    let table = "";
    let own = [11];
    const root: HostRoot = {
      path: "/",
      real: false,
      text: (path) => (path === "/proc/net/udp" ? table : undefined),
      word: () => undefined,
      number: () => undefined,
      list: (path) => (path === "/proc/self/fd" ? own.map(String) : []),
      exists: () => true,
      link: (path) => `socket:[${path.split("/").at(-1)}]`,
    };
    const drops = new QueueDrops(root);
    table = [udpRow(11, 5), udpRow(99, 1000)].join("\n");
    expect(drops.read()).toBe(5);
    table = [udpRow(11, 8), udpRow(99, 2000)].join("\n");
    expect(drops.read()).toBe(3);
    expect(drops.read()).toBe(0);
    // The feed was started again: another socket, whose count begins at 0.
    own = [12];
    table = udpRow(12, 2);
    let after = 0;
    for (let second = 0; second < 12; second++) after += drops.read();
    expect(after).toBe(2);
  });
});

test("queueDropsThatWereCountedBeforeAnOpsThreadWasStartedAgainAreNotCountedTwice", () => {
  let table = udpRow(11, 8);
  const root: HostRoot = {
    path: "/",
    real: false,
    text: (path) => (path === "/proc/net/udp" ? table : undefined),
    word: () => undefined,
    number: () => undefined,
    list: (path) => (path === "/proc/self/fd" ? ["11"] : []),
    exists: () => true,
    link: (path) => `socket:[${path.split("/").at(-1)}]`,
  };
  const again = new QueueDrops(root, 5);
  expect(again.read()).toBe(3);
  table = udpRow(11, 10);
  expect(again.read()).toBe(2);
  // The feed was started again before that: its socket has dropped less than was counted in all.
  expect(new QueueDrops(root, 500).read()).toBe(0);
});

test("aClockThatIsSetBackLeavesNoSilentFeedAlive", () => {
  const activity = new FeedActivity(1);
  const board = openBoard(new SharedArrayBuffer(boardBytes()));
  const reader = board.reader();
  board.writer("feed").channel(0)[FeedCount.datagrams]!++;
  reader.read();
  activity.second(reader, 3_600_000);
  expect(activity.lastMs).toEqual([3_600_000]);
  reader.read();
  activity.second(reader, 1000);
  reader.read();
  activity.second(reader, 9000);
  expect(activity.lastMs).toEqual([1000]);
});

function item(stage: string, valuesNs: readonly number[], errors = 0, untimed = 0): LatencyItem {
  const histogram = new Histogram();
  for (const value of valuesNs) histogram.record(value);
  const { count, minNs, maxNs, sumNs } = histogram;
  const extremes = count === 0 ? { minNs: null, maxNs: null } : { minNs, maxNs };
  const row = { stage, count, errors, untimed, breaches: 0, ...extremes, sumNs };
  return { ...row, histogram: encode(histogram) };
}

describe("the report line", () => {
  test("merges the seconds, shows both ways through the pipeline as one, and begins anew", () => {
    const report = new ReportWindow();
    report.add([item("data_ingestion", [1000, 3000]), item("total_pipeline.cached", [2000])]);
    report.add([item("total_pipeline.uncached", [6_000_000]), item("event_loop.feed", [1])]);
    report.add([item("ollama_processing", [5_000_000], 2, 1)]);
    expect(report.seconds).toBe(3);
    const line = report.take()!;
    expect(line).toStartWith(
      "latency over 3 s: data_ingestion avg 2.00 µs, p95 3.00 µs, p99 3.00 µs, ok 100 %",
    );
    expect(line).toContain("ollama_processing avg 5.00 ms, p95 5.00 ms, p99 5.00 ms, ok 0 %");
    expect(line).toContain("total_pipeline avg 3.00 ms, p95 6.00 ms, p99 6.00 ms");
    expect(line).not.toContain("event_loop");
    expect(report.take()).toBeUndefined();
  });
});

test("the window holds its seconds and no more, and the tail of all of them", () => {
  const window = new StageWindow(2);
  window.push([item("data_ingestion", [9_000_000])]);
  window.push([item("data_ingestion", [1000], 1, 1)]);
  window.push([item("data_ingestion", [2000])]);
  const { histogram, errors, untimed } = window.read("data_ingestion");
  expect([histogram.count, histogram.minNs, histogram.maxNs]).toEqual([2, 1000, 2000]);
  expect([errors, untimed]).toEqual([1, 1]);
  expect(window.read("data_ingestion", 1).histogram.count).toBe(1);
  expect(window.read("cache_access").histogram.count).toBe(0);
});

function tapWith(symbolsMax = 10) {
  const ring = new Ring(new SharedArrayBuffer(ringBytes(64, signalWords)), 64, signalWords);
  const kept: NewSignal[] = [];
  const options = { queueMax: 8, heartbeatMs: 1e9, stallMs: 1e9, onDrop: () => {} };
  const hub = new Hub(options, new StreamCap(4));
  const keep = (signal: NewSignal): void => {
    kept.push(signal);
  };
  const tap = new SignalTap({ ring, hub, keep, symbolsMax });
  const record = new Uint32Array(signalWords);
  const push = (symbol: string, decision: number, source: number, flags = 0): void => {
    initialiseRecord(record, 0, 1);
    setKindAndFlags(record, 0, RecordKind.signal, flags);
    setText16(record, Field.symbol, symbol);
    record[Field.feedDecisionSource] = (decision << 16) | (source << 24);
    record[Field.emit] = 1_500_000;
    ring.push(record, 0);
    tap.drain(0);
  };
  return { tap, kept, push };
}

describe("the signal tap", () => {
  test("keeps changes of decision or source, and neither repetitions nor refreshes", () => {
    const { tap, kept, push } = tapWith();
    push("A", Decision.buy, Source.rules);
    push("A", Decision.buy, Source.rules);
    push("A", Decision.buy, Source.rules, SignalFlag.refresh);
    push("B", Decision.buy, Source.rules);
    push("A", Decision.hold, Source.stale);
    push("A", Decision.hold, Source.held);
    expect(kept.map(({ symbol, signal, source }) => `${symbol} ${signal} ${source}`)).toEqual([
      "A BUY rules",
      "B BUY rules",
      "A HOLD stale",
      "A HOLD held",
    ]);
    expect(tap.taken).toBe(6);
    expect(tap.newest().map(({ symbol }) => symbol)).toEqual(["A", "B"]);
    expect(kept[0]!.atMs).toBe(1);
  });

  test("remembers a bounded number of symbols", () => {
    const { tap, kept, push } = tapWith(4);
    for (let i = 0; i < 100; i++) push(`S${i}`, Decision.buy, Source.rules);
    expect(kept).toHaveLength(100);
    expect(tap.newest()).toHaveLength(32);
  });
});
