import { z } from "zod";

/** [signal]: when a signal is emitted, and how long it may be believed. */
export const signalSection = z.strictObject({
  emit: z
    .enum(["change", "state", "every"])
    .default("change")
    .describe(
      "When to emit: change of the decision, change of the state, or every evaluated datagram.",
    ),
  maxAgeMs: z
    .int()
    .min(1)
    .max(60_000)
    .default(100)
    .describe("A datagram that waited longer than this is late: it updates the book and holds.")
    .meta({ unit: "ms" }),
  ttlMs: z
    .int()
    .min(1)
    .max(3_600_000)
    .default(5000)
    .describe("Time after which a receiver must no longer act on a signal.")
    .meta({ unit: "ms" }),
  ratePerSymbol: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(100)
    .describe("Most signals of one symbol in a second, changes to HOLD excepted; 0 for no limit.")
    .meta({ unit: "signals/s" }),
  minConfidence: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe("A BUY or SELL with less confidence than this becomes HOLD."),
});
