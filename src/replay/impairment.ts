/**
 * What a bad network does to datagrams, the same for the same seed: each is dropped, duplicated, held
 * back behind up to `reorderDepth` later ones, or cut short, with a probability of its own. Every
 * datagram draws the same number of random values whatever the probabilities are, so that turning one
 * of them does not change what the others hit.
 */
import { Random } from "./random.ts";

export interface ImpairmentOptions {
  seed: number;
  /** Probabilities from 0 to 1. */
  drop: number;
  duplicate: number;
  reorder: number;
  truncate: number;
  /** The most datagrams that one may be held back behind. */
  reorderDepth: number;
}

export interface ImpairmentCounts {
  dropped: number;
  duplicated: number;
  reordered: number;
  truncated: number;
}

/** The bound on `reorderDepth`, and with it on how many datagrams are held back at a time. */
export const reorderDepthMax = 1024;

export type Emit = (bytes: Uint8Array, offset: number, length: number) => void;

interface Held {
  bytes: Uint8Array;
  /** The count of datagrams offered after which it goes out. */
  releaseAt: number;
}

export class Impairment {
  readonly counts: ImpairmentCounts = { dropped: 0, duplicated: 0, reordered: 0, truncated: 0 };
  readonly #options: ImpairmentOptions;
  readonly #random: Random;
  readonly #emit: Emit;
  #held: Held[] = [];
  #offered = 0;

  /** `line` sets apart the lines that carry the same datagrams. */
  constructor(options: ImpairmentOptions, line: number, emit: Emit) {
    this.#options = options;
    this.#random = new Random(options.seed, line);
    this.#emit = emit;
  }

  /** Hands on none, one or more datagrams for this one; held ones that are due go after it. */
  offer(bytes: Uint8Array, offset: number, length: number): void {
    const { drop, duplicate, reorder, truncate, reorderDepth } = this.#options;
    const random = this.#random;
    const drops = random.chance(drop);
    const duplicates = random.chance(duplicate);
    const reorders = random.chance(reorder);
    const truncates = random.chance(truncate);
    const keep = random.next();
    const behind = 1 + random.below(reorderDepth);
    this.#offered += 1;
    if (drops) this.counts.dropped += 1;
    else {
      let sent = length;
      if (truncates && length > 0) {
        sent = Math.floor(keep * length);
        this.counts.truncated += 1;
      }
      if (reorders && this.#held.length < reorderDepthMax) {
        // A true copy: `slice` of a Buffer would be a view of what the sender writes over next.
        const copy = new Uint8Array(bytes.subarray(offset, offset + sent));
        this.#held.push({ bytes: copy, releaseAt: this.#offered + behind });
        this.counts.reordered += 1;
      } else this.#emit(bytes, offset, sent);
      if (duplicates) {
        this.#emit(bytes, offset, sent);
        this.counts.duplicated += 1;
      }
    }
    if (this.#held.length > 0) this.#release(this.#offered);
  }

  /** Hands on everything that is still held back, at the end of the file. */
  flush(): void {
    this.#release(Number.POSITIVE_INFINITY);
  }

  #release(now: number): void {
    const due = this.#held.filter((held) => held.releaseAt <= now);
    if (due.length === 0) return;
    this.#held = this.#held.filter((held) => held.releaseAt > now);
    for (const { bytes } of due) this.#emit(bytes, 0, bytes.length);
  }
}

/** True when the options change nothing. */
export function isClean(options: ImpairmentOptions): boolean {
  return options.drop + options.duplicate + options.reorder + options.truncate === 0;
}
