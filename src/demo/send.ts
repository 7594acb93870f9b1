/**
 * Sends the synthetic market over a real loopback socket, each datagram at its intended time. Made for
 * a thread of its own: it shares nothing with a receiver but the stop flag.
 */
import { realtimeNs } from "../host/libc.ts";
import type { Clock } from "../replay/clock.ts";
import { SystemClock } from "../replay/clock.ts";
import { type Line, UdpLine } from "../replay/line.ts";
import { Pace } from "../replay/pace.ts";
import { DemoMarket } from "./market.ts";

export interface DemoOptions {
  /** Where the feed listens on the loopback interface. */
  port: number;
  host?: string;
  seed: number;
  /** Datagrams a second in the long run. */
  rate: number;
  /** 0: until stopped. */
  durationMs: number;
  /**
   * Epoch ms of the midnight that market time counts from, so that the stamps of the messages agree
   * with the receiver's clock; today's in UTC when left out.
   */
  midnightMs?: number;
  /** Any value but 0 in its first word stops the sender within 100 ms. */
  stop: Int32Array;
  /** Ignore the intended times and send as fast as the socket takes it. */
  flood?: boolean;
  /** Begin a new session with whole books this often, so that a receiver that lost something heals; 0: never. */
  reopenMs?: number;
}

export interface DemoResult {
  datagrams: number;
  messages: number;
  bytes: number;
  sessions: number;
  elapsedMs: number;
  /** Datagrams sent more than 1 ms after their time, and by how much at most. */
  late: number;
  lateNsMax: number;
  refused: number;
  failed: number;
}

/** The most datagrams in a row without a look at the flag and a turn for the socket. */
const burstMax = 64;
const floodReopenMs = 1000;
const dayMs = 86_400_000;

/** Opens the socket and sends until the time is up or `stop` is set. Throws EdgeError as UdpLine does. */
export async function startDemo(options: DemoOptions): Promise<DemoResult> {
  const host = options.host ?? "127.0.0.1";
  const target = { host, port: options.port, interface: null, ttl: null };
  const line = await UdpLine.open(target, () => {});
  try {
    // Not performance.timeOrigin: it was seen to be milliseconds away from the kernel's clock.
    const nowMs = realtimeNs(0) / 1e6;
    const startMs = (((nowMs - (options.midnightMs ?? 0)) % dayMs) + dayMs) % dayMs;
    return await sendDemo(options, line, new SystemClock(), Math.round(startMs * 1e6));
  } finally {
    line.close();
  }
}

/** As `startDemo`, over any line and clock; `startNs` is the market time at the start. */
export async function sendDemo(
  options: DemoOptions,
  line: Line,
  clock: Clock,
  startNs: number,
): Promise<DemoResult> {
  const { stop, flood = false, durationMs } = options;
  // Before the market is made, which takes milliseconds: its stamps count from `startNs`.
  const beganNs = clock.nowNs();
  const market = new DemoMarket({ seed: options.seed, rate: options.rate, startNs });
  const pace = new Pace(flood ? Number.POSITIVE_INFINITY : 1);
  const reopenNs = (options.reopenMs ?? (flood ? floodReopenMs : 0)) * 1e6;
  const endNs = durationMs > 0 ? beganNs + durationMs * 1e6 : Number.POSITIVE_INFINITY;
  let reopenAtNs = reopenNs > 0 ? beganNs + reopenNs : Number.POSITIVE_INFINITY;
  pace.start(beganNs);
  let burst = 0;
  let messages = 0;
  for (;;) {
    market.next();
    const dueNs = flood ? 0 : pace.dueNs(market.dueNs);
    const waitNs = Math.min(dueNs, endNs);
    while (clock.nowNs() < waitNs && Atomics.load(stop, 0) === 0) {
      await clock.sleepUntil(waitNs);
      burst = 0;
    }
    if (burst >= burstMax || line.blocked) {
      burst = 0;
      await clock.yield();
      while (line.blocked && Atomics.load(stop, 0) === 0) await clock.yield();
    }
    const nowNs = clock.nowNs();
    if (Atomics.load(stop, 0) !== 0 || nowNs >= endNs) break;
    line.send(market.bytes, 0, market.length);
    burst += 1;
    messages = market.messages;
    pace.sent(dueNs, nowNs);
    if (nowNs >= reopenAtNs) {
      market.reopen();
      reopenAtNs = nowNs + reopenNs;
    }
  }
  return {
    datagrams: line.counts.datagrams,
    messages,
    bytes: line.counts.bytes,
    sessions: market.session,
    elapsedMs: (clock.nowNs() - beganNs) / 1e6,
    late: pace.counts.late,
    lateNsMax: pace.counts.lateNsMax,
    refused: line.counts.refused,
    failed: line.counts.failed,
  };
}
