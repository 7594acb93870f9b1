/** More than it can take, and what it cannot understand. */
import { join } from "node:path";
import { scaled } from "../../support/scale.ts";
import type { BlastResult } from "../blast.ts";
import { FaultEdge } from "../edge.ts";
import { duration, type Fault, promise } from "../fault.ts";
import { withheldFrom } from "../withheld.ts";

async function blast(port: number, kind: "tick" | "noise", rate: number, seconds: number) {
  const command = [process.execPath, join(import.meta.dir, "../blast.ts")];
  const child = Bun.spawn([...command, ...[port, kind, rate, seconds].map(String)], {
    stdout: "pipe",
    stderr: "inherit",
  });
  return JSON.parse(await new Response(child.stdout).text()) as BlastResult;
}

const answerMaxMs = 1000;

interface Watch {
  mostMiB: number;
  slowestMs: number;
  asked: number;
}

/** Asks /healthz and looks at memory ten times a second until the work is done. */
async function watch<T>(edge: FaultEdge, work: Promise<T>): Promise<Watch & { result: T }> {
  const seen: Watch = { mostMiB: 0, slowestMs: 0, asked: 0 };
  const over = new AbortController();
  const looking = (async () => {
    while (!over.signal.aborted) {
      const withheldMs = withheldFrom(edge.running.pid);
      const ms = await edge.health();
      promise(ms >= 0 && ms - withheldMs() < answerMaxMs, "HTTP did not answer within a second");
      seen.slowestMs = Math.max(seen.slowestMs, ms);
      seen.mostMiB = Math.max(seen.mostMiB, await edge.residentMiB());
      seen.asked++;
      await Bun.sleep(100);
    }
  })();
  try {
    const [result] = await Promise.all([work.finally(() => over.abort()), looking]);
    return { ...seen, result };
  } finally {
    over.abort();
  }
}

/** Waits until every datagram that was sent is either received or counted as dropped. */
async function accounted(
  edge: FaultEdge,
  sent: number,
): Promise<{ received: number; dropped: number }> {
  const endMs = performance.now() + 30_000;
  for (;;) {
    const received = await edge.metric("received_datagrams_total");
    const dropped = await edge.metric("receive_queue_drops_total");
    if (received + dropped === sent) return { received, dropped };
    promise(
      performance.now() < endMs,
      `of ${sent} datagrams ${received} were received and ${dropped} counted as dropped`,
    );
    await Bun.sleep(100);
  }
}

const growthMaxMiB = 256;
const recoveryMaxMs = 1000;
/** Times the measured capacity that are tried: it was measured on a machine that may be busy. */
const floodTimesMax = 24;
/** Two seconds in the usual run, a minute and more in the long one. */
const floodSeconds = Math.min(60, scaled(3));

export const floodFaults: readonly Fault[] = [
  {
    name: "flood beyond capacity",
    injected: `three times the rate that was just measured as its most, for ${floodSeconds} s; a receive buffer of 4 MiB`,
    promised: `loss is counted to the datagram, memory is bounded, HTTP answers within a second throughout, it decides again within ${recoveryMaxMs / 1000} s`,
    limitMs: 300_000,
    async provoke() {
      await using edge = await FaultEdge.start({
        feed: "udp://127.0.0.1:0?format=tick&ack=true&receiveBufferBytes=4194304",
      });
      await edge.works();
      const most = await blast(edge.port, "tick", 0, 1);
      const beforeMiB = await edge.residentMiB();
      let others = most.sent;
      for (let wanted = 3; ; wanted *= 2) {
        const rate = most.perSecond * wanted;
        const flood = await watch(edge, blast(edge.port, "tick", rate, floodSeconds));
        const withheldMs = withheldFrom(edge.running.pid);
        const backMs = await edge.decides(`AFTER${wanted}`);
        const ownMs = backMs - withheldMs();
        const times = flood.result.perSecond / most.perSecond;
        const { dropped } = await accounted(edge, others + flood.result.sent + edge.sent);
        others += flood.result.sent;
        if (dropped === 0 && wanted < floodTimesMax) continue;
        await edge.ends();
        promise(dropped > 0, `nothing was lost at ${times.toFixed(1)} times capacity: no flood`);
        const growthMiB = flood.mostMiB - beforeMiB;
        promise(growthMiB < growthMaxMiB, `memory grew by ${growthMiB.toFixed(0)} MiB`);
        promise(ownMs < recoveryMaxMs, `decided again only after ${duration(backMs)}`);
        const lost = ((dropped / flood.result.sent) * 100).toFixed(0);
        return `${times.toFixed(1)} × capacity: ${lost} % lost, each counted; memory at most ${growthMiB.toFixed(0)} MiB above before; slowest of ${flood.asked} answers over HTTP ${duration(flood.slowestMs)}; decided again after ${duration(backMs)}`;
      }
    },
  },
  {
    name: "flood of malformed datagrams",
    injected: "5,000 datagrams of random bytes a second for 1 s between good ticks",
    promised: "each is counted as bad, good ones are decided on, nothing crashes",
    async provoke() {
      await using edge = await FaultEdge.start();
      await edge.works();
      const bad = (): Promise<number> => edge.metric("channel_bad_\\w+_total");
      const before = await bad();
      const flood = watch(edge, blast(edge.port, "noise", 5000, 1));
      const decidedMs = await edge.decides("GOOD");
      const { result, slowestMs } = await flood;
      const endMs = performance.now() + 30_000;
      // What the socket's queue dropped is counted once a second, so both are looked at again.
      for (;;) {
        const dropped = await edge.metric("receive_queue_drops_total");
        const counted = (await bad()) - before;
        if (counted + dropped >= result.sent) break;
        promise(performance.now() < endMs, `${result.sent} sent, ${counted} counted as bad`);
      }
      await edge.ends();
      return `every one counted as bad; a new symbol decided on after ${duration(decidedMs)}; slowest answer over HTTP ${duration(slowestMs)}`;
    },
  },
];
