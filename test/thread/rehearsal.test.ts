/** What a spinning thread runs between datagrams: the whole path, and nothing of the run's. */
import { describe, expect, test } from "bun:test";
import { Metric } from "../../src/telemetry/metric.ts";
import { Rehearsal, rehearsalsOf } from "../../src/thread/rehearsal.ts";
import { EngineRig } from "../support/engine-rig.ts";

const count = Metric.feed;
const steps = 20_000;

describe.each([
  "itch50",
  "iex",
  "pitch",
  "tick",
  "tick&timestampUnit=s",
  "tick&timestampUnit=us",
  "tick&timestampUnit=ns",
])("a rehearsal for %s", (format) => {
  test("says a signal with every step, of states that change, and loses nothing", () => {
    const rig = new EngineRig({ feed: `format=${format}` });
    const rehearsal = new Rehearsal(rig.plan, rig.plan.feeds[0]!, () => rig.nowNs);
    const { counters, emitter, engine } = rehearsal.core;
    const before = emitter.sequence;
    const changes = counters[count.stateChanges]!;
    for (let step = 0; step < steps; step++) {
      rig.nowNs += 10_000;
      rehearsal.step(rig.nowNs);
    }
    expect(emitter.sequence - before).toBe(steps);
    expect(counters[count.stateChanges]! - changes).toBeGreaterThan(steps / 20);
    expect(counters[count.l1Hits]).toBeGreaterThan(steps / 2);
    // Nothing of it is a gap, stale or late, which would be another path.
    expect(counters[count.stateless]).toBe(0);
    expect(counters[count.lateDatagrams]).toBe(0);
    expect(engine.health.staleChannels(0)).toBe(0);
    expect(rehearsal.core.books[0]!.touchedCount).toBe(0);
  });

  test("leaves the run's own memory as it is", () => {
    const rig = new EngineRig({ feed: `format=${format}` });
    const memory = Object.values(rig.shared).filter((part) => part instanceof SharedArrayBuffer);
    expect(memory.length).toBeGreaterThan(5);
    const hashes = (): bigint[] => memory.map((part) => BigInt(Bun.hash(new Uint8Array(part))));
    const before = hashes();
    const rehearsal = new Rehearsal(rig.plan, rig.plan.feeds[0]!, () => rig.nowNs);
    for (let step = 0; step < 100; step++) rehearsal.step(rig.nowNs + step);
    expect(hashes()).toEqual(before);
  });
});

test("everyFormatHasItsTurnAndAnIntervalOfNothingIsNever", () => {
  const rig = new EngineRig({ feed: "format=itch50" });
  const feeds = [
    rig.plan.feeds[0]!,
    { ...rig.plan.feeds[0]!, name: "other", format: "tick" as const },
  ];
  const plan = { ...rig.plan, feeds };
  const clock = (): number => rig.nowNs;
  const rehearsing = rehearsalsOf(plan, 50_000, clock)!;
  expect(rehearsing.intervalNs).toBe(50_000);
  const said = (): number[] => rehearsing.rehearsals.map(({ core }) => core.emitter.sequence);
  const before = said();
  for (let step = 0; step < 4; step++) rehearsing.step(rig.nowNs + step);
  expect(said()).toEqual(before.map((already) => already + 2));
  expect(before).toHaveLength(2);
  expect(rehearsalsOf(plan, 0, clock)).toBeUndefined();
});
