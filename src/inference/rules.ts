/**
 * The rules engine: a small deterministic reading of market microstructure on the very state that
 * the model is asked about. It is there for machines without a model, for the demo, and as a yardstick
 * for one; every signal of it says source "rules".
 *
 * Three signed features vote, each by how far its bucket lies from the one that holds zero, from -1
 * (the lowest bucket) to 1 (the highest): imbalance at the touch (weight 0.45: the side with more
 * size is the side that trades through last), signed flow (0.35: aggressors cluster), momentum
 * (0.2: short-lived). The vote is the weighted mean over the features that are known. Each spread
 * bucket above the lowest takes a quarter of it away, because the spread is what a trade costs
 * before it earns; so does volatility in its highest bucket, because the touch is old news by then.
 *
 * |vote| ≥ 0.4 is BUY or SELL with confidence (1 + |vote|) / 2; below it is HOLD with confidence
 * 1 - |vote|. A state without a known signed feature, or without a known spread where the space has
 * one, is HOLD with confidence 0.
 */
import { decisionOf } from "./label.ts";

/** Changes whenever the rules do: part of the version of their decisions. */
export const rulesRevision = "rules/1";

/** What the rules need to know of market/state.ts's StateSpace. */
export interface RulesSpace {
  symbolInKey: boolean;
  features: readonly { feature: string; edges?: readonly number[] | undefined }[];
}

export interface RulesDecision {
  /** `Decision`: 1 BUY, 2 SELL, 3 HOLD. */
  decision: number;
  /** 0 to 1. */
  confidence: number;
}

const weightOf: Readonly<Record<string, number>> = { imbalance: 0.45, flow: 0.35, momentum: 0.2 };
const threshold = 0.4;
const damping = 0.75;

/** One feature of the space: a vote for each bucket, or a factor for each bucket. */
interface Column {
  word: number;
  weight: number;
  /** By bucket; NaN for the unknown one. */
  values: Float64Array;
}

export function createRules(space: RulesSpace): (key: Uint32Array) => RulesDecision {
  const first = space.symbolInKey ? 1 : 0;
  const votes: Column[] = [];
  const factors: Column[] = [];
  space.features.forEach(({ feature, edges }, i) => {
    if (edges === undefined) return;
    const weight = weightOf[feature];
    const word = first + i;
    if (weight !== undefined) votes.push({ word, weight, values: signedVotes(edges) });
    if (feature === "spread") factors.push({ word, weight: 0, values: spreadFactors(edges) });
    if (feature === "volatility") {
      factors.push({ word, weight: 0, values: volatilityFactors(edges) });
    }
  });

  return (key) => {
    let sum = 0;
    let weights = 0;
    for (const { word, weight, values } of votes) {
      const vote = values[key[word]!];
      if (vote === undefined || Number.isNaN(vote)) continue;
      sum += weight * vote;
      weights += weight;
    }
    if (weights === 0) return { decision: decisionOf.HOLD, confidence: 0 };
    let vote = sum / weights;
    for (const { word, values } of factors) {
      const factor = values[key[word]!];
      if (factor === undefined || Number.isNaN(factor)) {
        return { decision: decisionOf.HOLD, confidence: 0 };
      }
      vote *= factor;
    }
    if (vote >= threshold) return { decision: decisionOf.BUY, confidence: (1 + vote) / 2 };
    if (vote <= -threshold) return { decision: decisionOf.SELL, confidence: (1 - vote) / 2 };
    return { decision: decisionOf.HOLD, confidence: 1 - Math.abs(vote) };
  };
}

/** Buckets 0 to n for n edges, then the unknown one. */
function signedVotes(edges: readonly number[]): Float64Array {
  const values = new Float64Array(edges.length + 2).fill(NaN);
  // The bucket that holds 0: a value equal to an edge is above it.
  const zero = edges.filter((edge) => edge <= 0).length;
  for (let bucket = 0; bucket <= edges.length; bucket++) {
    const span = bucket < zero ? zero : edges.length - zero;
    values[bucket] = bucket === zero ? 0 : (bucket - zero) / span;
  }
  return values;
}

function spreadFactors(edges: readonly number[]): Float64Array {
  const values = new Float64Array(edges.length + 2).fill(NaN);
  for (let bucket = 0; bucket <= edges.length; bucket++) values[bucket] = damping ** bucket;
  return values;
}

/** An unknown volatility is no reason against a decision: it is unknown in the first seconds. */
function volatilityFactors(edges: readonly number[]): Float64Array {
  const values = new Float64Array(edges.length + 2).fill(1);
  if (edges.length > 0) values[edges.length] = damping;
  return values;
}
