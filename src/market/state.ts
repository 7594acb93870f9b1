/**
 * States: what the model is asked about. A state is one bucket of each feature; its key is
 * [instrument, if the symbol is in it] followed by one u32 bucket a feature, and, when every feature
 * has a finite number of buckets, also one mixed-radix index.
 */
import { assert } from "../error.ts";
import { Feature } from "./feature.ts";
import type { FeatureWindows } from "./feature.ts";
import { bucketLabel, bucketNote } from "./label.ts";
import { presets } from "./preset.ts";
import type { FeatureSpec, PresetName } from "./preset.ts";
import { checkState } from "./state-check.ts";

export const KEY_WORDS_MAX = 8;

export interface StateOptions {
  /** A preset's name, or "custom" with `features`. */
  readonly preset: PresetName | "custom";
  readonly features?: readonly FeatureSpec[] | undefined;
  /** Default: true for price-volume, false otherwise. */
  readonly symbolInKey?: boolean | undefined;
  readonly windows: FeatureWindows;
  /** Instruments that a key may name: their part of the index when the symbol is in a finite key. */
  readonly instruments: number;
  /** More states than this are not finite: no dense table is made for them. */
  readonly denseStates: number;
}

export class StateSpace {
  readonly preset: string;
  readonly features: readonly FeatureSpec[];
  readonly symbolInKey: boolean;
  /** A dense table is possible. */
  readonly finite: boolean;
  /** States when finite, else 0. */
  readonly size: number;
  /** u32 words of a key, 1 to 8. */
  readonly keyWords: number;
  /** Canonical text of what the buckets mean: part of a decision's version. */
  readonly fingerprint: string;
  /** Buckets of each key word, the unknown one included; 0 for a word that is not finite. */
  readonly radices: readonly number[];
  private readonly windows: FeatureWindows;

  /** Throws an `EdgeError` STATE_INVALID that lists every mistake. */
  constructor(options: StateOptions) {
    const own = options.preset === "custom";
    const features: readonly FeatureSpec[] = own
      ? (options.features ?? [])
      : presets[options.preset];
    this.symbolInKey = options.symbolInKey ?? options.preset === "price-volume";
    checkState(features, options.windows, KEY_WORDS_MAX - (this.symbolInKey ? 1 : 0));
    this.preset = options.preset;
    this.features = features;
    this.windows = options.windows;
    this.keyWords = features.length + (this.symbolInKey ? 1 : 0);
    const radices = features.map(({ edges }) => (edges === undefined ? 0 : edges.length + 2));
    this.radices = this.symbolInKey ? [options.instruments, ...radices] : radices;
    const size = this.radices.reduce((product, radix) => product * radix, 1);
    this.finite = size > 0 && size <= options.denseStates;
    this.size = this.finite ? size : 0;
    this.fingerprint = this.describeAll();
  }

  /** The mixed-radix index of a key, 0 to `size` - 1. Finite spaces only. */
  index(key: Uint32Array): number {
    assert(this.finite, "only a finite state has an index");
    let index = 0;
    for (let i = 0; i < this.radices.length; i++) index = index * this.radices[i]! + key[i]!;
    return index;
  }

  /** The inverse of `index`: writes `keyWords` words. */
  keyOf(index: number, out: Uint32Array): void {
    assert(this.finite && index >= 0 && index < this.size, "an index is below the space's size");
    let rest = index;
    for (let i = this.radices.length - 1; i >= 0; i--) {
      const radix = this.radices[i]!;
      out[i] = rest % radix;
      rest = Math.floor(rest / radix);
    }
  }

  /** Words for the prompt and for people, e.g. "spread: 1 tick". Pure in its arguments. */
  label(feature: number, bucket: number): string {
    const spec = this.features[feature];
    assert(spec !== undefined, "a label is of a feature of the space");
    return bucketLabel(spec, this.windows, bucket);
  }

  /** The whole key in one short line: "spread 1 tick, imbalance 0.6 or more, …". */
  note(key: Uint32Array): string {
    const first = this.symbolInKey ? 1 : 0;
    return this.features.map((spec, i) => bucketNote(spec, key[first + i]!)).join(", ");
  }

  /** One label a feature, of a whole key. */
  labels(key: Uint32Array): string[] {
    const first = this.symbolInKey ? 1 : 0;
    return this.features.map((_, i) => this.label(i, key[first + i]!));
  }

  private describeAll(): string {
    const { momentumNs, flowNs, volatilityNs } = this.windows;
    const features = this.features.map(({ feature, edges, width }) =>
      edges === undefined ? `${feature}/${width}` : `${feature}[${edges.join(",")}]`,
    );
    const windows = `momentum=${momentumNs};flow=${flowNs};volatility=${volatilityNs}`;
    return `state/1;symbol=${this.symbolInKey ? 1 : 0};${windows};${features.join(";")}`;
  }

  /** Where each feature's value stands in `FeatureSet.values`, in the key's order. */
  valueOffsets(): Uint32Array {
    return Uint32Array.from(this.features, ({ feature }) => Feature[feature]);
  }
}
