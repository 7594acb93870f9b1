/**
 * HdrHistogram's V2 encoding, the format of the blobs in the history and of exports. All numbers
 * of the header are big-endian; the counts follow as ZigZag LEB128 (at most nine bytes each, the
 * ninth carrying eight bits), from cell 0 to the last one that is not empty. A negative number is
 * a run of that many empty cells.
 *
 *    0  u32 cookie 0x1c849313          4  u32 length of the counts in bytes
 *    8  u32 normalising offset (0)    12  u32 significant digits (2)
 *   16  i64 lowest discernible (1)    24  i64 highest trackable (3.6e12)
 *   32  f64 conversion ratio (1.0)    40  counts
 *
 * Compressed: u32 cookie 0x1c849314, u32 length, then the above as a zlib stream. Rows are stored
 * uncompressed: inflating costs several times what merging does, to save a quarter to a half.
 */
import { deflateSync, inflateSync } from "node:zlib";
import { cellCount, highestNs, highestOf, lowestNs, significantDigits } from "./bucket.ts";
import { type Histogram, rankOf } from "./histogram.ts";

const cookie = 0x1c849303 | 0x10;
const compressedCookie = 0x1c849304 | 0x10;
const headerBytes = 40;

/** Most bytes that one encoded histogram can take. */
export const encodedBytesMax = headerBytes + cellCount * 9;

const two32 = 4_294_967_296;
/** ZigZag of the largest count that a double holds exactly. */
const zigZagMax = 2 * Number.MAX_SAFE_INTEGER;
const fixedHeader = (() => {
  const bytes = new Uint8Array(headerBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, cookie);
  view.setUint32(12, significantDigits);
  view.setBigInt64(16, BigInt(lowestNs));
  view.setBigInt64(24, BigInt(highestNs));
  view.setFloat64(32, 1);
  return bytes;
})();

const javaScriptHeader = (() => {
  const bytes = fixedHeader.slice();
  const view = new DataView(bytes.buffer);
  view.setUint32(8, 1);
  view.setBigInt64(32, 1n);
  return bytes;
})();

const scratch = new Uint8Array(encodedBytesMax);

/** The histogram as V2 bytes (a copy of its own). */
export function encode(histogram: Histogram): Uint8Array {
  return scratch.slice(0, encodeInto(histogram, scratch));
}

/** Writes V2 bytes to the front of `out` (`encodedBytesMax` always suffices); returns how many. */
export function encodeInto(histogram: Histogram, out: Uint8Array): number {
  const { counts, highCell } = histogram;
  out.set(fixedHeader);
  let at = headerBytes;
  let cell = 0;
  while (cell <= highCell) {
    const count = counts[cell]!;
    if (count !== 0) {
      at = putZigZag(out, at, count * 2);
      cell++;
      continue;
    }
    const first = cell;
    while (cell <= highCell && counts[cell] === 0) cell++;
    const run = cell - first;
    at = putZigZag(out, at, run === 1 ? 0 : run * 2 - 1);
  }
  const length = at - headerBytes;
  out[4] = length >>> 24;
  out[5] = length >>> 16;
  out[6] = length >>> 8;
  out[7] = length;
  return at;
}

/** `value` is ZigZag already: a whole number up to 2^54, beyond which no count can be. */
function putZigZag(out: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest >= two32) {
    out[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  rest >>>= 0;
  while (rest >= 128) {
    out[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out[at++] = rest;
  return at;
}

/**
 * Adds the counts in V2 bytes to `into`, allocating nothing; the exact minimum, maximum and sum are
 * not in the format and are the caller's to add. False when the bytes are no histogram of this
 * layout: `into` is then as it was.
 */
export function mergeEncoded(bytes: Uint8Array, into: Histogram): boolean {
  const end = endOf(bytes);
  if (end < 0) return false;
  if (addCells(bytes, end, into, 0.5)) return true;
  // What stands before the damage was added: it is found again in the same way, and taken back.
  addCells(bytes, end, into, -0.5);
  return false;
}

/** `half`: what each count is multiplied by, because ZigZag doubles them; below zero to take back. */
function addCells(bytes: Uint8Array, end: number, into: Histogram, half: number): boolean {
  const { counts } = into;
  let at = headerBytes;
  let cell = 0;
  let low = cellCount;
  let total = 0;
  while (at < end) {
    let value = bytes[at++]!;
    if (value >= 128) {
      if (at >= end) return false;
      const second = bytes[at++]!;
      value = (value & 0x7f) | ((second & 0x7f) << 7);
      if (second >= 128) {
        // Counts of 8,192 and more are rare in a second and few in an hour.
        let scale = 16_384;
        let byte = 128;
        for (let place = 2; byte >= 128; place++) {
          if (at >= end || place === 9) return false;
          byte = bytes[at++]!;
          value += (place === 8 ? byte : byte & 0x7f) * scale;
          scale *= 128;
        }
        if (value > zigZagMax) return false;
      }
    }
    if (value % 2 === 1) {
      cell += (value + 1) / 2;
      continue;
    }
    if (cell >= cellCount) return false;
    if (value !== 0) {
      const count = value * half;
      counts[cell]! += count;
      total += count;
      if (low === cellCount) low = cell;
    }
    cell++;
  }
  if (cell > cellCount || Math.abs(total) > Number.MAX_SAFE_INTEGER) return false;
  if (low < into.lowCell) into.lowCell = low;
  // A well-formed encoding ends in a cell that is not empty.
  if (total > 0 && cell - 1 > into.highCell) into.highCell = cell - 1;
  into.count += total;
  return true;
}

/** What a row knows of its histogram beside the cells: how many values, and the exact extremes, ns. */
export interface EncodedFacts {
  count: number;
  minNs: number;
  maxNs: number;
}

/**
 * `Histogram.percentilesInto` straight from V2 bytes: one pass over them, and no cell is unpacked.
 * For a histogram that stands alone, which is most of what a chart asks for. False when the bytes
 * are no histogram of this layout, or hold another number of values than they should.
 *
 * Values are read as in `mergeEncoded`, written out again: shared by a call, even of the rare rest of
 * a long one, a query of a day takes a tenth longer.
 */
export function encodedPercentilesInto(
  bytes: Uint8Array,
  { count, minNs, maxNs }: EncodedFacts,
  percents: readonly number[],
  out: Float64Array,
): boolean {
  const end = endOf(bytes);
  if (end < 0) return false;
  const asked = percents.length;
  let next = 0;
  let rank = asked > 0 ? rankOf(percents[0]!, count) : Infinity;
  // Twice the values so far, as ZigZag has them: halving each would cost more than doubling the rank.
  let reached = 0;
  let wanted = rank * 2;
  let at = headerBytes;
  let cell = 0;
  while (at < end) {
    let value = bytes[at++]!;
    if (value >= 128) {
      if (at >= end) return false;
      const second = bytes[at++]!;
      value = (value & 0x7f) | ((second & 0x7f) << 7);
      if (second >= 128) {
        let scale = 16_384;
        let byte = 128;
        for (let place = 2; byte >= 128; place++) {
          if (at >= end || place === 9) return false;
          byte = bytes[at++]!;
          value += (place === 8 ? byte : byte & 0x7f) * scale;
          scale *= 128;
        }
      }
    }
    if (value % 2 === 1) {
      cell += (value + 1) / 2;
      continue;
    }
    reached += value;
    while (reached >= wanted) {
      const top = rank === 1 ? minNs : highestOf(cell);
      out[next++] = Math.max(minNs, Math.min(maxNs, top));
      rank = next < asked ? rankOf(percents[next]!, count) : Infinity;
      wanted = rank * 2;
    }
    cell++;
  }
  return cell <= cellCount && reached === count * 2;
}

/** Where the cells of V2 bytes of this layout end; -1 when they are none, or not whole. */
function endOf(bytes: Uint8Array): number {
  if (bytes.length < headerBytes || !hasOurHeader(bytes)) return -1;
  const length = (bytes[4]! << 24) | (bytes[5]! << 16) | (bytes[6]! << 8) | bytes[7]!;
  const end = headerBytes + length;
  return length < 0 || end > bytes.length ? -1 : end;
}

/**
 * Everything but the length must be as we write it: another layout cannot be merged cell by cell.
 * hdr-histogram-js writes 1 for the offset and an integer 1 for the ratio, and ignores both when it
 * reads; the Java original and everyone else mean what is written above.
 */
function hasOurHeader(bytes: Uint8Array): boolean {
  const variant = bytes[11] === 1 ? javaScriptHeader : fixedHeader;
  let differing = 0;
  for (let i = 0; i < 4; i++) differing |= bytes[i]! ^ variant[i]!;
  for (let i = 8; i < headerBytes; i++) differing |= bytes[i]! ^ variant[i]!;
  return differing === 0;
}

/** V2 compressed, as other HdrHistogram implementations exchange it. */
export function compress(histogram: Histogram): Uint8Array {
  const deflated = deflateSync(scratch.subarray(0, encodeInto(histogram, scratch)));
  const bytes = new Uint8Array(8 + deflated.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, compressedCookie);
  view.setUint32(4, deflated.length);
  bytes.set(deflated, 8);
  return bytes;
}

/** Adds V2 compressed bytes of this layout to `into`; false for anything else. */
export function mergeCompressed(bytes: Uint8Array, into: Histogram): boolean {
  if (bytes.length < 8) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = view.getUint32(4);
  if (view.getUint32(0) !== compressedCookie || bytes.length < 8 + length) return false;
  let inflated: Uint8Array;
  try {
    inflated = inflateSync(bytes.subarray(8, 8 + length), { maxOutputLength: encodedBytesMax });
  } catch {
    return false;
  }
  return mergeEncoded(inflated, into);
}

/** V2 compressed in base64: begins with "HISTFAAA". */
export function toBase64(histogram: Histogram): string {
  return Buffer.from(compress(histogram)).toString("base64");
}

/** Adds a base64 V2 compressed histogram to `into`; false when it is none of this layout. */
export function mergeBase64(text: string, into: Histogram): boolean {
  return mergeCompressed(Buffer.from(text, "base64"), into);
}
