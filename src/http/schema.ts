/** Shapes that several resources share. Every reply's type is inferred from its schema. */
import { z } from "zod";

export const epochMs = z.number().describe("Epoch ms.");
export const nsOrNull = z.number().nullable().describe("ns; null when nothing was measured.");
export const share = z.number().min(0).max(1);

/** RFC 9457. */
export const problemSchema = z
  .object({
    type: z.string().describe("URI reference that names the kind of problem."),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe("What is wrong with this very request."),
    code: z.string().describe("A stable upper-case word that scripts may match."),
    hint: z.string().describe("What to do about it; may be empty."),
    errors: z
      .array(z.object({ name: z.string(), reason: z.string() }))
      .optional()
      .describe("Each parameter that was refused."),
  })
  .meta({ id: "Problem" });
export type ProblemBody = z.output<typeof problemSchema>;

export const alertSchema = z
  .object({
    run: z.int().describe("Number of the run in the history; 0 while there is no file."),
    id: z.int().describe("Counts the run's alerts from 1: together with run it is unique."),
    rule: z.string(),
    subject: z.string().describe("Which of several: a stage, a feed, a worker; empty when one."),
    severity: z.string(),
    summary: z.string(),
    limit: z.number().describe("The limit that was crossed, in `unit`."),
    unit: z.string().describe("ns, bytes, ratio, or empty for plain numbers."),
    openedMs: epochMs,
    lastMs: epochMs.describe("Last breach, epoch ms."),
    resolvedMs: epochMs.nullable().describe("Epoch ms; null while it is open."),
    count: z.number().describe("Breaches, exactly."),
    worst: z.number().describe("The worst value, in `unit`."),
  })
  .meta({ id: "Alert" });
export type AlertBody = z.output<typeof alertSchema>;

const u64 = z.string().regex(/^\d+$/);

export const signalSchema = z
  .object({
    run: z.string(),
    seq: z.number(),
    feed: z.string(),
    inputSeq: z.number().describe("Sequence number of the input that caused it; 0 for none."),
    symbol: z.string(),
    signal: z.enum(["BUY", "SELL", "HOLD", "NONE"]),
    confidence: share,
    source: z.string().describe("l1, l2, model, rules: answers; the others are always HOLD."),
    reason: z.string(),
    ageMs: z.number().nullable().describe("Age of the answer; null when there is none."),
    version: z.string().describe("Version of the model, its prompt and the state space."),
    state: u64,
    price: z.number().describe("The mid, in the feed's currency; 0 when the book has none."),
    exchangeTime: u64.describe("Epoch ns; 0 unknown."),
    receiveTime: u64.describe("Epoch ns: when the kernel received it."),
    emitTime: u64.describe("Epoch ns."),
    ttlMs: z.number().describe("After this a receiver must not act on it."),
    latencyNs: z.number().describe("Kernel receive to emission."),
  })
  .meta({ id: "Signal" });
export type SignalBody = z.output<typeof signalSchema>;
