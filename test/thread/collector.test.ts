/** When the collector is asked for, in virtual time; and once in the compiled program. */
import { describe, expect, test } from "bun:test";
import { MemoryWatch } from "../../src/thread/memory-watch.ts";
import { collectOnDemand, QuietCollector } from "../../src/thread/collector.ts";
import { Metric } from "../../src/telemetry/metric.ts";
import { run } from "../support/binary.ts";
import { startRun } from "../support/hftedge-run.ts";

const { receivedDatagrams, receivedBytes, collections } = Metric.feed;

function rig(garbageBytes: number) {
  const counters = new Uint32Array(4096);
  const control = { collectSequence: 7 };
  const pausesNs: number[] = [];
  let nowNs = 0;
  const collector = new QuietCollector({
    control,
    counters,
    pauses: { record: (ns) => void pausesNs.push(ns) },
    quietNs: 20e6,
    garbageBytes,
    now: () => nowNs,
    collect: () => {
      nowNs += 3e6;
    },
  });
  return {
    counters,
    control,
    pausesNs,
    datagrams(datagrams: number, bytes: number): void {
      counters[receivedDatagrams]! += datagrams;
      counters[receivedBytes]! += bytes;
    },
    /** The timer, each ms. */
    idle(forMs: number): void {
      for (let ms = 0; ms < forMs; ms++) collector.idle((nowNs += 1e6));
    },
  };
}

describe("the feed thread's collector", () => {
  test("waitsForAQuietMomentAndMeasuresThePause", () => {
    const { datagrams, idle, pausesNs, counters } = rig(1000);
    datagrams(1, 5000);
    idle(20);
    expect(pausesNs).toEqual([]);
    idle(2);
    expect(pausesNs).toEqual([3e6]);
    expect(counters[collections]).toBe(1);
    idle(100);
    expect(pausesNs.length).toBe(1);
  });

  test("isNeverAskedWhileDatagramsKeepComing", () => {
    const { datagrams, idle, pausesNs, control } = rig(1000);
    control.collectSequence++;
    for (let i = 0; i < 100; i++) {
      datagrams(10, 10_000);
      idle(15);
    }
    expect(pausesNs).toEqual([]);
    idle(30);
    expect(pausesNs.length).toBe(1);
  });

  test("leavesAQuietMomentAloneWhenThereIsLittleToCollect", () => {
    const { datagrams, idle, pausesNs, control } = rig(1000 * 1000);
    datagrams(10, 1000);
    idle(100);
    expect(pausesNs).toEqual([]);
    // The process has grown past its threshold.
    control.collectSequence++;
    idle(2);
    expect(pausesNs.length).toBe(1);
    idle(100);
    expect(pausesNs.length).toBe(1);
  });

  test("countsOnWhereTheCountersWrap", () => {
    const { datagrams, idle, pausesNs, counters } = rig(1000 * 1000);
    counters[receivedBytes] = 2 ** 32 - 10;
    counters[receivedDatagrams] = 2 ** 32 - 1;
    idle(30);
    const before = pausesNs.length;
    datagrams(1, 100);
    idle(30);
    expect(pausesNs.length).toBe(before);
    datagrams(1, 2000 * 1000);
    idle(30);
    expect(pausesNs.length).toBe(before + 1);
  });

  test("ofTheOtherThreadsRunsOnceForEachDemand", () => {
    const control = { collectSequence: 0 };
    let runs = 0;
    const poll = collectOnDemand(control, () => void runs++);
    poll();
    control.collectSequence += 2;
    poll();
    poll();
    expect(runs).toBe(1);
  });
});

test("pastTheThresholdItIsDemandedAtMostEveryTenSecondsAndTheLimitIsSaidOnce", () => {
  let megabytes = 80;
  let demands = 0;
  const words: string[] = [];
  const watch = new MemoryWatch({
    limits: () => ({ limitMb: 100, gcThreshold: 0.85 }),
    residentBytes: () => megabytes * 1024 ** 2,
    collect: () => void demands++,
    log: (_level, text) => void words.push(text),
  });
  let nowMs = 0;
  const seconds = (count: number): void => {
    for (let i = 0; i < count; i++) watch.check((nowMs += 1000));
  };
  seconds(30);
  expect(demands).toBe(0);
  megabytes = 90;
  seconds(30);
  expect(demands).toBe(3);
  expect(words).toEqual([]);
  megabytes = 101;
  seconds(30);
  megabytes = 99;
  seconds(1);
  megabytes = 101;
  seconds(1);
  expect(words.length).toBe(1);
  expect(words[0]).toContain("resident memory is 101 MiB, above memory.limitMb = 100");
  megabytes = 90;
  seconds(1);
  megabytes = 101;
  seconds(1);
  expect(words.length).toBe(2);
});

test("theCompiledProgramCollectsPastItsThresholdAndReportsThePause", async () => {
  await using edge = await startRun("udp://127.0.0.1:0?format=tick", [
    "--memory-limit-mb",
    "256",
    "--memory-gc-threshold",
    "0.1",
  ]);
  const [, url] = await edge.running.until("stderr", /http on (http:\S+)/);
  let paused = 0;
  for (const endMs = performance.now() + 30_000; paused === 0 && performance.now() < endMs;) {
    const text = await (await fetch(`${url}/metrics`)).text();
    paused = Number(/^hftedge_collections_requested_total (\d+)/m.exec(text)?.[1] ?? 0);
    await Bun.sleep(20);
  }
  expect(paused).toBeGreaterThan(0);
  const { report } = await edge.stop();
  expect(report.latency["collector_pause"]!.count).toBeGreaterThan(0);
});

test("configPrintMemorySaysWhichTablesTakeHowMuch", async () => {
  const args = ["--feed", "udp://127.0.0.1:0?format=itch50&name=nasdaq"];
  const { stdout } = await run(["config", "print", "--memory", "--json", ...args]);
  const { tables, totalBytes } = JSON.parse(stdout) as {
    tables: { table: string; bytes: number; options: string }[];
    totalBytes: number;
  };
  expect(tables[0]!.table).toBe("books of feed nasdaq");
  expect(tables[0]!.bytes).toBeGreaterThan(128 * 1024 ** 2);
  expect(tables.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(totalBytes);
  const words = await run(["config", "print", "--memory"]);
  expect(words.stdout).toMatch(/^together +\d+ KiB +of memory\.limitMb = 2048$/m);
});
