/** The second level against the real history file, written as ops writes it. */
import { afterEach, describe, expect, test } from "bun:test";
import { SqliteSecondLevel } from "../../src/inference/l2.ts";
import type { Delivery } from "../../src/inference/outbox.ts";
import { emptyBatch } from "../../src/store/batch.ts";
import type { Store } from "../../src/store/store.ts";
import { epochS, Folder, openStore } from "../store/fixture.ts";
import { Rig, type RigOptions } from "../support/inference-rig.ts";
import { ScriptedOllama } from "../support/scripted-ollama.ts";

const one = "http://one:11434";
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

function history(): [Folder, Store] {
  const folder = new Folder();
  const store = openStore(folder.file);
  closers.push(() => folder[Symbol.dispose]());
  closers.push(() => store.close(epochS * 1000));
  return [folder, store];
}

/** Writes what inference has handed over, as ops does. */
function write(store: Store, deliveries: Delivery[]): void {
  for (const delivery of deliveries.splice(0)) {
    store.commit({ ...emptyBatch(epochS), ...delivery }, epochS * 1000);
  }
}

/** A run of inference over the file: its own reading connection, its own table. */
async function run(
  folder: Folder,
  tokens: Record<string, number>,
  options: Partial<RigOptions> = {},
): Promise<[Rig, ScriptedOllama]> {
  const ollama = new ScriptedOllama();
  ollama.host(one);
  ollama.atOnce = tokens;
  const secondLevel = new SqliteSecondLevel(folder.file);
  closers.push(() => secondLevel.close());
  const rig = new Rig({
    hosts: [one],
    fetch: ollama.fetch,
    realTime: false,
    secondLevel,
    ...options,
  });
  rig.epochS = epochS;
  closers.push(() => rig.close());
  await rig.advance(100);
  expect(rig.inference.isReady).toBe(true);
  ollama.asked = 0;
  return [rig, ollama];
}

async function ask(rig: Rig, states: readonly number[]): Promise<void> {
  for (const state of states) {
    rig.enter(state, state);
    await rig.settle();
  }
  await rig.advance(100);
}

const keyed = (instrument: number): number[] => [instrument, 0, 0, 0, 0, 0];

describe("a decision outlives its run", () => {
  test("the next run's table has it before the first question", async () => {
    const [folder, store] = history();
    const [first] = await run(folder, { SELL: 0.9, HOLD: 0.1 });
    await ask(first, [3, 4, 5]);
    write(store, first.deliveries);

    const [second, ollama] = await run(folder, { BUY: 1 });
    expect([3, 4, 5].map((state) => second.decision(state))).toEqual([2, 2, 2]);
    expect(second.count("promotions")).toBe(3);
    await ask(second, [3, 4, 5]);
    expect(ollama.asked).toBe(0);
  });

  test("a small table is filled with the most used first, the rest comes from L2 on a miss", async () => {
    const [folder, store] = history();
    const state = { symbolInKey: true } as const;
    const [first] = await run(folder, { SELL: 1 }, { state: { ...state, denseStates: 1 } });
    const many = 1500;
    for (let at = 0; at < many; at += 100) {
      for (let i = at; i < at + 100; i++) first.enter(i, keyed(i));
      await first.advance(600);
    }
    write(store, first.deliveries);
    const { version } = first.inference.report();
    const uses = Array.from({ length: 100 }, (_, i) => i + 1200).map((i) => ({
      version,
      state: `S${i}|0,0,0,0,0`,
      uses: 10,
      lastUsedMs: 0,
    }));
    write(store, [{ versions: [], decisions: [], uses }]);

    const [second, ollama] = await run(folder, { BUY: 1 }, { state: { ...state, denseStates: 1 } });
    const promoted = second.count("promotions");
    expect(promoted).toBeGreaterThan(800);
    expect(promoted).toBeLessThanOrEqual(1024);
    const kept = Array.from({ length: many }, (_, i) => second.decision(keyed(i)) !== 0);
    expect(kept.slice(1200, 1300).every(Boolean)).toBe(true);
    const missing = kept.indexOf(false);
    second.enter(0, keyed(missing));
    await second.settle();
    expect(second.decision(keyed(missing))).toBe(2);
    expect(second.count("l2Hits")).toBe(1);
    expect(ollama.asked).toBe(0);
  });

  test("another version never answers", async () => {
    const [folder, store] = history();
    const [first] = await run(folder, { SELL: 1 });
    await ask(first, [3]);
    write(store, first.deliveries);
    const prompt = { ...first.candidate.prompt, context: "central bank today: be cautious" };
    for (const plan of [
      { prompt },
      { marginMin: 0.2 },
      { request: { ...first.candidate.request, raw: false } },
    ]) {
      const [other, ollama] = await run(folder, { BUY: 1 }, { plan });
      expect(other.inference.report().version).not.toBe(first.inference.report().version);
      expect(other.decision(3)).toBe(0);
      await ask(other, [3]);
      expect(other.decision(3)).toBe(1);
      expect(ollama.asked).toBe(1);
    }
  });

  test("an answer past maxStale is not taken from the file", async () => {
    const [folder, store] = history();
    const [first] = await run(folder, { SELL: 1 });
    await ask(first, [3]);
    write(store, first.deliveries);
    const [second, ollama] = await run(folder, { BUY: 1 }, { limits: { maxStaleS: 60 } });
    expect(second.decision(3)).toBe(2);
    second.epochS += 61;
    const key = new Uint32Array(5);
    second.space.keyOf(3, key);
    second.pending.miss(0, key, 3, second.nowMs);
    await second.settle();
    expect(ollama.asked).toBe(1);
    expect(second.decision(3)).toBe(1);
    expect(second.count("expiredEntries")).toBe(1);
  });
});

describe("warming", () => {
  const features = [
    { feature: "spread", edges: [1.5] },
    { feature: "imbalance", edges: [-0.5, 0.5] },
  ] as const;
  const state = { preset: "custom", features } as const;

  test("resumes where the run before stopped", async () => {
    const [folder, store] = history();
    const [first, cut] = await run(folder, { BUY: 1 }, { state });
    await ask(first, [0, 1, 2, 3, 4]);
    expect(cut.asked).toBe(5);
    write(store, first.deliveries);
    const [second, ollama] = await run(folder, { BUY: 1 }, { state, limits: { warm: "all" } });
    await second.advance(300);
    expect(second.inference.report().warm).toMatchObject({ done: 12, total: 12, finished: true });
    // The first of them were asked before the count began.
    expect(second.count("warmed")).toBe(7);
    expect(ollama.asked).toBeLessThanOrEqual(7);
  });

  test("observed: another version is asked about the states that were seen, and no others", async () => {
    const [folder, store] = history();
    const [first] = await run(folder, { BUY: 1 }, { state });
    await ask(first, [2, 7, 9]);
    write(store, first.deliveries);
    const prompt = { ...first.candidate.prompt, context: "another day" };
    const [second] = await run(
      folder,
      { SELL: 1 },
      { state, plan: { prompt }, limits: { warm: "observed" } },
    );
    await second.advance(300);
    expect(second.inference.report().warm).toMatchObject({ done: 3, total: 3, finished: true });
    const decisions = Array.from({ length: 12 }, (_, i) => second.decision(i));
    expect(decisions).toEqual([0, 0, 2, 0, 0, 0, 0, 2, 0, 2, 0, 0]);
  });

  test("rows that make no sense are passed over", async () => {
    const [folder, store] = history();
    const [first] = await run(folder, { BUY: 1 }, { state });
    await ask(first, [0]);
    const { version } = first.inference.report();
    const row = first.deliveries.flatMap(({ decisions }) => decisions)[0]!;
    expect(row.version).toBe(version);
    const odd = [
      { ...row, state: "9,9" },
      { ...row, state: "0,0,0" },
      { ...row, state: "0,x" },
      { ...row, state: "1,1", decision: "MAYBE" },
      { ...row, state: "1,2", confidence: 7 },
    ];
    write(store, [{ versions: [], decisions: odd, uses: [] }]);
    const [second] = await run(folder, { BUY: 1 }, { state });
    expect(second.count("promotions")).toBe(0);
    expect(second.decision(4)).toBe(0);
  });
});

test("a model replaced between two looks leaves nothing in the history under the old version", async () => {
  const [folder] = history();
  const hostLimits = { checkMs: 1000 };
  const [rig, ollama] = await run(folder, { SELL: 1 }, { hostLimits });
  await rig.advance(1000, 50);
  await ask(rig, [1]);
  await rig.advance(2000, 50);
  const before = rig.inference.report().version;
  // `ollama pull`: the next question loads the other model without our doing.
  ollama.hosts.get(one)!.digest = "b".repeat(64);
  ollama.atOnce = { BUY: 1 };
  rig.enter(2, 2);
  await rig.settle();
  expect(rig.decision(2)).toBe(1);
  await rig.advance(3000, 50);
  expect(rig.inference.report().version).not.toBe(before);
  expect(rig.decision(2)).toBe(0);
  await ask(rig, [3]);
  await rig.advance(2000, 50);
  const kept = rig.deliveries.flatMap(({ decisions }) => decisions);
  expect(kept.map(({ version, state }) => [version === before, state])).toEqual([
    [true, "0,0,0,0,1"],
    [false, "0,0,0,0,3"],
  ]);
});

test("uses of a space without an end are counted also for what came from the file", async () => {
  const [folder, store] = history();
  const state = { symbolInKey: true, denseStates: 1 } as const;
  const [first] = await run(folder, { BUY: 1 }, { state });
  for (const i of [1, 2]) first.enter(i, keyed(i));
  await first.advance(200);
  write(store, first.deliveries);
  const [second] = await run(folder, { SELL: 1 }, { state });
  expect(second.count("promotions")).toBe(2);
  for (let i = 0; i < 5; i++) second.enter(1, keyed(1));
  await second.advance(31_000, 50);
  const uses = second.deliveries.flatMap((delivery) => delivery.uses);
  expect(uses).toMatchObject([{ state: "S1|0,0,0,0,0", uses: 5 }]);
});

test("uses of the table are handed over, and counted once", async () => {
  const [folder] = history();
  const [rig] = await run(folder, { BUY: 1 });
  await ask(rig, [3]);
  for (let i = 0; i < 10; i++) rig.enter(0, 3);
  rig.enter(0, 3);
  await rig.advance(31_000, 50);
  const uses = rig.deliveries.flatMap((delivery) => delivery.uses);
  expect(uses).toMatchObject([{ state: "0,0,0,0,3", uses: 11 }]);
  for (let i = 0; i < 4; i++) rig.enter(0, 3);
  rig.close();
  const last = rig.deliveries.flatMap((delivery) => delivery.uses).at(-1);
  expect(last).toMatchObject({ state: "0,0,0,0,3", uses: 4 });
});
