/** What of a new configuration a run takes over. */
import { describe, expect, test } from "bun:test";
import { changeOf } from "../../src/config/change.ts";
import { optionTable } from "../../src/config/option.ts";
import { configSchema } from "../../src/config/schema.ts";

const parse = (text: string) => configSchema.parse(Bun.TOML.parse(text));

describe("a change", () => {
  test("ofNothingIsNothing", () => {
    const config = parse('[[feed]]\nsymbols = ["A"]\n[inference.options]\nnum_ctx = 2048');
    const change = changeOf(config, structuredClone(config));
    expect([change.live, change.restart]).toEqual([[], []]);
    expect(change.effective).toEqual(config);
  });

  test("takesOverWhatReloadsAndNamesTheRest", () => {
    const before = parse("[[feed]]\nsilenceMs = 1000");
    const after = parse(
      '[[feed]]\nsilenceMs = 2000\nsymbols = ["A"]\npartialBooks = true\n[alert]\nquietMs = 5\n[limit]\nsymbols = 7\n[inference.options]\nnum_ctx = 2048',
    );
    const change = changeOf(before, after);
    expect(change.live).toEqual(["feed[0].symbols", "feed[0].silenceMs", "alert.quietMs"]);
    expect(change.restart).toEqual([
      "feed[0].partialBooks",
      "inference.options.num_ctx",
      "limit.symbols",
    ]);
    const { effective } = change;
    expect(effective.feed[0]).toEqual({ ...before.feed[0]!, silenceMs: 2000, symbols: ["A"] });
    expect(effective.alert).toEqual(after.alert);
    expect(effective.limit).toEqual(before.limit);
    expect(before.feed[0]!.silenceMs).toBe(1000);
  });

  test("ofTheNumberOfFeedsNeedsARestartAndOfTheNumberOfSinksDoesNot", () => {
    const before = parse("");
    const after = parse(
      '[[feed]]\n[[feed]]\nname = "b"\n[[sink]]\n[[sink]]\nurl = "udp://127.0.0.1:9"',
    );
    const change = changeOf(before, after);
    expect([change.live, change.restart]).toEqual([["sink"], ["feed"]]);
    expect(change.effective.sink).toEqual(after.sink);
    expect(change.effective.feed).toEqual(before.feed);
  });

  test("isWholeForEveryOptionOfTheTable", () => {
    // What is sized or opened once cannot change; this list is read by whoever adds an option.
    const sections = new Set(
      optionTable().flatMap(({ reload, section }) => (reload ? section : [])),
    );
    expect([...sections].toSorted()).toEqual([
      "alert",
      "feed",
      "http",
      "log",
      "memory",
      "signal",
      "sink",
      "store",
      "telemetry",
    ]);
  });
});
