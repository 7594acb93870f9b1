/**
 * The bench's sender: ticks at intended times, whatever has come back, each answer measured from the
 * intended time of its tick, so that waiting to be sent counts too (no coordinated omission). It
 * spins, and so wants a core of its own.
 */
import { signalBytes } from "../decision/signal.ts";
import { PollSlots } from "../feed/receive-poll.ts";
import { Histogram } from "../telemetry/histogram.ts";
import { numberAt, numberDigits } from "./bench-message.ts";

export interface LoadJob {
  /** The port on loopback that takes the ticks. */
  port: number;
  /** What comes back: the tick itself, or signal records. */
  answer: "echo" | "signal";
  /** Ticks a second. */
  rate: number;
  seconds: number;
  warmUpSeconds: number;
}

/** Of the ticks after the warm-up. */
export interface LoadResult {
  rate: number;
  sent: number;
  answered: number;
  /** Ticks sent more than 1 ms after their intended time: the sender itself did not keep up. */
  late: number;
  /** Intended send time to answer in hand, ns; null when nothing was answered. */
  p50Ns: number | null;
  p99Ns: number | null;
  p999Ns: number | null;
  maxNs: number | null;
}

const symbols = 64;
const variants = 64;
const lateNs = 1e6;
const tailNs = 200e6;
const leadNs = 20e6;
const signalKind = 1;
const exchangeTimeAt = 32;

/** Prepared ticks, in which only the number changes. */
export function prepareTicks(): Buffer[] {
  return Array.from({ length: symbols * variants }, (_, i) => {
    const variant = Math.floor(i / symbols);
    const price = 100 + Math.abs(variant - variants / 2) / 100;
    const heavy = variant % 16 < 8;
    const timestamp = "0".repeat(numberDigits);
    const [bidSize, askSize] = heavy ? [900, 100] : [100, 900];
    const rest = { symbol: `B${i % symbols}`, price, volume: 100 + variant, bid: price };
    const tick = { ...rest, ask: Number((price + 0.01).toFixed(2)), bidSize, askSize };
    return Buffer.from(`{"timestamp":${timestamp},${JSON.stringify(tick).slice(1)}`);
  });
}

export function writeNumber(bytes: Uint8Array, value: number): void {
  for (let at = numberAt + numberDigits - 1; at >= numberAt; at--) {
    const rest = Math.floor(value / 10);
    bytes[at] = 0x30 + (value - rest * 10);
    value = rest;
  }
}

export function readNumber(bytes: Uint8Array): number {
  let value = 0;
  for (let at = numberAt; at < numberAt + numberDigits; at++) {
    value = value * 10 + (bytes[at] as number) - 0x30;
  }
  return value;
}

export interface LoadOptions {
  /** Where answers arrive: a descriptor that is read without waiting. */
  answers: number;
  slots: PollSlots;
  /** ns on the host's real-time clock, from any origin. */
  now(): number;
}

export async function runLoad(job: LoadJob, options: LoadOptions): Promise<LoadResult> {
  const socket = await Bun.udpSocket({
    connect: { hostname: "127.0.0.1", port: job.port },
    socket: { error() {} },
  } as unknown as Bun.udp.ConnectSocketOptions<"buffer">);
  const send = (socket as unknown as { send(bytes: Uint8Array): boolean }).send.bind(socket);
  try {
    return spin(job, options, send);
  } finally {
    socket.close();
  }
}

function spin(
  job: LoadJob,
  { answers, slots, now }: LoadOptions,
  send: (bytes: Uint8Array) => boolean,
): LoadResult {
  const { rate, answer } = job;
  const total = Math.round(rate * (job.seconds + job.warmUpSeconds));
  const warmUp = Math.round(rate * job.warmUpSeconds);
  const ticks = prepareTicks();
  const isOpen = new Uint8Array(total);
  const histogram = new Histogram();
  const intervalNs = 1e9 / rate;
  const firstUs = Date.now() * 1000;
  const startNs = now() + leadNs;
  let answered = 0;
  let late = 0;

  const note = (number: number, nowNs: number): void => {
    if (isOpen[number] !== 1) return;
    isOpen[number] = 0;
    if (number < warmUp) return;
    answered++;
    histogram.record(nowNs - (startNs + number * intervalNs));
  };
  const take = (): void => {
    const taken = slots.receive(answers);
    if (taken === 0) return;
    const nowNs = now();
    for (let slot = 0; slot < taken; slot++) {
      const bytes = slots.bytes[slot] as Buffer;
      if (answer === "echo") {
        note(readNumber(bytes) - firstUs, nowNs);
        continue;
      }
      const length = slots.lengths[slot] as number;
      for (let at = 0; at + signalBytes <= length; at += signalBytes) {
        if (bytes[at + 3] === signalKind) note(numberOf(bytes, at) - firstUs, nowNs);
      }
    }
  };

  for (let number = 0; number < total;) {
    const nowNs = now();
    const intendedNs = startNs + number * intervalNs;
    if (nowNs < intendedNs) {
      take();
      continue;
    }
    if (nowNs - intendedNs > lateNs && number >= warmUp) late++;
    const bytes = ticks[number % ticks.length] as Buffer;
    writeNumber(bytes, firstUs + number);
    isOpen[number] = 1;
    trySend(send, bytes);
    number++;
  }
  for (const endNs = now() + tailNs; now() < endNs;) {
    take();
    if (answered === total - warmUp) break;
  }
  const out = new Float64Array(3);
  histogram.percentilesInto([50, 99, 99.9], out, 0);
  const some = answered > 0;
  return {
    rate,
    sent: total - warmUp,
    answered,
    late,
    p50Ns: some ? out[0]! : null,
    p99Ns: some ? out[1]! : null,
    p999Ns: some ? out[2]! : null,
    maxNs: some ? histogram.maxNs : null,
  };
}

/** An error of an earlier send may surface here; the tick then counts as lost. */
function trySend(send: (bytes: Uint8Array) => boolean, bytes: Uint8Array): void {
  try {
    send(bytes);
  } catch {
    // Counted by the answer that does not come.
  }
}

/** The exchange time in µs: a double is exact to 256 ns here. */
function numberOf(record: Buffer, at: number): number {
  const low = record.readUInt32LE(at + exchangeTimeAt);
  const high = record.readUInt32LE(at + exchangeTimeAt + 4);
  return Math.round((high * 2 ** 32 + low) / 1000);
}
