/** Questions come in once, and how they came out is said at last, however full the ring is. */
import { expect, test } from "bun:test";
import { Outcome } from "../../src/decision/pending-slot.ts";
import { Reason } from "../../src/decision/signal.ts";
import { Counter } from "../../src/inference/counter.ts";
import type { InferenceOptions } from "../../src/inference/port.ts";

function open(capacity: number) {
  const versions = new Uint32Array(capacity);
  const said: number[][] = [];
  const ring = { isFull: false };
  const meter = { count: () => undefined, error: () => undefined };
  const counter = new Counter({
    waiting: { capacity, version: (slot: number) => versions[slot]! },
    answer: (...words: number[]) => {
      if (!ring.isFull) said.push(words);
      return !ring.isFull;
    },
    meter,
  } as unknown as InferenceOptions);
  const scan = (): number[][] => {
    const admitted: number[][] = [];
    counter.scan((slot, version) => admitted.push([slot, version]));
    return admitted;
  };
  return { counter, versions, said, ring, scan };
}

test("a question is admitted once, and again only when another is in its slot", () => {
  const { versions, scan } = open(2);
  versions[1] = 7;
  expect(scan()).toEqual([[1, 7]]);
  expect(scan()).toEqual([]);
  versions[1] = 9;
  expect(scan()).toEqual([[1, 9]]);
});

test("a question that is to come in again does, unless another is in its slot by now", () => {
  const { counter, versions, scan } = open(2);
  versions.set([3, 4]);
  scan();
  counter.again({ slot: 0, version: 3 });
  expect(scan()).toEqual([[0, 3]]);
  versions[1] = 5;
  expect(scan()).toEqual([[1, 5]]);
  // What waited under the version before is asked again: the question of now is being dealt with.
  counter.again({ slot: 1, version: 4 });
  expect(scan()).toEqual([]);
});

test("no answer to a question of now is lost, however long the ring is full and slots change hands", () => {
  const { counter, versions, said, ring, scan } = open(2);
  ring.isFull = true;
  versions.set([1, 100]);
  counter.failed({ slot: 1, version: 100 }, Reason.unreachable);
  for (let version = 1; version < 10; version++) {
    versions[0] = version;
    counter.answered({ slot: 0, version });
  }
  // An answer to a question that was taken back meanwhile takes nobody's place.
  counter.answered({ slot: 0, version: 4 });
  scan();
  ring.isFull = false;
  scan();
  expect(said.toSorted()).toEqual([
    [0, 9, Outcome.answered, Reason.none],
    [1, 100, Outcome.error, Reason.unreachable],
  ]);
  scan();
  expect(said).toHaveLength(2);
});
