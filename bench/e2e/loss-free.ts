/**
 * The highest rate at which nothing is lost, a process of its own: `bun loss-free.ts WORKLOAD SECONDS`.
 * Open loop: batches leave at their intended times, whatever has been acknowledged, and what was not
 * acknowledged at the end of an attempt is lost. The rate grows by half until something is, then the
 * interval is halved a few times.
 *
 * It prints the port where it expects acknowledgements, reads the port to send to from stdin, and
 * prints one JSON line.
 */
import { decodeAck } from "../../src/feed/ack.ts";
import { Batch } from "./batch.ts";
import { connectTo, Endpoint, monotonicNs } from "./udp.ts";
import { createWorkload, type WorkloadName } from "./workload.ts";

export interface LossFreeResult {
  /** Datagrams a second; 0 when even the first attempt lost some. */
  lossFree: number;
  /** The lowest rate that was not held; NaN when all were. */
  notHeld: number;
  /** Why not: datagrams were lost, or the sender could not keep its times. */
  endedBy: "loss" | "sender" | "nothing";
}

const workloadName = process.argv[2] as WorkloadName;
const seconds = Number(process.argv[3] ?? "2");
const firstRate = 50_000;
const rateMax = 2_000_000;
const growth = 1.5;
const halvings = 4;
/** One call hands this many to the kernel: at 400,000/s every 40 µs. */
const batchSize = 16;
const lateNs = 5e6;
/** Share of the batches that may be late, on a machine that others use too. */
const lateShareMax = 0.02;
const patienceNs = 500e6;

const endpoint = new Endpoint();
process.stdout.write(`${endpoint.port}\n`);
connectTo(endpoint.fd, Number(await new Response(Bun.stdin.stream()).text()));
// Acknowledgements name no datagram, so the workload keeps no table of them.
const workload = createWorkload(workloadName, "ack", 0, 1);
const batch = new Batch(endpoint, workload, batchSize, take);
let made = 0;
let acknowledged = 0;

function take(): boolean {
  const bytes = endpoint.receive();
  if (bytes < 0) return false;
  acknowledged = Math.max(acknowledged, decodeAck(endpoint.received, 0, bytes));
  return true;
}

function sendBatch(): void {
  for (let i = 0; i < batchSize; i++) batch.add(made++);
  batch.flush();
}

type Outcome = "held" | "loss" | "sender";

function attempt(rate: number): Outcome {
  const missing = made - acknowledged;
  const batches = Math.round((rate * seconds) / batchSize);
  const intervalNs = (batchSize / rate) * 1e9;
  const startNs = monotonicNs() + 1e6;
  let late = 0;
  for (let i = 0; i < batches;) {
    const behindNs = monotonicNs() - (startNs + i * intervalNs);
    if (behindNs < 0) {
      take();
      continue;
    }
    if (behindNs > lateNs) late++;
    sendBatch();
    i++;
  }
  for (let quietNs = monotonicNs(); monotonicNs() - quietNs < patienceNs;) {
    if (take()) quietNs = monotonicNs();
    if (made - acknowledged === missing) break;
  }
  if (made - acknowledged > missing) return "loss";
  return late > batches * lateShareMax ? "sender" : "held";
}

/** The first datagrams bring the instruments. */
function begin(): void {
  for (let i = 0; i < 16; i++) sendBatch();
  for (const endNs = monotonicNs() + patienceNs; monotonicNs() < endNs && acknowledged < made;) {
    take();
  }
}

begin();
let held = 0;
let notHeld = Number.NaN;
let endedBy: LossFreeResult["endedBy"] = "nothing";
function judge(rate: number): boolean {
  const outcome = attempt(rate);
  if (outcome === "held") held = Math.max(held, rate);
  else {
    notHeld = rate;
    endedBy = outcome;
  }
  return outcome === "held";
}
for (let rate = firstRate; rate <= rateMax && judge(rate);) rate = Math.round(rate * growth);
for (let i = 0; i < halvings && notHeld > held; i++) judge(Math.round((held + notHeld) / 2));
const result: LossFreeResult = { lossFree: held, notHeld, endedBy };
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(0);
