/**
 * Memory whose address may be given to C. A small typed array made by its length lives in the
 * collector's own heap, and its address is good for a moment only (seen: a clock that stood still after
 * some 15,000 readings); one over an ArrayBuffer stays. It lives as long as somebody holds the array:
 * the address alone keeps nothing.
 */

export function cBytes(count: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(count));
}

export function cWords(count: number): Uint32Array<ArrayBuffer> {
  return new Uint32Array(new ArrayBuffer(4 * count));
}

/** 64-bit integers, e.g. the two fields of a timespec or timeval. */
export function cLongs(...values: readonly number[]): BigInt64Array<ArrayBuffer> {
  const longs = new BigInt64Array(new ArrayBuffer(8 * values.length));
  longs.set(values.map(BigInt));
  return longs;
}
