/** A recording gives every signal again, whatever it came of. */
import { describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { Origin } from "../../src/decision/answer-word.ts";
import type { Signal } from "../../src/decision/signal.ts";
import { createFeedCore } from "../../src/thread/feed-core.ts";
import { planRun } from "../../src/thread/plan.ts";
import { EngineRig, moreAsk, moreBid, Outcome, Reason, said } from "../support/engine-rig.ts";
import { type Random, random } from "../support/random.ts";
import { RecordedRig, saying } from "../support/rig-recording.ts";
import { scaled, testSeed } from "../support/scale.ts";

const every = { "signal.emit": "every" };
/** Sizes of bid and ask that make the state moreBid, moreAsk. */
const big = [200, 100] as const;
const small = [100, 200] as const;

/** Of moreBid, where the symbol is in the key. */
function ownKey(instrument: number): Uint32Array {
  return Uint32Array.of(instrument, moreBid);
}

/** A replay that began in between counts from 1. */
function unnumbered(signal: Signal): Partial<Signal> {
  return { ...saying(signal), seq: 0 };
}

/** Runs `live` on a recorded rig and expects a replay to say the same; returns what was said. */
async function again(
  live: (rig: EngineRig) => Signal[],
  flags: Record<string, string> = {},
  feed = "",
): Promise<string[]> {
  using recorded = new RecordedRig({ flags, feed: `format=itch50&${feed}` });
  const signals = live(recorded.rig);
  const replayed = await recorded.replay();
  expect(replayed.signals.map(saying)).toEqual(signals.map(saying));
  expect(replayed.run.isWhole).toBe(true);
  expect(replayed.run.missing).toBe(0);
  return said(signals);
}

describe("a replay gives a signal again that came of", () => {
  test("the table (l1)", async () => {
    const words = await again((rig) => {
      rig.answer(moreBid, 1);
      return rig.book("AAA", 200, 100);
    });
    expect(words).toEqual(["AAA BUY l1"]);
  });

  test("the model, and waited for it (model)", async () => {
    const words = await again((rig) => {
      const signals = rig.book("AAA", 200, 100);
      rig.wait(3);
      rig.answer(moreBid, 1);
      rig.reply(rig.question(moreBid)!, Outcome.answered);
      return [...signals, ...rig.wait(2), ...rig.book("AAA", 100, 200)];
    });
    expect(words).toEqual(["AAA BUY model", "AAA HOLD pending"]);
  });

  test("an error and a deadline (error, timeout)", async () => {
    const words = await again((rig) => {
      const signals = rig.book("AAA", 200, 100);
      rig.reply(rig.question(moreBid)!, Outcome.error, Reason.unreachable);
      signals.push(...rig.poll(), ...rig.book("AAA", 201, 100), ...rig.book("AAA", 100, 200));
      rig.reply(rig.question(moreAsk)!, Outcome.timeout, Reason.deadline);
      signals.push(...rig.poll(), ...rig.wait(1100), ...rig.book("AAA", 100, 201));
      return signals;
    }, every);
    expect(words).toEqual([
      "AAA HOLD pending",
      "AAA HOLD error: model unreachable",
      "AAA HOLD error: model unreachable",
      "AAA HOLD pending",
      "AAA HOLD timeout: deadline",
      "AAA HOLD pending",
    ]);
  });

  test("the operator (held), also laid on a symbol before it is known", async () => {
    const words = await again((rig) => {
      rig.answer(moreBid, 1);
      const signals = rig.hold("BBB");
      signals.push(...rig.book("AAA", 200, 100), ...rig.book("BBB", 200, 100));
      signals.push(...rig.wait(5), ...rig.hold("AAA"), ...rig.book("AAA", 300, 100));
      signals.push(...rig.hold(), ...rig.holdAll(), ...rig.holdAll(false));
      return signals;
    }, every);
    expect(words).toContain("BBB HOLD held: operator");
    expect(words).toContain("AAA HOLD held: operator");
    expect(words.at(-1)).toBe("BBB BUY l1");
  });

  test("a backlog (late), and the datagram after it", async () => {
    const words = await again((rig) => {
      rig.answer(moreBid, 1);
      const signals = rig.book("AAA", 200, 100);
      rig.queuedNs = 200e6;
      signals.push(...rig.book("AAA", 300, 100));
      rig.queuedNs = 10_000;
      return [...signals, ...rig.book("AAA", 400, 100)];
    });
    expect(words).toEqual(["AAA BUY l1", "AAA HOLD late: backlog", "AAA BUY l1"]);
  });

  test("a gap, a silence and the end of the run (stale)", async () => {
    const words = await again(
      (rig) => {
        rig.answer(moreBid, 1);
        const signals = rig.book("AAA", 200, 100);
        signals.push(...rig.wait(1100), ...rig.book("AAA", 300, 100));
        rig.lose(3);
        signals.push(...rig.book("AAA", 400, 100));
        rig.newSession("NEXT");
        signals.push(...rig.book("AAA", 500, 100));
        rig.core.stop(rig.nowNs);
        return [...signals, ...rig.signals()];
      },
      { "signal.ttlMs": "60000" },
      "silenceMs=1000",
    );
    expect(words).toEqual([
      "AAA BUY l1",
      "AAA HOLD stale: silent channel",
      "AAA BUY l1",
      "AAA HOLD stale: gap",
      "AAA BUY l1",
      "AAA HOLD stale: shutting down",
    ]);
  });

  test("another version of the model, and an answer written between two look-ups", async () => {
    const words = await again((rig) => {
      rig.answer(moreBid, 1);
      const signals = rig.books(["AAA", 200, 100], ["BBB", 300, 100]);
      rig.table.clearShadow();
      rig.table.activate(7, 9);
      signals.push(...rig.poll());
      // The table has the answer before the feed is told.
      rig.answer(moreBid, 2);
      signals.push(...rig.book("AAA", 500, 100));
      rig.reply(rig.question(moreBid)!, Outcome.answered);
      return [...signals, ...rig.poll()];
    });
    expect(words).toEqual([
      "AAA BUY l1",
      "BBB BUY l1",
      "AAA HOLD pending",
      "BBB HOLD pending",
      "AAA SELL l1",
      "BBB SELL model",
    ]);
  });

  test("the store of decisions and the rules (l2, rules)", async () => {
    const words = await again((rig) => {
      const signals: Signal[] = [];
      const origins = [
        [moreBid, Origin.l2],
        [moreAsk, Origin.rules],
      ] as const;
      for (const [state, origin] of origins) {
        const [bidSize, askSize] = state === moreBid ? big : small;
        signals.push(...rig.book("AAA", bidSize, askSize));
        rig.table.write(Uint32Array.of(state), state, 1, 9000, origin, rig.plan.baseSeconds);
        rig.reply(rig.question(state)!, Outcome.answered);
        signals.push(...rig.poll());
      }
      return signals;
    });
    expect(words).toEqual(["AAA BUY l2", "AAA HOLD pending", "AAA BUY rules"]);
  });

  test("a table that is found full of other states than were seen before", async () => {
    const words = await again(
      (rig) => {
        const nowS = rig.plan.baseSeconds;
        for (let i = 0; i < 8; i++) rig.table.write(ownKey(i), 0, 1, 9000, Origin.model, nowS);
        const signals: Signal[] = [];
        for (let turn = 0; turn < 3; turn++) {
          for (let i = 0; i < 8; i++) signals.push(...rig.book(`S${i}`, 200 + turn, 100));
        }
        rig.table.remove(ownKey(3), 0);
        return [...signals, ...rig.book("S3", 300, 100), ...rig.book("S4", 300, 100)];
      },
      { ...every, "state.symbolInKey": "always", "limit.denseStates": "1" },
    );
    expect(words.slice(0, 2)).toEqual(["S0 BUY l1", "S1 BUY l1"]);
    expect(words.slice(-2)).toEqual(["S3 HOLD pending", "S4 BUY l1"]);
  });

  test("another configuration, taken over in between", async () => {
    const words = await again((rig) => {
      rig.answer(moreBid, 1, 0.6);
      const signals = rig.book("AAA", 200, 100);
      const { config, dataDirectory, runId } = rig.plan;
      const wanted = { ...config, signal: { ...config.signal, minConfidence: 0.7 } };
      rig.core.adopt(planRun(wanted, dataDirectory, runId), [], rig.nowNs);
      return [...signals, ...rig.signals()];
    });
    expect(words).toEqual(["AAA BUY l1", "AAA HOLD l1: below margin"]);
  });

  test("other symbols, and a feed thread that was started again with them", async () => {
    const words = await again(
      (rig) => {
        rig.answer(moreBid, 1);
        const signals = rig.books(["AAA", 200, 100], ["BBB", 200, 100], ["CCC", 200, 100]);
        rig.follow("CCC", "BBB");
        signals.push(...rig.signals(), ...rig.books(["AAA", 300, 100], ["CCC", 300, 100]));
        rig.follow();
        rig.newSession("NEXT");
        signals.push(...rig.signals(), ...rig.books(["AAA", 200, 100], ["CCC", 200, 100]));
        rig.follow("DDD", "CCC");
        createFeedCore(rig.plan, rig.shared, [], () => rig.nowNs);
        return [...signals, ...rig.signals()];
      },
      { "state.symbolInKey": "always" },
      "symbols=AAA,BBB",
    );
    expect(words).toContain("AAA HOLD stale: not followed");
  });

  test("a feed thread that was started again", async () => {
    const words = await again((rig) => {
      rig.answer(moreBid, 1);
      const signals = rig.book("AAA", 200, 100);
      createFeedCore(rig.plan, rig.shared, [], () => rig.nowNs);
      return [...signals, ...rig.signals()];
    });
    expect(words).toEqual(["AAA BUY l1", "AAA HOLD stale: never seen"]);
  });
});

test("a replay has room for the signals of a step, however few the run's readers may keep", async () => {
  const flags = { "limit.symbols": "128", "limit.signalRing": "64" };
  using recorded = new RecordedRig({ flags });
  const { rig } = recorded;
  rig.answer(moreBid, 1);
  const stood = Array.from({ length: 100 }, (_, i) => rig.book(`S${i}`, ...big)).flat();
  expect(stood).toHaveLength(100);
  rig.lose(3);
  rig.book("S0", 300, 100);
  const { signals } = await recorded.replay();
  expect(signals.filter(({ reason }) => reason === "gap")).toHaveLength(100);
});

describe("a recording that is not whole", () => {
  test("is replayed from where it begins, with what held then", async () => {
    using recorded = new RecordedRig({ flags: every, feed: "format=itch50&partialBooks=true" });
    const { rig } = recorded;
    rig.table.clearShadow();
    rig.table.activate(5, 6);
    rig.answer(moreBid, 1);
    rig.hold("BBB");
    const { config, dataDirectory, runId } = rig.plan;
    const wanted = { ...config, signal: { ...config.signal, minConfidence: 0.7 } };
    rig.core.adopt(planRun(wanted, dataDirectory, runId), [], rig.nowNs);
    rig.books(["AAA", ...big], ["BBB", ...big]);
    recorded.forget();
    rig.poll();
    const signals = [...rig.book("AAA", 300, 100), ...rig.book("BBB", 300, 100)];
    const { run, signals: replayed } = await recorded.replay();
    expect(run.isWhole).toBe(false);
    expect(said(signals)).toEqual(["AAA BUY l1", "BBB HOLD held: operator"]);
    expect(replayed.map(unnumbered)).toEqual(signals.map(unnumbered));
  });

  test("says how much found no room", async () => {
    using recorded = new RecordedRig({ flags: { "record.ringBytes": "1048576" } });
    const { rig, recording } = recorded;
    const bytes = Buffer.alloc(60_000, 0x61);
    for (let i = 0; i < 20; i++) rig.raw(bytes);
    recording.drain(0);
    rig.raw(bytes);
    expect(recording.dropped).toBe(3);
    expect((await recorded.replay()).run.missing).toBe(3);
  });

  test("says what a disk did not take", async () => {
    using recorded = new RecordedRig();
    const { rig, directory } = recorded;
    rig.book("AAA", ...big);
    // Nothing can be made in a file that is where the folder should be.
    rmSync(directory, { recursive: true });
    writeFileSync(directory, "");
    recorded.recording.drain(0);
    rmSync(directory);
    rig.nowNs += 20e9;
    rig.book("AAA", ...small);
    recorded.recording.drain(20_000);
    const { run } = await recorded.replay();
    // Its beginning, the datagram and the word of the table's version.
    expect(run.missing).toBeGreaterThanOrEqual(2);
    expect(run.isWhole).toBe(false);
  });
});

const symbols = ["AAA", "BBB", "CCC", "DDD", "EEE"];
const sizes = [100, 200, 300];

/** One thing that may happen to a run, and what it made the run say. */
function happen(rig: EngineRig, dice: Random, kept: Buffer[]): Signal[] {
  const symbol = symbols[dice.int(symbols.length)]!;
  const state = dice.int(2) === 0 ? moreAsk : moreBid;
  const question = rig.question(state);
  const size = (): number => sizes[dice.int(sizes.length)]!;
  const decision = (1 + dice.int(3)) as 1 | 2 | 3;
  switch (dice.int(17)) {
    case 0:
      rig.answer(state, decision, 0.5 + dice.next() / 2);
      return [];
    case 1:
      if (question !== undefined)
        rig.reply(
          question,
          dice.int(2) === 0 ? Outcome.error : Outcome.timeout,
          Reason.unreachable,
        );
      return [];
    case 2:
    case 3:
      if (question === undefined) return [];
      rig.answer(state, decision);
      rig.reply(question, Outcome.answered);
      return [];
    case 4:
      rig.control.writeHeld(dice.int(8) === 0, dice.int(2) === 0 ? [symbol] : []);
      return [];
    case 5:
      rig.queuedNs = dice.int(3) === 0 ? 150e6 : 10_000;
      return [];
    case 6:
      if (dice.int(6) === 0) rig.lose(1 + dice.int(3));
      return [];
    case 7:
      if (dice.int(6) === 0) rig.newSession(`S${dice.int(1000)}`);
      return [];
    case 8:
      if (dice.int(8) !== 0) return [];
      rig.table.clearShadow();
      rig.table.activate(dice.int(1000), dice.int(1000));
      return [];
    case 9:
      return rig.wait(dice.int(dice.int(20) === 0 ? 3000 : 30));
    case 10:
      // On its way while others overtake it.
      if (kept.length < 4) kept.push(rig.withhold(() => rig.books([symbol, size(), size()])));
      return [];
    case 11:
      if (kept.length > 0) rig.redeliver(kept.splice(dice.int(kept.length), 1)[0]!);
      return rig.signals();
    case 12:
      rig.nowNs += dice.int(1e6);
      rig.core.poll(rig.nowNs, false);
      return rig.signals();
    case 13:
      if (dice.int(4) === 0) rig.follow(...symbols.filter(() => dice.int(2) === 0));
      return rig.signals();
    default:
      rig.nowNs += dice.int(2e6);
      return rig.books([symbol, size(), size()]);
  }
}

describe("whatever happens to a run, its replay says the same", () => {
  const seed = testSeed("thread/replay");
  const presets: [name: string, feed: string, flags: Record<string, string>][] = [
    ["defaults", "", {}],
    ["a signal for every datagram", "", every],
    [
      "answers that age and signals that are repeated",
      "silenceMs=700",
      { "signal.emit": "state", "signal.ttlMs": "50", "inference.maxStaleS": "2" },
    ],
    ["gaps that are waited for", "holdUs=20000&giveUpMs=40", every],
  ];
  test.each(presets)("with %s", async (_name, feed, flags) => {
    for (let round = 0; round < scaled(5); round++) {
      using recorded = new RecordedRig({ flags, feed: `format=itch50&${feed}` });
      const { rig } = recorded;
      const dice = random(seed + round);
      const signals: Signal[] = [];
      const kept: Buffer[] = [];
      for (let i = 0; i < 400; i++) signals.push(...happen(rig, dice, kept));
      const replayed = await recorded.replay();
      expect(replayed.signals.map(saying)).toEqual(signals.map(saying));
    }
  });
});
