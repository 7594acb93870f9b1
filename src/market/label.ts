/** Buckets in words. A label depends on the feature's borders, its window and the bucket alone. */
import type { FeatureWindows } from "./feature.ts";
import { UNKNOWN, type FeatureSpec } from "./preset.ts";

const unit = {
  spread: "ticks",
  imbalance: "",
  momentum: "ticks",
  flow: "",
  volatility: "ticks",
  price: "",
  volume: "",
} as const;

/** A number of ns as people write it: "500 ms", "10 s". */
function duration(ns: number): string {
  if (ns >= 1e9) return `${plain(ns / 1e9)} s`;
  return ns >= 1e6 ? `${plain(ns / 1e6)} ms` : `${plain(ns)} ns`;
}

/** No exponent and no binary fraction's tail: 0.30000000000000004 is 0.3. */
function plain(value: number): string {
  return String(Number(value.toPrecision(12)));
}

function title(spec: FeatureSpec, windows: FeatureWindows): string {
  switch (spec.feature) {
    case "imbalance":
      return "size imbalance at the best prices (-1 all asks, 1 all bids)";
    case "momentum":
      return `mid price against its ${duration(windows.momentumNs)} mean`;
    case "flow":
      return `net aggressive volume over ${duration(windows.flowNs)} (-1 all sold, 1 all bought)`;
    case "volatility":
      return `path of the mid price over ${duration(windows.volatilityNs)}`;
    case "price":
      return "price";
    case "volume":
      return "volume of the last trade";
    case "spread":
      return "spread";
  }
}

function range(edges: readonly number[], bucket: number, name: string): string {
  const words = name === "" ? "" : ` ${name}`;
  const low = edges[bucket - 1];
  const high = edges[bucket];
  if (low === undefined && high === undefined) return "any";
  if (low === undefined) return `below ${plain(high as number)}${words}`;
  if (high === undefined) return `${plain(low)}${words} or more`;
  return `${plain(low)} to ${plain(high)}${words}`;
}

/** A spread is a whole number of ticks, so half-tick borders read better as the ticks between. */
function wholeTicks(edges: readonly number[], bucket: number): string {
  const low = Math.ceil(edges[bucket - 1] ?? 0);
  const high = edges[bucket];
  if (high === undefined) return `${low} ticks or more`;
  const top = Math.ceil(high) - 1;
  if (top < low) return "no whole tick";
  if (bucket === 0) return top === 1 ? "1 tick" : `${top} ticks or less`;
  const ticks = top === 1 ? "tick" : "ticks";
  return top === low ? `${top} ${ticks}` : `${low} to ${top} ${ticks}`;
}

/** The bucket alone: "1 tick", "-0.2 to 0.2", "unknown". */
function bucketWords(spec: FeatureSpec, bucket: number): string {
  if (spec.edges === undefined) {
    if (bucket === UNKNOWN) return "unknown";
    const value = (bucket | 0) * (spec.width ?? 1);
    return `${plain(value)}${unit[spec.feature] === "" ? "" : ` ${unit[spec.feature]}`}`;
  }
  if (bucket > spec.edges.length) return "unknown";
  if (spec.feature === "spread") return wholeTicks(spec.edges, bucket);
  return range(spec.edges, bucket, unit[spec.feature]);
}

/** For the prompt: what is measured in full, and the bucket. */
export function bucketLabel(spec: FeatureSpec, windows: FeatureWindows, bucket: number): string {
  return `${title(spec, windows)}: ${bucketWords(spec, bucket)}`;
}

/** For a line on a screen: the feature's name and the bucket. */
export function bucketNote(spec: FeatureSpec, bucket: number): string {
  return `${spec.feature} ${bucketWords(spec, bucket)}`;
}
