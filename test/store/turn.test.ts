import { describe, expect, test } from "bun:test";
import { atOnce, TurnQueue, type Turns } from "../../src/store/turn.ts";

/** A queue whose clock and event loop are in the test's hand: each piece of work takes 1 ms. */
class Rig {
  nowMs = 0;
  readonly log: string[] = [];
  readonly #due: (() => void)[] = [];
  readonly queue: TurnQueue;

  constructor(activeMax = 8, waitingMax = 8) {
    this.queue = new TurnQueue({
      turnMs: 4,
      activeMax,
      waitingMax,
      clockMs: () => this.nowMs,
      later: (callback) => this.#due.push(callback),
    });
  }

  *work(name: string, pieces: number): Turns<string> {
    for (let i = 0; i < pieces; i++) {
      this.nowMs += 1;
      this.log.push(name);
      yield;
    }
    return name;
  }

  /** One time round the event loop; the longest that it was held, ms. */
  round(): number {
    const begun = this.nowMs;
    for (const callback of this.#due.splice(0)) callback();
    this.log.push("|");
    return this.nowMs - begun;
  }
}

function* failing(): Turns<string> {
  yield;
  throw new Error("the disk is gone");
}

describe("queries in turns", () => {
  test("hold the event loop for one turn at most, however many there are", async () => {
    const rig = new Rig();
    const answers = Promise.all(["a", "b", "c"].map((name) => rig.queue.run(rig.work(name, 100))));
    let rounds = 0;
    let longest = 0;
    while (rig.queue.size > 0) {
      longest = Math.max(longest, rig.round());
      rounds++;
    }
    expect(await answers).toEqual(["a", "b", "c"]);
    expect(longest).toBe(4);
    expect(rounds).toBeGreaterThanOrEqual(75);
    expect(rig.log.slice(0, 15).join("")).toBe("aaaa|bbbb|cccc|");
  });

  test("that are short are done within one turn, one after the other", async () => {
    const rig = new Rig();
    const answers = Promise.all(["a", "b", "c"].map((name) => rig.queue.run(rig.work(name, 1))));
    rig.round();
    expect(await answers).toEqual(["a", "b", "c"]);
    expect(rig.log.join("")).toBe("abc|");
  });

  test("do not let a long one keep a short one waiting", async () => {
    const rig = new Rig();
    const long = rig.queue.run(rig.work("l", 1000));
    rig.round();
    const short = rig.queue.run(rig.work("s", 1));
    rig.round();
    rig.round();
    expect(await short).toBe("s");
    while (rig.queue.size > 0) rig.round();
    expect(await long).toBe("l");
  });

  test("beyond the bound are refused, and those within it all answered", async () => {
    const rig = new Rig(2, 3);
    const names = ["a", "b", "c", "d", "e", "f"];
    const answers = Promise.allSettled(names.map((name) => rig.queue.run(rig.work(name, 10))));
    while (rig.queue.size > 0) rig.round();
    const found = await answers;
    expect(found.slice(0, 5).map((answer) => "value" in answer && answer.value)).toEqual(
      names.slice(0, 5),
    );
    expect(found[5]).toMatchObject({ status: "rejected", reason: { code: "QUERIES_FULL" } });
    // Two at a time: the third began when the first was done.
    const text = rig.log.join("").replaceAll("|", "");
    expect(text.indexOf("c")).toBeGreaterThan(text.lastIndexOf("a"));
  });

  test("that fail fail alone", async () => {
    const rig = new Rig();
    const bad = rig.queue.run(failing());
    const good = rig.queue.run(rig.work("g", 5));
    const settled = Promise.allSettled([bad, good]);
    while (rig.queue.size > 0) rig.round();
    expect(await settled).toMatchObject([
      { status: "rejected", reason: { message: "the disk is gone" } },
      { status: "fulfilled", value: "g" },
    ]);
  });

  test("run at once where nothing else waits", () => {
    expect(atOnce(new Rig().work("x", 3))).toBe("x");
  });
});
