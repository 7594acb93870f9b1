import { z } from "zod";

/** [tune]: what `hftedge tune` wants of the machine; its flags override it. */
export const tuneSection = z.strictObject({
  profile: z
    .enum(["safe", "aggressive"])
    .default("safe")
    .describe("Which settings `hftedge tune` wants when no profile is named."),
  feedInterfaces: z
    .array(z.string().min(1).max(15))
    .max(16)
    .default([])
    .describe("Interfaces that carry the feed; empty: the first that is not the default route."),
  feedCpus: z
    .string()
    .regex(/^(?:\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*)?$/)
    .default("")
    .describe('CPUs for the feed, e.g. "6-7"; empty: isolated CPUs, else the last core.'),
  housekeepingCpus: z
    .string()
    .regex(/^(?:\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*)?$/)
    .default("")
    .describe("CPUs for everything else; empty: all that are not the feed's."),
  gpus: z
    .array(z.string().startsWith("GPU-"))
    .max(16)
    .default([])
    .describe("UUIDs of the GPUs that run the model; empty: all."),
  receiveRing: z
    .int()
    .min(64)
    .max(16_384)
    .default(1024)
    .describe("Receive ring of the feed's interface, where it is asked for.")
    .meta({ unit: "descriptors" }),
  holdCpuLatency: z
    .boolean()
    .default(true)
    .describe("Keep the CPUs out of deep idle states while a run lasts (/dev/cpu_dma_latency)."),
  driftLine: z
    .boolean()
    .default(true)
    .describe("Say at the start of a run in one line whether the machine is as it was tuned."),
});
