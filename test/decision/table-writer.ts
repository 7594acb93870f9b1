/** Overwrites entries as fast as it can, for the reader in table.test.ts. */
import { Decision } from "../../src/decision/signal.ts";
import { Origin } from "../../src/decision/answer-word.ts";
import { type TableSpec } from "../../src/decision/table-plane.ts";
import { openTable } from "../../src/decision/table.ts";

declare const self: Worker;

interface Order {
  memory: SharedArrayBuffer;
  spec: TableSpec;
  stop: SharedArrayBuffer;
}

self.addEventListener("message", ({ data }: MessageEvent<Order>) => {
  const table = openTable(data.memory, data.spec);
  const stop = new Int32Array(data.stop);
  const key = new Uint32Array(4);
  for (let round = 0; Atomics.load(stop, 0) === 0 && round < 1e9; round++) {
    // From here on there is something to find, however long this thread is kept from going on.
    if (round === 500) self.postMessage("ready");
    const base = round % 500;
    for (let word = 0; word < 4; word++) key[word] = base + word;
    table.write(key, 0, Decision.buy, (base * 4 + 6) % 10_000, Origin.model, base);
  }
});
