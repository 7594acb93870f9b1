/**
 * Steps of the past, computed once: a dashboard asks for the same day every few seconds, and only
 * its last minute is new. Bounded in bytes; what was not asked for longest goes first.
 *
 * Kept are blocks of whole steps below the point up to which seconds have been merged: those change
 * only when a second comes late, which the file's revision tells.
 */
import { spansOf } from "./span.ts";
import type { Tier } from "./tier.ts";
import type { Turns } from "./turn.ts";

export interface Piece<P> {
  /** The first step (epoch s / step), and how many there are. */
  readonly first: number;
  readonly steps: number;
  /** Memory that it holds. */
  readonly bytes: number;
  /** A copy of the steps [from, to), all of them within the piece. */
  slice(from: number, to: number): P;
  /** Copies the steps that both have. */
  copyInto(target: P): void;
}

/** Steps of a block: few, because the first and last of a range are read whole. */
export const blockSteps = 64;
/** Memory of an entry beside its piece: the key, the map's slot, the objects. */
const entryBytes = 400;

export class StepCache {
  readonly #bytesMax: number;
  readonly #blocks = new Map<string, Piece<unknown>>();
  #bytes = 0;
  #revision = 0;

  /** `bytesMax` 0: nothing is kept. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get enabled(): boolean {
    return this.#bytesMax > 0;
  }

  /** Forgets everything when rows below were changed since. */
  at(revision: number): void {
    if (revision === this.#revision) return;
    this.#blocks.clear();
    this.#bytes = 0;
    this.#revision = revision;
  }

  has(key: string): boolean {
    return this.#blocks.has(key);
  }

  get(key: string): Piece<unknown> | undefined {
    const block = this.#blocks.get(key);
    if (block === undefined) return undefined;
    this.#blocks.delete(key);
    this.#blocks.set(key, block);
    return block;
  }

  /** `revision`: what the file had when the reading of the block began. */
  put(key: string, block: Piece<unknown>, revision: number): void {
    const bytes = block.bytes + entryBytes;
    if (revision !== this.#revision || bytes > this.#bytesMax || this.#blocks.has(key)) return;
    this.#blocks.set(key, block);
    this.#bytes += bytes;
    for (const [oldest, { bytes: freed }] of this.#blocks) {
      if (this.#bytes <= this.#bytesMax) return;
      this.#blocks.delete(oldest);
      this.#bytes -= freed + entryBytes;
    }
  }
}

/**
 * The blocks [low, high) of a range that may be kept: all of their rows are merged, and none of them
 * has been deleted or is left only in a resolution that the step is no multiple of.
 */
export function cacheableBlocks(
  tiers: readonly Tier[],
  first: number,
  steps: number,
  stepS: number,
): { low: number; high: number } {
  const none = { low: 0, high: 0 };
  const from = Math.floor(first / blockSteps) * blockSteps * stepS;
  const settled = Math.floor(tiers[1]!.rolledTo / stepS) * stepS;
  const to = Math.min(settled, Math.ceil((first + steps) / blockSteps) * blockSteps * stepS);
  if (to <= from) return none;
  const spans = spansOf(tiers, from, to, stepS);
  let goodFrom = to;
  for (const { resolution, from: start } of spans.toReversed()) {
    const { prunedTo } = tiers.find((tier) => tier.resolution === resolution)!;
    if (stepS % resolution !== 0 || prunedTo > start) break;
    goodFrom = start;
  }
  const low = Math.ceil(goodFrom / stepS / blockSteps);
  const high = Math.floor(to / stepS / blockSteps);
  return low < high ? { low, high } : none;
}

interface CachedRange {
  cache: StepCache;
  revision: number;
  /** What the blocks are of. */
  key: string;
  low: number;
  high: number;
}

type ReadPiece<P> = (from: number, to: number) => Turns<{ piece: P; unreadable: number }>;

/** Fills the target from memory where it can, and by `read` elsewhere; returns damaged rows. */
export function* throughCache<P extends Piece<P>>(
  { cache, revision, key, low, high }: CachedRange,
  target: P,
  read: ReadPiece<P>,
): Turns<number> {
  const end = target.first + target.steps;
  let damaged = 0;
  for (let at = target.first; at < end;) {
    const block = Math.floor(at / blockSteps);
    if (block < low || block >= high) {
      const to = block < low ? Math.min(end, low * blockSteps) : end;
      const { piece, unreadable } = yield* read(at, to);
      piece.copyInto(target);
      damaged += unreadable;
      at = to;
      continue;
    }
    const kept = cache.get(key + block) as P | undefined;
    if (kept !== undefined) {
      kept.copyInto(target);
      at = (block + 1) * blockSteps;
      continue;
    }
    let last = block + 1;
    while (last < high && last * blockSteps < end && !cache.has(key + last)) last++;
    const whole = yield* read(block * blockSteps, last * blockSteps);
    whole.piece.copyInto(target);
    const next = last * blockSteps;
    if (whole.unreadable === 0) {
      for (let b = block; b < last; b++) {
        const piece = whole.piece.slice(b * blockSteps, (b + 1) * blockSteps);
        cache.put(key + b, piece, revision);
      }
    } else {
      // Of rows outside the range nobody asked whether they are damaged.
      damaged += (yield* read(at, Math.min(next, end))).unreadable;
    }
    at = next;
  }
  return damaged;
}
