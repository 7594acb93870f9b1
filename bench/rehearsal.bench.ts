/**
 * What a quiet millisecond costs the datagram that ends it, and what of that a rehearsal saves: the
 * time from a datagram's reading to its signal's being handed on, while the thread otherwise spins on
 * an empty socket. Each run is a process of its own, and rounds are interleaved.
 *
 * Metric: median ns of a datagram. Baselines: no quiet at all (as warm as it gets), and a quiet
 * millisecond without rehearsal.
 */
import { adoptSocket, PollSlots } from "../src/feed/receive-poll.ts";
import { realtimeNs } from "../src/host/libc.ts";
import { rehearsalsOf } from "../src/thread/rehearsal.ts";
import { median } from "./machine.ts";
import { openSocket } from "./e2e/udp.ts";
import { Replaces } from "./replaces.ts";
import { figure } from "./report.ts";
import { createRig } from "./answered-rig.ts";

const cases = [
  { name: "baseline: no quiet", quietUs: 0, rehearseUs: 0 },
  { name: "baseline: after a quiet ms", quietUs: 1000, rehearseUs: 0 },
  { name: "after a quiet ms, rehearsed every 50 µs", quietUs: 1000, rehearseUs: 50 },
] as const;
const rounds = 5;
const datagrams = 3000;
const warmUpDatagrams = 400_000;
/** Before a datagram is due no new step is begun, as if it came when none is under way. */
const marginNs = 6000;

function measure(quietUs: number, rehearseUs: number): number {
  const rig = createRig("every");
  const { baseSeconds } = rig.plan;
  const now = (): number => realtimeNs(baseSeconds);
  const rehearsing = rehearsalsOf(rig.plan, rehearseUs * 1000, now);
  let warmNs = 0;
  const slots = new PollSlots(32, baseSeconds);
  const own = adoptSocket(openSocket().fd);
  const market = new Replaces(64, 1);
  const { engine } = rig.core;
  const one = (): number => {
    market.next();
    const startNs = now();
    rig.nowNs = startNs;
    engine.datagram(0, 0, market.bytes, market.length, startNs, startNs);
    return now() - startNs;
  };
  for (let i = 0; i < warmUpDatagrams; i++) one();
  const took: number[] = [];
  for (let i = 0; i < datagrams; i++) {
    const endNs = now() + quietUs * 1000;
    for (let nowNs = now(); nowNs < endNs; nowNs = now()) {
      slots.receive(own, 1);
      if (rehearsing === undefined || nowNs > endNs - marginNs) continue;
      if (nowNs - warmNs < rehearsing.intervalNs) continue;
      warmNs = nowNs;
      rehearsing.step(nowNs);
    }
    took.push(one());
  }
  return median(took);
}

const child = process.argv[2];
if (child !== undefined) {
  const { quietUs, rehearseUs } = cases[Number(child)]!;
  console.log(measure(quietUs, rehearseUs));
  process.exit(0);
}
const all: number[][] = cases.map(() => []);
for (let round = 0; round < rounds; round++) {
  for (const index of cases.keys()) {
    const command = [process.execPath, import.meta.path, String(index)];
    all[index]!.push(Number(await new Response(Bun.spawn(command).stdout).text()));
  }
}
cases.forEach(({ name }, index) => {
  const ns = median(all[index]!);
  console.log(`${name}: ${ns.toFixed(0)} ns`);
  figure(import.meta.path, name, ns, "ns");
});
