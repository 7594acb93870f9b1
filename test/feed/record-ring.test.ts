import { describe, expect, test } from "bun:test";
import { RecordRing, recordRingBytes } from "../../src/feed/record-ring.ts";
import { random } from "../support/random.ts";
import { scaled, testSeed } from "../support/scale.ts";

const capacity = 4096;

function ring(): RecordRing {
  return new RecordRing(new SharedArrayBuffer(recordRingBytes(capacity)), capacity);
}

function taken(from: RecordRing, limit = 1000): [number, number, string][] {
  const list: [number, number, string][] = [];
  from.drain(({ source, receivedNs, bytes, at, length }) => {
    const text = Buffer.from(bytes.slice(at, at + length)).toString("latin1");
    list.push([source, receivedNs, text]);
  }, limit);
  return list;
}

describe("datagrams on their way to a file", () => {
  test("come out as they went in, in order, with source and time", () => {
    const own = ring();
    own.put(3, Buffer.from("hello, and more"), 5, 1.5e18);
    own.put(0, Buffer.alloc(0), 0, -7);
    expect(taken(own)).toEqual([
      [3, 1.5e18, "hello"],
      [0, -7, ""],
    ]);
    expect(taken(own)).toEqual([]);
  });

  test("are counted when there is no room, and what is there stays whole", () => {
    const own = ring();
    const bytes = Buffer.alloc(1000, 0x61);
    let kept = 0;
    while (own.put(1, bytes, bytes.length, kept)) kept++;
    expect(kept).toBe(4);
    own.put(1, bytes, bytes.length, 9);
    expect(own.dropped).toBe(2);
    expect(taken(own).map(([, at]) => at)).toEqual([0, 1, 2, 3]);
    expect(own.put(1, bytes, bytes.length, 10)).toBe(true);
  });

  test("that are larger than the ring are refused", () => {
    const own = ring();
    expect(own.put(0, Buffer.alloc(5000), 5000, 0)).toBe(false);
    expect(own.put(0, Buffer.alloc(4080), 4080, 0)).toBe(true);
  });

  test("of any sizes in any order of turns are those of a queue", () => {
    const rng = random(testSeed("record ring"));
    const own = ring();
    const queue: [number, number, string][] = [];
    let lost = 0;
    for (let step = 0; step < scaled(20_000); step++) {
      if (rng.int(3) > 0) {
        const length = rng.int(rng.int(8) === 0 ? 3000 : 200);
        const bytes = Buffer.alloc(length, 0x41 + (step % 26));
        if (own.put(step % 7, bytes, length, step)) {
          queue.push([step % 7, step, bytes.toString("latin1")]);
        } else lost++;
      } else {
        const got = taken(own, rng.int(5));
        expect(got).toEqual(queue.splice(0, got.length));
      }
    }
    expect(taken(own)).toEqual(queue);
    expect(own.dropped).toBe(lost);
    expect(lost).toBeGreaterThan(0);
  });
});
