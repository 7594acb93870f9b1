/**
 * Features to a state's key and index, without allocation. A bucket is left only when the value is
 * beyond its border by the hysteresis, so that a value that trembles on a border does not make the
 * decision tremble; the last bucket is kept per instrument and feature.
 */
import { FEATURE_STRIDE } from "./feature.ts";
import type { FeatureSet } from "./feature.ts";
import { UNKNOWN } from "./preset.ts";
import { KEY_WORDS_MAX } from "./state.ts";
import type { StateSpace } from "./state.ts";

/** Features of a space at most; also the stride of the tables below. */
const FEATURES_MAX = KEY_WORDS_MAX;

export class StateCoder {
  readonly space: StateSpace;
  private readonly featureCount: number;
  private readonly first: number;
  private readonly finite: boolean;
  /** The features' places in a `FeatureSet`. */
  private readonly offsets: Uint32Array;
  /** Edges of all features one after another; feature i has `edgeStart[i]` to `edgeStart[i + 1]`. */
  private readonly edgeStart: Uint32Array;
  private readonly edges: Float64Array;
  /**
   * Buckets of all features with edges one after another, feature i's from `stayStart[i]` on: while a
   * value is in [low, high) it stays in its bucket. `stayLast[i]` is the last one that has such a range,
   * -1 for a feature without edges.
   */
  private readonly stayStart: Uint32Array;
  private readonly stayLast: Int32Array;
  private readonly stayLow: Float64Array;
  private readonly stayHigh: Float64Array;
  /** Bucket width, 0 for a feature with edges; and its hysteresis. */
  private readonly widths: Float64Array;
  private readonly widthBands: Float64Array;
  private readonly radices: Float64Array;
  /** Last buckets; `UNKNOWN` for none, which no feature with edges has as a bucket. */
  private readonly last: Uint32Array;

  constructor(space: StateSpace, instruments: number) {
    const { features } = space;
    this.space = space;
    this.featureCount = features.length;
    this.first = space.symbolInKey ? 1 : 0;
    this.finite = space.finite;
    this.offsets = space.valueOffsets();
    this.edgeStart = new Uint32Array(features.length + 1);
    for (const [i, { edges }] of features.entries()) {
      this.edgeStart[i + 1] = this.edgeStart[i]! + (edges?.length ?? 0);
    }
    this.edges = Float64Array.from(features.flatMap(({ edges }) => edges ?? []));
    const stays = features.map((spec) => staysOf(spec));
    this.stayLast = Int32Array.from(stays, ({ length }) => length - 1);
    this.stayStart = new Uint32Array(features.length);
    for (let i = 1; i < features.length; i++) {
      this.stayStart[i] = this.stayStart[i - 1]! + stays[i - 1]!.length;
    }
    this.stayLow = Float64Array.from(stays.flat(), ({ low }) => low);
    this.stayHigh = Float64Array.from(stays.flat(), ({ high }) => high);
    this.widths = Float64Array.from(features, ({ width }) => width ?? 0);
    this.widthBands = Float64Array.from(
      features,
      ({ width, hysteresis, hysteresisBy }) => hysteresisBy ?? (hysteresis ?? 0) * (width ?? 0),
    );
    this.radices = Float64Array.from(space.radices);
    this.last = new Uint32Array(instruments * FEATURES_MAX).fill(UNKNOWN);
  }

  static bytes(instruments: number): number {
    return instruments * FEATURES_MAX * 4;
  }

  /**
   * The state of an instrument from its features: writes `keyWords` words to `out` and returns the
   * index of a finite space, -1 otherwise.
   */
  stateOf(instrument: number, features: FeatureSet, out: Uint32Array): number {
    const values = features.values;
    const from = instrument * FEATURE_STRIDE;
    const memory = instrument * FEATURES_MAX;
    let index = 0;
    if (this.first === 1) {
      out[0] = instrument;
      index = instrument;
    }
    for (let i = 0; i < this.featureCount; i++) {
      const value = values[from + this.offsets[i]!]!;
      const before = this.last[memory + i]!;
      const stay = this.stayStart[i]! + before;
      let bucket = before;
      // Mostly nothing changes its bucket, so that is found out first and without a call.
      if (!(
        before <= this.stayLast[i]! &&
        value >= this.stayLow[stay]! &&
        value < this.stayHigh[stay]!
      )) {
        bucket = this.widths[i] === 0 ? this.edged(i, value) : this.rounded(i, value, before);
      }
      this.last[memory + i] = bucket;
      out[this.first + i] = bucket;
      index = index * this.radices[this.first + i]! + bucket;
    }
    return this.finite ? index : -1;
  }

  /** Forgets an instrument's last buckets (all instruments', for -1). */
  forget(instrument: number): void {
    if (instrument < 0) this.last.fill(UNKNOWN);
    else this.last.fill(UNKNOWN, instrument * FEATURES_MAX, (instrument + 1) * FEATURES_MAX);
  }

  private edged(feature: number, value: number): number {
    const start = this.edgeStart[feature]!;
    const count = this.edgeStart[feature + 1]! - start;
    if (value !== value) return count + 1;
    let bucket = 0;
    while (bucket < count && value >= this.edges[start + bucket]!) bucket++;
    return bucket;
  }

  /** Buckets beyond ±(2^31 - 1) are taken as the last one. */
  private rounded(feature: number, value: number, before: number): number {
    if (value !== value) return UNKNOWN;
    const width = this.widths[feature]!;
    const band = this.widthBands[feature]!;
    if (band > 0 && before !== UNKNOWN) {
      const away = value - (before | 0) * width;
      if (Math.abs(away) <= width / 2 + band) return before;
    }
    const nearest = Math.floor(value / width + 0.5);
    if (nearest > 0x7fff_ffff) return 0x7fff_ffff;
    return nearest < -0x7fff_ffff ? 0x8000_0001 : nearest >>> 0;
  }
}

/** Of each bucket of a feature with edges, how far a value may go and still be in it. */
function staysOf(spec: StateSpace["features"][number]): { low: number; high: number }[] {
  const { edges } = spec;
  if (edges === undefined) return [];
  const bands = edgeBands(spec);
  const lows = [-Infinity, ...edges.map((edge, i) => edge - bands[i]!)];
  const highs = [...edges.map((edge, i) => edge + bands[i]!), Infinity];
  return lows.map((low, bucket) => ({ low, high: highs[bucket]! }));
}

/** How far beyond each edge a value must go. A single edge has no finite bucket beside it, so its own size stands in. */
function edgeBands(spec: StateSpace["features"][number]): number[] {
  const { edges = [], hysteresis = 0, hysteresisBy } = spec;
  return edges.map((edge, i) => {
    if (hysteresisBy !== undefined) return hysteresisBy;
    const below = i > 0 ? edge - edges[i - 1]! : Infinity;
    const above = i + 1 < edges.length ? edges[i + 1]! - edge : Infinity;
    const narrower = Math.min(below, above);
    return hysteresis * (narrower === Infinity ? Math.abs(edge) : narrower);
  });
}
