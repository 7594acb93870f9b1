/** How much the fuzz and simulation loops do, and from which seed. */

/** HFTEDGE_TEST_SCALE times the usual number of rounds. */
export function scaled(rounds: number): number {
  return Math.max(1, Math.round(rounds * Number(process.env["HFTEDGE_TEST_SCALE"] ?? 1)));
}

/** A fresh seed, printed so that a failure can be had again by HFTEDGE_TEST_SEED. */
export function testSeed(name: string): number {
  const given = process.env["HFTEDGE_TEST_SEED"];
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given);
  console.log(`${name}: HFTEDGE_TEST_SEED=${seed}`);
  return seed;
}
