/**
 * A sender, a process of its own: `bun blast.ts PORT KIND RATE SECONDS`. RATE 0 measures how many
 * datagrams a second the feed takes, by its acknowledgements; any other sends at that rate whatever
 * the feed does. KIND is "tick" (eight ticks a datagram) or "noise" (random bytes of random length).
 * Prints one JSON line.
 */
import { connectTo, Endpoint, monotonicNs, ptr } from "../../bench/e2e/udp.ts";
import { decodeAck } from "../../src/feed/ack.ts";
import { walkingTick } from "../support/tick.ts";

export interface BlastResult {
  sent: number;
  perSecond: number;
}

const [port = 0, , rate = 0, seconds = 1] = process.argv.slice(2).map(Number);
const kind = process.argv[3]!;
const ticksOfDatagram = 8;
const variants = 64;
const window = 512;

function text(variant: number): string {
  const ticks = Array.from({ length: ticksOfDatagram }, (_, i) => walkingTick(`F${i}`, variant));
  return ticks.join("\n");
}

/** One line, so that it counts once. */
function noise(): Uint8Array {
  const bytes = crypto.getRandomValues(new Uint8Array(1 + Math.floor(Math.random() * 1400)));
  return bytes.map((byte) => (byte <= 0x20 ? 0x23 : byte));
}

const datagrams = Array.from({ length: variants }, (_, variant) => {
  const content = kind === "noise" ? noise() : Buffer.from(text(variant));
  const bytes = new Uint8Array(new ArrayBuffer(content.length));
  bytes.set(content);
  return { bytes, pointer: ptr(bytes), length: bytes.length };
});
const endpoint = new Endpoint();
connectTo(endpoint.fd, port);

let sent = 0;
let acknowledged = 0;

function send(): void {
  const { pointer, length } = datagrams[sent % variants]!;
  if (endpoint.send(pointer, length)) sent++;
}

function listen(): void {
  for (let length = endpoint.receive(); length >= 0; length = endpoint.receive()) {
    acknowledged = Math.max(acknowledged, decodeAck(endpoint.received, 0, length));
  }
}

const startNs = monotonicNs();
const endNs = startNs + seconds * 1e9;
for (let nowNs = startNs; nowNs < endNs; nowNs = monotonicNs()) {
  if (rate === 0) {
    while (sent - acknowledged < window) send();
    listen();
  } else if (nowNs >= startNs + (sent / rate) * 1e9) send();
}
const tookS = (monotonicNs() - startNs) / 1e9;
const result: BlastResult = { sent, perSecond: (rate === 0 ? acknowledged : sent) / tookS };
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(0);
