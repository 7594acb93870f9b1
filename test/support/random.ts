/** Seeded pseudo-random numbers for tests and benchmarks: sfc32, which passes the usual batteries. */
export interface Random {
  readonly seed: number;
  /** Uniform in [0, 1). */
  next(): number;
  /** A whole number in [0, below). */
  int(below: number): number;
}

/** `HFTEDGE_TEST_SEED` wins over `seed`; without both the seed is a new one: print it. */
export function random(seed?: number): Random {
  const given = process.env["HFTEDGE_TEST_SEED"];
  const start = given !== undefined ? Number(given) : (seed ?? Math.floor(Math.random() * 2 ** 31));
  let a = 0x9e3779b9;
  let b = 0x243f6a88;
  let c = start | 0;
  let counter = 1;
  const word = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    c |= 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 12; i++) word();
  return {
    seed: start,
    next: () => word() / 2 ** 32,
    int: (below) => Math.floor((word() / 2 ** 32) * below),
  };
}

/** How much longer than a quick run simulations are to be. */
export const testScale = Number(process.env["HFTEDGE_TEST_SCALE"] ?? 1);
