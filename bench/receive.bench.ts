/**
 * From a loopback socket to signals, on one thread, both ways of receiving: what a datagram costs
 * with its send, and how many garbage collections a million of them cause, counted by the engine's
 * own log. Baseline: the same sends, received one by one into one buffer and not looked at.
 */
import { LiveFeed, type Receive } from "../test/support/live-feed.ts";
import type { PolledFeedLine } from "../src/thread/feed-loop.ts";
import { Metric } from "../src/telemetry/metric.ts";
import { connectTo, Endpoint, ptr } from "./e2e/udp.ts";
import { Replaces } from "./replaces.ts";

type Kind = Receive | "nothing";
const kinds: readonly Kind[] = ["nothing", "event", "poll"];
const datagrams = 1_000_000;
const warmUp = 100_000;
const batch = 32;

async function receive(kind: Kind): Promise<void> {
  const market = new Replaces(64, 1);
  const pointer = ptr(market.bytes);
  const sender = new Endpoint();
  const send = (): void => {
    for (let i = 0; i < batch; i++) {
      market.next();
      while (!sender.send(pointer, market.length)) continue;
    }
  };
  let step: () => void | Promise<void>;
  let received: () => number;
  if (kind === "nothing") {
    const target = new Endpoint();
    connectTo(sender.fd, target.port);
    let count = 0;
    received = () => count;
    step = () => {
      send();
      for (let i = 0; i < batch; i++) if (target.receive() >= 0) count++;
    };
  } else {
    const live = await LiveFeed.open(kind, "format=itch50&partialBooks=true");
    connectTo(sender.fd, live.port);
    received = () => live.counters[Metric.feed.receivedDatagrams]!;
    if (kind === "poll") {
      const line = live.loop.lines[0] as PolledFeedLine;
      step = () => {
        send();
        while (line.drain(live.loop.now()) > 0) live.loop.spin(live.loop.now(), false);
      };
    } else {
      step = async () => {
        const before = received();
        send();
        while (received() < before + batch) await new Promise<void>((go) => setImmediate(go));
      };
    }
  }
  const pass = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i += batch) {
      const pending = step();
      if (pending !== undefined) await pending;
    }
  };
  await pass(warmUp);
  Bun.gc(true);
  const before = received();
  console.error("BEGIN");
  const startNs = Bun.nanoseconds();
  await pass(datagrams);
  const elapsedNs = Bun.nanoseconds() - startNs;
  console.error("END");
  const taken = received() - before;
  console.log(JSON.stringify({ nsPerDatagram: elapsedNs / taken, lost: datagrams - taken }));
  process.exit(0);
}

if (process.argv[2] === "child") await receive(process.argv[3] as Kind);
else {
  console.log(
    `over ${datagrams.toLocaleString("en")} datagrams of one message, in batches of ${batch}`,
  );
  for (const kind of kinds) {
    const child = Bun.spawnSync([process.execPath, import.meta.path, "child", kind], {
      env: { ...process.env, BUN_JSC_logGC: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [, between = ""] = child.stderr.toString().split("BEGIN\n");
    const collections = (between.split("END\n")[0] ?? "").split(": START ").length - 1;
    const { nsPerDatagram, lost } = JSON.parse(child.stdout.toString()) as Record<string, number>;
    const name = kind === "nothing" ? "baseline: not looked at" : `received by ${kind}`;
    console.log(
      `  ${name.padEnd(26)}${nsPerDatagram!.toFixed(0).padStart(7)} ns a datagram, ${collections} collections, ${lost} lost`,
    );
  }
}
