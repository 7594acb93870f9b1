import { z } from "zod";

/** [memory]: how much this process may use, and when the collector is asked for. */
export const memorySection = z.strictObject({
  limitMb: z
    .int()
    .min(256)
    .max(1_048_576)
    .default(2048)
    .describe("Resident memory this process is meant to stay below.")
    .meta({ unit: "MiB", reload: true }),
  gcThreshold: z
    .number()
    .min(0.1)
    .max(1)
    .default(0.85)
    .describe(
      "Share of limitMb past which the garbage collector is asked for, on the feed thread in its next quiet moment.",
    )
    .meta({ reload: true }),
  quietMs: z
    .int()
    .min(1)
    .max(60_000)
    .default(20)
    .describe("No datagram for this long is a quiet moment, in which garbage may be collected.")
    .meta({ unit: "ms" }),
  collectAfterMb: z
    .int()
    .min(0)
    .max(65_536)
    .default(32)
    .describe("Garbage of received datagrams that makes a quiet moment worth using; 0 for never.")
    .meta({ unit: "MiB" }),
  touch: z
    .boolean()
    .default(true)
    .describe(
      "Touch every page of the tables at the start, so that none is first used by a datagram.",
    ),
  lock: z
    .boolean()
    .default(true)
    .describe("Lock all memory in RAM (mlockall) where the system allows it."),
});
