import { z } from "zod";

/** Names of src/market/feature.ts; a test keeps the two the same. */
export const stateFeatures = [
  "spread",
  "imbalance",
  "momentum",
  "flow",
  "volatility",
  "price",
  "volume",
] as const;
export const statePresets = ["microstructure", "price-volume", "custom"] as const;

const windowMs = z.number().positive().max(86_400_000);

/** One feature of a list of one's own: borders (finite) or a width (not finite). */
const stateFeature = z
  .strictObject({
    feature: z.enum(stateFeatures),
    edges: z.array(z.number()).min(1).max(64).optional(),
    width: z.number().positive().optional(),
    hysteresis: z.number().min(0).max(0.5).default(0.1),
    hysteresisBy: z.number().min(0).optional(),
  })
  .superRefine(({ edges, width }, context) => {
    if ((edges === undefined) === (width === undefined)) {
      context.addIssue({ code: "custom", message: "needs either edges or width" });
    }
    if (edges?.some((edge, i) => i > 0 && edge <= (edges[i - 1] as number)) === true) {
      context.addIssue({ code: "custom", path: ["edges"], message: "do not rise" });
    }
  });

/** [state]: what the model is asked about. */
export const stateSection = z
  .strictObject({
    preset: z
      .enum(statePresets)
      .default("microstructure")
      .describe(
        "Features of a state: microstructure (4,320 states), price-volume (the symbol, its price rounded to 0.01 and volume rounded to 100), or custom with a list of your own.",
      ),
    features: z
      .array(stateFeature)
      .max(8)
      .default([])
      .describe(
        'The features of preset custom: { feature = "spread", edges = [1.5, 2.5] } or { feature = "price", width = 0.01 }, each with hysteresis (part of a bucket) or hysteresisBy (in the feature\'s unit).',
      ),
    symbolInKey: z
      .enum(["auto", "always", "never"])
      .default("auto")
      .describe("Ask about each symbol on its own; auto does so for price-volume only."),
    momentumMs: windowMs
      .default(10_000)
      .describe("Decay time of the mean that the mid is compared with, in market time.")
      .meta({ unit: "ms" }),
    flowMs: windowMs
      .default(10_000)
      .describe("Decay time of the signed trade flow, in market time.")
      .meta({ unit: "ms" }),
    volatilityMs: windowMs
      .default(30_000)
      .describe("Decay time of the path that the mid walks, in market time.")
      .meta({ unit: "ms" }),
  })
  .superRefine(({ preset, features, symbolInKey }, context) => {
    const issue = (message: string): void =>
      context.addIssue({ code: "custom", path: ["features"], message });
    if (preset === "custom" && features.length === 0) issue("is empty, and preset custom needs it");
    if (preset !== "custom" && features.length > 0) {
      issue("is given, and only preset custom reads it");
    }
    if (symbolInKey === "always" && features.length > 7) {
      issue("has 8 features, and with the symbol in the key 7 fit");
    }
    const names = features.map(({ feature }) => feature);
    const twice = names.filter((name, i) => names.indexOf(name) !== i);
    if (twice.length > 0) issue(`names ${[...new Set(twice)].join(", ")} twice`);
  });
