import type { FormatOptions } from "../../src/feed/format.ts";

/** Options for tests: market time counts from 2023-10-02 00:00 in New York. */
export const testOptions: FormatOptions = {
  channels: 4,
  maxJump: 1_000_000,
  prefetch: false,
  instruments: 16_384,
  baseEpochNs: 1_696_219_200_000_000_000n,
  priceDecimals: 4,
  sizeDecimals: 0,
  timestampUnit: "ms",
};
