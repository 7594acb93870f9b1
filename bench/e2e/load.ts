/**
 * The open-loop load generator, a process of its own: `bun load.ts WORKLOAD ANSWER RATE SECONDS
 * WARMUP [CPU]`. Sends datagram i at its intended time, whatever has come back, and measures each answer
 * from that intended time, so that waiting to be sent counts too (no coordinated omission).
 *
 * It spins: one core for the load, one for what is measured. With a CPU it stays on that one, leaves
 * it to others between two datagrams, goes before them where it may (root), and takes the time of an
 * answer from the kernel. It prints the port where it expects answers, reads the port to send to from
 * stdin, and prints one JSON line.
 */
import {
  pinThread,
  realtimeNs,
  receiveStampNs,
  setThreadNice,
  setThreadSlice,
} from "../../src/host/libc.ts";
import { openSleep } from "../../src/host/sleep.ts";
import { Histogram } from "../../src/telemetry/histogram.ts";
import { connectTo, Endpoint, monotonicNs, sleepSharply } from "./udp.ts";
import { type AnswerName, createWorkload, type WorkloadName } from "./workload.ts";

export interface LoadResult {
  rate: number;
  sent: number;
  received: number;
  lost: number;
  lateSends: number;
  refused: number;
  p50Us: number;
  p90Us: number;
  p99Us: number;
  p999Us: number;
  maxUs: number;
}

const [workloadName, answer] = process.argv.slice(2, 4) as [WorkloadName, AnswerName];
const [rate = 1000, seconds = 1, warmupSeconds = 1, cpu = -1] = process.argv
  .slice(4, 8)
  .map(Number);
const answers = new Endpoint();
process.stdout.write(`${answers.port}\n`);
const target = Number(await new Response(Bun.stdin.stream()).text());
/** Echoes come back to the socket that sent; signals go to the address that was configured. */
const sender = answer === "echo" ? answers : new Endpoint();
connectTo(sender.fd, target);

const shares = cpu >= 0;
const sleepNs = openSleep()!;
const baseSeconds = Math.floor(Date.now() / 1000);
if (shares) {
  pinThread([cpu]);
  setThreadNice(-20);
  setThreadSlice(100_000);
  sleepSharply();
  // The first question only switches the stamping on.
  receiveStampNs(answers.fd, baseSeconds);
}
const clockOffsetNs = realtimeNs(baseSeconds) - monotonicNs();
/** Awake this long before a datagram is due. */
const earlyNs = 100_000;
const total = Math.round(rate * (seconds + warmupSeconds));
const warmup = Math.round(rate * warmupSeconds);
const workload = createWorkload(workloadName, answer, total, 1);
const isOpen = new Uint8Array(total);
const intervalNs = 1e9 / rate;
const histogram = new Histogram();
let received = 0;
let late = 0;
let refused = 0;
let answeredNs = 0;

const startNs = monotonicNs() + 50e6;

function note(number: number): void {
  if (isOpen[number] !== 1) return;
  isOpen[number] = 0;
  if (number < warmup) return;
  received++;
  histogram.record(answeredNs - (startNs + number * intervalNs));
}

function take(): void {
  const length = answers.receive();
  if (length < 0) return;
  const stampNs = shares ? receiveStampNs(answers.fd, baseSeconds) : -1;
  answeredNs = stampNs < 0 ? monotonicNs() : stampNs - clockOffsetNs;
  workload.answered(answers.received, length, note);
}

for (let number = 0; number < total;) {
  const nowNs = monotonicNs();
  const intendedNs = startNs + number * intervalNs;
  if (nowNs < intendedNs) {
    take();
    if (shares && intendedNs - nowNs > 2 * earlyNs) sleepNs(intendedNs - nowNs - earlyNs);
    continue;
  }
  if (nowNs - intendedNs > 1e6 && number >= warmup) late++;
  workload.make(number);
  isOpen[number] = 1;
  if (!sender.send(workload.pointer, workload.length)) refused++;
  number++;
}
for (const endNs = monotonicNs() + 300e6; monotonicNs() < endNs;) take();

const out = new Float64Array(4);
histogram.percentilesInto([50, 90, 99, 99.9], out, 0);
const result: LoadResult = {
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
};
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(0);
