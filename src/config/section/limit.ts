import { z } from "zod";

/** [limit]: capacities, all of them allocated at the start; what does not fit is counted. */
export const limitSection = z.strictObject({
  symbols: z
    .int()
    .min(1)
    .max(1_048_576)
    .default(16_384)
    .describe("Most symbols of all feeds together; about 0.5 KiB each.")
    .meta({ unit: "symbols" }),
  orders: z
    .int()
    .min(1000)
    .max(40_000_000)
    .default(2_500_000)
    .describe(
      "Most live orders of each order-based feed; 32 bytes a slot in the next power of two at a load of at most 0.6, so 128 MiB by default.",
    )
    .meta({ unit: "orders" }),
  levels: z
    .int()
    .min(1024)
    .max(134_217_728)
    .default(2_097_152)
    .describe(
      "Price levels of all books of a feed, in blocks of 8, 16, 32 and so on; 24 bytes each.",
    )
    .meta({ unit: "levels" }),
  levelsPerSide: z
    .int()
    .min(8)
    .max(65_536)
    .default(4096)
    .describe("Most price levels on one side of one book; a fuller book is held as stale.")
    .meta({ unit: "levels" }),
  denseStates: z
    .int()
    .min(1)
    .max(67_108_864)
    .default(1_048_576)
    .describe(
      "Most states that get a dense decision table; a space with more has the bounded associative one.",
    )
    .meta({ unit: "states" }),
});

export type LimitConfig = z.output<typeof limitSection>;
