/** A gap, a silence or an end concerns the instruments of its channel: all of them, and no others. */
import { describe, expect, test } from "bun:test";
import { Decision, type Signal } from "../../src/decision/signal.ts";
import { encodeIexTp, iexAdmin, iexLevel, iexQuote } from "../feed/iex-encode.ts";
import { pitchEnd } from "../feed/pitch-encode.ts";
import { EngineRig, moreAsk, moreBid, said } from "../support/engine-rig.ts";
import { UnitRig } from "../support/unit-rig.ts";

const { buy, sell } = Decision;

function answered<T extends EngineRig>(rig: T): T {
  rig.answer(moreBid, buy);
  rig.answer(moreAsk, sell);
  return rig;
}

/** AAA and BBB are of unit 1, MMM and NNN of unit 2; all stand at BUY. */
function standing(options?: ConstructorParameters<typeof UnitRig>[0]): UnitRig {
  const rig = answered(new UnitRig(options));
  for (const symbol of ["AAA", "BBB"]) rig.unitBook(1, symbol, 200, 100);
  for (const symbol of ["MMM", "NNN"]) rig.unitBook(2, symbol, 200, 100);
  return rig;
}

const sorted = (signals: readonly Signal[]): string[] => said(signals).toSorted();

describe("a feed of two units", () => {
  test("gapOnOneUnitHoldsAllOfItsInstrumentsAndNoneOfTheOthers", () => {
    const rig = standing();
    rig.pack(1, rig.bookMessages("AAA", 210, 100));
    expect(sorted(rig.alive(1))).toEqual(["AAA HOLD stale: gap", "BBB HOLD stale: gap"]);
    expect(said(rig.unitBook(2, "MMM", 100, 200))).toEqual(["MMM SELL l1"]);
    expect(said(rig.unitBook(1, "BBB", 210, 100))).toEqual([]);
    expect(said(rig.wait(100))).toEqual([]);
    expect(rig.core.engine.health.staleChannels(0)).toBe(1);
  });

  test("whatWasMissingHealsItsUnitAndLeavesTheOtherBroken", () => {
    const rig = standing({ feed: "format=pitch&holdUs=500" });
    const missing = rig.pack(1, rig.bookMessages("AAA", 210, 100));
    expect(sorted(rig.alive(1))).toEqual(["AAA HOLD stale: gap", "BBB HOLD stale: gap"]);
    rig.pack(2, rig.bookMessages("MMM", 210, 100));
    expect(sorted(rig.alive(2))).toEqual(["MMM HOLD stale: gap", "NNN HOLD stale: gap"]);
    expect(said(rig.arrive(missing))).toEqual(["AAA BUY l1"]);
    expect(said(rig.unitBook(1, "BBB", 210, 100))).toEqual(["BBB BUY l1"]);
    // Unit 2's wait ends without what it waited for, while unit 1 goes on.
    rig.wait(2);
    expect(said(rig.unitBook(2, "NNN", 220, 100))).toEqual([]);
    expect(said(rig.unitBook(1, "AAA", 100, 200))).toEqual(["AAA SELL l1"]);
  });

  test("waitOfOneUnitDelaysNothingOfAnother", () => {
    const rig = standing({ feed: "format=pitch&holdUs=100000" });
    rig.pack(1, rig.bookMessages("AAA", 210, 100));
    rig.alive(1);
    expect(said(rig.unitBook(2, "MMM", 100, 200))).toEqual(["MMM SELL l1"]);
    expect(rig.core.books[0]!.bidSize(rig.core.instruments.find(0, "MMM"))).toBe(100);
  });

  test("instrumentOfWhichTheUnitTellsForTheFirstTimeAfterItsGapIsHeld", () => {
    const rig = standing();
    // What was lost may have been the first half of CCC's book.
    rig.pack(1, rig.bookMessages("CCC", 900, 100));
    rig.alive(1);
    rig.forget("CCC");
    expect(said(rig.unitBook(1, "CCC", 200, 100))).toEqual([]);
    const ccc = rig.core.instruments.find(0, "CCC");
    expect(rig.core.engine.health.staleReason(ccc, 0)).not.toBe(0);
    expect(said(rig.unitBook(2, "OOO", 200, 100))).toEqual(["OOO BUY l1"]);
  });

  test("signalSaidAgainNamesTheLastMessageOfItsOwnUnit", () => {
    const rig = standing({ flags: { "signal.ttlMs": "1000" } });
    for (let i = 0; i < 5; i++) rig.unitBook(2, "MMM", 210 + i, 100);
    const repeated = rig.wait(600);
    const sequenceOf = (symbol: string): number | undefined =>
      repeated.find((signal) => signal.symbol === symbol)?.inputSeq;
    expect(sequenceOf("AAA")).toBe(rig.next(1) - 1);
    expect(sequenceOf("NNN")).toBe(rig.next(2) - 1);
  });

  test("unitJoinedInMidSessionIsPartialAndTheOthersAreNot", () => {
    const rig = standing();
    rig.pack(3, rig.bookMessages("XXX", 200, 100));
    expect(said(rig.unitBook(3, "YYY", 200, 100))).toEqual([]);
    expect(said(rig.unitBook(1, "AAA", 100, 200))).toEqual(["AAA SELL l1"]);
  });

  test("silenceOfOneUnitIsNotCoveredByAnother", () => {
    const rig = standing({ feed: "format=pitch&silenceMs=500" });
    rig.wait(400);
    rig.alive(2);
    expect(sorted(rig.wait(400))).toEqual([
      "AAA HOLD stale: silent channel",
      "BBB HOLD stale: silent channel",
    ]);
    expect(said(rig.unitBook(1, "AAA", 210, 100))).toEqual(["AAA BUY l1"]);
  });

  test("garbageIsNoSignOfLife", () => {
    const rig = standing({ feed: "format=pitch&silenceMs=500" });
    rig.wait(400);
    rig.raw(Buffer.from("xyz"));
    expect(said(rig.wait(200))).toHaveLength(4);
  });

  test("newDayHealsItsUnitAlone", () => {
    const rig = standing();
    for (const unit of [1, 2]) {
      rig.pack(unit, rig.bookMessages("AAA", 210, 100));
      rig.alive(unit);
    }
    rig.nextDay(1);
    for (const symbol of ["AAA", "BBB", "MMM"]) rig.forget(symbol);
    expect(said(rig.unitBook(1, "AAA", 200, 100))).toEqual(["AAA BUY l1"]);
    expect(said(rig.unitBook(2, "MMM", 200, 100))).toEqual([]);
  });

  test("endOfAUnitsSessionHoldsItsInstruments, until its next day", () => {
    const rig = standing();
    expect(sorted(rig.arrive(rig.pack(1, [pitchEnd()])))).toEqual([
      "AAA HOLD stale: end of session",
      "BBB HOLD stale: end of session",
    ]);
    expect(said(rig.alive(1))).toEqual([]);
    expect(said(rig.unitBook(2, "MMM", 100, 200))).toEqual(["MMM SELL l1"]);
    rig.nextDay(1);
    rig.forget("AAA");
    expect(said(rig.unitBook(1, "AAA", 200, 100))).toEqual(["AAA BUY l1"]);
  });

  test("symbolThatMovedOvernightBelongsToItsNewUnit, with nothing left of its old book", () => {
    const rig = standing();
    rig.nextDay(2);
    rig.forget("AAA");
    expect(said(rig.unitBook(2, "AAA", 100, 200))).toEqual(["AAA SELL l1"]);
    const { books, instruments } = rig.core;
    expect(books[0]!.bidSize(instruments.find(0, "AAA"))).toBe(100);
    rig.pack(1, rig.bookMessages("BBB", 210, 100));
    expect(said(rig.alive(1))).toEqual(["BBB HOLD stale: gap"]);
    rig.pack(2, rig.bookMessages("MMM", 210, 100));
    expect(said(rig.alive(2))).toEqual(["AAA HOLD stale: gap"]);
  });

  test("symbolOfTwoUnitsIsHeld: nothing could heal a book of both", () => {
    const rig = standing();
    rig.forget("AAA");
    expect(said(rig.unitBook(2, "AAA", 100, 200))).toEqual(["AAA HOLD stale: partial book"]);
    rig.forget("AAA");
    expect(said(rig.unitBook(1, "AAA", 200, 100))).toEqual([]);
    expect(said(rig.unitBook(1, "BBB", 100, 200))).toEqual(["BBB SELL l1"]);
  });
});

describe("IEX-TP channels", () => {
  const next = new Map<string, number>();
  const ns = 1_767_366_010_000_000_000n;

  function packet(channel: number, messages: readonly Buffer[], protocol = 0x8004): Buffer {
    const key = `${channel} ${protocol}`;
    const sequence = next.get(key) ?? 1;
    next.set(key, sequence + messages.length);
    return encodeIexTp({ channel, protocol, sequence, sentNs: ns }, messages);
  }
  const levels = (symbol: string, bidSize: number): Buffer[] => [
    iexLevel("8", symbol, bidSize, 100_000n, ns),
    iexLevel("5", symbol, 100, 100_100n, ns),
  ];
  const quote = (symbol: string, bidSize: number): Buffer =>
    iexQuote(symbol, bidSize, 100_000n, 100_100n, 100, ns);

  function rigOf(feed: string): EngineRig {
    next.clear();
    return answered(new EngineRig({ feed: `format=iex&${feed}` }));
  }

  test("gapClearsTheBooksOfItsChannelAlone", () => {
    const rig = rigOf("");
    rig.raw(packet(1, levels("AAA", 200)));
    rig.raw(packet(2, levels("MMM", 200)));
    packet(1, levels("AAA", 300));
    expect(said(rig.raw(packet(1, levels("BBB", 200)))).toSorted()).toEqual([
      "AAA HOLD stale: gap",
      "BBB BUY l1",
    ]);
    expect(said(rig.raw(packet(2, levels("MMM", 50))))).toEqual(["MMM SELL l1"]);
  });

  test("gapHoldsItsChannelWhileItMayBeFilled", () => {
    const rig = rigOf("holdUs=500");
    rig.raw(packet(1, levels("AAA", 200)));
    rig.raw(packet(2, levels("MMM", 200)));
    const missing = packet(1, levels("AAA", 50));
    expect(said(rig.raw(packet(1, [])))).toEqual(["AAA HOLD stale: gap"]);
    expect(said(rig.raw(packet(2, levels("MMM", 50))))).toEqual(["MMM SELL l1"]);
    expect(said(rig.raw(missing))).toEqual(["AAA SELL l1"]);
  });

  test("instrumentOfTwoChannelsIsHeldByTheGapOfEither", () => {
    for (const channel of [1, 2]) {
      const rig = rigOf("holdUs=500");
      rig.raw(packet(1, [quote("AAA", 200)]));
      rig.raw(packet(2, [quote("AAA", 300)]));
      rig.raw(packet(2, [quote("MMM", 300)]));
      rig.raw(packet(1, [quote("BBB", 300)]));
      packet(channel, [quote("AAA", 50)]);
      const held = sorted(rig.raw(packet(channel, [])));
      expect(held).toEqual([
        "AAA HOLD stale: gap",
        channel === 1 ? "BBB HOLD stale: gap" : "MMM HOLD stale: gap",
      ]);
      rig.wait(2);
      // Nobody knows whose message was lost: the book of both is gone with it.
      expect(rig.core.books[0]!.bidSize(rig.core.instruments.find(0, "AAA"))).toBe(0);
    }
  });

  test("becomingAnInstrumentOfTwoChannelsIsJudgedAtOnce, also by a message without a price", () => {
    const rig = rigOf("holdUs=500");
    rig.raw(packet(1, [quote("AAA", 200)]));
    rig.raw(packet(2, [quote("MMM", 200)]));
    packet(2, [quote("MMM", 50)]);
    rig.raw(packet(2, []));
    expect(said(rig.raw(packet(3, [iexAdmin("D", 31, "AAA", ns)])))).toEqual([
      "AAA HOLD stale: gap",
    ]);
  });

  test("topsBesideDeepIsHeldByTheGapOfEither: each of them tells of everything", () => {
    const rig = rigOf("holdUs=500");
    rig.raw(packet(1, levels("AAA", 200)));
    rig.raw(packet(2, levels("MMM", 200)));
    packet(2, levels("MMM", 50));
    expect(said(rig.raw(packet(2, [])))).toEqual(["MMM HOLD stale: gap"]);
    // CCC was told whole since, so it is healed.
    expect(said(rig.raw(packet(1, [quote("CCC", 200)], 0x8003)))).toEqual([
      "AAA HOLD stale: gap",
      "CCC BUY l1",
    ]);
  });
});
