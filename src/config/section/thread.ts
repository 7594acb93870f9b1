import { z } from "zod";

/** [thread]: placement, priority and supervision of the worker threads. */
export const threadSection = z.strictObject({
  feedCpu: z
    .int()
    .min(-1)
    .max(4095)
    .default(-1)
    .describe("CPU that the feed thread is pinned to; -1 for none."),
  feedPriority: z
    .int()
    .min(0)
    .max(80)
    .default(0)
    .describe("Real-time priority (SCHED_FIFO) of a pinned feed thread; 0 for none."),
  feedSliceUs: z
    .int()
    .min(0)
    .max(100_000)
    .default(100)
    .refine((us) => us === 0 || us >= 100, "0, or at least 100")
    .describe(
      "Time slice of a feed thread without real-time priority: a short one is let in at once when a datagram wakes it (Linux 6.12 and newer); 0 for the system's.",
    )
    .meta({ unit: "us" }),
  pollSpinUs: z
    .int()
    .min(0)
    .max(60_000_000)
    .default(0)
    .describe(
      "A feed thread that polls sleeps until the next datagram after this long without one; 0 for never.",
    )
    .meta({ unit: "us" }),
  rehearseUs: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(50)
    .describe(
      "While a feed thread that polls finds nothing for this long, it runs the hot path on a made-up datagram, so that the next real one finds it in the processor's caches; 0 for never.",
    )
    .meta({ unit: "us" }),
  opsNice: z
    .int()
    .min(0)
    .max(19)
    .default(10)
    .describe("Nice value of the ops thread, so that queries of the history give way to the feed."),
  warmUpMs: z
    .int()
    .min(0)
    .max(60_000)
    .default(300)
    .describe(
      "Run the hot path on a synthetic market this long before the start; 0 for not at all.",
    )
    .meta({ unit: "ms" }),
  heartbeatMs: z
    .int()
    .min(100)
    .max(60_000)
    .default(2000)
    .describe("A thread without a heartbeat for this long is reported, and starves the watchdog.")
    .meta({ unit: "ms" }),
  stopMs: z
    .int()
    .min(100)
    .max(60_000)
    .default(5000)
    .describe("Longest drain at shutdown before what is left is dropped and counted.")
    .meta({ unit: "ms" }),
  restartsMax: z
    .int()
    .min(0)
    .max(1000)
    .default(10)
    .describe("Restarts of one crashed thread in ten minutes before the run gives up."),
  restartBackoffMs: z
    .int()
    .min(10)
    .max(60_000)
    .default(100)
    .describe("Wait before the first restart of a crashed thread; it doubles up to 100 times this.")
    .meta({ unit: "ms" }),
});
