import { describe, expect, test } from "bun:test";
import { ORDER_PRICE, ORDER_SIZE, ORDER_TAG, OrderTable } from "../../src/market/order.ts";
import { random } from "../support/random.ts";
import { scaled, testSeed } from "../support/scale.ts";

describe("the order table", () => {
  test("agrees with a Map over random inserts, removals and look-ups at its highest load", () => {
    const { int, next } = random(testSeed("orders"));
    for (const capacity of [9, 153, 2457]) {
      const table = new OrderTable(capacity);
      const model = new Map<string, { hi: number; lo: number; size: number; price: number }>();
      const keys: string[] = [];
      let ref = 0;
      for (let step = 0; step < scaled(60_000); step++) {
        // Fills up first, then hovers below full, where runs are longest.
        const roll = next();
        if (roll < (model.size < capacity - 3 ? 0.7 : 0.45)) {
          // Three kinds of references: counting up, random 64 bits, and few low bits apart.
          const kind = int(3);
          const hi = kind === 1 ? int(2 ** 32) : kind === 2 ? ref++ : 0;
          const lo = kind === 1 ? int(2 ** 32) : kind === 2 ? 0xdead_beef : ref++;
          const key = `${hi}:${lo}`;
          const size = 1 + int(1e6);
          const price = int(2 ** 40);
          const slot = table.insert(hi, lo, 1 + int(1000), 0, size, price);
          if (model.has(key)) expect(slot).toBe(-2);
          else if (model.size === capacity) expect(slot).toBe(-1);
          else {
            expect(slot).toBeGreaterThanOrEqual(0);
            model.set(key, { hi, lo, size, price });
            keys.push(key);
          }
        } else if (keys.length > 0) {
          const at = int(keys.length);
          const key = keys[at]!;
          const { hi, lo, size, price } = model.get(key)!;
          const slot = table.find(hi, lo);
          expect(slot).toBeGreaterThanOrEqual(0);
          expect(table.doubles[slot * 4 + ORDER_SIZE]).toBe(size);
          expect(table.doubles[slot * 4 + ORDER_PRICE]).toBe(price);
          if (roll < 0.95) {
            table.remove(slot);
            model.delete(key);
            keys[at] = keys.at(-1)!;
            keys.pop();
            expect(table.find(hi, lo)).toBe(-1);
          }
        }
        expect(table.count).toBe(model.size);
        if (step % 5000 === 0) {
          for (const { hi, lo } of model.values()) expect(table.find(hi, lo)).not.toBe(-1);
        }
      }
      for (const { hi, lo } of model.values()) table.remove(table.find(hi, lo));
      expect(table.words.every((word, i) => i % 8 !== ORDER_TAG || word === 0)).toBe(true);
    }
  });

  test("moves the entries of a run back over its hole, across the end of the table too", () => {
    const table = new OrderTable(9);
    expect(table.slots).toBe(16);
    // References that share the last slot as their home stand in slots 15, 0, 1, 2.
    const homeLast: number[] = [];
    for (let ref = 1; homeLast.length < 4; ref++) {
      const slot = table.insert(0, ref, 1, 0, ref, 1);
      table.remove(slot);
      if (slot === 15) homeLast.push(ref);
    }
    expect(homeLast.map((ref) => table.insert(0, ref, 1, 0, ref, 1))).toEqual([15, 0, 1, 2]);
    table.remove(15);
    expect(homeLast.map((ref) => table.find(0, ref))).toEqual([-1, 15, 0, 1]);
    table.remove(table.find(0, homeLast[2]!));
    expect(homeLast.map((ref) => table.find(0, ref))).toEqual([-1, 15, -1, 0]);
  });

  test("tells references apart that differ in the high half alone, or in the sign bit", () => {
    const table = new OrderTable(9);
    const slots = [
      table.insert(0, 7, 1, 0, 1, 1),
      table.insert(1, 7, 1, 0, 2, 1),
      table.insert(0xffff_ffff, 0xffff_ffff, 1, 0, 3, 1),
      table.insert(0, 0xffff_ffff, 1, 0, 4, 1),
      table.insert(0, 0, 1, 0, 5, 1),
    ];
    expect(new Set(slots).size).toBe(5);
    expect(table.find(0xffff_ffff, 0xffff_ffff)).toBe(slots[2]!);
    expect(table.find(1, 8)).toBe(-1);
    table.clear();
    expect(table.find(0, 0)).toBe(-1);
  });

  test("keeps probes short for references that count up, in any stride", () => {
    for (const stride of [1, 2, 4, 8, 100, 4096, 65_536]) {
      const table = new OrderTable(20_000);
      let probes = 0;
      for (let i = 0; i < 18_000; i++) {
        const ref = 1e9 + i * stride;
        const free = table.insert(Math.floor(ref / 2 ** 32), ref >>> 0, 1, 0, 1, 1);
        expect(free).toBeGreaterThanOrEqual(0);
      }
      for (let i = 0; i < 18_000; i++) {
        const ref = 1e9 + i * stride;
        const hi = Math.floor(ref / 2 ** 32);
        probes += (table.find(hi, ref >>> 0) - table.homeOf(hi, ref >>> 0)) & (table.slots - 1);
      }
      expect(probes / 18_000, `stride ${stride}`).toBeLessThan(4);
    }
  });
});
