import type { Component } from "../../src/telemetry/stage.ts";

/** What each component may take by default, ns. */
export const defaultThresholdsNs: Readonly<Record<Component, number>> = {
  network_latency: 2_000_000,
  data_ingestion: 1_000_000,
  cache_access: 500_000,
  ollama_processing: 5_000_000,
  total_pipeline: 10_000_000,
};
