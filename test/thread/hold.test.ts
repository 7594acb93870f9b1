/** What the operator holds: the list, its file, the switch in shared memory, and the words about it. */
import { describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import { Control, controlBytes } from "../../src/thread/control.ts";
import {
  changeHeld,
  describeHold,
  type Held,
  heldPath,
  heldRefusal,
  readHeldFile,
  writeHeldFile,
} from "../../src/thread/hold.ts";
import { emptyDirectory } from "../support/directory.ts";

const isKnown = (symbol: string): boolean => symbol === "AAPL";
const nothing: Held = { all: false, symbols: [] };

describe("theList", () => {
  test("ofSymbolsIsSortedAndHasEachOnce", () => {
    const held = ["BBB", "AAA", "BBB"].reduce(
      (list, symbol) => changeHeld(list, symbol, true),
      nothing,
    );
    expect(held).toEqual({ all: false, symbols: ["AAA", "BBB"] });
    expect(changeHeld(held, "AAA", false).symbols).toEqual(["BBB"]);
  });

  test("ofEverythingIsLiftedWithEverySymbol", () => {
    const held = changeHeld(changeHeld(nothing, "AAA", true), null, true);
    expect(held).toEqual({ all: true, symbols: ["AAA"] });
    expect(changeHeld(held, "AAA", false)).toEqual({ all: true, symbols: [] });
    expect(changeHeld(held, null, false)).toEqual(nothing);
  });

  test("isRefusedWhenItIsLongerThanThereIsRoomFor", () => {
    expect(heldRefusal({ all: false, symbols: ["AAA"] }, 1)).toBeUndefined();
    expect(heldRefusal({ all: false, symbols: ["AAA", "BBB"] }, 1)).toContain("limit.heldSymbols");
  });
});

describe("theFile", () => {
  test("isReadAsItWasWrittenByItsOwnerOnly", () => {
    using folder = emptyDirectory();
    expect(readHeldFile(folder.path)).toEqual(nothing);
    const held = { all: true, symbols: ["AAA"] };
    writeHeldFile(folder.path, held);
    expect(readHeldFile(folder.path, 1)).toEqual(held);
    expect(statSync(heldPath(folder.path)).mode & 0o777).toBe(0o600);
  });

  test("withMoreSymbolsThanARunHoldsIsRefusedRatherThanCut", () => {
    using folder = emptyDirectory();
    writeHeldFile(folder.path, { all: false, symbols: ["AAA", "BBB"] });
    expect(() => readHeldFile(folder.path, 1)).toThrow("limit.heldSymbols allows 1");
  });
});

describe("theSwitch", () => {
  test("holdsAsManySymbolsAsThereIsRoomForAndNoMore", () => {
    const control = new Control(new SharedArrayBuffer(controlBytes(2)), 2);
    const symbols = ["AAA", "SIXTEENLETTERSIT"];
    control.writeHeld(false, symbols);
    expect(control.readHeld()).toEqual({ all: false, symbols });
    expect(() => control.writeHeld(false, [...symbols, "CCC"])).toThrow("room");
    expect(control.readHeld()).toEqual({ all: false, symbols });
  });
});

describe("theWords", () => {
  test("sayThatANameWasNeverSeen", () => {
    const held = changeHeld(nothing, "aapl", true);
    expect(describeHold(held, "aapl", true, isKnown)).toContain("no feed has brought");
    expect(describeHold(held, "AAPL", true, isKnown)).toBe("AAPL is on hold");
  });

  test("sayThatEverythingIsHeldStill", () => {
    const held = { all: true, symbols: [] };
    expect(describeHold(held, "AAPL", false, isKnown)).toContain("everything is on hold");
    expect(describeHold(nothing, "AAPL", false, isKnown)).toBe("AAPL is released");
    expect(describeHold(nothing, null, false, isKnown)).toBe("everything is released");
  });
});
