/**
 * The three words a model may answer with, and how a token is recognised as one of them.
 *
 * The numbers are those of `Decision` in decision/signal.ts. The words differ in their first
 * letter, so the first token of an answer is enough: a tokeniser that splits "SELL" into "S" and
 * "ELL" still gives the whole decision in one forward pass.
 */
export const labels = ["BUY", "SELL", "HOLD"] as const;
export type Label = (typeof labels)[number];

/** `Decision` of each label, in the order of `labels`. */
export const decisionOf = { BUY: 1, SELL: 2, HOLD: 3 } as const satisfies Record<Label, number>;

/**
 * White space, and what byte-level and SentencePiece vocabularies write in its place, and the
 * quotes and asterisks that models like to put around a word.
 */
const leading = /^[\s\u2581\u0120\u010a"'`*]+/;

/**
 * Which label a token begins, as an index into `labels`, or -1. The token is compared without
 * leading space and without case. Either it is the beginning of a label ("S", " Se", "HOLD") or it
 * begins with a whole label followed by something that is no letter ("BUY:", "sell\n").
 */
export function labelOfToken(token: string): number {
  const word = token.replace(leading, "").toUpperCase();
  if (word === "") return -1;
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (label.startsWith(word)) return i;
    if (word.startsWith(label) && !/[A-Z]/.test(word.charAt(label.length))) return i;
  }
  return -1;
}
