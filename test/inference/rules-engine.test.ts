import { expect, test } from "bun:test";
import { PendingTable } from "../../src/decision/pending.ts";
import { pendingBytes } from "../../src/decision/pending-slot.ts";
import { PendingView } from "../../src/decision/pending-view.ts";
import { Origin, wordOrigin } from "../../src/decision/answer-word.ts";
import { tableBytes } from "../../src/decision/table-plane.ts";
import { openTable } from "../../src/decision/table.ts";
import { RulesInference } from "../../src/inference/rules-engine.ts";
import { StateSpace, type StateOptions } from "../../src/market/state.ts";

const windows = { momentumNs: 1e9, flowNs: 1e9, volatilityNs: 1e9 };

function engineFor(state: Partial<StateOptions>) {
  const space = new StateSpace({
    preset: "microstructure",
    windows,
    instruments: 16,
    denseStates: 10_000,
    ...state,
  });
  const { keyWords } = space;
  const spec = space.finite
    ? ({ form: "dense", capacity: space.size, keyWords } as const)
    : ({ form: "associative", capacity: 64, keyWords } as const);
  const table = openTable(new SharedArrayBuffer(tableBytes(spec)), spec);
  const memory = new SharedArrayBuffer(pendingBytes(8));
  const pending = new PendingTable(memory, 8, 16, keyWords, 100);
  const answers: number[][] = [];
  let full = false;
  const engine = new RulesInference({
    space,
    table,
    waiting: new PendingView(memory, 8),
    answer: (...answer) => {
      if (!full) answers.push(answer);
      return !full;
    },
    clock: { nowMs: () => 0, nowNs: () => 0, epochS: () => 1_800_000_000 },
    meter: {
      count: () => undefined,
      error: () => undefined,
      gauge: () => undefined,
      record: () => undefined,
      fail: () => undefined,
    },
  });
  return { engine, space, table, pending, answers, fill: (value: boolean) => (full = value) };
}

test("a finite space is decided whole before it answers, and says that it was the rules", () => {
  const { engine, space, table } = engineFor({});
  expect(engine.isReady).toBe(false);
  engine.poll();
  engine.poll();
  expect(engine.isReady).toBe(true);
  const key = new Uint32Array(space.keyWords);
  for (let index = 0; index < space.size; index++) {
    space.keyOf(index, key);
    const word = table.lookup(key, index, 0);
    expect(word).not.toBe(0);
    expect(wordOrigin(word)).toBe(Origin.rules);
  }
  const { hi, lo } = engine.version;
  expect([table.versionHi(), table.versionLo()]).toEqual([hi, lo]);
});

test("a space without an end is answered state by state, again while the ring is full", () => {
  const { engine, table, pending, answers, fill } = engineFor({ preset: "price-volume" });
  engine.poll();
  const key = Uint32Array.of(3, 18_723, 5);
  const slot = pending.miss(3, key, 0, 1);
  fill(true);
  engine.poll();
  expect(answers).toEqual([]);
  fill(false);
  engine.poll();
  engine.poll();
  expect(answers).toHaveLength(1);
  expect(answers[0]![0]).toBe(slot);
  expect(wordOrigin(table.lookup(key, 0, 0))).toBe(Origin.rules);
});
