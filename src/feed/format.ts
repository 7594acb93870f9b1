import type { DatagramDecoder, Healing } from "./decoder.ts";
import type { MarketEvents } from "./event.ts";
import { Itch50, itch50PriceDecimals } from "./itch50.ts";
import { MoldUdp64 } from "./moldudp64.ts";

/** What a format needs to know of its feed. */
export interface FormatOptions {
  /** The most channels (sessions of a feed side by side, units) that are told apart. */
  channels: number;
  /** A sequence that jumps further ahead, in messages, has to be confirmed by the next datagram. */
  maxJump: number;
}

export interface Format {
  help: string;
  healing: Healing;
  /** How many decimals the integers have that this format gives as prices. */
  priceDecimals(options: FormatOptions): number;
  /** `counters` is indexed by `FeedCount` and holds at least `feedCountSize` words. */
  create(events: MarketEvents, counters: Uint32Array, options: FormatOptions): DatagramDecoder;
}

/** A format is one file and one entry here. */
export const formats = {
  itch50: {
    help: "NASDAQ TotalView-ITCH 5.0 in MoldUDP64",
    healing: "snapshot",
    priceDecimals: () => itch50PriceDecimals,
    create: (events, counters, options) =>
      new MoldUdp64(new Itch50(events, counters), counters, options.maxJump, () =>
        events.clear(-1),
      ),
  },
} as const satisfies Record<string, Format>;

export type FormatName = keyof typeof formats;
