/**
 * What tuning changed, measured: how late a sleeping thread wakes, and a datagram's way over loopback
 * and back. Each figure is taken in several rounds; their spread is the noise, and a difference
 * smaller than it is called none.
 */
import { openSleep } from "../host/sleep.ts";

export interface MeasureOptions {
  rounds: number;
  /** Samples of one round. */
  samples: number;
  /** Length of one sleep whose end is awaited. */
  sleepNs: number;
}

export const defaultMeasure: MeasureOptions = { rounds: 5, samples: 300, sleepNs: 500_000 };

/** Quantiles of one round in ns. */
export interface Round {
  p50: number;
  p99: number;
  max: number;
}

export interface Measurement {
  /** How much later than asked a thread wakes, ns. */
  wakeUp: Round[];
  /** UDP over loopback, there and back through the event loop, ns. */
  loopback: Round[];
}

export function roundOf(samples: Float64Array): Round {
  const sorted = samples.toSorted();
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

function measureWakeUp({ rounds, samples, sleepNs }: MeasureOptions): Round[] {
  const sleep = openSleep();
  if (sleep === null) return [];
  const found: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    const late = new Float64Array(samples);
    for (let i = 0; i < samples; i++) {
      const start = Bun.nanoseconds();
      sleep(sleepNs);
      late[i] = Bun.nanoseconds() - start - sleepNs;
    }
    found.push(roundOf(late));
  }
  return found;
}

/** A datagram that is lost ends the round there: loopback loses none unless a buffer is full. */
const lostMs = 200;

async function measureLoopback({ rounds, samples }: MeasureOptions): Promise<Round[]> {
  let returned: (() => void) | null = null;
  const echo = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: { data: (socket, data, port, host) => void socket.send(data, port, host) },
  });
  const caller = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: { data: () => returned?.() },
  });
  const payload = new Uint8Array(64);
  const found: Round[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      const times = new Float64Array(samples);
      let count = 0;
      for (; count < samples; count++) {
        const { promise, resolve } = Promise.withResolvers<boolean>();
        returned = () => resolve(true);
        const timer = setTimeout(() => resolve(false), lostMs);
        const start = Bun.nanoseconds();
        caller.send(payload, echo.port, "127.0.0.1");
        const back = await promise;
        times[count] = Bun.nanoseconds() - start;
        clearTimeout(timer);
        if (!back) break;
      }
      if (count > 0) found.push(roundOf(times.subarray(0, count)));
    }
  } finally {
    echo.close();
    caller.close();
  }
  return found;
}

export async function measure(options: MeasureOptions = defaultMeasure): Promise<Measurement> {
  return { wakeUp: measureWakeUp(options), loopback: await measureLoopback(options) };
}

export interface Comparison {
  what: string;
  quantile: "p50" | "p99";
  /** Lowest and highest of the rounds, ns. */
  before: [number, number];
  after: [number, number];
  /** "none" where the two ranges overlap: the noise is larger than the difference. */
  difference: "faster" | "slower" | "none";
}

function range(rounds: readonly Round[], quantile: "p50" | "p99"): [number, number] {
  const values = rounds.map((round) => round[quantile]);
  return [Math.min(...values), Math.max(...values)];
}

export function compare(before: Measurement, after: Measurement): Comparison[] {
  const kinds = [
    { what: "wake-up latency", key: "wakeUp" },
    { what: "loopback round trip", key: "loopback" },
  ] as const;
  return kinds.flatMap(({ what, key }) => {
    if (before[key].length === 0 || after[key].length === 0) return [];
    return (["p50", "p99"] as const).map((quantile): Comparison => {
      const old = range(before[key], quantile);
      const now = range(after[key], quantile);
      const difference = now[1] < old[0] ? "faster" : now[0] > old[1] ? "slower" : "none";
      return { what, quantile, before: old, after: now, difference };
    });
  });
}

const us = (ns: number): string => (ns / 1000).toFixed(1);

export function renderComparison(rows: readonly Comparison[]): string {
  const words = { none: "no difference beyond the noise", faster: "faster", slower: "slower" };
  return rows
    .map(
      ({ what, quantile, before, after, difference }) =>
        ` ${what} ${quantile}: before ${us(before[0])}–${us(before[1])} µs, after ${us(after[0])}–${us(after[1])} µs: ${words[difference]}\n`,
    )
    .join("");
}
