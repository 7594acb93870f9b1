/** The decision table against a Map, in both forms, with its two planes. */
import { describe, expect, test } from "bun:test";
import { Decision } from "../../src/decision/signal.ts";
import {
  Origin,
  packDecision,
  wordConfidence,
  wordDecision,
  wordGeneration,
  wordOrigin,
} from "../../src/decision/answer-word.ts";
import { tableBytes, type TableSpec } from "../../src/decision/table-plane.ts";
import { type DecisionTable, openTable } from "../../src/decision/table.ts";
import { random as randomOf } from "../support/random.ts";
import { scaled, testSeed } from "../support/scale.ts";

const seed = testSeed("decision/table");

function open(spec: TableSpec): DecisionTable {
  return openTable(new SharedArrayBuffer(tableBytes(spec)), spec);
}

const dense: TableSpec = { form: "dense", capacity: 64, keyWords: 1 };
const associative: TableSpec = { form: "associative", capacity: 64, keyWords: 3 };

function keyOf(spec: TableSpec, state: number): Uint32Array {
  return spec.form === "dense" ? Uint32Array.of(state) : Uint32Array.of(state, state * 7, 3);
}

test("a packed decision gives back what went in, at every bound", () => {
  for (const generation of [1, 4095, 8191]) {
    for (const confidence of [0, 1, 9999, 10_000]) {
      for (const decision of [Decision.buy, Decision.sell, Decision.hold] as const) {
        for (const origin of [Origin.l2, Origin.model, Origin.rules] as const) {
          const word = packDecision(generation, decision, confidence, origin);
          expect([
            wordGeneration(word),
            wordConfidence(word),
            wordDecision(word),
            wordOrigin(word),
          ]).toEqual([generation, confidence, decision, origin]);
        }
      }
    }
  }
});

for (const spec of [dense, associative]) {
  describe(spec.form, () => {
    test("an empty table misses, an answer is found with its age, a removed one is gone", () => {
      const table = open(spec);
      const key = keyOf(spec, 5);
      expect(table.lookup(key, 5, 100)).toBe(0);
      table.write(key, 5, Decision.sell, 1234, Origin.model, 77);
      const word = table.lookup(key, 5, 100);
      expect([wordDecision(word), wordConfidence(word), wordOrigin(word)]).toEqual([
        Decision.sell,
        1234,
        Origin.model,
      ]);
      expect(table.decidedAtS).toBe(77);
      expect(table.uses(key, 5)).toBe(1);
      table.remove(key, 5);
      expect(table.lookup(key, 5, 100)).toBe(0);
    });

    test("another opening of the same memory sees the same answers", () => {
      const memory = new SharedArrayBuffer(tableBytes(spec));
      const writer = openTable(memory, spec);
      const reader = openTable(memory, spec);
      writer.write(keyOf(spec, 9), 9, Decision.buy, 1, Origin.l2, 1);
      expect(wordDecision(reader.lookup(keyOf(spec, 9), 9, 1))).toBe(Decision.buy);
    });

    test("a new generation makes every old answer a miss at once", () => {
      const table = open(spec);
      for (let i = 0; i < 32; i++) table.write(keyOf(spec, i), i, Decision.buy, 5, Origin.l2, 1);
      table.clearShadow();
      table.activate(1, 2);
      expect([table.versionLo(), table.versionHi()]).toEqual([1, 2]);
      for (let i = 0; i < 32; i++) expect(table.lookup(keyOf(spec, i), i, 1)).toBe(0);
    });

    test("the shadow fills unseen and takes over whole", () => {
      const table = open(spec);
      table.write(keyOf(spec, 1), 1, Decision.buy, 5, Origin.model, 1);
      table.clearShadow();
      for (let i = 0; i < 32; i++) {
        table.writeShadow(keyOf(spec, i), i, Decision.sell, 6, Origin.model, 2);
      }
      expect(wordDecision(table.lookup(keyOf(spec, 1), 1, 1))).toBe(Decision.buy);
      expect(table.lookup(keyOf(spec, 2), 2, 1)).toBe(0);
      table.activate(9, 0);
      for (let i = 0; i < 32; i++) {
        expect(wordDecision(table.lookup(keyOf(spec, i), i, 1))).toBe(Decision.sell);
      }
    });

    test("generations go round without an old answer coming back", () => {
      const table = open(spec);
      table.write(keyOf(spec, 3), 3, Decision.buy, 5, Origin.model, 1);
      for (let i = 0; i < 9000; i++) {
        table.clearShadow();
        table.activate(i, 0);
        expect(table.peek(keyOf(spec, 3), 3)).toBe(0);
      }
    });
  });
}

test("full sets evict the least recently used and never lose count", () => {
  const table = open({ form: "associative", capacity: 8, keyWords: 3 });
  for (let i = 0; i < 8; i++) {
    table.write(keyOf(associative, i), 0, Decision.buy, 5, Origin.model, 10);
  }
  for (let i = 0; i < 8; i++) if (i !== 4) table.lookup(keyOf(associative, i), 0, 20);
  table.write(keyOf(associative, 100), 0, Decision.sell, 5, Origin.model, 21);
  expect(table.lookup(keyOf(associative, 4), 0, 22)).toBe(0);
  expect(wordDecision(table.lookup(keyOf(associative, 100), 0, 22))).toBe(Decision.sell);
  for (let i = 0; i < 8; i++) {
    if (i !== 4) expect(table.lookup(keyOf(associative, i), 0, 22)).not.toBe(0);
  }
  expect([table.promotions(), table.evictions()]).toEqual([9, 1]);
});

test("against a Map: what is found is what was written last for that very key", () => {
  const random = randomOf(seed).next;
  const spec: TableSpec = { form: "associative", capacity: 512, keyWords: 2 };
  const table = open(spec);
  const written = new Map<string, number>();
  let hits = 0;
  for (let step = 0; step < scaled(100_000); step++) {
    const key = Uint32Array.of(random() * 2000, random() * 2);
    const name = key.join();
    if (random() < 0.3) {
      const confidence = Math.floor(random() * 10_000);
      table.write(key, 0, Decision.buy, confidence, Origin.model, step);
      written.set(name, confidence);
    } else {
      const word = table.lookup(key, 0, step);
      if (word === 0) continue;
      hits++;
      expect(wordConfidence(word)).toBe(written.get(name)!);
    }
  }
  expect(hits).toBeGreaterThan(1000);
});

test("a reader in another thread never sees half an entry", async () => {
  const spec: TableSpec = { form: "associative", capacity: 64, keyWords: 4 };
  const memory = new SharedArrayBuffer(tableBytes(spec));
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const table = openTable(memory, spec);
  const worker = new Worker(new URL("./table-writer.ts", import.meta.url).href);
  const ready = Promise.withResolvers<void>();
  worker.addEventListener("message", () => ready.resolve());
  worker.postMessage({ memory, spec, stop: stop.buffer });
  await ready.promise;
  let hits = 0;
  for (let round = 0; round < scaled(300_000); round++) {
    // The writer stores confidence = the sum of the key's words, modulo 10,000, and the first of
    // them as the time.
    const base = round % 500;
    const key = Uint32Array.of(base, base + 1, base + 2, base + 3);
    const word = table.lookup(key, 0, 1);
    if (word === 0) continue;
    hits++;
    if (wordConfidence(word) !== (base * 4 + 6) % 10_000) throw new Error(`torn at ${round}`);
    if (table.decidedAtS !== base) throw new Error(`another answer's time at ${round}`);
  }
  Atomics.store(stop, 0, 1);
  worker.terminate();
  expect(hits).toBeGreaterThan(0);
});
