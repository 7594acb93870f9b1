import type { RecoveryOptions } from "./recovery.ts";
import type { DatagramDecoder, Healing } from "./decoder.ts";
import type { MarketEvents } from "./event.ts";
import { Iex, iexPriceDecimals } from "./iex.ts";
import { iexChannelName, IexTp } from "./iextp.ts";
import { Itch50, itch50PriceDecimals } from "./itch50.ts";
import { MoldUdp64 } from "./moldudp64.ts";
import { Pitch, pitchPriceDecimals } from "./pitch.ts";
import { PitchUnits } from "./pitch-unit.ts";
import { Tick, type TimestampUnit } from "./tick.ts";

/** What a format needs to know of its feed. */
export interface FormatOptions {
  /** The most channels (sessions of a feed side by side, units) that are told apart. */
  channels: number;
  /** A sequence that jumps further ahead, in messages, has to be confirmed by the next datagram. */
  maxJump: number;
  /** Fetch what a datagram will look up before applying it: for order tables beyond the cache. */
  prefetch: boolean;
  /** How many instruments the market has room for. */
  instruments: number;
  /** The epoch ns of the feed's midnight, a multiple of 10^9. Formats with a date count from it. */
  baseEpochNs: bigint;
  /** For formats whose messages do not say: the decimals of prices and sizes, the unit of time. */
  priceDecimals: number;
  sizeDecimals: number;
  timestampUnit: TimestampUnit;
  /** How to deal with what is missing; `passOver` when absent. */
  recovery?: RecoveryOptions;
}

/** A gap is passed over at once: nothing is kept, and nobody is asked. */
const passOver: RecoveryOptions = {
  lines: 16,
  holdNs: 0,
  holdDatagrams: 0,
  reorderDatagrams: 0,
  reorderBytes: 0,
  requests: 0,
  requestTimeoutNs: 0,
  requestMessages: 0,
  requestGapMessages: 0,
  giveUpNs: 0,
  gapRecords: 256,
};

export interface Format {
  help: string;
  healing: Healing;
  /** How many decimals its prices have as integers, given those configured for the feed. */
  priceDecimals(configured: number): number;
  /** What people call the channel with this key; absent where a feed has one channel. */
  channelName?(key: number): string;
  /** `counters` is indexed by `FeedCount` and holds at least `feedCountSize` words. */
  create(events: MarketEvents, counters: Uint32Array, options: FormatOptions): DatagramDecoder;
}

/**
 * To add a format, write its file and its entry here:
 *
 * 1. The messages: a class whose `block(bytes, at, count, skip, channel)` calls `MarketEvents`.
 *    Lengths are checked against the frame before it is called, but not against the type. What is
 *    unfit is counted by reason (count.ts) and never thrown; a message of a known type that cannot
 *    be used makes it return false. Nothing is allocated: no views, no strings, no BigInt; a u64
 *    reference is two u32. itch50.ts is the example.
 * 2. The framing: a `DatagramDecoder` that reads session, channel, sequence and count, checks that
 *    every message lies within the datagram, and hands all of it to an `Arbiter`, which does the
 *    sequencing, the redundant lines and the recovery for it. moldudp64.ts is the example. A format
 *    without a sequence does without (tick.ts).
 * 3. The entry: how its books heal (decoder.ts), the decimals of its prices, how it is made.
 * 4. Its name in the list of the configuration (config/section/feed.ts).
 * 5. Tests: an encoder, each situation by its name, cut at every length, an entry in fuzz.test.ts.
 */
export const formats = {
  itch50: {
    help: "NASDAQ TotalView-ITCH 5.0 in MoldUDP64",
    healing: "snapshot",
    priceDecimals: () => itch50PriceDecimals,
    create(events, counters, options) {
      const { maxJump, prefetch, recovery = passOver } = options;
      const messages = new Itch50(events, counters);
      const clear = (): void => events.clear(-1);
      return new MoldUdp64(messages, counters, maxJump, recovery, prefetch, clear);
    },
  },
  iex: {
    help: "IEX DEEP 1.0 or TOPS 1.6 in IEX-TP",
    healing: "levels",
    priceDecimals: () => iexPriceDecimals,
    channelName: iexChannelName,
    create(events, counters, options) {
      const { baseEpochNs, instruments } = options;
      const baseHi = Number(baseEpochNs >> 32n);
      const baseLo = Number(baseEpochNs & 0xffff_ffffn);
      const { channels, maxJump, recovery = passOver } = options;
      const messages = new Iex(events, counters, baseHi, baseLo, instruments, channels);
      return new IexTp(messages, counters, channels, maxJump, recovery);
    },
  },
  pitch: {
    help: "Cboe Multicast PITCH 2.x of US equities",
    healing: "snapshot",
    priceDecimals: () => pitchPriceDecimals,
    channelName: String,
    create(events, counters, options) {
      const { channels, instruments, maxJump, recovery = passOver } = options;
      const messages = new Pitch(events, counters, instruments, channels);
      return new PitchUnits(messages, counters, channels, maxJump, recovery);
    },
  },
  tick: {
    help: "JSON, one object a line with symbol, timestamp, price, volume and perhaps bid and ask",
    healing: "message",
    priceDecimals: (configured) => configured,
    create: (events, counters, options) =>
      new Tick(events, counters, {
        priceDecimals: options.priceDecimals,
        sizeDecimals: options.sizeDecimals,
        timestampUnit: options.timestampUnit,
        baseSeconds: Number(options.baseEpochNs / 1_000_000_000n),
      }),
  },
} as const satisfies Record<string, Format>;

export type FormatName = keyof typeof formats;
