/**
 * Runs in a network namespace of its own, `unshare -rn`: a multicast feed on an interface that goes
 * down and comes up again. Prints what was seen as one line.
 */
import { networkInterfaces } from "node:os";
import { until } from "../support/until.ts";
import { FaultEdge } from "./edge.ts";
import { duration, promise } from "./fault.ts";

function ip(...args: string[]): void {
  const done = Bun.spawnSync(["ip", ...args]);
  if (!done.success) throw new Error(`ip ${args.join(" ")}: ${done.stderr.toString()}`);
}

ip("link", "set", "lo", "up");
ip("link", "add", "feed0", "type", "veth", "peer", "name", "wire0");
ip("link", "set", "wire0", "up");
ip("address", "add", "10.99.0.1/24", "dev", "feed0");
ip("link", "set", "feed0", "up", "multicast", "on");
await until(() => networkInterfaces()["feed0"] !== undefined);

const group = "239.99.0.1";
await using edge = await FaultEdge.start({
  feed: `udp://${group}:0?format=tick&interface=feed0&silenceMs=300`,
});
const socket = await Bun.udpSocket({ hostname: "10.99.0.1", socket: { error() {} } });
socket.setMulticastInterface("10.99.0.1");
socket.setMulticastLoopback(true);
edge.sendBy((bytes) => {
  try {
    socket.send(bytes, edge.port, group);
  } catch {
    // The interface is down.
  }
});
await edge.works();
ip("link", "set", "feed0", "down");
const downMs = performance.now();
await until(() => edge.last("ACME")?.["source"] === "stale");
const staleMs = performance.now() - downMs;
promise(edge.last("ACME")!["signal"] === "HOLD", "a signal outlived its feed");
promise((await edge.health()) >= 0, "HTTP does not answer");
await edge.readyz(/channels are stale/);
ip("link", "set", "feed0", "up");
const backMs = await edge.decides();
socket.close();
await edge.ends();
console.log(
  `HOLD, stale, ${duration(staleMs)} after it went down (silenceMs is 300); /readyz says so; decided again ${duration(backMs)} after it came up`,
);
