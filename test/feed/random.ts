/** A small seeded generator (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** An integer in [0, below). */
  below(below: number): number {
    return Math.floor((this.u32() / 4_294_967_296) * below);
  }

  chance(probability: number): boolean {
    return this.u32() < probability * 4_294_967_296;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
}

/** How much longer than in a quick run the random tests go on. */
export const testScale = Number(process.env.HFTEDGE_TEST_SCALE ?? 1);

/** The seed of this run: printed, and given again by HFTEDGE_TEST_SEED. */
export const testSeed = Number(process.env.HFTEDGE_TEST_SEED ?? Date.now() % 4_294_967_296);
