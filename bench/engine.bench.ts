/**
 * One datagram through the whole hot path without a socket: decoded, applied to books, each touched
 * instrument evaluated, signals written as records.
 *
 * Metrics: ns a datagram, and garbage collections in three million datagrams, counted by the
 * engine's own log. Baselines: writing the datagrams alone; one object a message; a look-up in a Map
 * of objects by a string key beside the table's.
 */
import { bench, do_not_optimize, group } from "mitata";
import { figure, runBenches } from "./report.ts";
import { Ring } from "../src/decision/ring.ts";
import { SignalJson } from "../src/decision/signal-json.ts";
import { readSignal, signalJson, signalWords } from "../src/decision/signal.ts";
import { Origin } from "../src/decision/answer-word.ts";
import { tableBytes, type TableSpec } from "../src/decision/table-plane.ts";
import { openTable } from "../src/decision/table.ts";
import type { EngineRig } from "../test/support/engine-rig.ts";
import { createRig } from "./answered-rig.ts";
import { Replaces } from "./replaces.ts";

/** The rig's engine over one market that never ends; nothing reads the rings, as with a slow reader. */
function feeder(rig: EngineRig, market: { next(): void; bytes: Buffer; length: number }) {
  return (): void => {
    market.next();
    rig.nowNs += 10_000;
    const { engine } = rig.core;
    engine.datagram(0, 0, market.bytes, market.length, rig.nowNs - 5000, rig.nowNs);
  };
}

for (const messages of [1, 40]) {
  group(`a datagram of ${messages} messages, 64 instruments`, () => {
    const alone = new Replaces(64, messages);
    bench("baseline: writing the datagram", () => {
      alone.next();
      do_not_optimize(alone.length);
    });
    for (const emit of ["change", "every"] as const) {
      const step = feeder(createRig(emit), new Replaces(64, messages));
      bench(`datagram to signals, emit = ${emit}`, () => step());
    }
  });
}

group("look-up of one state", () => {
  const states = 4320;
  const dense: TableSpec = { form: "dense", capacity: states, keyWords: 5 };
  const associative: TableSpec = { form: "associative", capacity: 65_536, keyWords: 3 };
  const naive = new Map<string, { decision: string; confidence: number }>();
  const tables = [dense, associative].map((spec) => ({
    spec,
    table: openTable(new SharedArrayBuffer(tableBytes(spec)), spec),
  }));
  const keys = Array.from({ length: states }, (_, i) => Uint32Array.of(i, i * 7, i % 100, 0, 0));
  for (const [i, key] of keys.entries()) {
    naive.set(`S${key[0]}:${key[1]}:${key[2]}`, { decision: "BUY", confidence: 0.8 });
    for (const { table } of tables) table.write(key, i, 1, 8000, Origin.model, 1);
  }
  let at = 0;
  const next = (): number => (at = (at * 5 + 1) % states);
  bench("baseline: Map of objects by string key", () => {
    const key = keys[next()]!;
    do_not_optimize(naive.get(`S${key[0]}:${key[1]}:${key[2]}`));
  });
  for (const { spec, table } of tables) {
    bench(`${spec.form} table`, () => {
      const index = next();
      do_not_optimize(table.lookup(keys[index]!, index, 1));
    });
  }
});

group("one signal as JSON", () => {
  const rig = createRig("every");
  const step = feeder(rig, new Replaces(64, 1));
  for (let i = 0; i < 200; i++) step();
  const ring = new Ring(rig.shared.signalsOps, rig.plan.limits.signalRing, signalWords);
  const record = new Uint32Array(signalWords);
  ring.shift(record, 0);
  const json = new SignalJson();
  bench("baseline: decode and JSON.stringify", () =>
    do_not_optimize(signalJson(readSignal(record))),
  );
  bench("byte by byte", () => do_not_optimize(json.encode(record, 0, 0)));
});

/** `bun engine.bench.ts garbage KIND`: three million datagrams of 40 messages between two marks. */
function makeGarbage(kind: string): void {
  const market = new Replaces(64, 40);
  const rig = createRig(kind === "every" ? "every" : "change");
  const step = feeder(rig, market);
  const kept: object[] = [];
  const one = (): void => {
    if (kind !== "objects") return step();
    market.next();
    for (let i = 0; i < 40; i++) {
      kept[i] = { type: "U", reference: market.lastSequence + i, price: 10.5, size: i };
    }
  };
  for (let i = 0; i < 200_000; i++) one();
  Bun.gc(true);
  console.error("BEGIN");
  for (let i = 0; i < datagrams; i++) one();
  console.error("END");
  do_not_optimize(kept);
}

/** What JavaScriptCore logs at the beginning of each collection. */
function collections(kind: string): number {
  const child = Bun.spawnSync([process.execPath, import.meta.path, "garbage", kind], {
    env: { ...process.env, BUN_JSC_logGC: "1" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const [, between = ""] = child.stderr.toString().split("BEGIN\n");
  return (between.split("END\n")[0] ?? "").split(": START ").length - 1;
}

const datagrams = 3_000_000;
if (process.argv[2] === "garbage") makeGarbage(process.argv[3] ?? "change");
else {
  await runBenches(import.meta.path);
  console.log("\ngarbage collections over 3,000,000 datagrams of 40 messages");
  for (const [kind, name] of [
    ["objects", "baseline: one object a message"],
    ["change", "datagram to signals, emit = change"],
    ["every", "datagram to signals, emit = every"],
  ] as const) {
    const count = collections(kind);
    figure(import.meta.path, `collections: ${name}`, count, "collections");
    console.log(`  ${name.padEnd(37)} ${count}`);
  }
}
