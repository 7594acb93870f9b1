/**
 * From a model's reply to a decision.
 *
 * Three ways to read one, best first:
 * - "logprobs": the probabilities of the FIRST token, renormalised over BUY, SELL and HOLD. One
 *   forward pass, and a confidence that the model did not have to invent.
 * - "json": the reply is an object that a grammar forced into the schema below.
 * - "text": the reply is "SIGNAL:confidence", the plain contract for any model at all.
 *
 * Whatever cannot be read is HOLD with confidence 0 and the reason, never a guess.
 */
import { decisionOf, labelOfToken, labels, type Label } from "./label.ts";

export const modes = ["logprobs", "json", "text"] as const;
export type Mode = (typeof modes)[number];

/** Why a verdict is what it is. Only "answer" and "margin" are decisions that may be cached. */
export const Reason = {
  /** The model decided. */
  answer: "answer",
  /** The model wavered: the two best labels are nearer than the margin, so it is HOLD. */
  margin: "margin",
  /** Too little of the probability was on the labels at all. */
  outside: "outside",
  /** The reply carried no log-probabilities though they were asked for. */
  noLogprobs: "no-logprobs",
  /** The reply was not the object or the text that was asked for. */
  unreadable: "unreadable",
  /** The reply was readable, but its confidence is no number from 0 to 1. */
  confidence: "confidence",
} as const;
export type Reason = (typeof Reason)[keyof typeof Reason];

export interface Verdict {
  /** `Decision`: 1 BUY, 2 SELL, 3 HOLD. */
  decision: number;
  /** Probability of the decision, 0 to 1. */
  confidence: number;
  /** Probability of the best label less that of the second, 0 to 1; 0 where unknown. */
  margin: number;
  /** Probability that the first token was no label at all, 0 to 1; 0 where unknown. */
  outside: number;
  reason: Reason;
  /** Of BUY, SELL and HOLD, calibrated, adding up to 1; null where the reply had none. */
  probabilities: readonly [buy: number, sell: number, hold: number] | null;
}

/** How one model's probabilities are corrected against outcomes: softmax(logit / T + bias). */
export interface Calibration {
  /** Above 1 softens an over-confident model, below 1 sharpens a timid one. */
  temperature: number;
  /** Added to the log-probability of each label, in nats, after the temperature. */
  bias: Readonly<Record<Label, number>>;
}

export interface Reading {
  mode: Mode;
  calibration: Calibration;
  /** HOLD when the best label leads by less, 0 to 1. */
  marginMin: number;
  /** HOLD, confidence 0, when the labels together have less of the probability, 0 to 1. */
  labelMassMin: number;
}

export const uncalibrated: Calibration = { temperature: 1, bias: { BUY: 0, SELL: 0, HOLD: 0 } };

/** The grammar for the JSON mode. A schema, because plain "json" may run on white space for ever. */
export const answerSchema = {
  type: "object",
  properties: {
    signal: { type: "string", enum: [...labels] },
    confidence: { type: "number", minimum: 0, maximum: 1 },
  },
  required: ["signal", "confidence"],
  additionalProperties: false,
} as const;

function hold(reason: Reason): Verdict {
  const nothing = { confidence: 0, margin: 0, outside: 0, probabilities: null };
  return { decision: decisionOf.HOLD, ...nothing, reason };
}

export function isCacheable(verdict: Verdict): boolean {
  return verdict.reason === Reason.answer || verdict.reason === Reason.margin;
}

/**
 * Reads the body of a reply of /api/generate, which is material from outside: any shape is
 * expected, none is trusted.
 */
export function readVerdict(reply: unknown, reading: Reading): Verdict {
  if (!isRecord(reply)) return hold(Reason.unreadable);
  if (reading.mode === "logprobs") return readLogprobs(reply, reading);
  if (typeof reply["response"] !== "string") return hold(Reason.unreadable);
  return reading.mode === "json"
    ? readJson(reply["response"], reading)
    : readText(reply["response"], reading);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Candidates of the first token: `[{token, logprob, top_logprobs: [{token, logprob}]}]`. */
function readLogprobs(reply: Record<string, unknown>, reading: Reading): Verdict {
  const logprobs = reply["logprobs"];
  const first: unknown = Array.isArray(logprobs) ? logprobs[0] : undefined;
  if (!isRecord(first)) return hold(Reason.noLogprobs);
  const top = first["top_logprobs"];
  const candidates: unknown[] = Array.isArray(top) && top.length > 0 ? top : [first];
  const mass = [0, 0, 0];
  let read = 0;
  for (const candidate of candidates) {
    if (!isRecord(candidate)) continue;
    const { token, logprob } = candidate;
    if (typeof token !== "string" || typeof logprob !== "number" || Number.isNaN(logprob)) continue;
    read++;
    const label = labelOfToken(token);
    // A log-probability is at most 0; rounding on the wire may leave it a hair above.
    if (label >= 0) mass[label]! += Math.exp(Math.min(0, logprob));
  }
  if (read === 0) return hold(Reason.unreadable);
  return decide(mass, reading);
}

/**
 * Renormalises the mass of the labels and decides. A label that was not among the candidates has
 * less than the last of them, and counts as nothing.
 */
function decide(mass: readonly number[], reading: Reading): Verdict {
  const inside = Math.min(1, mass[0]! + mass[1]! + mass[2]!);
  const outside = 1 - inside;
  if (inside < reading.labelMassMin || inside === 0) return { ...hold(Reason.outside), outside };
  const { temperature, bias } = reading.calibration;
  // Relative to the whole of the labels, so that a sharp temperature cannot underflow all three.
  const weights = mass.map((part, i) =>
    part > 0 ? Math.exp(Math.log(part / inside) / temperature + bias[labels[i]!]) : 0,
  );
  const sum = weights[0]! + weights[1]! + weights[2]!;
  if (!(sum > 0) || !Number.isFinite(sum)) return { ...hold(Reason.unreadable), outside };
  let best = 0;
  for (let i = 1; i < 3; i++) if (weights[i]! > weights[best]!) best = i;
  let second = -1;
  for (let i = 0; i < 3; i++) {
    if (i !== best && (second < 0 || weights[i]! > weights[second]!)) second = i;
  }
  const probabilities = [weights[0]! / sum, weights[1]! / sum, weights[2]! / sum] as const;
  const margin = probabilities[best]! - probabilities[second]!;
  const answered = margin >= reading.marginMin;
  const label = answered ? labels[best]! : "HOLD";
  return {
    decision: decisionOf[label],
    confidence: answered ? probabilities[best]! : probabilities[2],
    margin,
    outside,
    reason: answered ? Reason.answer : Reason.margin,
    probabilities,
  };
}

function readJson(text: string, reading: Reading): Verdict {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    return hold(Reason.unreadable);
  }
  if (!isRecord(answer)) return hold(Reason.unreadable);
  const { signal, confidence } = answer;
  if (typeof signal !== "string") return hold(Reason.unreadable);
  return stated(signal, typeof confidence === "number" ? confidence : NaN, reading);
}

/** "BUY:0.85", with space, case and a line of talk after it forgiven, and nothing else. */
const plain = /^\s*["'`*]*\s*([A-Za-z]+)["'`*]*\s*:\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/;

function readText(text: string, reading: Reading): Verdict {
  const match = plain.exec(text);
  if (match === null) return hold(Reason.unreadable);
  return stated(match[1]!, Number(match[2]), reading);
}

/** A confidence that the model stated itself: no probabilities, so no mass outside is known. */
function stated(word: string, confidence: number, reading: Reading): Verdict {
  const label = labels.find((l) => l === word.toUpperCase());
  if (label === undefined) return hold(Reason.unreadable);
  if (!(confidence >= 0 && confidence <= 1)) return hold(Reason.confidence);
  // Two labels are left for the rest of the probability; at worst one has it all.
  const margin = Math.max(0, 2 * confidence - 1);
  const isHalfHearted = label !== "HOLD" && margin < reading.marginMin;
  return {
    decision: isHalfHearted ? decisionOf.HOLD : decisionOf[label],
    confidence: isHalfHearted ? 1 - confidence : confidence,
    margin,
    outside: 0,
    reason: isHalfHearted ? Reason.margin : Reason.answer,
    probabilities: null,
  };
}
