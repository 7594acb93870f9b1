import { describe, expect, test } from "bun:test";
import { LevelPool } from "../../src/market/level.ts";
import { random } from "../support/random.ts";
import { scaled, testSeed } from "../support/scale.ts";

describe("the level pool", () => {
  test("never hands out one level twice, and gives all of them back", () => {
    const { int, next } = random(testSeed("levels"));
    const pool = new LevelPool(4096, 256);
    const owner = new Int32Array(4096).fill(-1);
    const blocks: { offset: number; sizeClass: number; id: number }[] = [];
    for (let id = 0; id < scaled(20_000); id++) {
      if (next() < 0.55) {
        const sizeClass = int(6);
        const offset = pool.take(sizeClass);
        if (offset === -1) continue;
        const size = 8 << sizeClass;
        expect(offset + size).toBeLessThanOrEqual(4096);
        expect(owner.subarray(offset, offset + size).every((who) => who === -1)).toBe(true);
        owner.fill(id, offset, offset + size);
        // What the owner writes must not disturb the free lists.
        pool.levels.fill(next() * 1e12, offset * 3, (offset + size) * 3);
        blocks.push({ offset, sizeClass, id });
      } else if (blocks.length > 0) {
        const [block] = blocks.splice(int(blocks.length), 1);
        const { offset, sizeClass } = block!;
        owner.fill(-1, offset, offset + (8 << sizeClass));
        pool.give(offset, sizeClass);
      }
      expect(pool.used).toBe(owner.reduce((sum, who) => sum + (who === -1 ? 0 : 1), 0));
    }
    pool.clear();
    expect(pool.used).toBe(0);
  });

  test("cuts a larger free block when nothing of the size is left", () => {
    const pool = new LevelPool(64, 64);
    pool.give(pool.take(3), 3);
    const offsets = Array.from({ length: 8 }, () => pool.take(0));
    expect(offsets.toSorted((a, b) => a - b)).toEqual([0, 8, 16, 24, 32, 40, 48, 56]);
    expect(pool.take(0)).toBe(-1);
    pool.give(24, 0);
    expect(pool.take(1)).toBe(-1);
    expect(pool.take(0)).toBe(24);
  });
});
