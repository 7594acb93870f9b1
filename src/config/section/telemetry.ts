import { z } from "zod";

/** [telemetry]: what is measured, and how it is reported. */
export const telemetrySection = z.strictObject({
  reportSeconds: z
    .int()
    .min(0)
    .max(86_400)
    .default(30)
    .describe("How often a line with each component's latency is logged; 0 for never.")
    .meta({ unit: "s" }),
  clocksAgree: z
    .boolean()
    .default(false)
    .describe(
      "Whether the senders' clocks and this host's agree (PTP): without it network_latency is marked unsynchronised.",
    ),
});
