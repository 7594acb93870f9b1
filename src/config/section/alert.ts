import { z } from "zod";

const threshold = (fallback: number, what: string) =>
  z
    .number()
    .min(0)
    .max(3_600_000)
    .default(fallback)
    .describe(`Longest ${what} without an alert; 0 for no alert.`)
    .meta({ unit: "ms" });

const milliseconds = (fallback: number, help: string) =>
  z.int().min(0).max(86_400_000).default(fallback).describe(help).meta({ unit: "ms" });

const ruleSection = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,62}$/, "is not lower case letters, digits and underscores")
    .describe("Name of the rule, in alerts and webhooks."),
  kind: z
    .enum(["stage", "event", "above", "below"])
    .describe("stage: values above limit (ms); event: increments; above, below: a gauge."),
  of: z
    .string()
    .min(1)
    .max(200)
    .describe("The stage, or the metric's name in /metrics, that the rule looks at."),
  limit: z.number().default(0).describe("Limit: ms for a stage, else in the metric's unit."),
  severity: z.enum(["info", "warning", "critical"]).default("warning").describe("Severity."),
  forMs: milliseconds(0, "How long it must last before the alert opens."),
  quietMs: milliseconds(30_000, "How long it must be quiet before the alert is resolved."),
  summary: z.string().max(300).default("").describe("What it means, for whoever is woken by it."),
});

/** [alert]: when to raise one, and whom to tell. */
export const alertSection = z.strictObject({
  networkLatencyMs: threshold(2, "time from sender to kernel"),
  dataIngestionMs: threshold(1, "time from kernel to updated book"),
  cacheAccessMs: threshold(0.5, "time from state to decision"),
  ollamaProcessingMs: threshold(5, "time of a question to the model"),
  totalPipelineMs: threshold(10, "time from kernel to signal"),
  quietMs: milliseconds(30_000, "How long an alert must be quiet before it is resolved."),
  forMs: milliseconds(3000, "How long a state (stale, down) must last before it is an alert."),
  hitRateMin: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe("Share of states found in the decision table below which there is an alert."),
  hitRateLookups: z
    .int()
    .min(1)
    .max(1_000_000_000)
    .default(1000)
    .describe("Look-ups over which that share is taken."),
  memoryMax: z
    .number()
    .min(0.1)
    .max(1)
    .default(0.95)
    .describe("Used share of the host's memory above which there is an alert."),
  openMax: z
    .int()
    .min(1)
    .max(10_000)
    .default(256)
    .describe("Most alerts open at a time; further ones are counted."),
  webhook: z
    .string()
    .max(2000)
    .regex(/^(?:https?:\/\/[^\s/]+(?:\/\S*)?)?$/, "is not an http:// or https:// URL")
    .default("")
    .describe("URL that alerts are posted to as JSON when they open and resolve; empty for none.")
    .meta({ secret: true }),
  webhookTimeoutMs: milliseconds(5000, "Longest wait for the webhook's answer."),
  webhookTries: z.int().min(1).max(20).default(5).describe("Tries for each alert, further apart."),
  webhookQueueMax: z
    .int()
    .min(1)
    .max(10_000)
    .default(100)
    .describe("Most alerts waiting for the webhook; older ones are dropped and counted."),
  rule: z.array(ruleSection).max(100).default([]).describe("Further rules."),
});
