import { describe, expect, test } from "bun:test";
import { EdgeError } from "../../src/error.ts";
import { StateCoder } from "../../src/market/coder.ts";
import { Feature, FEATURE_STRIDE, FeatureSet } from "../../src/market/feature.ts";
import type { FeatureSpec } from "../../src/market/preset.ts";
import { UNKNOWN } from "../../src/market/preset.ts";
import { StateSpace } from "../../src/market/state.ts";
import { random } from "../support/random.ts";
import { testSeed } from "../support/scale.ts";

const windows = { momentumNs: 10e9, flowNs: 10e9, volatilityNs: 10e9 };
const base = { windows, instruments: 64, denseStates: 1 << 22 };
const micro = new StateSpace({ ...base, preset: "microstructure" });
const priceVolume = new StateSpace({ ...base, preset: "price-volume" });

function custom(features: readonly FeatureSpec[], symbolInKey = false): StateSpace {
  return new StateSpace({ ...base, preset: "custom", features, symbolInKey });
}

function put(features: FeatureSet, instrument: number, values: Partial<Record<string, number>>) {
  for (const [name, value] of Object.entries(values)) {
    const at = instrument * FEATURE_STRIDE + Feature[name as keyof typeof Feature];
    features.values[at] = value as number;
  }
}

describe("a space", () => {
  test("of the microstructure preset has a few thousand states, and every index has its own key", () => {
    expect(micro.finite).toBe(true);
    expect(micro.size).toBe(4320);
    const key = new Uint32Array(micro.keyWords);
    const seen = new Set<string>();
    for (let index = 0; index < micro.size; index++) {
      micro.keyOf(index, key);
      expect(micro.index(key)).toBe(index);
      seen.add(key.join());
    }
    expect(seen.size).toBe(micro.size);
  });

  test("with the symbol in a finite key goes round as well", () => {
    const space = custom([{ feature: "spread", edges: [1.5, 2.5] }], true);
    expect(space.size).toBe(64 * 4);
    const key = new Uint32Array(2);
    space.keyOf(63 * 4 + 2, key);
    expect([...key]).toEqual([63, 2]);
    expect(space.index(key)).toBe(63 * 4 + 2);
  });

  test("with a width, or with too many states, is not finite", () => {
    expect(priceVolume.finite).toBe(false);
    expect(priceVolume.size).toBe(0);
    expect(priceVolume.keyWords).toBe(3);
    const small = new StateSpace({ ...base, preset: "microstructure", denseStates: 4319 });
    expect(small.finite).toBe(false);
  });

  test("has a label for every bucket, all different, and none with a stray number", () => {
    for (const [feature, radix] of micro.radices.entries()) {
      const labels = Array.from({ length: radix }, (_, bucket) => micro.label(feature, bucket));
      expect(new Set(labels).size).toBe(radix);
      for (const label of labels) expect(label).not.toMatch(/NaN|undefined|Infinity|e-|0000/);
    }
    expect(micro.label(0, 0)).toBe("spread: 1 tick");
    expect(micro.label(0, 1)).toBe("spread: 2 ticks");
    expect(micro.label(0, 2)).toBe("spread: 3 ticks or more");
    expect(micro.label(0, 3)).toBe("spread: unknown");
    expect(micro.label(2, 4)).toBe("mid price against its 10 s mean: 2 ticks or more");
    expect(priceVolume.label(0, 32014)).toBe("price: 320.14");
    expect(priceVolume.label(1, 3)).toBe("volume of the last trade: 300");
    expect(priceVolume.label(1, UNKNOWN)).toBe("volume of the last trade: unknown");
  });

  test("has another fingerprint when an edge, a window or the symbol's part changes", () => {
    const edges = [{ feature: "spread", edges: [1.5] }] as const;
    const prints = [
      custom(edges),
      custom(edges, true),
      custom([{ feature: "spread", edges: [2.5] }]),
      new StateSpace({
        ...base,
        preset: "custom",
        features: edges,
        windows: { ...windows, flowNs: 1e9 },
      }),
    ].map((space) => space.fingerprint);
    expect(new Set(prints).size).toBe(prints.length);
    expect(custom(edges).fingerprint).toBe(prints[0]!);
  });

  test("with five mistakes names all five", () => {
    const bad = [
      { feature: "spread", edges: [2, 1] },
      { feature: "speed" as "spread", edges: [1] },
      { feature: "flow", edges: [0], width: 1 },
      { feature: "price", width: 0 },
      { feature: "volume", width: 1, hysteresis: 2 },
    ] as const;
    let error: unknown;
    try {
      custom(bad);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(EdgeError);
    const { code, message } = error as EdgeError;
    expect(code).toBe("STATE_INVALID");
    expect(message).toContain("5 mistakes");
    for (const part of [
      "do not rise",
      "no such feature",
      "either edges or width",
      "width 0",
      "2",
    ]) {
      expect(message).toContain(part);
    }
  });

  test("with more features than a key holds is refused", () => {
    const many = Object.keys(Feature).map((feature) => ({ feature, edges: [1] })) as FeatureSpec[];
    expect(() => custom(many, true)).not.toThrow();
    expect(() => custom([...many, ...many], false)).toThrow("at most 8 fit");
    expect(() => custom([])).toThrow("the list is empty");
  });
});

describe("a coder", () => {
  test("of two instruments with the same buckets writes the same key, byte for byte", () => {
    const coder = new StateCoder(micro, 64);
    const features = new FeatureSet(64, windows);
    const one = { spread: 1, imbalance: 0.5, momentum: 0.1, flow: -0.9, volatility: 3 };
    put(features, 3, one);
    put(features, 60, { ...one, imbalance: 0.4, volatility: 4 });
    const a = new Uint32Array(micro.keyWords);
    const b = new Uint32Array(micro.keyWords);
    expect(coder.stateOf(3, features, a)).toBe(coder.stateOf(60, features, b));
    expect(new Uint8Array(a.buffer)).toEqual(new Uint8Array(b.buffer));
    expect(micro.index(a)).toBe(coder.stateOf(3, features, a));
  });

  test("gives a value that is not known the unknown bucket", () => {
    const coder = new StateCoder(micro, 1);
    const key = new Uint32Array(5);
    const index = coder.stateOf(0, new FeatureSet(1, windows), key);
    expect([...key]).toEqual([3, 5, 5, 5, 4]);
    expect(index).toBe(micro.size - 1);
  });

  test("of the guide's key rounds the price to 0.01 and the volume to 100", () => {
    const coder = new StateCoder(priceVolume, 4);
    const features = new FeatureSet(4, windows);
    const key = new Uint32Array(3);
    put(features, 2, { price: 320.1449, volume: 349 });
    expect(coder.stateOf(2, features, key)).toBe(-1);
    expect([...key]).toEqual([2, 32014, 3]);
    put(features, 2, { price: 320.1451, volume: 350 });
    coder.stateOf(2, features, key);
    expect([...key]).toEqual([2, 32015, 4]);
  });

  test("keeps the sign of a rounded value and stops at the ends of the range", () => {
    const space = custom([{ feature: "momentum", width: 0.5 }]);
    const coder = new StateCoder(space, 1);
    const features = new FeatureSet(1, windows);
    const key = new Uint32Array(1);
    put(features, 0, { momentum: -1.6 });
    coder.stateOf(0, features, key);
    expect(key[0]! | 0).toBe(-3);
    expect(space.label(0, key[0]!)).toEndWith(": -1.5 ticks");
    put(features, 0, { momentum: -1e300 });
    coder.stateOf(0, features, key);
    expect(key[0]! | 0).toBe(-0x7fff_ffff);
    put(features, 0, { momentum: 1e300 });
    coder.stateOf(0, features, key);
    expect(key[0]).toBe(0x7fff_ffff);
  });

  test("holds a bucket while the value is within the hysteresis of its border", () => {
    const space = custom([{ feature: "momentum", edges: [0, 1, 3], hysteresis: 0.2 }]);
    const coder = new StateCoder(space, 2);
    const features = new FeatureSet(2, windows);
    const key = new Uint32Array(1);
    const bucket = (momentum: number): number => {
      put(features, 0, { momentum });
      coder.stateOf(0, features, key);
      return key[0]!;
    };
    // The narrower finite bucket beside the edges 0 and 1 is 1 wide, so their band is 0.2.
    expect([0.5, 1.1, 1.19, 1.2, 0.9, 0.81, 0.79].map(bucket)).toEqual([1, 1, 1, 2, 2, 2, 1]);
    // The edge at 3 has a band of 0.4; a jump over several borders goes straight to its bucket.
    expect([2.5, 3.3, 3.5, 2.7, 2.5, -9].map(bucket)).toEqual([2, 2, 3, 3, 2, 0]);
    expect(bucket(Number.NaN)).toBe(4);
    expect(bucket(0.1)).toBe(1);
    coder.forget(0);
    expect(bucket(-0.1)).toBe(0);
  });

  test("agrees with a plain model of hysteresis over random walks", () => {
    const { next } = random(testSeed("hysteresis"));
    const edges = [-2, -0.5, 0.5, 2, 7];
    const by = 0.15;
    const space = custom([
      { feature: "momentum", edges, hysteresisBy: by },
      { feature: "price", width: 0.25, hysteresisBy: 0.05 },
    ]);
    const coder = new StateCoder(space, 1);
    const features = new FeatureSet(1, windows);
    const key = new Uint32Array(2);
    let walk = 0;
    let held = -1;
    let price = Number.NaN;
    for (let step = 0; step < 20_000; step++) {
      walk = step % 1000 === 0 ? 0 : walk + (next() - 0.5);
      const value = step % 97 === 0 ? Number.NaN : walk;
      put(features, 0, { momentum: value, price: value });
      coder.stateOf(0, features, key);
      if (Number.isNaN(value)) held = edges.length + 1;
      else {
        const low =
          held > edges.length || held < 0 ? Infinity : (edges[held - 1] ?? -Infinity) - by;
        const high = held > edges.length ? -Infinity : (edges[held] ?? Infinity) + by;
        if (!(value >= low && value < high)) held = edges.filter((edge) => edge <= value).length;
      }
      expect(key[0]).toBe(held);
      if (Number.isNaN(value)) price = Number.NaN;
      else if (!(Math.abs(value - price * 0.25) <= 0.175)) price = Math.floor(value / 0.25 + 0.5);
      if (Number.isNaN(value)) expect(key[1]).toBe(UNKNOWN);
      else expect(key[1]! | 0).toBe(price);
    }
  });
});

test("a note says the whole state in one short line", () => {
  const space = new StateSpace({
    preset: "microstructure",
    windows: { momentumNs: 1e9, flowNs: 1e9, volatilityNs: 1e9 },
    instruments: 4,
    denseStates: 10_000,
  });
  expect(space.note(Uint32Array.of(0, 4, 2, 5, 1))).toBe(
    "spread 1 tick, imbalance 0.6 or more, momentum -0.5 to 0.5 ticks, flow unknown, volatility 2 to 5 ticks",
  );
});
