/**
 * The version of a decision: a hash of everything that can change an answer. A decision answers
 * only for the version it was made by; anything else is another model's opinion.
 */
import { canonical } from "./request.ts";

export interface DecisionVersion {
  /** 16 hex digits; the key in the database and in signals. */
  text: string;
  /** The same as two u32 halves, for shared memory. */
  lo: number;
  hi: number;
}

export interface VersionParts {
  /** Digest of the model, or the revision of the rules. */
  digest: string;
  /** Canonical text of the request: model, mode, template or raw, options. */
  request: string;
  /** All of the prompt that is not the state: instructions and the operator's context. */
  prompt: string;
  /** What the buckets of a key mean. */
  space: string;
  /** How a reply is read: calibration, margin, least mass of the labels. */
  reading: unknown;
}

export function versionOf(parts: VersionParts): DecisionVersion {
  const hash = new Bun.CryptoHasher("sha256").update(canonical(parts)).digest("hex");
  const text = hash.slice(0, 16);
  return { text, hi: parseInt(text.slice(0, 8), 16), lo: parseInt(text.slice(8), 16) };
}
