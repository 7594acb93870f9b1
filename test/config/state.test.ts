import { expect, test } from "bun:test";
import { stateFeatures, statePresets, stateSection } from "../../src/config/section/state.ts";
import { featureNames } from "../../src/market/feature.ts";
import { presets } from "../../src/market/preset.ts";
import { StateSpace } from "../../src/market/state.ts";

test("config and market know the same features and presets", () => {
  expect([...stateFeatures]).toEqual(featureNames);
  expect([...statePresets]).toEqual([
    ...Object.keys(presets),
    "custom",
  ] as (typeof statePresets)[number][]);
});

test("a list that config accepts makes a state space", () => {
  const { preset, features } = stateSection.parse({
    preset: "custom",
    features: [
      { feature: "spread", edges: [1.5, 2.5] },
      { feature: "momentum", edges: [-1, 0, 1], hysteresisBy: 0.2 },
    ],
  });
  const space = new StateSpace({
    preset,
    features,
    windows: { momentumNs: 1e9, flowNs: 1e9, volatilityNs: 1e9 },
    instruments: 10,
    denseStates: 1000,
  });
  expect(space.size).toBe(4 * 5);
});

test("five mistakes in a list are five issues", () => {
  const { error } = stateSection.safeParse({
    preset: "custom",
    features: [
      { feature: "spread", edges: [2, 1] },
      { feature: "speed", edges: [1] },
      { feature: "flow", edges: [0], width: 1 },
      { feature: "price", width: 0 },
      { feature: "volume", width: 1, hysteresis: 2 },
    ],
  });
  expect(error?.issues.length).toBe(5);
});

test("a list is refused where the preset would not read it, and needed where it would", () => {
  const features = [{ feature: "spread", edges: [1.5] }];
  expect(stateSection.safeParse({ features }).success).toBe(false);
  expect(stateSection.safeParse({ preset: "custom" }).success).toBe(false);
  const twice = { preset: "custom", features: [...features, ...features] };
  expect(stateSection.safeParse(twice).error?.issues[0]?.message).toBe("names spread twice");
});
