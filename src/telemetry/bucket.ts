/**
 * The layout of every latency histogram here: HdrHistogram's, for 1 ns to one hour with two
 * significant digits, so that blobs can be exchanged with any HdrHistogram implementation.
 *
 * A value below 256 has a cell of its own. Above, a value is its highest bit plus the seven bits
 * that follow it: 128 cells to each power of two, each 2^shift wide, hence an error of at most
 * 1/128 (0.78 %) of the value.
 *
 *   cell = shift * 128 + (value >>> shift),   shift = max(0, floor(log2(value)) - 7)
 */

/** The largest value that has a cell of its own magnitude: one hour in ns. Above it is clamped. */
export const highestNs = 3_600_000_000_000;
export const lowestNs = 1;
export const significantDigits = 2;

/** 35 powers-of-two groups of 128 cells over the first 128, as HdrHistogram sizes this range. */
export const cellCount = 4608;

const two32 = 4_294_967_296;
const two24 = 16_777_216;

/** The cell of an integer in [0, highestNs]. Values of 2^32 and more take one division. */
export function cellOf(value: number): number {
  if (value < two32) return cellOf32(value);
  // The top eight bits of such a value all lie above bit 24, so dropping 24 bits loses none of them.
  return 24 * 128 + cellOf32(value / two24);
}

function cellOf32(value: number): number {
  const shift = 24 - Math.clz32(value | 255);
  return (shift << 7) + (value >>> shift);
}

/** The smallest value that falls into the cell, ns. */
export function lowestOf(cell: number): number {
  if (cell < 256) return cell;
  const shift = (cell >>> 7) - 1;
  return ((cell & 127) + 128) * 2 ** shift;
}

/** The largest integer that falls into the cell, ns. */
export function highestOf(cell: number): number {
  return lowestOf(cell) + widthOf(cell) - 1;
}

/** How many integers share the cell. */
export function widthOf(cell: number): number {
  return cell < 256 ? 1 : 2 ** ((cell >>> 7) - 1);
}
