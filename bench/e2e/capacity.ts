/**
 * The most that a program takes, a process of its own: `bun capacity.ts WORKLOAD ANSWER COUNT
 * MESSAGES`. Sends as fast as it can, with at most a window of datagrams unanswered, so that nothing
 * needs to be lost. The first fifth warms up; the rest is timed from answer to answer. Datagrams are
 * handed to the kernel by the dozen, so that sending is not what is measured.
 *
 * It prints the port where it expects answers, reads the port to send to from stdin, and prints one
 * JSON line.
 */
import { Batch } from "./batch.ts";
import { connectTo, Endpoint, monotonicNs } from "./udp.ts";
import { type AnswerName, createWorkload, type WorkloadName } from "./workload.ts";

export interface CapacityResult {
  datagrams: number;
  messages: number;
  unanswered: number;
  datagramsPerSecond: number;
  messagesPerSecond: number;
}

const [workloadName, answer] = process.argv.slice(2, 4) as [WorkloadName, AnswerName];
const [count = 10_000, messages = 1] = process.argv.slice(4, 6).map(Number);
const window = 2048;
const datagramsPerSend = 16;
const patienceNs = 2e9;

const answers = new Endpoint();
process.stdout.write(`${answers.port}\n`);
const target = Number(await new Response(Bun.stdin.stream()).text());
const sender = answer === "signal" || answer === "json" ? new Endpoint() : answers;
connectTo(sender.fd, target);

const workload = createWorkload(workloadName, answer, count, messages);
const warmup = Math.floor(count / 5);
let sent = 0;
let answered = 0;
let timedFrom = 0;
let timedFromNs = 0;
let lastNs = monotonicNs();

function note(): void {
  answered++;
}

/** Whether something came. */
function take(): boolean {
  const length = answers.receive();
  if (length < 0) return false;
  workload.answered(answers.received, length, note);
  lastNs = monotonicNs();
  if (timedFromNs === 0 && answered >= warmup) {
    timedFrom = answered;
    timedFromNs = lastNs;
  }
  return true;
}

const batch = new Batch(sender, workload, datagramsPerSend, take);

for (;;) {
  for (let i = 0; i < datagramsPerSend && sent < count && sent - answered < window; i++) {
    batch.add(sent++);
  }
  batch.flush();
  while (take()) continue;
  if (answered >= count) break;
  if (monotonicNs() - lastNs > patienceNs) break;
}

const perSecond = ((answered - timedFrom) / (lastNs - timedFromNs)) * 1e9;
const result: CapacityResult = {
  datagrams: count,
  messages: count * messages,
  unanswered: count - answered,
  datagramsPerSecond: perSecond,
  messagesPerSecond: perSecond * messages,
};
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exit(0);
