/** The machine's clock is stepped. A test cannot step it, so that the feed core gets one of its own. */
import { EngineRig, moreBid, said } from "../../support/engine-rig.ts";
import { type Fault, promise } from "../fault.ts";

const hourNs = 3_600e9;
const injected = (way: string): string =>
  `an hour ${way} in the clock that is handed to the feed core (in virtual time: the clock of the machine is not a test's to step)`;

function quietRig(): EngineRig {
  const rig = new EngineRig({ feed: "format=itch50&silenceMs=1000" });
  rig.answer(moreBid, 1);
  const [signal] = rig.book("ACME", 900, 100);
  promise(signal?.signal === "BUY", "no signal before the step");
  return rig;
}

export const clockFaults: readonly Fault[] = [
  {
    name: "the clock is stepped back",
    injected: injected("back"),
    promised: "silence is still noticed in time; decisions go on",
    async provoke() {
      const rig = quietRig();
      rig.nowNs -= hourNs;
      const silent = said(rig.wait(1100));
      promise(
        silent.includes("ACME HOLD stale: silent channel"),
        `a signal stood for longer than silenceMs: ${silent.join(", ")}`,
      );
      const again = said(rig.book("ACME", 800, 100));
      promise(again.includes("ACME BUY l1"), `no decision after it: ${again.join(", ")}`);
      return "HOLD, silent channel, within silenceMs of the step; BUY with the next book";
    },
  },
  {
    name: "the clock is stepped forward",
    injected: injected("forward"),
    promised: "HOLD at once, as after an hour of silence; decisions go on with the next datagram",
    async provoke() {
      const rig = quietRig();
      rig.nowNs += hourNs;
      const silent = said(rig.wait(2));
      promise(silent.includes("ACME HOLD stale: silent channel"), `said: ${silent.join(", ")}`);
      const again = said(rig.book("ACME", 800, 100));
      promise(again.length > 0, "nothing was said after it");
      const later = said(rig.book("ACME", 700, 100));
      promise(
        [...again, ...later].some((line) => line.startsWith("ACME BUY")),
        "no decision",
      );
      return "HOLD, silent channel, with the next turn; BUY with the next book";
    },
  },
];
