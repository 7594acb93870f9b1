/** Feature lists that have a name. Edges are in the feature's own unit (feature.ts). */
import type { FeatureName } from "./feature.ts";

/** One feature of a state: `edges` (a finite number of buckets) or `width` (not finite). */
export interface FeatureSpec {
  readonly feature: FeatureName;
  /** Rising bucket borders: n edges make n + 1 buckets; a value equal to an edge is above it. */
  readonly edges?: readonly number[] | undefined;
  /** Buckets of equal width, centred on its multiples: a value is rounded to the nearest one. */
  readonly width?: number | undefined;
  /**
   * How far a value must go beyond a border before the bucket changes, as a fraction of the narrower
   * finite bucket beside it (of `width`, for those), 0 to 0.5.
   */
  readonly hysteresis?: number | undefined;
  /** The same as an absolute amount in the feature's unit; wins over `hysteresis`. */
  readonly hysteresisBy?: number | undefined;
}

/** The unknown bucket of a feature whose buckets are not finite. */
export const UNKNOWN = 0x8000_0000;

export const presets = {
  /** 4 × 6 × 6 × 6 × 5 = 4,320 states, unknown buckets included. */
  microstructure: [
    { feature: "spread", edges: [1.5, 2.5], hysteresis: 0 },
    { feature: "imbalance", edges: [-0.6, -0.2, 0.2, 0.6], hysteresis: 0.1 },
    { feature: "momentum", edges: [-2, -0.5, 0.5, 2], hysteresis: 0.1 },
    { feature: "flow", edges: [-0.6, -0.2, 0.2, 0.6], hysteresis: 0.1 },
    { feature: "volatility", edges: [2, 5, 10], hysteresis: 0.1 },
  ],
  /** The guide's cache key: symbol, price rounded to 0.01, volume rounded to 100. */
  "price-volume": [
    { feature: "price", width: 0.01, hysteresis: 0 },
    { feature: "volume", width: 100, hysteresis: 0 },
  ],
} as const satisfies Record<string, readonly FeatureSpec[]>;
export type PresetName = keyof typeof presets;
