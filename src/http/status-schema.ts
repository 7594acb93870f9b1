/**
 * What the service is doing, in one compact object: the reply of /api/v1/status, and what
 * /api/v1/stream sends once a second.
 */
import { z } from "zod";
import { alertSchema, epochMs, nsOrNull, share, signalSchema } from "./schema.ts";

export const readinessValues = ["ready", "degraded", "not ready"] as const;

export const readinessSchema = z
  .object({
    status: z
      .enum(readinessValues)
      .describe("degraded: signals flow, but something that they need is missing."),
    reasons: z.array(
      z.object({
        part: z.enum(["thread", "feed", "inference", "store"]),
        status: z.enum(["degraded", "not ready"]),
        message: z.string(),
      }),
    ),
  })
  .meta({ id: "Readiness" });
export type Readiness = z.output<typeof readinessSchema>;

const stageSchema = z.object({
  name: z.string(),
  headline: z.boolean().describe("One of the components of the latency report."),
  ratePerS: z.number().describe("Durations recorded in the last second."),
  count: z.number().describe("Durations in the window."),
  errors: z.number().describe("Failures in the window."),
  p50Ns: nsOrNull,
  p99Ns: nsOrNull,
  p999Ns: nsOrNull,
  maxNs: nsOrNull,
  successRate: share.nullable().describe("Null when nothing was tried in the window."),
  thresholdNs: z.number().nullable().describe("Above it an alert opens; null for none."),
  total: z.number().describe("Durations since the start."),
});

export const statusSchema = z
  .object({
    seq: z.int().describe("Counts the seconds of this run."),
    atMs: epochMs,
    startedMs: epochMs,
    version: z.string(),
    commit: z.string(),
    run: z.string().describe("The run's id as in signals."),
    windowS: z.number().describe("Seconds that percentiles and success rates are taken over."),
    readiness: readinessSchema,
    threads: z.array(
      z.object({
        name: z.string(),
        beatAgeMs: z.number().nullable().describe("Since its last heartbeat; null before one."),
        restarts: z.number(),
      }),
    ),
    stages: z.array(stageSchema).describe("Components first, then every part that was recorded."),
    clocksAgree: z
      .boolean()
      .describe("False: network_latency is unsynchronised, and says nothing but its changes."),
    feed: z.object({
      state: z.string().describe("In words."),
      datagramsPerS: z.number(),
      messagesPerS: z.number(),
      bytesPerS: z.number(),
      datagrams: z.number(),
      messages: z.number(),
      drops: z.number().describe("Datagrams that the kernel dropped because a queue was full."),
      gaps: z.number(),
      lostMessages: z.number(),
      channels: z.number().describe("Units or sessions heard of, at least one a feed."),
      staleChannels: z.number(),
      instruments: z.number(),
      staleInstruments: z.number(),
      heldInstruments: z.number(),
    }),
    cache: z.object({
      hitsPerS: z.number(),
      missesPerS: z.number(),
      l1Share: share.nullable().describe("Of the last second; null without look-ups."),
      l2Share: share.nullable().describe("Since the start."),
      entries: z.number(),
      entriesLimit: z.number(),
      pending: z.number(),
    }),
    inference: z.object({
      state: z.string().describe("In words."),
      engine: z.string(),
      model: z.string().describe("Empty for the rules engine."),
      version: z.string(),
      answersPerS: z.number(),
      queued: z.number(),
      inFlight: z.number(),
      errors: z.number(),
      hosts: z.number(),
      hostsUp: z.number(),
      p50Ns: nsOrNull.describe("Of a question, over the window."),
      p99Ns: nsOrNull,
    }),
    store: z.object({
      state: z.string().describe("In words."),
      bytes: z.number(),
      diskFreeBytes: z.number().nullable(),
      waitingSeconds: z.number().describe("Seconds of history that wait in memory."),
    }),
    host: z.object({
      cpuRatio: share,
      loadOne: z.number(),
      memoryRatio: share,
      residentBytes: z.number(),
      memoryLimitBytes: z.number(),
      memoryLocked: z.boolean(),
    }),
    signals: z.object({
      perS: z.number(),
      total: z.number(),
      newest: z.array(signalSchema).describe("Newest of each symbol, newest first, at most 32."),
    }),
    alerts: z.array(alertSchema).describe("Open now."),
    http: z.object({ subscribers: z.number(), requests: z.number() }),
  })
  .meta({ id: "Status" });
export type Status = z.output<typeof statusSchema>;
