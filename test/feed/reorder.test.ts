import { expect, test } from "bun:test";
import { ReorderBuffer, ReorderPut } from "../../src/feed/reorder.ts";
import { random } from "../support/random.ts";
import { scaled, testSeed } from "../support/scale.ts";

const slotBytes = 16;

/** The bytes of messages [first, first + count): recognisable, and of a length of their own. */
function bytesOf(first: number, count: number): Buffer {
  return Buffer.alloc(1 + ((first + count) % slotBytes), (first * 7 + count) % 251);
}

test("agreesWithSortedListsOverRandomStreams", () => {
  const seed = testSeed("reorder model");
  for (let run = 0; run < scaled(100); run++) {
    const rng = random(seed + run);
    const slots = 1 + rng.int(12);
    const reorder = new ReorderBuffer(3, slots, slotBytes);
    const model: { first: number; count: number; nowNs: number }[][] = [[], [], []];
    const used = (): number => model.reduce((sum, list) => sum + list.length, 0);
    for (let step = 0; step < 500; step++) {
      const where = `seed ${seed} run ${run} step ${step}`;
      const channel = rng.int(3);
      const list = model[channel]!;
      const kind = rng.int(20);
      if (kind === 0) {
        reorder.clear(channel);
        list.length = 0;
      } else if (kind < 8) {
        if (list.length > 0) {
          reorder.drop(channel);
          list.shift();
        }
      } else {
        const first = step + rng.int(10);
        const count = 1 + rng.int(4);
        const bytes = bytesOf(first, count);
        const put = reorder.put(channel, first, count, step, bytes, 0, bytes.length);
        // Of several with one beginning the last one put in is compared, and only that one.
        const same = list.findLast((one) => one.first === first);
        if (same !== undefined && same.count >= count) {
          expect(put, where).toBe(ReorderPut.known);
        } else if (used() === slots) {
          expect(put, where).toBe(ReorderPut.full);
        } else {
          expect(put, where).toBe(ReorderPut.kept);
          const behind = list.findIndex((one) => one.first > first);
          const at = behind < 0 ? list.length : behind;
          list.splice(at, 0, { first, count, nowNs: step });
        }
      }
      expect(reorder.used, where).toBe(used());
      for (const [i, kept] of model.entries()) {
        const slot = reorder.head(i);
        const head = kept[0];
        if (head === undefined) {
          expect(slot, where).toBe(-1);
          continue;
        }
        const { first, count, nowNs } = head;
        expect([reorder.first[slot], reorder.count[slot], reorder.cameNs[slot]], where).toEqual([
          first,
          count,
          nowNs,
        ]);
        const bytes = bytesOf(first, count);
        const at = slot * slotBytes;
        expect(reorder.bytes.subarray(at, at + bytes.length).equals(bytes), where).toBe(true);
      }
    }
    expect(reorder.usedMax).toBeLessThanOrEqual(slots);
  }
});

test("tooLongForASlotIsRefused", () => {
  const reorder = new ReorderBuffer(1, 4, 8);
  expect(reorder.put(0, 1, 1, 0, Buffer.alloc(9), 0, 9)).toBe(ReorderPut.full);
  expect(reorder.put(0, 1, 1, 0, Buffer.alloc(9), 1, 9)).toBe(ReorderPut.kept);
  expect(reorder.head(0)).toBeGreaterThanOrEqual(0);
});

test("aBufferWithoutSlotsKeepsNothing", () => {
  const reorder = new ReorderBuffer(1, 0, 0);
  expect(reorder.put(0, 1, 1, 0, Buffer.alloc(1), 0, 1)).toBe(ReorderPut.full);
  expect(reorder.head(0)).toBe(-1);
});
