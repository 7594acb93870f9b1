import { expect, test } from "bun:test";
import { Counter } from "../../src/inference/counter.ts";
import type { InferenceOptions, Waiting } from "../../src/inference/port.ts";

/** A counter with one slot, and what it took in at each scan. */
function counterOfOne() {
  let version = 0;
  const waiting = { capacity: 1, version: () => version } as unknown as Waiting;
  const counter = new Counter({ waiting, answer: () => true } as unknown as InferenceOptions);
  const admitted = (): number[] => {
    const versions: number[] = [];
    counter.scan((_slot, now) => versions.push(now));
    return versions;
  };
  return { counter, admitted, arrive: (now: number) => (version = now) };
}

test("a question comes in once, and again when it is asked for", () => {
  const { counter, admitted, arrive } = counterOfOne();
  arrive(1);
  expect(admitted()).toEqual([1]);
  expect(admitted()).toEqual([]);
  counter.again({ slot: 0, version: 1 });
  expect(admitted()).toEqual([1]);
});

test("a question that has left its slot doesn't let the next one there come in twice", () => {
  const { counter, admitted, arrive } = counterOfOne();
  arrive(1);
  expect(admitted()).toEqual([1]);
  arrive(2);
  expect(admitted()).toEqual([2]);
  counter.again({ slot: 0, version: 1 });
  expect(admitted()).toEqual([]);
});
