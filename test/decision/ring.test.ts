import { expect, test } from "bun:test";
import { Ring, ringBytes } from "../../src/decision/ring.ts";
import { random as randomOf } from "../support/random.ts";
import { scaled, testSeed } from "../support/scale.ts";

const seed = testSeed("decision/ring");

test("a full ring takes no more, counts it, and goes on when it is read", () => {
  const ring = new Ring(new SharedArrayBuffer(ringBytes(4, 2)), 4, 2);
  for (let i = 0; i < 6; i++) expect(ring.push(Uint32Array.of(i, i), 0)).toBe(i < 4);
  expect([ring.length, ring.dropped]).toEqual([4, 2]);
  const out = new Uint32Array(2);
  expect(ring.shift(out, 0)).toBe(true);
  expect(out[0]).toBe(0);
  expect(ring.push(Uint32Array.of(9, 9), 0)).toBe(true);
});

test("the indexes pass 2^32 unharmed", () => {
  const memory = new SharedArrayBuffer(ringBytes(8, 1));
  const words = new Int32Array(memory);
  words[0] = -3;
  words[16] = -3;
  const ring = new Ring(memory, 8, 1);
  const out = new Uint32Array(1);
  for (let i = 0; i < 20; i++) {
    expect(ring.push(Uint32Array.of(i), 0)).toBe(true);
    expect(ring.shift(out, 0)).toBe(true);
    expect(out[0]).toBe(i);
  }
});

test(`against a queue (seed ${seed})`, () => {
  const random = randomOf(seed).next;
  const ring = new Ring(new SharedArrayBuffer(ringBytes(16, 3)), 16, 3);
  const queue: number[] = [];
  const out = new Uint32Array(3);
  for (let step = 0; step < scaled(100_000); step++) {
    if (random() < 0.52) {
      if (ring.push(Uint32Array.of(step, ~step, 7), 0)) queue.push(step);
      else expect(queue).toHaveLength(16);
    } else if (ring.shift(out, 0)) {
      expect([out[0]!, out[1]!]).toEqual([queue[0]!, ~queue.shift()! >>> 0]);
    } else expect(queue).toHaveLength(0);
    expect(ring.length).toBe(queue.length);
  }
});

test("between two threads every record arrives whole and in order", async () => {
  const memory = new SharedArrayBuffer(ringBytes(64, 4));
  const ring = new Ring(memory, 64, 4);
  const total = scaled(200_000);
  const worker = new Worker(new URL("./ring-writer.ts", import.meta.url).href);
  worker.postMessage({ memory, total });
  const out = new Uint32Array(4);
  for (let expected = 0; expected < total;) {
    if (!ring.shift(out, 0)) {
      await Bun.sleep(0);
      continue;
    }
    if (out[0] !== expected || out[3] !== (expected ^ 0xffff) >>> 0) {
      throw new Error(`record ${expected} arrived as ${out.join()}`);
    }
    expected++;
  }
  worker.terminate();
  expect(ring.length).toBe(0);
});
