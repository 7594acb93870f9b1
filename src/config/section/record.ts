import { z } from "zod";

/** [record]: what came in, kept byte for byte. */
export const recordSection = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .describe(
      "Record every datagram, byte for byte with its receive time, and what else decided between them, into pcapng files.",
    ),
  directory: z
    .string()
    .max(4096)
    .default("")
    .describe("Directory of the recordings.")
    .meta({ defaultText: "record in the data directory" }),
  fileBytes: z
    .int()
    .min(1_048_576)
    .max(4_294_967_296)
    .default(67_108_864)
    .describe("Size at which the next file begins.")
    .meta({ unit: "bytes" }),
  files: z
    .int()
    .min(2)
    .max(10_000)
    .default(16)
    .describe("Files that are kept, of all runs together; the oldest go first.")
    .meta({ unit: "files" }),
  ringBytes: z
    .int()
    .min(1_048_576)
    .max(1_073_741_824)
    .default(33_554_432)
    .describe("Memory for what is on its way to the file, rounded up to a power of two.")
    .meta({ unit: "bytes" }),
});
