/** What is missing comes back, or is known to be lost: real sockets, both ways of receiving. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Side } from "../../src/feed/event.ts";
import { GapEnd } from "../../src/feed/gap.ts";
import { encodeAdd, stockBytes } from "../../src/feed/itch50-encode.ts";
import { MoldUdp64Packer } from "../../src/feed/moldudp64-encode.ts";
import { Impairment } from "../../src/replay/impairment.ts";
import { openSource } from "../../src/replay/open.ts";
import { type ReplayServer, serve } from "../../src/replay/server.ts";
import { ServerState } from "../../src/replay/server-state.ts";
import { Metric } from "../../src/telemetry/metric.ts";
import { Recording } from "../../src/thread/ops-record.ts";
import { GapRing, LineBoard } from "../../src/thread/line-board.ts";
import { capturePath, hasCapture } from "../support/capture.ts";
import { LiveFeed, type Receive } from "../support/live-feed.ts";
import { replayOf, saying } from "../support/rig-recording.ts";
import { testSeed } from "../support/scale.ts";
import { drain, openOptions } from "../support/source.ts";
import { until } from "../support/until.ts";

const ways: readonly Receive[] = ["event", "poll"];
const packer = new MoldUdp64Packer("REC", 1400);
const loopback = { host: "127.0.0.1", port: 0 };

/** One order a datagram: bids at 100.00, offers at 100.01. */
function datagram(sequence: number): Buffer {
  packer.begin(sequence);
  const { bytes, at } = packer;
  const ask = sequence % 2 === 0 ? Side.bid : Side.ask;
  const price = 1_000_000 + ask * 100;
  const stock = stockBytes("AAPL");
  packer.end(encodeAdd(bytes, at, 1, 34_200e9 + sequence, 0, sequence, ask, 100, stock, price));
  return Buffer.from(packer.bytes.subarray(0, packer.length));
}

/** Of the capture's session. */
function heartbeat(next: number): Buffer {
  const sign = new MoldUdp64Packer("DAY0001", 20);
  sign.heartbeat(next);
  return Buffer.from(sign.bytes.subarray(0, sign.length));
}

class Rehearsal implements AsyncDisposable {
  readonly live: LiveFeed;
  readonly server: ReplayServer;
  readonly state: ServerState;
  readonly gaps: GapRing;
  readonly directory: string;
  readonly #recording: Recording;

  constructor(live: LiveFeed, server: ReplayServer, state: ServerState, directory: string) {
    this.directory = directory;
    const run = live.plan.runId.toString(16).padStart(16, "0");
    this.#recording = new Recording(live.plan, run, live.shared.record, () => {});
    this.live = live;
    this.server = server;
    this.state = state;
    this.gaps = new GapRing(live.shared.gaps);
  }

  static async open(
    way: Receive,
    options: { requests?: boolean; snapshots?: boolean; lines?: number; feed?: string },
  ): Promise<Rehearsal> {
    const { requests = false, snapshots = false, lines = 1, feed = "" } = options;
    const state = new ServerState(1_000_000);
    const server = await serve(
      {
        messagesMax: 1_000_000,
        rerequest: requests ? loopback : undefined,
        snapshot: snapshots ? loopback : undefined,
        answerDrop: 0,
        seed: 1,
      },
      state,
    );
    const url =
      "format=itch50&date=2020-01-30&holdUs=20000&snapshotRetryMs=10" +
      // Answers are never lost here, so that whoever waits for one waits for a busy machine.
      "&requestTimeoutMs=60000" +
      (feed.includes("giveUpMs") ? "" : "&giveUpMs=600000") +
      (requests ? `&rerequest=udp://127.0.0.1:${server.rerequestPort}` : "") +
      (snapshots ? `&snapshot=tcp://127.0.0.1:${server.snapshotPort}` : "") +
      feed;
    const directory = mkdtempSync(join(tmpdir(), "hftedge-rehearsal-"));
    const record = { "record.enabled": "true", "record.directory": directory };
    return new Rehearsal(await LiveFeed.open(way, url, record, lines), server, state, directory);
  }

  /** The exchange sends; the receiver gets it only where `lines` says so. */
  async send(sequence: number, ...lines: number[]): Promise<void> {
    const bytes = datagram(sequence);
    this.state.take(bytes, 0, bytes.length);
    for (const line of lines) await this.live.send(bytes, line);
  }

  get sequence(): number {
    return this.live.core.emitter.sequence;
  }

  get orders(): number {
    return this.live.core.books[0]!.orders.count;
  }

  get isWhole(): boolean {
    return this.live.core.engine.health.isWhole(0, 0);
  }

  /** The next gap that ended, as ops is told. */
  async gap() {
    let gap = this.gaps.shift();
    await until(() => (gap ??= this.gaps.shift()) !== undefined);
    const { from, to, end } = gap!;
    return { from, to, end };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { live } = this;
    await live[Symbol.asyncDispose]();
    this.server.close();
    live.collect();
    // Every rehearsal is recorded, and its replay must say the same.
    this.#recording.close(0);
    const { signals, run } = await replayOf(live.plan, this.directory);
    rmSync(this.directory, { recursive: true });
    expect(run.missing).toBe(0);
    expect(signals.map(saying)).toEqual(live.signals.map(saying));
  }
}

describe.each(ways)("received by %s", (way) => {
  test("a datagram that comes late is put in its place", async () => {
    await using rehearsal = await Rehearsal.open(way, {});
    for (const sequence of [1, 2, 4, 5, 3, 6]) {
      await rehearsal.live.send(datagram(sequence));
    }
    await until(() => rehearsal.orders === 6);
    expect(await rehearsal.gap()).toEqual({ from: 3, to: 4, end: GapEnd.line });
    expect(rehearsal.isWhole).toBe(true);
  });

  test("what one line loses the other one brings, and each line's share is counted", async () => {
    await using rehearsal = await Rehearsal.open(way, { lines: 2 });
    for (let sequence = 1; sequence <= 100; sequence++) {
      await rehearsal.send(sequence, ...(sequence % 10 === 5 ? [1] : [0, 1]));
      await rehearsal.live.settle();
    }
    await until(() => rehearsal.orders === 100);
    const board = new LineBoard(rehearsal.live.shared.lines, 1);
    await until(() => board.read(0)?.lines[1]?.datagrams === 100);
    const { lines, sequence, broken, waiting } = board.read(0)!;
    expect({ sequence, broken, waiting }).toEqual({ sequence: 100, broken: false, waiting: false });
    expect(lines.map(({ datagrams, lost }) => [datagrams, lost])).toEqual([
      [90, 10],
      [100, 0],
      [0, 0],
    ]);
    expect(lines[0]!.wins + lines[1]!.wins).toBe(100);
    expect(rehearsal.isWhole).toBe(true);
  });

  test("what no line brings is asked for and comes back", async () => {
    await using rehearsal = await Rehearsal.open(way, { requests: true });
    for (const sequence of [1, 2, 3]) await rehearsal.send(sequence, 0);
    for (const sequence of [4, 5, 6]) await rehearsal.send(sequence);
    await rehearsal.send(7, 0);
    await until(() => rehearsal.orders === 7);
    expect(await rehearsal.gap()).toEqual({ from: 4, to: 7, end: GapEnd.retransmission });
    expect(rehearsal.isWhole).toBe(true);
    expect(rehearsal.state.counts.answered).toBe(1);
    expect(rehearsal.live.counters[Metric.feed.rerequests]).toBe(1);
    await until(() => rehearsal.live.counters[Metric.feed.recoveredMessages] === 3);
  });

  test("an answer of somebody else is not listened to", async () => {
    const asked: number[] = [];
    const data = (_socket: unknown, _bytes: Buffer, port: number): void => void asked.push(port);
    const socket = { data, error() {} };
    const server = await Bun.udpSocket({ hostname: "127.0.0.1", socket });
    const stranger = await Bun.udpSocket({ hostname: "127.0.0.2", socket });
    const url = `format=itch50&date=2020-01-30&rerequest=udp://127.0.0.1:${server.port}`;
    const patient = "&requestTimeoutMs=60000&giveUpMs=600000";
    try {
      await using live = await LiveFeed.open(way, url + patient);
      const orders = (): number => live.core.books[0]!.orders.count;
      await live.send(datagram(1));
      await live.send(datagram(3));
      await until(() => asked.length > 0);
      stranger.send(datagram(2), asked[0]!, "127.0.0.1");
      await until(() => live.counters[Metric.feed.foreignSenders] === 1);
      // The kernel handed it over, whoever sent it.
      expect(live.received).toBe(3);
      expect(live.counters[Metric.feed.receivedBytes]).toBe(3 * datagram(2).length);
      expect(orders()).toBe(1);
      server.send(datagram(2), asked[0]!, "127.0.0.1");
      await until(() => orders() === 3);
    } finally {
      server.close();
      stranger.close();
    }
  });

  test("what nobody brings is lost, said so, and the books are not trusted any more", async () => {
    await using rehearsal = await Rehearsal.open(way, { feed: "&giveUpMs=50&requestsMax=2" });
    for (const sequence of [1, 2]) await rehearsal.send(sequence, 0);
    await rehearsal.live.settle();
    expect(rehearsal.live.signals.at(-1)!.source).toBe("l1");
    await rehearsal.send(3);
    await rehearsal.send(4, 0);
    expect(await rehearsal.gap()).toEqual({ from: 3, to: 4, end: GapEnd.lost });
    expect(rehearsal.isWhole).toBe(false);
    await rehearsal.live.settle();
    expect(rehearsal.live.signals.at(-1)).toMatchObject({ signal: "HOLD", source: "stale" });
    for (const sequence of [5, 6, 7]) await rehearsal.send(sequence, 0);
    await rehearsal.live.settle();
    expect(rehearsal.live.signals.at(-1)).toMatchObject({ signal: "HOLD", source: "stale" });
  });

  test("a join in mid-session is healed by a snapshot", async () => {
    await using rehearsal = await Rehearsal.open(way, { snapshots: true });
    for (let sequence = 1; sequence <= 50; sequence++) await rehearsal.send(sequence);
    for (let sequence = 51; sequence <= 60; sequence++) await rehearsal.send(sequence, 0);
    await until(() => rehearsal.orders === 60 && rehearsal.isWhole);
    await rehearsal.send(61, 0);
    await rehearsal.live.settle();
    expect(rehearsal.orders).toBe(61);
    expect(rehearsal.live.signals.at(-1)!.source).toBe("l1");
    expect(rehearsal.state.counts.snapshots).toBe(1);
    expect(rehearsal.live.log).toEqual(["feed live: its books were replaced by a snapshot"]);
  });

  test("messages lost for good are healed by a snapshot, and nothing is decided until then", async () => {
    await using rehearsal = await Rehearsal.open(way, { snapshots: true, feed: "&giveUpMs=30" });
    for (const sequence of [1, 2]) await rehearsal.send(sequence, 0);
    await rehearsal.send(3);
    await rehearsal.send(4, 0);
    expect(await rehearsal.gap()).toEqual({ from: 3, to: 4, end: GapEnd.lost });
    await until(() => rehearsal.orders === 4 && rehearsal.isWhole);
    expect((await rehearsal.gap()).end).toBe(GapEnd.snapshot);
  });

  test("no snapshot server there: said a bounded number of times, the feed goes on", async () => {
    const feed = "&snapshot=tcp://127.0.0.1:1&snapshotAttempts=3&snapshotRetryMs=10";
    await using live = await LiveFeed.open(way, `format=itch50&date=2020-01-30${feed}`);
    await live.send(datagram(5));
    await until(() => live.log.length === 3);
    await live.send(datagram(6));
    await live.settle();
    expect(live.log[2]).toStartWith(
      "feed live: no snapshot, attempt 3: the connection was refused",
    );
    expect(live.core.books[0]!.orders.count).toBe(2);
  });

  const capture = "aapl-20200130.itch50";
  const absent = hasCapture(capture) ? "" : " (skipped: the capture is not here)";
  test.skipIf(absent !== "")(
    `a bad day on both lines loses nothing of the AAPL capture${absent}`,
    async () => {
      const seed = testSeed(`bad day by ${way}`);
      await using rehearsal = await Rehearsal.open(way, { requests: true, lines: 2 });
      const { live, state } = rehearsal;
      const source = await openSource(capturePath(capture), openOptions({ session: "DAY" }), 1);
      const weather = {
        seed,
        drop: 0.01,
        duplicate: 0.01,
        reorder: 0.02,
        truncate: 0,
        reorderDepth: 4,
      };
      const due: [number, Buffer][] = [];
      const lines = [0, 1].map(
        (line) =>
          new Impairment(weather, line, (bytes, offset, length) => {
            due.push([line, Buffer.from(bytes.subarray(offset, offset + length))]);
          }),
      );
      const { datagrams } = await drain(source);
      // Before a session's first message comes its heartbeat; without it a first datagram that is
      // lost on the line that is read first would be a join in mid-session.
      await live.send(heartbeat(1));
      await live.settle();
      const send = async (): Promise<void> => {
        for (const [line, bytes] of due.splice(0)) await live.send(bytes, line);
      };
      for (const { bytes: text } of datagrams) {
        const bytes = Buffer.from(text, "latin1");
        state.take(bytes, 0, bytes.length);
        for (const line of lines) line.offer(bytes, 0, bytes.length);
        await send();
      }
      for (const line of lines) line.flush();
      await send();
      await live.send(heartbeat(state.next));
      const board = new LineBoard(live.shared.lines, 1);
      await until(() => board.read(0)?.sequence === 10_000);
      const books = live.core.books[0]!;
      expect([books.bidPrice(0), books.askPrice(0)]).toEqual([3_201_400, 3_203_000]);
      expect(books.orders.count).toBe(state.orders);
      for (let gap = rehearsal.gaps.shift(); gap !== undefined; gap = rehearsal.gaps.shift()) {
        expect(gap).not.toMatchObject({ end: GapEnd.lost });
      }
      expect(rehearsal.isWhole).toBe(true);
    },
  );
});
