/** The feed core in virtual time with an answer for every state, so that each datagram has its signal. */
import { Origin } from "../src/decision/answer-word.ts";
import { EngineRig } from "../test/support/engine-rig.ts";

export function createRig(emit: "change" | "every"): EngineRig {
  const rig = new EngineRig({
    flags: {
      "signal.emit": emit,
      "limit.symbols": "1024",
      "limit.orders": "100000",
      "limit.levels": "262144",
      "state.preset": "microstructure",
      "state.features": "[]",
    },
    feed: "format=itch50&silenceMs=3600000",
  });
  const key = new Uint32Array(rig.plan.table.keyWords);
  for (let state = 0; state < rig.plan.table.capacity; state++) {
    rig.table.write(key, state, ((state % 3) + 1) as 1 | 2 | 3, 8000, Origin.rules, 0);
  }
  return rig;
}
