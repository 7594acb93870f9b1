import { describe, expect, test } from "bun:test";
import {
  Impairment,
  type ImpairmentCounts,
  type ImpairmentOptions,
} from "../../src/replay/impairment.ts";
import { scaled, testSeed } from "../support/scale.ts";
import { clean } from "../support/replay.ts";

function impair(
  count: number,
  changes: Partial<ImpairmentOptions>,
  line = 0,
): { out: string[]; counts: ImpairmentCounts } {
  const out: string[] = [];
  const impairment = new Impairment({ ...clean, ...changes }, line, (bytes, offset, length) =>
    out.push(Buffer.from(bytes.buffer, bytes.byteOffset + offset, length).toString()),
  );
  for (let i = 0; i < count; i++) {
    const bytes = Buffer.from(`__${String(i).padStart(6, "0")}`);
    impairment.offer(bytes, 2, 6);
    bytes.fill(0x21); // The sender's buffer is used again: what is held back must be a copy.
  }
  impairment.flush();
  return { out, counts: impairment.counts };
}

const names = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => String(i).padStart(6, "0"));

function dropped(changes: Partial<ImpairmentOptions>): string[] {
  const { out } = impair(500, { drop: 0.2, ...changes });
  return names(500).filter((name) => !out.includes(name));
}

describe("impairment", () => {
  test("none of it changes nothing", () => {
    expect(impair(500, {}).out).toEqual(names(500));
  });

  test("the same seed does the same, another one and another line do not", () => {
    const options = { seed: 7, drop: 0.1, duplicate: 0.1, reorder: 0.1, truncate: 0.1 };
    const { out, counts } = impair(2000, options);
    expect(impair(2000, options).out).toEqual(out);
    expect(impair(2000, options).counts).toEqual(counts);
    expect(impair(2000, { ...options, seed: 8 }).out).not.toEqual(out);
    expect(impair(2000, options, 1).out).not.toEqual(out);
  });

  test("one seed drops these very datagrams", () => {
    const { out } = impair(20, { seed: 42, drop: 0.3 });
    expect(names(20).filter((name) => !out.includes(name))).toEqual([
      "000000",
      "000001",
      "000004",
      "000006",
      "000008",
      "000015",
      "000019",
    ]);
  });

  test("turning one probability does not move what the others hit", () => {
    expect(dropped({ duplicate: 0.5, reorder: 0.5 })).toEqual(dropped({}));
  });

  test("everything dropped, everything doubled, everything held back", () => {
    expect(impair(10, { drop: 1 })).toEqual({
      out: [],
      counts: { dropped: 10, duplicated: 0, reordered: 0, truncated: 0 },
    });
    expect(impair(3, { duplicate: 1 }).out).toEqual(names(3).flatMap((n) => [n, n]));
    expect(impair(3, { reorder: 1, reorderDepth: 1 }).out).toEqual(names(3));
  });

  test("in random mixtures the counts add up and nothing is displaced further than the depth", () => {
    const seed = testSeed("impairment");
    for (let round = 0; round < scaled(40); round++) {
      const depth = 1 + (round % 9);
      const options = {
        seed: seed + round,
        drop: 0.1,
        duplicate: 0.05,
        reorder: 0.2,
        truncate: 0,
        reorderDepth: depth,
      };
      const { out, counts } = impair(1000, options);
      expect(out.length).toBe(1000 - counts.dropped + counts.duplicated);
      let highest = -1;
      for (const name of out) {
        const index = Number(name);
        // Counted in datagrams offered: a late one is behind by no more than its depth.
        expect(highest - index).toBeLessThanOrEqual(depth);
        highest = Math.max(highest, index);
      }
    }
  });

  test("what is cut short is a true beginning and shorter", () => {
    const { out, counts } = impair(300, { truncate: 0.5 });
    const cut = out.filter((text) => text.length < 6);
    expect(cut.length).toBe(counts.truncated);
    out.forEach((text, i) => expect(names(300)[i]!.startsWith(text)).toBe(true));
  });
});
