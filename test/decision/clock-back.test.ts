/** A clock that is set back, and one that runs on within a turn. */
import { describe, expect, test } from "bun:test";
import { EngineRig, moreBid, said } from "../support/engine-rig.ts";

const ttlMs = 2000;

function standingBuy(): EngineRig {
  const rig = new EngineRig({
    feed: "format=itch50&silenceMs=3600000",
    flags: { "signal.ttlMs": String(ttlMs) },
  });
  rig.answer(moreBid, 1);
  expect(said(rig.book("ACME", 900, 100))).toEqual(["ACME BUY l1"]);
  return rig;
}

describe("a standing signal", () => {
  test("is said again once at half its time to live, although the clock runs on meanwhile", () => {
    const rig = standingBuy();
    let nowNs = rig.nowNs;
    // Every look at the clock finds it a little later.
    Object.defineProperty(rig, "nowNs", {
      get: () => {
        nowNs += 100;
        return nowNs;
      },
      set: (value: number) => {
        nowNs = value;
      },
    });
    expect(said(rig.wait(ttlMs / 2 + 5))).toEqual(["ACME BUY l1"]);
  });

  test("is said again at once when the clock was set back by an hour, and once", () => {
    const rig = standingBuy();
    rig.nowNs -= 3_600e9;
    expect(said(rig.wait(5))).toEqual(["ACME BUY l1"]);
  });
});
