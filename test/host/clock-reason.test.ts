import { describe, expect, test } from "bun:test";
import { blockingReasons, idleReason, reasonWords } from "../../src/host/clock-reason.ts";

describe("reasons of a GPU's clock", () => {
  test("idleness and a clock that was asked for hold nothing back", () => {
    expect(blockingReasons(0x3)).toEqual([]);
    expect(blockingReasons(undefined)).toEqual([]);
    expect(blockingReasons(0xe8).map(({ name }) => name)).toEqual([
      "hw-slowdown",
      "sw-thermal",
      "hw-thermal",
      "hw-power-brake",
    ]);
  });

  test("are told in words, a clock that was asked for too, and idleness never", () => {
    expect(reasonWords(idleReason)).toEqual([]);
    expect(reasonWords(idleReason | 0x2 | 0x4)).toEqual([
      "a clock that was asked for",
      "the power limit",
    ]);
  });
});
