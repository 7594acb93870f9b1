/** Fills a ring from another thread, for ring.test.ts. */
import { Ring } from "../../src/decision/ring.ts";

declare const self: Worker;

self.addEventListener(
  "message",
  ({ data }: MessageEvent<{ memory: SharedArrayBuffer; total: number }>) => {
    const ring = new Ring(data.memory, 64, 4);
    const record = new Uint32Array(4);
    for (let i = 0; i < data.total;) {
      record[0] = i;
      record[3] = i ^ 0xffff;
      if (ring.push(record, 0)) i++;
    }
  },
);
