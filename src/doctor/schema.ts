/** The shape of a diagnosis in replies, for validation and the API's description. */
import { z } from "zod";
import { areas, severities } from "./finding.ts";

const area = z.enum(areas);
const count = z.int().min(0);

const findingSchema = z.object({
  id: z.string().describe("Stable name; its part before the dot is the area."),
  area,
  subject: z.string().describe("The interface, GPU, host or directory; empty for the machine."),
  severity: z.enum(severities),
  title: z.string(),
  evidence: z.string().describe("One sentence with the numbers."),
  values: z
    .record(z.string(), z.union([z.number(), z.string(), z.boolean()]))
    .describe("The same numbers for machines; units are in the names."),
  why: z.string().describe("Why it matters for latency."),
  remedy: z.string().describe("A command line that helps; empty when all is well."),
});

const machineSchema = z.object({
  machine: z.string(),
  cpu: z.string(),
  cores: count,
  system: z.string(),
  kernel: z.string(),
  temperatureC: z.number().optional(),
  disks: z.array(
    z.object({ name: z.string(), kind: z.string(), sizeBytes: z.number(), health: z.string() }),
  ),
});

export const diagnosisSchema = z
  .object({
    atMs: z.number().describe("Its end, epoch ms."),
    windowMs: z.number().describe("Time between the two readings of the counters."),
    machine: machineSchema.nullable(),
    worst: z.enum(severities),
    counts: z.record(z.enum(severities), count),
    findings: z.array(findingSchema).describe("Worst first."),
    notApplicable: z.array(
      z.object({ id: z.string(), area, subject: z.string(), reason: z.string() }),
    ),
    incomplete: z
      .array(z.object({ area, reason: z.string() }))
      .describe("Examinations that failed or ran out of time."),
  })
  .describe("What on this machine costs latency.");
