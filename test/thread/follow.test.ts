/** Other symbols are followed behind real sockets, received either way, with a snapshot server. */
import { describe, expect, test } from "bun:test";
import { Side } from "../../src/feed/event.ts";
import { encodeAdd, stockBytes } from "../../src/feed/itch50-encode.ts";
import { MoldUdp64Packer } from "../../src/feed/moldudp64-encode.ts";
import { serve } from "../../src/replay/server.ts";
import { ServerState } from "../../src/replay/server-state.ts";
import type { FollowChange } from "../../src/thread/feed-follow.ts";
import { LiveFeed, type Receive } from "../support/live-feed.ts";
import { until } from "../support/until.ts";

const ways: readonly Receive[] = ["event", "poll"];
const packer = new MoldUdp64Packer("FOL", 1400);
const symbols = ["AAA", "BBB"];

/** One order a datagram, of two symbols by turns, bids and offers. */
function datagram(sequence: number): Buffer {
  packer.begin(sequence);
  const { bytes, at } = packer;
  const side = (sequence >> 1) % 2 === 0 ? Side.bid : Side.ask;
  const price = 1_000_000 + side * 100;
  const locate = 1 + (sequence % 2);
  const stock = stockBytes(symbols[sequence % 2]!);
  const marketNs = 34_200e9 + sequence;
  packer.end(encodeAdd(bytes, at, locate, marketNs, 0, sequence, side, 100, stock, price));
  return Buffer.from(packer.bytes.subarray(0, packer.length));
}

function follow(live: LiveFeed, ...names: string[]): FollowChange {
  const feeds = [{ ...live.plan.feeds[0]!, symbols: names }];
  return live.core.adopt({ ...live.plan, feeds }, [], live.loop.now())[0]!;
}

const url = "format=itch50&date=2020-01-30&symbols=AAA&snapshotRetryMs=10&snapshotAttempts=2";

describe.each(ways)("received by %s", (way) => {
  test("a symbol added in mid-session is healed by a snapshot", async () => {
    const state = new ServerState(1_000_000);
    const server = await serve(
      {
        messagesMax: 1_000_000,
        rerequest: undefined,
        snapshot: { host: "127.0.0.1", port: 0 },
        answerDrop: 0,
        seed: 1,
      },
      state,
    );
    await using live = await LiveFeed.open(
      way,
      `${url}&snapshot=tcp://127.0.0.1:${server.snapshotPort}`,
    );
    let sequence = 1;
    const sendUntil = async (last: number): Promise<void> => {
      for (; sequence <= last; sequence++) {
        const bytes = datagram(sequence);
        state.take(bytes, 0, bytes.length);
        await live.send(bytes);
      }
    };
    const books = live.core.books[0]!;
    await sendUntil(40);
    await live.settle();
    expect(books.orders.count).toBe(20);
    const change = follow(live, "AAA", "BBB");
    expect(change).toMatchObject({ partial: ["BBB"], snapshot: true });
    await sendUntil(60);
    await until(() => live.core.recoveries[0]!.glimpse!.snapshots === 1);
    await until(() => books.orders.count === 60 && live.core.engine.health.isWhole(0, 0));
    expect([books.isPartial(0), books.isPartial(1)]).toEqual([false, false]);
    await sendUntil(64);
    await live.settle();
    for (const symbol of symbols) {
      expect(live.signals.findLast((signal) => signal.symbol === symbol)!.source).toBe("l1");
    }
    expect(live.log).toEqual(["feed live: its books were replaced by a snapshot"]);
    server.close();
  });

  test("without the snapshot only the added one is HOLD, and a later loss may ask again", async () => {
    await using live = await LiveFeed.open(way, `${url}&snapshot=tcp://127.0.0.1:1`);
    let sequence = 1;
    while (sequence <= 40) await live.send(datagram(sequence++));
    await live.settle();
    expect(follow(live, "AAA", "BBB").snapshot).toBe(true);
    const glimpse = live.core.recoveries[0]!.glimpse!;
    await until(() => live.log.length === 2 && glimpse.attempts === 0);
    while (sequence <= 44) await live.send(datagram(sequence++));
    await live.settle();
    const of = (symbol: string): string[] =>
      live.signals.filter((signal) => signal.symbol === symbol).map(({ signal }) => signal);
    expect(of("AAA").at(-1)).not.toBe("HOLD");
    expect(of("BBB")).toEqual([]);
    // Lost for good: the attempts begin anew.
    sequence += 10;
    while (sequence <= 58) await live.send(datagram(sequence++));
    await until(() => live.log.length === 4);
  });
});
