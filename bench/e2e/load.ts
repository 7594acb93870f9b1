/**
 * The open-loop load generator, a process of its own: `bun load.ts RATE SECONDS WARMUP TARGET KIND
 * LISTEN`. Sends datagram i at its intended time, whatever has come back, and measures each answer
 * from that intended time, so that waiting to be sent counts too (no coordinated omission).
 *
 * It spins: one core for the load, one for what is measured. KIND is "echo" (the answer is the
 * datagram) or "signal" (the answer is a signal record that names the sequence). Prints one JSON line.
 */
import { Histogram } from "../../src/telemetry/histogram.ts";
import { Replaces } from "../replaces.ts";
import { connectTo, Endpoint, monotonicNs, ptr } from "./udp.ts";

const [rate = 1000, seconds = 1, warmupSeconds = 1] = process.argv.slice(2, 5).map(Number);
const kind = process.argv[5]!;
const answers = new Endpoint();
process.stdout.write(`${answers.port}\n`);
const target = Number(await new Response(Bun.stdin.stream()).text());
/** Echoes come back to the socket that sent; signals go to the address that was configured. */
const sender = kind === "echo" ? answers : new Endpoint();
connectTo(sender.fd, target);

const instruments = 64;
const market = new Replaces(instruments, 1);
const marketPtr = ptr(market.bytes);

const total = Math.round(rate * (seconds + warmupSeconds));
const warmup = Math.round(rate * warmupSeconds);
/** By the sequence of a datagram's last message: its number. */
const numberOf = new Int32Array(total * 2 + instruments * 4).fill(-1);
const intervalNs = 1e9 / rate;
const histogram = new Histogram();
let received = 0;
let late = 0;
let refused = 0;

const startNs = monotonicNs() + 50e6;

function take(length: number, nowNs: number): void {
  const { received: bytes } = answers;
  if (kind === "echo") {
    if (length < 20) return;
    note(bytes.readUInt32BE(14) + bytes.readUInt16BE(18) - 1, nowNs);
    return;
  }
  for (let at = 0; at + 128 <= length; at += 128) {
    if (bytes[at + 3] === 1) note(bytes.readUInt32LE(at + 24), nowNs);
  }
}

function note(last: number, nowNs: number): void {
  const number = numberOf[last] ?? -1;
  if (number < 0) return;
  numberOf[last] = -1;
  if (number < warmup) return;
  received++;
  histogram.record(nowNs - (startNs + number * intervalNs));
}

for (let number = 0; number < total;) {
  const nowNs = monotonicNs();
  const intendedNs = startNs + number * intervalNs;
  if (nowNs >= intendedNs) {
    if (nowNs - intendedNs > 1e6 && number >= warmup) late++;
    market.next();
    numberOf[market.lastSequence] = number;
    if (!sender.send(marketPtr, market.length)) refused++;
    number++;
    continue;
  }
  const length = answers.receive();
  if (length >= 0) take(length, monotonicNs());
}
for (const endNs = monotonicNs() + 300e6; monotonicNs() < endNs;) {
  const length = answers.receive();
  if (length >= 0) take(length, monotonicNs());
}

const out = new Float64Array(4);
histogram.percentilesInto([50, 90, 99, 99.9], out, 0);
process.stdout.write(
  `${JSON.stringify({
    rate,
    sent: total - warmup,
    received,
    lost: total - warmup - received,
    lateSends: late,
    refused,
    p50Us: out[0]! / 1000,
    p90Us: out[1]! / 1000,
    p99Us: out[2]! / 1000,
    p999Us: out[3]! / 1000,
    maxUs: histogram.maxNs / 1000,
  })}\n`,
);
process.exit(0);
