import { describe, expect, test } from "bun:test";
import { EdgeError } from "../../src/error.ts";
import { AckWindow, occupiedBytes, strikesMax } from "../../src/replay/window.ts";
import { clean, RecordingLine, stage, VirtualClock } from "../support/replay.ts";

const ms = 1e6;
const texts = (line: RecordingLine): string[] => line.sent.map((s) => s.text);
/** Send times in ms after the first. */
const timesMs = (line: RecordingLine): number[] =>
  line.sent.map((s) => (s.ns - line.sent[0]!.ns) / ms);

const list = [
  ["a", 0],
  ["b", 10 * ms],
  ["c", 15 * ms],
  ["d", 115 * ms],
] as const;

describe("pacing in virtual time", () => {
  test("original: every datagram at its own time", async () => {
    const { line, player } = stage(list, 1);
    await player.play();
    expect(timesMs(line)).toEqual([0, 10, 15, 115]);
  });

  test("ten times faster", async () => {
    const { line, player } = stage(list, 10);
    await player.play();
    expect(timesMs(line)).toEqual([0, 1, 1.5, 11.5]);
  });

  test("max: no waiting at all", async () => {
    const { line, player } = stage(list, Number.POSITIVE_INFINITY);
    await player.play();
    expect(timesMs(line)).toEqual([0, 0, 0, 0]);
  });

  test("a slow send delays itself, not the schedule", async () => {
    const { line, player, pace, clock } = stage(list, 1);
    const send = line.send.bind(line);
    line.send = (bytes, offset, length) => {
      send(bytes, offset, length);
      if (line.sent.length === 2) clock.ns += 50 * ms;
    };
    await player.play();
    expect(timesMs(line)).toEqual([0, 10, 60, 115]);
    expect(pace.counts).toEqual({ late: 2, lateNsMax: 50 * ms, moved: 0, movedNs: 0 });
  });

  test("after a standstill of seconds the schedule moves instead of flooding", async () => {
    const { line, player, pace, clock } = stage(list, 1);
    const send = line.send.bind(line);
    line.send = (bytes, offset, length) => {
      send(bytes, offset, length);
      if (line.sent.length === 1) clock.ns += 5000 * ms;
    };
    await player.play();
    expect(timesMs(line)).toEqual([0, 5010, 5015, 5115]);
    expect(pace.counts).toMatchObject({ moved: 1, movedNs: 5000 * ms });
  });

  test("a burst is bounded: sockets get their turn after at most that many datagrams", async () => {
    const many = Array.from({ length: 100 }, (_, i) => [String(i), 0] as const);
    const { line, player, clock } = stage(many, Number.POSITIVE_INFINITY, { burst: 16 });
    const seen: number[] = [];
    clock.onYield = () => seen.push(line.sent.length);
    await player.play();
    expect(seen).toEqual([16, 32, 48, 64, 80, 96]);
  });

  test("silence of our own framing is broken by a heartbeat every second", async () => {
    const { line, player } = stage(
      [
        ["a", 0],
        ["b", 2500 * ms],
      ],
      1,
      { signs: true },
    );
    await player.play();
    const [silent, after] = ["heartbeat before", "heartbeat"];
    expect(texts(line)).toEqual(["a", silent, silent, "b", after]);
    expect(timesMs(line)).toEqual([0, 1000, 2000, 2500, 2500]);
  });
});

describe("the end", () => {
  test("passes begin anew, and only the last one ends the session", async () => {
    const { line, player } = stage(list.slice(0, 2), 1, {
      signs: true,
      passes: 2,
      endOfSession: true,
    });
    const state = await player.play();
    expect(texts(line)).toEqual(["a", "b", "heartbeat", "a", "b", "end"]);
    expect(timesMs(line)).toEqual([0, 10, 10, 10, 20, 20]);
    expect(state.source).toEqual({ packets: 4 });
  });

  test("a limit and a stop announce what was sent, and no more", async () => {
    const limited = stage(list, 1, { signs: true, limit: 2 });
    await limited.player.play();
    expect(texts(limited.line)).toEqual(["a", "b", "heartbeat"]);
    let stopped = false;
    const changes = { signs: true, endOfSession: true, stopped: () => stopped };
    const hourLater = ["b", 3600e9] as const;
    const { line, player, clock } = stage([["a", 0], hourLater], 1, changes);
    clock.onYield = () => {
      stopped = true;
    };
    await player.play();
    expect(texts(line)[0]).toBe("a");
    expect(texts(line).at(-1)).toBe("end before");
    expect(texts(line)).not.toContain("b");
  });

  test("a limit ends it, across passes", async () => {
    const { line, player } = stage(list, 1, { passes: Number.POSITIVE_INFINITY, limit: 6 });
    await player.play();
    expect(texts(line).join("")).toBe("abcdab");
  });

  test("an endless loop over nothing ends", async () => {
    const { player } = stage([], 1, { passes: Number.POSITIVE_INFINITY });
    expect((await player.play()).pass).toBe(1);
  });

  test("a stop is seen during a wait of hours", async () => {
    let stopped = false;
    const { line, player, clock } = stage(
      [
        ["a", 0],
        ["b", 3600e9],
      ],
      1,
      { stopped: () => stopped },
    );
    clock.onYield = () => {
      stopped = true;
    };
    await player.play();
    expect(texts(line)).toEqual(["a"]);
  });

  test("a source that breaks leaves its error and what came before", async () => {
    const broken = new EdgeError("CAPTURE_BROKEN", "it is broken", "");
    const { line, player } = stage(list, 1, { open: () => Promise.reject(broken) });
    expect((await player.play()).error).toBe(broken);
    expect(line.sent).toEqual([]);
  });

  test("a mistake of this program is not taken for a broken file", async () => {
    const { player } = stage(list, 1, { open: () => Promise.reject(new TypeError("ours")) });
    const failure = await player.play().catch((error: unknown) => error);
    expect(failure).toEqual(new TypeError("ours"));
  });

  test("a full socket is waited for", async () => {
    const { line, player, clock } = stage(list, Number.POSITIVE_INFINITY);
    line.blocked = true;
    let turns = 0;
    clock.onYield = () => {
      if (++turns === 3) line.blocked = false;
    };
    await player.play();
    expect(texts(line).join("")).toBe("abcd");
    expect(turns).toBe(3);
  });
});

test("two lines carry the same datagrams, each with an impairment of its own", async () => {
  const many = Array.from({ length: 200 }, (_, i) => [String(i), 0] as const);
  const clock = new VirtualClock();
  const lines = [new RecordingLine(clock), new RecordingLine(clock)];
  const { player } = stage(many, Number.POSITIVE_INFINITY, {
    lines,
    impairment: { ...clean, drop: 0.3 },
  });
  await player.play();
  const [a, b] = lines.map((line) => new Set(texts(line)));
  expect(a!.size).toBeLessThan(200);
  expect(b!.size).toBeLessThan(200);
  expect(a).not.toEqual(b);
  expect(a!.union(b!).size).toBeGreaterThan(Math.max(a!.size, b!.size));
});

describe("acknowledgements", () => {
  const many = Array.from({ length: 1000 }, (_, i) => [String(i), 0] as const);
  const wide = 1 << 30;
  const burst = 4096;

  test("never more are under way than the window takes", async () => {
    const window = new AckWindow(100, wide, 1e9);
    const { line, player, clock } = stage(many, Number.POSITIVE_INFINITY, { window, burst });
    let most = 0;
    clock.onYield = () => {
      most = Math.max(most, line.sent.length - window.acknowledged);
      window.acknowledge(line.sent.length - (line.sent.length % 7));
    };
    await player.play();
    expect(line.sent.length).toBe(1000);
    expect(most).toBe(100);
    expect(window.silences).toBe(1); // Of the last few nobody said anything.
  });

  test("the receiver's buffer bounds them as well, however large the datagrams", async () => {
    const big = Array.from({ length: 300 }, () => ["x".repeat(1400), 0] as const);
    const window = new AckWindow(256, 160 * 1024, 1e9);
    const { line, player, clock } = stage(big, Number.POSITIVE_INFINITY, { window, burst });
    let most = 0;
    clock.onYield = () => {
      most = Math.max(most, line.sent.length - window.acknowledged);
      window.acknowledge(line.sent.length);
    };
    await player.play();
    expect(most).toBe(Math.ceil((160 * 1024) / occupiedBytes(1400)));
  });

  test("a loss is written off after the time-out and the replay goes on at full window", async () => {
    const window = new AckWindow(100, wide, 20 * ms);
    const { line, player, clock } = stage(many, Number.POSITIVE_INFINITY, { window, burst });
    clock.onYield = () => window.acknowledge(Math.max(0, line.sent.length - 30));
    await player.play();
    expect(line.sent.length).toBe(1000);
    expect(window.sent - window.acknowledged).toBe(30);
    expect(window.silent).toBe(false);
  });

  test("a silent receiver is given up after three time-outs, and the pace falls to a fixed rate", async () => {
    const window = new AckWindow(100, wide, 20 * ms);
    const { line, player, clock } = stage(many, Number.POSITIVE_INFINITY, { window, burst });
    const startNs = clock.ns;
    await player.play();
    expect([window.silences, window.silent]).toEqual([strikesMax, true]);
    expect(line.sent.length).toBe(1000);
    const afterNs = 700 * 1e5;
    expect(clock.ns - startNs).toBeGreaterThan(3 * 20 * ms + afterNs * 0.9);
  });

  test("one that answers again closes the window again", () => {
    const window = new AckWindow(10, wide, 1);
    for (let round = 0; round < strikesMax; round++) {
      for (let i = 0; i < 10; i++) window.sentOne(1);
      expect(window.open).toBe(false);
      window.expired(round * 10);
      window.expired(round * 10 + 5);
    }
    expect([window.silent, window.open]).toEqual([true, true]);
    window.acknowledge(25);
    expect([window.silent, window.underWay]).toEqual([false, 0]);
    for (let i = 0; i < 10; i++) window.sentOne(1);
    expect(window.open).toBe(false);
  });

  test("what was written off and came late after all is no longer missing", () => {
    const window = new AckWindow(10, wide, 1);
    for (let i = 0; i < 10; i++) window.sentOne(1);
    window.expired(0);
    window.expired(5);
    expect(window.underWay).toBe(0);
    window.acknowledge(10);
    expect([window.underWay, window.sent - window.acknowledged]).toEqual([0, 0]);
  });

  test("counts beyond what was sent and old ones are not believed", () => {
    const window = new AckWindow(10, wide, 1);
    for (let i = 0; i < 5; i++) window.sentOne(1);
    window.acknowledge(6);
    expect(window.acknowledged).toBe(0);
    window.acknowledge(4);
    window.acknowledge(3);
    expect(window.acknowledged).toBe(4);
  });
});
