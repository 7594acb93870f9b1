/** Seeded values that look like latencies, and the naive truth to compare with. */

export const scale = Number(Bun.env.HFTEDGE_TEST_SCALE ?? "1");

/** The seed of this run, printed so that a failure can be repeated. */
export function seedOf(name: string): number {
  const seed = Number(Bun.env.HFTEDGE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`${name}: HFTEDGE_TEST_SEED=${seed}`);
  return seed;
}

/** Mulberry32: uniform in [0, 1). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Whole nanoseconds, spread evenly over the magnitudes up to `highest`, with runs of equal ones. */
export function latencies(random: () => number, count: number, highest = 3.6e12): number[] {
  const values: number[] = [];
  let last = 0;
  while (values.length < count) {
    if (random() < 0.9) last = Math.floor(Math.exp(random() * Math.log(highest)));
    values.push(last);
  }
  return values;
}

/** Nearest rank over the sorted values themselves, in exact integers for percents of 3 decimals. */
export function percentileOf(sorted: readonly number[], percent: number): number {
  const rank = Math.ceil((Math.round(percent * 1000) * sorted.length) / 100_000);
  return sorted[Math.max(1, rank) - 1]!;
}
