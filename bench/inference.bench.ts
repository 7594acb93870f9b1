/**
 * What inference costs beside the model, each figure beside its naive baseline:
 *
 * 1. one uncached question, prompt to decision in the table, over a bare fetch of the same body;
 * 2. the two-level cache beside the usual pair of Map-based LRU caches (1,000 and 10,000 entries,
 *    key of text): hit, promotion, eviction at capacity;
 * 3. a miss on the feed thread.
 *
 * `bun bench/inference.bench.ts [questions]`. Times in µs or ns; on a busy machine read the ratios.
 */
import { Database } from "bun:sqlite";
import { bench, do_not_optimize, summary } from "mitata";
import { runBenches } from "./report.ts";
import { PendingTable } from "../src/decision/pending.ts";
import { pendingBytes } from "../src/decision/pending-slot.ts";
import { Origin } from "../src/decision/answer-word.ts";
import { tableBytes, type TableSpec } from "../src/decision/table-plane.ts";
import { openTable } from "../src/decision/table.ts";
import { OllamaClient } from "../src/inference/ollama.ts";
import { createPrompt } from "../src/inference/prompt.ts";
import { freezeRequest } from "../src/inference/request.ts";
import { readVerdict, uncalibrated } from "../src/inference/verdict.ts";
import { StateSpace } from "../src/market/state.ts";

const windows = { momentumNs: 1e10, flowNs: 1e10, volatilityNs: 3e10 };
const instruments = 1024;
const spaceOptions = { windows, instruments, denseStates: 1 << 20 };
const space = new StateSpace({ ...spaceOptions, preset: "microstructure" });

const at = (values: Float64Array, share: number): number =>
  values.toSorted()[Math.floor(values.length * share)]! / 1000;

async function questions(count: number): Promise<void> {
  const child = Bun.spawn(["bun", new URL("./ollama-child.ts", import.meta.url).pathname], {
    stdout: "pipe",
  });
  const reader = child.stdout.getReader();
  const url = new TextDecoder().decode((await reader.read()).value).trim();
  const request = freezeRequest({
    model: "llama3.2:3b",
    mode: "logprobs",
    raw: true,
    keepAliveS: -1,
    options: { temperature: 0, num_ctx: 1024 },
  });
  const prompt = createPrompt({
    space,
    mode: "logprobs",
    template: "",
    context: "",
    symbolOf: () => null,
    allowedSymbols: [],
  });
  const client = new OllamaClient({
    url,
    bodyBytesMax: 65_536,
    fetch: (address, init) => fetch(address, init),
    nowNs: () => Bun.nanoseconds(),
  });
  const lane = client.lane();
  const spec = { form: "dense", capacity: space.size, keyWords: space.keyWords } as const;
  const table = openTable(new SharedArrayBuffer(tableBytes(spec)), spec);
  const key = new Uint32Array(space.keyWords);
  const reading = {
    mode: "logprobs",
    calibration: uncalibrated,
    marginMin: 0.1,
    labelMassMin: 0.1,
  };
  const bodies = Array.from({ length: space.size }, (_, index) => {
    space.keyOf(index, key);
    return JSON.stringify(request.body(prompt.of(key)!));
  });
  const bare = async (index: number): Promise<void> => {
    const response = await fetch(`${url}/api/generate`, { method: "POST", body: bodies[index]! });
    do_not_optimize(await response.json());
  };
  const ours = async (index: number): Promise<void> => {
    space.keyOf(index, key);
    const { body } = await lane.ask(request, prompt.of(key)!);
    const { decision, confidence } = readVerdict(body, reading as never);
    const scaled = Math.round(confidence * 10_000);
    table.write(key, index, decision as 1 | 2 | 3, scaled, Origin.model, 1);
  };
  const times = { bare: new Float64Array(count), ours: new Float64Array(count) };
  for (let i = -200; i < count; i++) {
    const index = (i + 200) % space.size;
    // In turn, so that both see the same machine.
    for (const [name, ask] of [
      ["bare", bare],
      ["ours", ours],
    ] as const) {
      const startNs = Bun.nanoseconds();
      await ask(index);
      if (i >= 0) times[name][i] = Bun.nanoseconds() - startNs;
    }
  }
  child.kill();
  await child.exited;
  console.log("one uncached question, state to decision, µs       p50      p99");
  for (const name of ["bare", "ours"] as const) {
    const row = [at(times[name], 0.5), at(times[name], 0.99)].map((v) => v.toFixed(1).padStart(8));
    console.log(
      `  ${name === "bare" ? "bare fetch of the same body" : "hftedge                    "}             ${row.join(" ")}`,
    );
  }
  const more = at(times.ours, 0.5) - at(times.bare, 0.5);
  console.log(`  overhead at p50: ${more.toFixed(1)} µs\n`);
}

/** The pair of caches as it is usually shown: Map order for recency, promotion on a hit in L2. */
class LruPair {
  readonly l1 = new Map<string, [string, number]>();
  readonly l2 = new Map<string, [string, number]>();
  evicted = 0;

  get(symbol: string, price: number, volume: number): [string, number] | undefined {
    const key = `${symbol}_${price.toFixed(2)}_${Math.round(volume / 100) * 100}`;
    const hot = this.l1.get(key);
    if (hot !== undefined) {
      this.l1.delete(key);
      this.l1.set(key, hot);
      return hot;
    }
    const cold = this.l2.get(key);
    if (cold === undefined) return undefined;
    this.l2.delete(key);
    this.put(this.l1, 1000, key, cold);
    return cold;
  }

  set(symbol: string, price: number, volume: number, value: [string, number]): void {
    this.put(
      this.l2,
      10_000,
      `${symbol}_${price.toFixed(2)}_${Math.round(volume / 100) * 100}`,
      value,
    );
  }

  private put(
    level: Map<string, [string, number]>,
    limit: number,
    key: string,
    value: [string, number],
  ): void {
    if (level.size >= limit) {
      level.delete(level.keys().next().value!);
      this.evicted++;
    }
    level.set(key, value);
  }
}

function keyAt(i: number, key: Uint32Array): Uint32Array {
  key[0] = i % 10;
  key[1] = 10_000 + Math.floor(i / 10);
  key[2] = 5;
  return key;
}

const priceOf = (i: number): number => 100 + Math.floor(i / 10) / 100;
const open = (spec: TableSpec) => openTable(new SharedArrayBuffer(tableBytes(spec)), spec);

function caches(): void {
  const priceVolume = new StateSpace({ ...spaceOptions, preset: "price-volume" });
  const associative: TableSpec = { form: "associative", capacity: 16_384, keyWords: 3 };
  const names = Array.from({ length: 10 }, (_, i) => `SYM${i}`);
  const key = new Uint32Array(priceVolume.keyWords);

  summary(() => {
    const pair = new LruPair();
    for (let i = 0; i < 500; i++) pair.set(names[i % 10]!, priceOf(i), 500, ["BUY", 0.7]);
    for (let i = 0; i < 500; i++) pair.get(names[i % 10]!, priceOf(i), 500);
    let a = 0;
    bench("hit: LRU pair, key of text", () => {
      a = (a + 7) % 500;
      do_not_optimize(pair.get(names[a % 10]!, priceOf(a), 500));
    }).baseline(true);
    const table = open(associative);
    for (let i = 0; i < 500; i++) table.write(keyAt(i, key), 0, 1, 7000, Origin.model, 1);
    let b = 0;
    bench("hit: associative table", () => {
      b = (b + 7) % 500;
      do_not_optimize(table.lookup(keyAt(b, key), 0, 2));
    });
    const dense = open({ form: "dense", capacity: space.size, keyWords: space.keyWords });
    const any = new Uint32Array(space.keyWords);
    for (let i = 0; i < 500; i++) dense.write(any, i, 1, 7000, Origin.model, 1);
    let c = 0;
    bench("hit: dense table", () => {
      c = (c + 7) % 500;
      do_not_optimize(dense.lookup(any, c, 2));
    });
  });

  summary(() => {
    // 5,000 keys in turn: each look-up of the pair misses L1, hits L2 and promotes.
    const pair = new LruPair();
    for (let i = 0; i < 5000; i++) pair.set(names[i % 10]!, priceOf(i), 500, ["BUY", 0.7]);
    let a = 0;
    bench("promotion: LRU pair, L2 to L1", () => {
      a = (a + 1) % 5000;
      const found = pair.get(names[a % 10]!, priceOf(a), 500);
      if (found !== undefined) pair.set(names[a % 10]!, priceOf(a), 500, found);
    }).baseline(true);
    const database = new Database(":memory:");
    database.run(
      "CREATE TABLE decision (version TEXT, state TEXT, decision TEXT, confidence REAL, PRIMARY KEY (version, state)) WITHOUT ROWID",
    );
    const insert = database.prepare("INSERT INTO decision VALUES ('v', ?, 'BUY', 0.7)");
    database.transaction(() => {
      for (let i = 0; i < 5000; i++)
        insert.run(`${names[i % 10]}|${10_000 + Math.floor(i / 10)},5`);
    })();
    const find = database.query<{ decision: string; confidence: number }, [string]>(
      "SELECT decision, confidence FROM decision WHERE version = 'v' AND state = ?",
    );
    const table = open(associative);
    let b = 0;
    bench("promotion: SQLite to the table (kept across restarts)", () => {
      b = (b + 1) % 5000;
      const row = find.get(`${names[b % 10]}|${10_000 + Math.floor(b / 10)},5`)!;
      table.write(keyAt(b, key), 0, 1, Math.round(row.confidence * 10_000), Origin.l2, 1);
    });
  });

  summary(() => {
    const pair = new LruPair();
    let a = 0;
    bench("write at capacity: LRU pair", () => {
      a++;
      pair.set(names[a % 10]!, priceOf(a), 500, ["BUY", 0.7]);
    }).baseline(true);
    const table = open({ ...associative, capacity: 8192 });
    let b = 0;
    bench("write at capacity: associative table", () => {
      b++;
      table.write(keyAt(b, key), 0, 1, 7000, Origin.model, b >> 10);
    });
  });
}

function misses(): void {
  const memory = new SharedArrayBuffer(pendingBytes(1024));
  const pending = new PendingTable(memory, 1024, instruments, space.keyWords, 1000);
  const key = new Uint32Array(space.keyWords);
  summary(() => {
    const waiting = new Map<string, Set<number>>();
    let a = 0;
    bench("miss on the feed thread: Map of Sets, key of text", () => {
      a = (a + 1) % space.size;
      space.keyOf(a, key);
      const text = key.join();
      let set = waiting.get(text);
      if (set === undefined) waiting.set(text, (set = new Set()));
      set.add(a % instruments);
      waiting.delete(text);
    }).baseline(true);
    let b = 0;
    bench("miss on the feed thread: pending table, opened and settled", () => {
      b = (b + 1) % space.size;
      space.keyOf(b, key);
      const slot = pending.miss(b % instruments, key, b, 1);
      pending.settle(slot);
    });
    let c = 0;
    bench("miss on the feed thread: a state that waits already", () => {
      c = (c + 1) % instruments;
      space.keyOf(7, key);
      do_not_optimize(pending.miss(c, key, 7, 1));
    });
  });
}

await questions(Number(Bun.argv[2] ?? 2000));
caches();
misses();
await runBenches(import.meta.path);
