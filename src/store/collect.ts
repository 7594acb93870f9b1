/** One reading of the board as rows: only what moved. */
import { encode } from "../telemetry/codec.ts";
import { labelsAt, metricCells, metricSpecs } from "../telemetry/metric.ts";
import type { BoardReader, StageInterval } from "../telemetry/reader.ts";
import { stages, type ThreadName, threadNames } from "../telemetry/stage.ts";
import type { ChannelNames } from "../telemetry/alert-rule.ts";
import type { Batch, LatencyItem } from "./batch.ts";

/** How often a gauge that does not change is written all the same, seconds. */
const gaugeRefreshS = 60;

/** `name{label="value",…}`, as in /metrics. */
export function seriesName(name: string, labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries(labels).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return parts.length === 0 ? name : `${name}{${parts.join(",")}}`;
}

/** A counter that each channel has; `count` is its key in the codecs' table. */
export function channelMetricName(count: string): string {
  const words = count.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return `hftedge_channel_${words}_total`;
}

/** The series of one counter of one channel. */
export function channelSeriesName(count: string, channel: string): string {
  return seriesName(channelMetricName(count), { channel });
}

export class Collector {
  private readonly counterNames: Record<ThreadName, string[]>;
  private readonly gaugeNames: Record<ThreadName, string[]>;
  private readonly gaugesWritten: Record<ThreadName, Float64Array>;
  private readonly channelNames: readonly (readonly string[])[];

  constructor({ channels, counts }: ChannelNames) {
    this.counterNames = namesOf("counter");
    this.gaugeNames = namesOf("gauge");
    this.gaugesWritten = perThread((t) => new Float64Array(metricCells(t, "gauge")));
    this.channelNames = channels.map((channel) =>
      counts.map((count) => channelSeriesName(count, channel)),
    );
  }

  /** Adds what the reader's last `read()` found to the batch. */
  collect(reader: BoardReader, batch: Batch): void {
    for (const { id, name } of stages) {
      const interval = reader.stages[id]!;
      if (interval.active) batch.latency.push(latencyItem(name, interval));
    }
    for (const thread of threadNames) {
      pushMoved(reader.counters[thread].deltas, this.counterNames[thread], batch);
      this.collectGauges(reader.gauges[thread], thread, batch);
    }
    this.channelNames.forEach((names, i) => pushMoved(reader.channels[i]!.deltas, names, batch));
  }

  private collectGauges(live: Float64Array, thread: ThreadName, batch: Batch): void {
    const written = this.gaugesWritten[thread];
    const names = this.gaugeNames[thread];
    const refresh = batch.startS % gaugeRefreshS === 0;
    for (let id = 0; id < live.length; id++) {
      const value = live[id]!;
      if (value === written[id] && !(refresh && value !== 0)) continue;
      if (!Number.isFinite(value)) continue;
      written[id] = value;
      batch.metrics.push({ metric: names[id]!, value });
    }
  }
}

export function latencyItem(stage: string, interval: StageInterval): LatencyItem {
  const { histogram, errors, untimed, breaches } = interval;
  const { count, minNs, maxNs, sumNs } = histogram;
  const extremes = count === 0 ? { minNs: null, maxNs: null } : { minNs, maxNs };
  return {
    stage,
    count,
    errors,
    untimed,
    breaches,
    ...extremes,
    sumNs,
    histogram: encode(histogram),
  };
}

function pushMoved(deltas: Float64Array, names: readonly string[], batch: Batch): void {
  for (let id = 0; id < names.length; id++) {
    const value = deltas[id]!;
    if (value !== 0) batch.metrics.push({ metric: names[id]!, value });
  }
}

function namesOf(kind: "counter" | "gauge"): Record<ThreadName, string[]> {
  const names = perThread((): string[] => []);
  for (const spec of metricSpecs) {
    if (spec.kind !== kind) continue;
    for (let offset = 0; offset < spec.cells; offset++) {
      names[spec.thread].push(seriesName(spec.name, labelsAt(spec, offset)));
    }
  }
  return names;
}

function perThread<T>(make: (thread: ThreadName) => T): Record<ThreadName, T> {
  return Object.fromEntries(threadNames.map((t) => [t, make(t)])) as Record<ThreadName, T>;
}
