/**
 * Keeps a spinning thread's hot path warm. In a quiet millisecond the processor forgets it: code
 * leaves the first cache, branches their predictors. So between two datagrams the path is run again
 * and again on a scratch core, from decoding to a signal that goes nowhere.
 *
 * Nothing is allocated a step. A datagram that comes during one waits for its end, a microsecond.
 */
import { Side } from "../feed/event.ts";
import { encodeAdd, encodeReplace, stockBytes } from "../feed/itch50-encode.ts";
import { timestampDecimals } from "../feed/tick.ts";
import { MoldUdp64Packer } from "../feed/moldudp64-encode.ts";
import type { FeedCore } from "./feed-core.ts";
import type { FeedPlan, RunPlan } from "./plan.ts";
import { createScratchCore, scratchFormat } from "./scratch-core.ts";

const bidPrice = 100_000;
const askPrice = 100_100;
const marketNs = 34_200e9;
const ticksInTurn = 16;

/** Datagrams of one market that is told over and over. */
interface Script {
  bytes: Buffer;
  length: number;
  next(): void;
}

/** A bid that is replaced by a large one and by a small one in turn, so that the state changes. */
class OrderScript implements Script {
  readonly #packer = new MoldUdp64Packer("REHEARSAL", 256);
  #reference = 1;

  constructor() {
    const packer = this.#packer;
    const stock = stockBytes("REHEARSE");
    packer.begin(1);
    packer.end(
      encodeAdd(packer.bytes, packer.at, 1, marketNs, 0, 3, Side.ask, 500, stock, askPrice),
    );
    packer.end(
      encodeAdd(packer.bytes, packer.at, 1, marketNs, 0, 1, Side.bid, 500, stock, bidPrice),
    );
  }

  get bytes(): Buffer {
    return this.#packer.bytes;
  }

  get length(): number {
    return this.#packer.length;
  }

  next(): void {
    const packer = this.#packer;
    const old = this.#reference;
    const reference = 3 - old;
    const shares = reference === 1 ? 100 : 900;
    this.#reference = reference;
    const sequence = packer.next;
    packer.begin(sequence);
    const { bytes, at } = packer;
    // However long it runs, a time of day.
    const timeNs = marketNs + (sequence % 1e9) * 1000;
    packer.end(encodeReplace(bytes, at, 1, timeNs, 0, old, 0, reference, shares, bidPrice));
  }
}

class TickScript implements Script {
  readonly #datagrams: readonly Buffer[];
  #at = 0;

  constructor(feed: FeedPlan) {
    this.#datagrams = tickDatagrams(feed, ticksInTurn);
  }

  get bytes(): Buffer {
    return this.#datagrams[this.#at] as Buffer;
  }

  get length(): number {
    return this.bytes.length;
  }

  next(): void {
    this.#at = (this.#at + 1) % ticksInTurn;
  }
}

const middayNs = 43_200_000_000_000n;

/** A walk of the price with changing pressure, one tick a datagram, at noon of the feed's day. */
export function tickDatagrams(
  { midnightNs, timestampUnit }: Pick<FeedPlan, "midnightNs" | "timestampUnit">,
  count: number,
): Buffer[] {
  const unitNs = 10n ** BigInt(timestampDecimals[timestampUnit]);
  return Array.from({ length: count }, (_, i) => {
    const cents = 10_000 + Math.abs((i % 64) - 32);
    const [bidSize, askSize] = Math.floor(i / 8) % 2 === 0 ? [900, 100] : [100, 900];
    // As text: nanoseconds of an epoch are no exact number.
    const timestamp = (midnightNs + middayNs + BigInt(i) * 1_000_000n) / unitNs;
    return Buffer.from(
      `{"symbol":"W${i % 8}","timestamp":${timestamp},"price":${cents / 100},"volume":100,` +
        `"bid":${cents / 100},"ask":${(cents + 1) / 100},"bidSize":${bidSize},"askSize":${askSize}}`,
    );
  });
}

export class Rehearsal {
  readonly core: FeedCore;
  readonly #script: Script;

  /** Of one feed's format; signals are said every time, so that they are rehearsed as well. */
  constructor(plan: RunPlan, feed: FeedPlan, now: () => number) {
    const { config } = plan;
    const signal = { ...config.signal, emit: "every", ratePerSymbol: 0 } as const;
    this.core = createScratchCore({ ...plan, config: { ...config, signal } }, feed, now);
    this.#script = scratchFormat(feed) === "tick" ? new TickScript(feed) : new OrderScript();
    this.#tell(now());
  }

  /** One datagram, at the time that it is. */
  step(nowNs: number): void {
    this.#script.next();
    this.#tell(nowNs);
  }

  #tell(nowNs: number): void {
    const { bytes, length } = this.#script;
    this.core.datagram(0, 0, bytes, length, nowNs, nowNs);
  }
}

/** What a thread runs when nothing has come, and nothing was run, for `intervalNs`. */
export interface Rehearsing {
  readonly intervalNs: number;
  readonly rehearsals: readonly Rehearsal[];
  step(nowNs: number): void;
}

/** The formats of the plan in turn; undefined for an interval of 0. */
export function rehearsalsOf(
  plan: RunPlan,
  intervalNs: number,
  now: () => number,
): Rehearsing | undefined {
  if (intervalNs === 0) return undefined;
  const formats = [...new Map(plan.feeds.map((feed) => [scratchFormat(feed), feed])).values()];
  const rehearsals = formats.map((feed) => new Rehearsal(plan, feed, now));
  let turn = 0;
  return {
    intervalNs,
    rehearsals,
    step(nowNs) {
      (rehearsals[turn] as Rehearsal).step(nowNs);
      turn = (turn + 1) % rehearsals.length;
    },
  };
}
