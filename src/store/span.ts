/**
 * Which resolution to read for which part of a range. The coarsest one that still divides the step
 * costs the fewest rows; where it is not there (not merged yet, or deleted), the next best is taken.
 * Every row is read from one resolution only, so nothing is counted twice.
 */
import type { Resolution, Tier } from "./tier.ts";

export interface Span {
  resolution: Resolution;
  /** Epoch s, [from, to). */
  from: number;
  to: number;
}

/** `from` and `to` in epoch s, multiples of `step`; `tiers` finest first. */
export function spansOf(
  tiers: readonly Readonly<Tier>[],
  from: number,
  to: number,
  step: number,
): Span[] {
  const cuts = new Set([from, to]);
  for (const { rolledTo, prunedTo, resolution } of tiers) {
    if (resolution !== 1 && rolledTo > from && rolledTo < to) cuts.add(rolledTo);
    if (prunedTo > from && prunedTo < to) cuts.add(prunedTo);
  }
  const edges = [...cuts].toSorted((a, b) => a - b);
  const spans: Span[] = [];
  for (let i = 1; i < edges.length; i++) {
    const start = edges[i - 1]!;
    const end = edges[i]!;
    const resolution = bestFor(tiers, start, end, step);
    const last = spans.at(-1);
    if (last?.resolution === resolution) last.to = end;
    else spans.push({ resolution, from: start, to: end });
  }
  return spans;
}

/**
 * Where only rows are left that are coarser than the step, the row in which the range begins is
 * read as well: an hour is all there is of ten minutes of last year.
 */
export function reachBack(spans: Span[], step: number): Span[] {
  const [first] = spans;
  if (first !== undefined && first.resolution > step) first.from -= first.from % first.resolution;
  return spans;
}

function bestFor(
  tiers: readonly Readonly<Tier>[],
  from: number,
  to: number,
  step: number,
): Resolution {
  const usable = tiers.filter(
    ({ resolution, rolledTo, prunedTo }) =>
      prunedTo <= from && (resolution === 1 || rolledTo >= to),
  );
  const fitting = usable.filter(({ resolution }) => step % resolution === 0);
  // Where only coarser rows are left, each counts in the step that it begins in.
  const best =
    fitting.at(-1) ?? usable[0] ?? (from < tiers.at(-1)!.rolledTo ? tiers.at(-1) : tiers[0]);
  return best!.resolution;
}
