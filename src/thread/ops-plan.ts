/** From the configuration to what ops' parts are made with: plain values. */
import { createHash } from "node:crypto";
import type { Config } from "../config/schema.ts";
import { feedCounts } from "../feed/count.ts";
import type { NewRun } from "../store/run-record.ts";
import { customRule } from "../telemetry/alert-custom.ts";
import { defaultRules } from "../telemetry/alert-default.ts";
import type { AlertRule, ChannelNames } from "../telemetry/alert-rule.ts";
import type { RunPlan } from "./plan.ts";

const mebibyte = 1024 ** 2;
const nsPerMs = 1e6;

/** The run's id as signals carry it: 16 hexadecimal digits. */
export function runKey({ runId }: RunPlan): string {
  return runId.toString(16).padStart(16, "0");
}

export function newRun(
  plan: RunPlan,
  build: { version: string; commit: string },
  host: Readonly<Record<string, unknown>>,
): NewRun {
  return {
    key: runKey(plan),
    startMs: plan.runId,
    ...build,
    configHash: configHash(plan.config),
    host: JSON.stringify(host),
  };
}

/** Tells whether two runs had the same configuration; secrets are left out. */
export function configHash(config: Config): string {
  const { token: _token, ...http } = config.http;
  const { webhook: _webhook, ...alert } = config.alert;
  const feed = config.feed.map(({ snapshotPassword: _password, ...rest }) => rest);
  const text = JSON.stringify({ ...config, http, alert, feed });
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

export function channelNames({ feeds }: RunPlan): ChannelNames {
  return {
    channels: feeds.map(({ name }) => name),
    counts: feedCounts.map(({ name }) => name),
  };
}

export function alertRules({ alert, store, memory }: Config): AlertRule[] {
  const limits = {
    network_latency: alert.networkLatencyMs,
    data_ingestion: alert.dataIngestionMs,
    cache_access: alert.cacheAccessMs,
    ollama_processing: alert.ollamaProcessingMs,
    total_pipeline: alert.totalPipelineMs,
  };
  const thresholds = Object.entries(limits).filter(([, ms]) => ms > 0);
  return [
    ...defaultRules({
      thresholdsNs: Object.fromEntries(thresholds.map(([name, ms]) => [name, ms * nsPerMs])),
      quietMs: alert.quietMs,
      forMs: alert.forMs,
      hitRateMin: alert.hitRateMin,
      hitRateLookups: alert.hitRateLookups,
      diskFreeBytesMin: store.freeMinMb * mebibyte,
      memoryRatioMax: alert.memoryMax,
      residentBytesMax: memory.limitMb * mebibyte,
    }),
    ...alert.rule.map((rule) => customRule(rule)),
  ];
}
