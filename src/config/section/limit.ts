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
  tableEntries: z
    .int()
    .min(64)
    .max(16_777_216)
    .default(65_536)
    .describe("Decisions that the associative table holds, in sets of 8; 64 bytes each at most.")
    .meta({ unit: "decisions" }),
  pendingStates: z
    .int()
    .min(16)
    .max(65_536)
    .default(1024)
    .describe("Most unknown states that may wait for an answer at a time.")
    .meta({ unit: "states" }),
  signalRing: z
    .int()
    .min(64)
    .max(1_048_576)
    .refine((value) => (value & (value - 1)) === 0, "is not a power of two")
    .default(16_384)
    .describe("Signals that may wait for each reader (stdout, history); a power of two.")
    .meta({ unit: "signals" }),
  heldSymbols: z
    .int()
    .min(1)
    .max(65_536)
    .default(4096)
    .describe("Most symbols that may be on hold by name.")
    .meta({ unit: "symbols" }),
  channels: z
    .int()
    .min(1)
    .max(256)
    .default(16)
    .describe("Most channels (units, sessions side by side) of one feed.")
    .meta({ unit: "channels" }),
  sequenceJump: z
    .int()
    .min(1000)
    .max(1_000_000_000)
    .default(1_000_000)
    .describe("A sequence that jumps further ahead is believed only when the next datagram agrees.")
    .meta({ unit: "messages" }),
  stdoutBytes: z
    .int()
    .min(65_536)
    .max(268_435_456)
    .default(1_048_576)
    .describe(
      "Most bytes that wait for a reader of stdout; beyond it signals are dropped and counted.",
    )
    .meta({ unit: "bytes" }),
});
