import { describe, expect, test } from "bun:test";
import { GapEnd } from "../../src/feed/gap.ts";
import type { FeedGap } from "../../src/thread/line-board.ts";
import { LineBoard, FeedValue, lineBoardBytes, LineValue } from "../../src/thread/line-board.ts";
import { GapTap } from "../../src/thread/ops-gap.ts";
import { recoveryBody } from "../../src/thread/ops-line.ts";

const baseMs = 1_700_000_000_000;
const session = [0x31302020, 0x20202020, 0x2020] as const;

function gap(end: GapEnd, from: number, to: number, changes: Partial<FeedGap> = {}): FeedGap {
  const times = { seenNs: 5e6, lastedNs: 3e6 };
  return { feed: 0, channel: 0, key: 0, from, to, end, ...times, session, ...changes };
}

function take(tap: GapTap, ...gaps: FeedGap[]) {
  return tap.take(() => gaps.shift());
}

function createTap(): GapTap {
  const feeds = [
    { name: "nasdaq", format: "itch50" },
    { name: "deep", format: "iex" },
    { name: "bzx", format: "pitch" },
  ] as const;
  return new GapTap(feeds, baseMs);
}

describe("a gap in the history", () => {
  test("says what was missing, and that it came back", () => {
    const rows = take(createTap(), gap(GapEnd.retransmission, 10, 13));
    expect(rows.gaps).toEqual([
      {
        atMs: baseMs + 5,
        feed: "nasdaq",
        channel: "nasdaq",
        session: "10",
        firstSeq: 10,
        lost: 3,
        recovered: 3,
        healedMs: baseMs + 8,
      },
    ]);
    expect(rows.events[0]).toMatchObject({
      kind: "gap",
      severity: "info",
      message: expect.stringContaining("nasdaq: messages 10 to 12 were sent again within"),
    });
  });

  test("stays open when it was lost, until a snapshot heals all of its channel", () => {
    const tap = createTap();
    const lost = take(tap, gap(GapEnd.lost, 10, 11), gap(GapEnd.lost, 20, 30));
    expect(lost.gaps.map(({ recovered, healedMs }) => [recovered, healedMs])).toEqual([
      [0, null],
      [0, null],
    ]);
    expect(lost.events[0]!.severity).toBe("warning");
    const other = take(tap, gap(GapEnd.snapshot, 5, 9, { feed: 1 }));
    expect(other.healed).toEqual([]);
    const { gaps, healed } = take(tap, gap(GapEnd.snapshot, 10, 40));
    expect(gaps).toEqual([]);
    expect(healed.map(({ channel, firstSeq }) => [channel, firstSeq])).toEqual([
      ["nasdaq", 10],
      ["nasdaq", 20],
    ]);
    expect(take(tap, gap(GapEnd.snapshot, 40, 41)).healed).toEqual([]);
  });

  test("of one channel of several goes by the number that its datagrams have", () => {
    const deep = (key: number) => gap(GapEnd.line, 1, 2, { feed: 1, channel: 3, key });
    const rows = take(createTap(), deep(0x8004_0001), deep(0x8003_0002), deep(0x9_0001));
    expect(rows.gaps.map(({ channel }) => channel)).toEqual([
      "deep/deep-1",
      "deep/tops-2",
      "deep/589825",
    ]);
    expect(rows.gaps[0]!.session).toBe(String(session[0]));
    const unit = take(createTap(), gap(GapEnd.lost, 1, 2, { feed: 2, channel: 0, key: 7 }));
    expect(unit.gaps[0]!.channel).toBe("bzx/7");
    expect(unit.events[0]!.message).toStartWith("bzx/7: message 1 is lost");
  });

  test("is told in words so often a second, and then summed up", () => {
    const many = Array.from({ length: 50 }, (_, i) => gap(GapEnd.line, i + 1, i + 2));
    const { gaps, events } = take(createTap(), ...many);
    expect(gaps).toHaveLength(50);
    expect(events).toHaveLength(21);
    expect(events.at(-1)).toMatchObject({
      severity: "info",
      message: "30 more gaps in this second",
    });
    // What is lost is a warning also where it has no words of its own.
    const lost = Array.from({ length: 21 }, (_, i) => {
      return gap(i < 20 ? GapEnd.line : GapEnd.lost, i + 1, i + 2);
    });
    expect(take(createTap(), ...lost).events.at(-1)!.severity).toBe("warning");
  });
});

test("a feed's lines as the API shows them: nothing before the first time, then each one's share", () => {
  const tap = createTap();
  take(tap, gap(GapEnd.lost, 10, 12));
  const board = new LineBoard(new SharedArrayBuffer(lineBoardBytes(2)), 2);
  expect(recoveryBody(board.read(0), tap.last[0])).toBeNull();
  board.begin(0);
  board.set(0, FeedValue.sequence, 77);
  board.set(0, FeedValue.broken, 1);
  board.set(0, FeedValue.lines, 2);
  board.setLine(0, 0, LineValue.datagrams, 5);
  board.setLine(0, 0, LineValue.behindNs, 300);
  board.setLine(0, 0, LineValue.behindCount, 2);
  board.setLine(0, 0, LineValue.overflow, -1);
  board.end(0);
  const body = recoveryBody(board.read(0), tap.last[0])!;
  expect(body).toMatchObject({ sequence: 77, broken: true, waiting: false });
  expect(body.lastGap).toEqual({ from: 10, to: 12, end: "lost", lastedNs: 3e6 });
  expect(
    body.lines.map(({ answers, datagrams, behindMeanNs, drops }) => {
      return [answers, datagrams, behindMeanNs, drops];
    }),
  ).toEqual([
    [false, 5, 150, null],
    [true, 0, null, 0],
  ]);
  expect(recoveryBody(board.read(1), tap.last[1])).toBeNull();
});
