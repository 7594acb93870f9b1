/** Other symbols are followed while a run goes on: by the real decoders and books, in virtual time. */
import { describe, expect, test } from "bun:test";
import { Decision } from "../../src/decision/signal.ts";
import { checkRoom, describeFollow } from "../../src/thread/feed-follow.ts";
import { EngineRig, moreAsk, moreBid, Outcome, said } from "../support/engine-rig.ts";
import { encodeIexTp, iexLevel, iexQuote, iexStatus } from "../feed/iex-encode.ts";
import { pitchTime } from "../feed/pitch-encode.ts";
import { UnitRig } from "../support/unit-rig.ts";

const { buy, sell } = Decision;

/** Every state is answered: more on the bid is BUY, more on the ask SELL. */
function answered<T extends EngineRig>(rig: T): T {
  rig.answer(moreBid, buy);
  rig.answer(moreAsk, sell);
  return rig;
}

function rigOf(feed: string, flags: Record<string, string> = {}): EngineRig {
  return answered(new EngineRig({ feed, flags }));
}

const itch = (symbols: string, more = ""): string => `format=itch50&symbols=${symbols}${more}`;

describe("a symbol that is dropped", () => {
  test("hears HOLD for the last time, and nothing afterwards", () => {
    const rig = rigOf(itch("AAA,BBB"), { "signal.emit": "every" });
    rig.books(["AAA", 200, 100], ["BBB", 200, 100]);
    const change = rig.follow("BBB");
    expect(said(rig.signals())).toEqual(["AAA HOLD stale: not followed", "BBB BUY l1"]);
    expect(change).toMatchObject({ followed: 1, dropped: ["AAA"], added: [], partial: [] });
    expect(said(rig.books(["AAA", 300, 100], ["BBB", 300, 100]))).toEqual(["BBB BUY l1"]);
    expect(said([...rig.hold("AAA"), ...rig.holdAll(), ...rig.holdAll(false)])).toEqual([
      "BBB HOLD held: operator",
      "BBB BUY l1",
    ]);
    rig.core.engine.stop(rig.nowNs);
    expect(said(rig.signals())).toEqual(["BBB HOLD stale: shutting down"]);
  });

  test("at HOLD already has nothing to be taken back", () => {
    const rig = rigOf(itch("AAA,BBB"));
    rig.book("AAA", 200, 0);
    rig.follow("BBB");
    expect(said(rig.signals())).toEqual([]);
  });

  test("its book is freed: levels at once, orders while others come", () => {
    const rig = rigOf(itch("AAA,BBB"));
    rig.books(["AAA", 200, 100], ["BBB", 200, 100]);
    const books = rig.core.books[0]!;
    expect(books.orders.count).toBe(4);
    rig.follow("BBB");
    expect([books.levelCount(0, 0), books.levelCount(0, 1), books.bidPrice(0)]).toEqual([0, 0, 0]);
    for (let i = 0; books.orders.count > 2; i++) {
      expect(i).toBeLessThan(books.orders.slots);
      rig.book("BBB", 200, 100 + i);
    }
  });

  test("an answer that it waited for does not bring it back", () => {
    const rig = new EngineRig({ feed: itch("AAA,BBB"), flags: { "signal.emit": "every" } });
    rig.book("AAA", 200, 100);
    const question = rig.question(moreBid)!;
    rig.follow("BBB");
    rig.signals();
    rig.answer(moreBid, buy);
    rig.reply(question, Outcome.answered);
    expect(said(rig.wait(5))).toEqual([]);
  });

  test("is neither stale nor held in the counts, and others see why it is HOLD", () => {
    const rig = rigOf(itch("AAA,BBB"));
    rig.books(["AAA", 200, 100], ["BBB", 200, 100]);
    rig.follow("BBB");
    rig.wait(1001);
    expect(rig.gauge("staleInstruments")).toBe(0);
    expect(rig.gauge("heldInstruments")).toBe(0);
    const { decision, reason, bidPrice } = rig.core.publication.read(0)!;
    expect({ decision, reason, bidPrice }).toEqual({
      decision: Decision.hold,
      reason: 22,
      bidPrice: 0,
    });
  });
});

describe("a symbol that is added to a feed of orders", () => {
  test("before its first order begins whole", () => {
    const rig = rigOf(itch("AAA"));
    rig.tradingState("BBB", "T");
    const change = rig.follow("AAA", "BBB");
    expect(change).toMatchObject({ added: ["BBB"], partial: [] });
    expect(said(rig.book("BBB", 200, 100))).toEqual(["BBB BUY l1"]);
  });

  test("after it is a partial book: HOLD until a new session", () => {
    const rig = rigOf(itch("AAA"), { "signal.emit": "every" });
    rig.books(["AAA", 200, 100], ["BBB", 200, 100]);
    rig.signals();
    const change = rig.follow("AAA", "BBB");
    expect(change).toMatchObject({ added: ["BBB"], partial: ["BBB"], snapshot: false });
    rig.signals();
    rig.forget("BBB");
    expect(said(rig.book("BBB", 300, 100))).toEqual(["BBB HOLD stale: partial book"]);
    expect(said(rig.book("AAA", 300, 100))).toEqual(["AAA BUY l1"]);
    rig.newSession("NEXT");
    expect(said(rig.book("BBB", 300, 100))).toContain("BBB BUY l1");
  });

  test("with feed.partialBooks is used as it is", () => {
    const rig = rigOf(itch("AAA", "&partialBooks=true"));
    rig.books(["AAA", 200, 100], ["BBB", 200, 100]);
    const change = rig.follow("AAA", "BBB");
    expect(change).toMatchObject({ added: ["BBB"], partial: [] });
    rig.forget("BBB");
    rig.signals();
    expect(said(rig.book("BBB", 300, 100))).toEqual(["BBB BUY l1"]);
  });

  test("dropped and added again is partial, whatever stood in its book before", () => {
    const rig = rigOf(itch("AAA,BBB"));
    rig.books(["AAA", 200, 100], ["BBB", 200, 100]);
    rig.follow("BBB");
    expect(rig.follow("AAA", "BBB")).toMatchObject({ added: ["AAA"], partial: ["AAA"] });
    rig.signals();
    rig.forget("AAA");
    expect(said(rig.book("AAA", 300, 100))).toEqual([]);
    expect(rig.core.publication.read(0)!.reason).toBe(7);
  });

  test("halted while nobody followed it is halted", () => {
    const rig = rigOf(itch("AAA", "&partialBooks=true"), { "signal.emit": "every" });
    rig.book("BBB", 200, 100);
    rig.tradingState("BBB", "H");
    rig.follow("AAA", "BBB");
    rig.signals();
    rig.forget("BBB");
    expect(said(rig.book("BBB", 300, 100))).toEqual(["BBB HOLD stale: halted"]);
    expect(said(rig.tradingState("BBB", "T"))).toEqual(["BBB BUY l1"]);
  });

  test("and a halt of before it was dropped is not believed any more", () => {
    const rig = rigOf(itch("AAA,BBB", "&partialBooks=true"));
    rig.book("AAA", 200, 100);
    rig.tradingState("AAA", "H");
    rig.follow("BBB");
    rig.tradingState("AAA", "T");
    rig.follow("AAA");
    rig.signals();
    rig.forget("AAA");
    expect(said(rig.book("AAA", 300, 100))).toEqual(["AAA BUY l1"]);
  });

  test("on hold by its name is held from its first message", () => {
    const rig = rigOf(itch("AAA"), { "signal.emit": "every" });
    rig.tradingState("BBB", "T");
    rig.hold("BBB");
    rig.follow("AAA", "BBB");
    rig.signals();
    expect(said(rig.book("BBB", 200, 100))).toEqual(["BBB HOLD held: operator"]);
  });

  test("all symbols: those that were told of come back, each with what it missed", () => {
    const rig = rigOf(itch("AAA"));
    rig.books(["AAA", 200, 100], ["BBB", 200, 100]);
    rig.tradingState("CCC", "T");
    const change = rig.follow();
    expect(change).toMatchObject({
      followed: undefined,
      added: ["BBB", "CCC"],
      partial: ["BBB"],
    });
    rig.signals();
    expect(said(rig.book("CCC", 200, 100))).toEqual(["CCC BUY l1"]);
    expect(said(rig.book("DDD", 200, 100))).toEqual(["DDD BUY l1"]);
    expect(said(rig.book("BBB", 200, 100))).toEqual([]);
  });
});

describe("a symbol that is added to a feed that heals", () => {
  test("tick: is decided on with its next tick", () => {
    const rig = rigOf("format=tick&symbols=AAA");
    const send = (symbol: string): string[] => {
      const sizes = { bid: 10, ask: 10.01, bidSize: 900, askSize: 100 };
      const line = { symbol, timestamp: 1_767_366_010_000, price: 10, volume: 1, ...sizes };
      return said(rig.raw(Buffer.from(JSON.stringify(line))));
    };
    expect(send("BBB")).toEqual([]);
    expect(rig.follow("BBB")).toMatchObject({ added: ["BBB"], partial: [] });
    expect(send("BBB")).toEqual(["BBB BUY l1"]);
    expect(send("AAA")).toEqual([]);
  });

  const sentNs = 1_767_366_010_000_000_000n;
  let sequence = 1;
  const iex = (rig: EngineRig, ...messages: Buffer[]): string[] => {
    const datagram = encodeIexTp({ sequence, sentNs }, messages);
    sequence += messages.length;
    return said(rig.raw(datagram));
  };

  test("IEX: its levels and quotes are told whole, and a halt of before is forgotten", () => {
    sequence = 1;
    const rig = rigOf("format=iex&symbols=AAA", { "signal.emit": "every" });
    iex(rig, iexLevel("8", "BBB", 900, 100_000n, sentNs), iexStatus("H", "H", "AAA", sentNs));
    expect(rig.follow("BBB")).toMatchObject({ added: ["BBB"], partial: [] });
    rig.signals();
    expect(iex(rig, iexLevel("8", "BBB", 900, 100_000n, sentNs))).toEqual([
      "BBB HOLD stale: one-sided book",
    ]);
    expect(iex(rig, iexLevel("5", "BBB", 100, 100_100n, sentNs))).toEqual(["BBB BUY l1"]);
    rig.follow("AAA");
    rig.signals();
    expect(iex(rig, iexQuote("AAA", 900, 100_000n, 100_100n, 100, sentNs))).toEqual(["AAA BUY l1"]);
  });
});

const every = { "signal.emit": "every" };

function rigOfUnits(symbols: string, flags: Record<string, string> = every): UnitRig {
  return answered(new UnitRig({ feed: `format=pitch&symbols=${symbols}`, flags }));
}

function book(rig: UnitRig, unit: number, symbol: string): string[] {
  return said(rig.unitBook(unit, symbol, 900, 100));
}

describe("a symbol that is added to a feed of units", () => {
  test("is partial where its unit's day had begun, and whole where it had not", () => {
    const rig = rigOfUnits("AAA");
    rig.arrive(rig.pack(1, [pitchTime(34_200)]));
    expect(book(rig, 1, "AAA")).toEqual(["AAA BUY l1"]);
    const change = rig.follow("AAA", "BBB", "CCC");
    expect(change).toMatchObject({ added: ["BBB", "CCC"], partial: ["BBB", "CCC"] });
    rig.signals();
    expect(book(rig, 1, "BBB")).toEqual(["BBB HOLD stale: partial book"]);
    expect(book(rig, 2, "CCC")).toEqual(["CCC BUY l1"]);
    expect(book(rig, 1, "AAA")).toEqual(["AAA BUY l1"]);
  });

  test("is whole from its unit's next day on", () => {
    const rig = rigOfUnits("AAA");
    book(rig, 1, "AAA");
    book(rig, 1, "BBB");
    rig.follow("BBB");
    rig.signals();
    rig.nextDay(1);
    rig.forget("BBB");
    expect(book(rig, 1, "BBB")).toEqual(["BBB BUY l1"]);
  });

  test("quiet all the time is not partial because others were added", () => {
    const rig = rigOfUnits("AAA,BBB", {});
    book(rig, 1, "AAA");
    rig.follow("AAA", "BBB", "CCC");
    expect(book(rig, 1, "BBB")).toEqual(["BBB BUY l1"]);
  });

  test("orders of a dropped one are unknown, also by their numbers alone", () => {
    const rig = rigOfUnits("AAA,BBB");
    book(rig, 1, "AAA");
    rig.follow("BBB");
    rig.signals();
    const [deleted] = rig.bookMessages("AAA", 900, 100);
    expect(said(rig.arrive(rig.pack(1, [deleted!])))).toEqual([]);
  });

  test("all symbols: whoever appears after the day had begun is partial", () => {
    const rig = rigOfUnits("AAA");
    book(rig, 1, "AAA");
    rig.follow();
    rig.signals();
    expect(book(rig, 1, "NEW")).toEqual(["NEW HOLD stale: partial book"]);
  });
});

describe("what is refused and what is said", () => {
  test("more symbols than there is room for: nothing changes", async () => {
    const rig = rigOf(itch("AAA"), { "limit.symbols": "3" });
    rig.book("AAA", 200, 100);
    rig.follow("AAA", "B", "C");
    const feeds = [{ ...rig.plan.feeds[0]!, symbols: ["AAA", "D"] }];
    await expect(checkRoom(rig.core.instruments, feeds)).rejects.toThrow(
      "there is no room for D: 3 symbols",
    );
    expect(said(rig.book("AAA", 100, 200))).toEqual(["AAA SELL l1"]);
  });

  test("the log names what changed, bounded", () => {
    const names = Array.from({ length: 12 }, (_, i) => `S${i}`);
    const base = { feed: 0, followed: 12, added: names, dropped: ["A"] };
    const rest = { partial: [] as string[], refused: [] as string[], snapshot: false };
    expect(describeFollow("x", { ...base, ...rest })).toEqual([
      "feed x: 12 symbols are followed; added S0, S1, S2, S3, S4, S5, S6, S7, S8, S9 and 2 more; dropped A",
    ]);
    const added = { ...base, followed: undefined, added: ["B"], dropped: [] };
    const partial = { ...added, ...rest, partial: ["B"] };
    expect(describeFollow("x", partial)).toEqual([
      "feed x: all symbols are followed; added B",
      "feed x: older orders are unknown of B: HOLD until a new session, or with feed.partialBooks",
    ]);
    expect(describeFollow("x", { ...partial, snapshot: true })[1]).toContain("a snapshot is asked");
  });
});
