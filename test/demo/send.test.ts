import { describe, expect, test } from "bun:test";
import { sendDemo, startDemo, type DemoOptions } from "../../src/demo/send.ts";
import { createReceiver } from "../support/receiver.ts";
import { RecordingLine, VirtualClock } from "../support/replay.ts";
import { until } from "../support/until.ts";

function demo(changes: Partial<DemoOptions> = {}): DemoOptions {
  return {
    port: 9,
    seed: 1,
    rate: 2000,
    durationMs: 0,
    stop: new Int32Array(new SharedArrayBuffer(4)),
    ...changes,
  };
}

describe("in virtual time", () => {
  test("every datagram leaves at its intended time, never before", async () => {
    const clock = new VirtualClock();
    const line = new RecordingLine(clock);
    const result = await sendDemo(demo({ durationMs: 2000 }), line, clock, 0);
    expect(result.elapsedMs).toBeCloseTo(2000, 0);
    expect(result.datagrams).toBeGreaterThan(3000);
    expect([result.late, result.sessions, result.datagrams]).toEqual([0, 1, line.sent.length]);
    const messages = line.sent.map(({ text }) => Buffer.from(text, "latin1").readUInt16BE(18));
    expect(result.messages).toBe(messages.reduce((a, b) => a + b));
    for (const { text, ns } of line.sent) {
      const bytes = Buffer.from(text, "latin1");
      if (bytes.length === 20) continue;
      // The first message's stamp is the virtual time at which its datagram is due.
      expect(ns).toBeGreaterThanOrEqual(bytes.readUIntBE(22 + 5, 6) + 1_000_000);
    }
  });

  test("a stop is seen at the next look, in the middle of a flood as well", async () => {
    for (const flood of [false, true]) {
      const options = demo({ flood });
      const clock = new VirtualClock();
      const line = new RecordingLine(clock);
      let turns = 0;
      clock.onYield = () => {
        if (++turns === 10) Atomics.store(options.stop, 0, 1);
      };
      const result = await sendDemo(options, line, clock, 0);
      expect(result.datagrams).toBeGreaterThan(0);
      expect(result.datagrams).toBeLessThanOrEqual(64 * 10);
    }
  });

  test("a flood opens a new session every second, so that what was lost is healed", async () => {
    const clock = new VirtualClock();
    const line = new RecordingLine(clock);
    line.sendNs = 50_000;
    const result = await sendDemo(demo({ flood: true, durationMs: 3500 }), line, clock, 0);
    expect(result.sessions).toBe(4);
    const sessions = new Set(line.sent.map(({ text }) => text.slice(0, 10)));
    expect(sessions.size).toBe(4);
  });

  test("a full socket is waited for, and a stop ends that wait", async () => {
    const options = demo();
    const clock = new VirtualClock();
    const line = new RecordingLine(clock);
    line.blocked = true;
    let turns = 0;
    clock.onYield = () => {
      if (++turns === 50) Atomics.store(options.stop, 0, 1);
    };
    expect((await sendDemo(options, line, clock, 0)).datagrams).toBe(0);
  });
});

test("over a real socket it begins with the opening and stops when told", async () => {
  await using receiver = await createReceiver(false);
  const options = demo({ port: receiver.port, rate: 500 });
  const running = startDemo(options);
  await until(() => receiver.datagrams.length > 100);
  Atomics.store(options.stop, 0, 1);
  const result = await running;
  await until(() => receiver.datagrams.length === result.datagrams);
  const first = Buffer.from(receiver.datagrams[0]!);
  expect([first.toString("latin1", 0, 10), Number(first.readBigUInt64BE(10))]).toEqual([
    "DEMO000001",
    1,
  ]);
});
