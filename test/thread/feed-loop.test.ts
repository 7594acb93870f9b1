/** The turns of the feed thread in virtual time: a clock that is set back, a stop between two turns. */
import { describe, expect, test } from "bun:test";
import { LineBoard } from "../../src/thread/line-board.ts";
import { Metric } from "../../src/telemetry/metric.ts";
import { Control, controlBytes } from "../../src/thread/control.ts";
import type { FeedCore } from "../../src/thread/feed-core.ts";
import { EventLine } from "../../src/thread/feed-line.ts";
import { FeedLoop, type PolledFeedLine, spin } from "../../src/thread/feed-loop.ts";
import { EngineRig } from "../support/engine-rig.ts";
import { LiveFeed, type Receive } from "../support/live-feed.ts";
import { tick } from "../support/tick.ts";
import { until } from "../support/until.ts";

const hourNs = 3_600e9;

/** A loop on a clock of its own, around a core that only notes its turns. */
function loopRig() {
  const control = new Control(new SharedArrayBuffer(controlBytes(1)), 1);
  const turns: number[] = [];
  const receivedNs: number[] = [];
  const clock = { nowNs: 10 * hourNs };
  const core = {
    recoveries: [],
    poll: (nowNs: number) => void turns.push(nowNs),
    datagram: (_feed: number, _line: number, _bytes: Buffer, _length: number, ns: number) =>
      void receivedNs.push(ns),
  } as unknown as FeedCore;
  const loop = new FeedLoop(
    core,
    control,
    () => clock.nowNs,
    () => {},
  );
  return { control, turns, receivedNs, clock, loop };
}

describe("theClockIsSetBackWhileDatagramsKeepComing", () => {
  test("theSwitchesAreLookedAtStill", () => {
    const { control, turns, clock, loop } = loopRig();
    loop.turn(clock.nowNs);
    expect(turns).toHaveLength(1);
    clock.nowNs -= hourNs;
    loop.turn(clock.nowNs);
    expect(turns).toHaveLength(2);
    control.requestStop();
    clock.nowNs += 1e6;
    loop.turn(clock.nowNs);
    expect(loop.stopped).toBe(true);
  });

  test("aDatagramIsNotSaidToHaveComeBeforeTheStep", () => {
    const { receivedNs, clock, loop } = loopRig();
    const line = new EventLine({
      loop,
      feed: 0,
      line: 0,
      ack: false,
      baseSeconds: 0,
      counters: new Uint32Array(4096),
      server: undefined,
    });
    // Without a socket there is no stamp of the kernel, so that the time of reading stands for it.
    line.take(Buffer.from("x"), 1, "127.0.0.1", false);
    clock.nowNs -= hourNs;
    line.take(Buffer.from("x"), 1, "127.0.0.1", false);
    expect(receivedNs).toEqual([10 * hourNs, 9 * hourNs]);
  });

  test("aSpinningThreadGivesTheEventLoopItsMoment", async () => {
    const { turns, clock, loop } = loopRig();
    let drains = 0;
    const line: PolledFeedLine = {
      idle() {},
      close() {},
      drain() {
        clock.nowNs += 1000;
        if (++drains === 100) clock.nowNs -= hourNs;
        // A thread that never returns would never let this test fail.
        if (drains === 100_000) loop.stopped = true;
        return 1;
      },
    };
    setImmediate(() => {
      loop.stopped = true;
    });
    spin({ loop, lines: [line], idleNs: 0, wait() {} });
    await until(() => loop.stopped);
    expect(drains).toBeLessThan(100_000);
    expect(turns.length).toBeGreaterThan(0);
  });

  test("theLinesAreShownStill", () => {
    const rig = new EngineRig();
    const board = new LineBoard(rig.shared.lines, 1);
    rig.book("AAA", 200, 100);
    rig.poll();
    const before = board.read(0)!.sequence;
    rig.nowNs -= hourNs;
    rig.book("AAA", 300, 100);
    rig.poll();
    expect(board.read(0)!.sequence).toBeGreaterThan(before);
  });
});

describe("between datagrams", () => {
  const intervalNs = 50_000;
  const turnNs = 1000;

  /** Steps taken in a thousand turns, of which `comes` says whether a datagram came in them. */
  async function steps(comes: (turn: number) => boolean, stepBackAt = -1): Promise<number> {
    const { clock, loop } = loopRig();
    let turn = 0;
    let taken = 0;
    const line: PolledFeedLine = {
      idle() {},
      close() {},
      drain() {
        clock.nowNs += turnNs;
        if (turn === stepBackAt) clock.nowNs -= 3600e9;
        if (++turn === 1000) loop.stopped = true;
        return comes(turn) ? 1 : 0;
      },
    };
    const rehearsing = { intervalNs, step: () => void taken++ };
    spin({ loop, lines: [line], idleNs: 0, wait() {}, rehearsing });
    await until(() => loop.stopped);
    return taken;
  }

  test("thePathIsRehearsedOnceAnInterval", async () => {
    expect(await steps(() => false)).toBe(Math.floor((1000 * turnNs - 1) / intervalNs));
  });

  test("aDatagramIsAsGoodAsARehearsal", async () => {
    expect(await steps((turn) => turn % 40 === 0)).toBe(0);
  });

  test("itGoesOnWhenTheClockIsSetBack", async () => {
    expect(await steps(() => false, 500)).toBeGreaterThanOrEqual(19);
  });
});

test("whatWasClosedByTheTimerIsNotReadAgain", async () => {
  const { control, loop } = loopRig();
  let drains = 0;
  let closed = false;
  const line: PolledFeedLine = {
    idle() {},
    close: () => {
      closed = true;
    },
    drain() {
      if (closed) drains++;
      return 0;
    },
  };
  loop.lines.push(line);
  control.requestStop();
  // The timer has found the stop between two stretches, and has closed the lines.
  loop.idle(loop.now(), { record() {} });
  loop.close();
  spin({ loop, lines: [line], idleNs: 0, wait() {} });
  await new Promise(setImmediate);
  expect(drains).toBe(0);
});

describe.each(["event", "poll"] as const satisfies readonly Receive[])("received by %s", (way) => {
  test("whatLayInTheSocketForMinutesWhileTheProcessStoodStillIsLate", async () => {
    await using live = await LiveFeed.open(way, "format=tick", { "signal.emit": "every" });
    const { counters } = live;
    // By its clock the thread reads two minutes after the kernel has received.
    live.sleptNs = 120e9;
    // The first readings of a socket may only switch its stamps on.
    for (let i = 0; i < 5; i++) {
      await live.send(Buffer.from(tick("ACME", 100, 100)));
      await live.settle();
    }
    const from = counters[Metric.feed.lateDatagrams]!;
    await live.send(Buffer.from(tick("ACME", 100, 100)));
    await live.settle();
    expect(counters[Metric.feed.lateDatagrams]! - from).toBe(1);
    expect(live.signals.at(-1)).toMatchObject({ signal: "HOLD", source: "late" });
  });
});
