/** Finds every mistake in a list of features at once. */
import { EdgeError } from "../error.ts";
import { counted } from "../unit.ts";
import { Feature } from "./feature.ts";
import type { FeatureWindows } from "./feature.ts";
import type { FeatureSpec } from "./preset.ts";

const EDGES_MAX = 64;

/** One line for each mistake, none for a good list. */
function stateMistakes(
  features: readonly FeatureSpec[],
  windows: FeatureWindows,
  featuresMax: number,
): string[] {
  const mistakes: string[] = [];
  if (features.length === 0) mistakes.push("features: the list is empty");
  if (features.length > featuresMax) {
    mistakes.push(`features: ${features.length} are given, at most ${featuresMax} fit into a key`);
  }
  for (const [name, ns] of Object.entries(windows) as [string, number][]) {
    if (!(ns > 0 && ns < Infinity)) mistakes.push(`${name}: ${ns} is not a time above 0`);
  }
  const seen = new Set<string>();
  for (const [i, spec] of features.entries()) {
    const where = `features[${i}] (${spec.feature})`;
    if (!Object.hasOwn(Feature, spec.feature)) {
      mistakes.push(`${where}: no such feature; there are ${Object.keys(Feature).join(", ")}`);
    }
    if (seen.has(spec.feature)) mistakes.push(`${where}: given twice`);
    seen.add(spec.feature);
    for (const mistake of bucketMistakes(spec)) mistakes.push(`${where}: ${mistake}`);
  }
  return mistakes;
}

function bucketMistakes(spec: FeatureSpec): string[] {
  const mistakes: string[] = [];
  const { edges, width, hysteresis, hysteresisBy } = spec;
  if ((edges === undefined) === (width === undefined)) {
    mistakes.push("give either edges or width");
  }
  if (width !== undefined && !(width > 0 && width < Infinity)) {
    mistakes.push(`width ${width} is not a number above 0`);
  }
  if (edges !== undefined) {
    if (edges.length === 0) mistakes.push("edges is empty");
    if (edges.length > EDGES_MAX) mistakes.push(`more than ${EDGES_MAX} edges`);
    if (!edges.every(Number.isFinite)) mistakes.push("an edge is not a finite number");
    else if (edges.some((edge, i) => i > 0 && edge <= edges[i - 1]!)) {
      mistakes.push(`edges [${edges.join(", ")}] do not rise`);
    }
  }
  if (hysteresis !== undefined && !(hysteresis >= 0 && hysteresis <= 0.5)) {
    mistakes.push(`hysteresis ${hysteresis} is not between 0 and 0.5`);
  }
  if (hysteresisBy !== undefined && !(hysteresisBy >= 0 && hysteresisBy < Infinity)) {
    mistakes.push(`hysteresisBy ${hysteresisBy} is not a number of 0 or more`);
  }
  return mistakes;
}

export function checkState(
  features: readonly FeatureSpec[],
  windows: FeatureWindows,
  featuresMax: number,
): void {
  const mistakes = stateMistakes(features, windows, featuresMax);
  if (mistakes.length === 0) return;
  throw new EdgeError(
    "STATE_INVALID",
    `[state] has ${counted(mistakes.length, "mistake")}: ${mistakes.join("; ")}`,
    "correct [state] features in the config, or name a preset: microstructure or price-volume",
  );
}
