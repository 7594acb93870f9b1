/** Both ways of receiving give the same: one suite over both, on real sockets. */
import { describe, expect, test } from "bun:test";
import { ackEveryDatagrams } from "../../src/feed/ack.ts";
import { encodeAdd, stockBytes } from "../../src/feed/itch50-encode.ts";
import { MoldUdp64Packer } from "../../src/feed/moldudp64-encode.ts";
import type { Signal } from "../../src/decision/signal.ts";
import { openSource } from "../../src/replay/open.ts";
import { realtimeNs } from "../../src/host/libc.ts";
import { Metric } from "../../src/telemetry/metric.ts";
import { capturePath, hasCapture } from "../support/capture.ts";
import { LiveFeed, type Receive } from "../support/live-feed.ts";
import { drain, openOptions } from "../support/source.ts";
import { until } from "../support/until.ts";

const ways: readonly Receive[] = ["event", "poll"];
const itch = "format=itch50&date=2020-01-30";

function addOrder(sequence: number, packer = new MoldUdp64Packer("LIVE", 1400)): Buffer {
  packer.begin(sequence);
  const { bytes, at } = packer;
  const price = 1_000_000 + (sequence % 2 === 0 ? 100 : 0);
  const side = sequence % 2 === 0 ? 1 : 0;
  const marketNs = 34_200e9 + sequence;
  packer.end(encodeAdd(bytes, at, 1, marketNs, 0, sequence, side, 100, stockBytes("AAPL"), price));
  return Buffer.from(packer.bytes.subarray(0, packer.length));
}

function tick(symbol: string): string {
  return `{"symbol":"${symbol}","timestamp":${Date.now()},"price":10,"volume":1}`;
}

describe.each(ways)("received by %s", (way) => {
  test("datagrams come in order, counted, with the time that the kernel received them", async () => {
    await using live = await LiveFeed.open(way, `${itch}&partialBooks=true`);
    const beforeNs = realtimeNs(live.plan.baseSeconds);
    for (let sequence = 1; sequence <= 500; sequence++) await live.send(addOrder(sequence));
    await live.settle();
    const afterNs = realtimeNs(live.plan.baseSeconds);
    const count = Metric.feed;
    expect(live.received).toBe(500);
    expect(live.counters[count.receivedBytes]).toBe(500 * addOrder(1).length);
    // With events the first readings of a socket only switch the stamps on.
    if (way === "poll") expect(live.counters[count.stampErrors]).toBe(0);
    expect(live.core.emitter.sequence).toBeGreaterThan(0);
    for (const { receiveTime } of live.signals) {
      const ns = Number(BigInt(receiveTime) - BigInt(live.plan.baseSeconds) * 1_000_000_000n);
      expect(ns).toBeGreaterThanOrEqual(beforeNs);
      expect(ns).toBeLessThanOrEqual(afterNs);
    }
    expect(live.signals.map(({ sampled }) => sampled)).not.toContain(way === "poll");
  });

  test("datagrams of every size up to the longest arrive whole", async () => {
    await using live = await LiveFeed.open(way, "format=tick");
    let bytes = 0;
    for (const size of [0, 1, 19, 20, 1399, 1400, 1472, 1473, 9000, 65_507]) {
      await live.send(Buffer.alloc(size, 0x20));
      await live.settle();
      bytes += size;
      expect(live.counters[Metric.feed.receivedBytes]).toBe(bytes);
    }
    expect(live.counters[Metric.feed.truncatedDatagrams]).toBe(0);
  });

  test("what stood behind a longer datagram is not taken for part of a shorter one", async () => {
    await using live = await LiveFeed.open(way, "format=tick");
    await live.send(Buffer.from(Array.from({ length: 64 }, (_, i) => tick(`S${i}`)).join("\n")));
    for (let i = 0; i < 64; i++) await live.send(Buffer.from(tick("AAPL").slice(0, -1 - i)));
    await live.settle();
    expect(live.core.instruments.count).toBe(64);
  });

  test("a sender that paces itself hears how far the feed is, also after a quiet moment", async () => {
    await using live = await LiveFeed.open(way, `${itch}&ack=true`);
    const [sender] = live.senders;
    for (let sequence = 1; sequence <= ackEveryDatagrams; sequence++) {
      sender!.send(addOrder(sequence));
    }
    await until(() => sender!.acknowledged === ackEveryDatagrams);
    sender!.send(addOrder(ackEveryDatagrams + 1));
    await until(() => sender!.acknowledged === ackEveryDatagrams + 1);
  });

  test("a hold is in force without a datagram, and a stop ends it", async () => {
    await using live = await LiveFeed.open(way, `${itch}&partialBooks=true`);
    await live.send(addOrder(1));
    await live.send(addOrder(2));
    await live.settle();
    live.control.writeHeld(true, []);
    await until(() => live.core.engine.heldAll);
    live.control.requestStop();
    await until(() => live.loop.stopped);
  });

  test("every line of a feed is read", async () => {
    await using live = await LiveFeed.open(way, itch, {}, 3);
    for (let line = 0; line < 3; line++) await live.send(addOrder(1), line);
    await live.settle();
    expect(live.received).toBe(3);
  });
});

/** What must be the same whichever way it was received: all but the clock's readings. */
function told(signals: readonly Signal[]): unknown[] {
  return signals.map((signal) => ({
    ...signal,
    run: "",
    receiveTime: "",
    emitTime: "",
    latencyNs: 0,
    sampled: false,
    ageMs: 0,
  }));
}

async function play(way: Receive, feed: string, datagrams: readonly Buffer[]) {
  await using live = await LiveFeed.open(way, feed, { "signal.emit": "every" });
  for (const datagram of datagrams) await live.send(datagram);
  await live.settle();
  return told(live.signals);
}

describe("captures give identical signals, event for event", () => {
  const cases = [
    ["aapl-20200130.itch50", "format=itch50&date=2020-01-30&partialBooks=true"],
    ["iex-deep-20231002.pcap.gz", "format=iex&date=2023-10-02&partialBooks=true"],
  ] as const;
  for (const [name, feed] of cases) {
    const absent = hasCapture(name) ? "" : " (skipped: the capture is not here)";
    test.skipIf(absent !== "")(`${name}${absent}`, async () => {
      const source = await openSource(capturePath(name), openOptions({ session: "TEST" }), 1);
      const { datagrams } = await drain(source);
      const bytes = datagrams.map((datagram) => Buffer.from(datagram.bytes, "latin1"));
      const event = await play("event", feed, bytes);
      const poll = await play("poll", feed, bytes);
      expect(event.length).toBeGreaterThan(1000);
      expect(poll).toEqual(event);
    });
  }
});
