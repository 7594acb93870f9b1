import { describe, expect, test } from "bun:test";
import { inflateSync } from "node:zlib";
import * as hdr from "hdr-histogram-js";
import { cellOf, highestNs } from "../../src/telemetry/bucket.ts";
import {
  compress,
  encode,
  encodedPercentilesInto,
  mergeBase64,
  mergeCompressed,
  mergeEncoded,
  toBase64,
} from "../../src/telemetry/codec.ts";
import { hdrLogHeader, hdrLogLine } from "../../src/telemetry/hdr-log.ts";
import { Histogram } from "../../src/telemetry/histogram.ts";
import { latencies, randomFrom, scale, seedOf } from "./sample.ts";

const reference = () =>
  hdr.build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: highestNs,
    numberOfSignificantValueDigits: 2,
    bitBucketSize: 64,
    useWebAssembly: false,
  });

function filled(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

/** Only what the format carries: the exact extremes and the sum are columns of their own. */
function cells(histogram: Histogram) {
  const { counts, count, lowCell, highCell } = histogram;
  return { counts, count, lowCell, highCell };
}

const percents = [0.1, 10, 50, 90, 95, 99, 99.9, 99.99, 100];

describe("hdr-histogram-js", () => {
  test("reads our blobs and finds the same counts and percentiles", () => {
    const random = randomFrom(seedOf("codec out"));
    for (let round = 0; round < 40 * scale; round++) {
      const size = Math.floor(10 ** (random() * 4));
      const ours = filled(latencies(random, size, 10 ** (random() * 12.5)));
      const theirs = hdr.decodeFromCompressedBase64(toBase64(ours), 64, false);
      expect(theirs.totalCount).toBe(ours.count);
      for (const percent of percents) {
        const value = theirs.getValueAtPercentile(percent);
        // The library knows no exact maximum: there it answers with the top of the cell.
        expect(cellOf(value)).toBe(cellOf(ours.percentile(percent)));
      }
    }
  });

  test("writes blobs that we read, and both encode the same counts", () => {
    const random = randomFrom(seedOf("codec in"));
    for (let round = 0; round < 40 * scale; round++) {
      const values = latencies(random, Math.floor(10 ** (random() * 3.5)), 10 ** (random() * 12.5));
      const theirs = reference();
      for (const value of values) theirs.recordValue(value);
      const read = new Histogram();
      expect(mergeBase64(hdr.encodeIntoCompressedBase64(theirs), read)).toBe(true);
      const ours = filled(values);
      expect(cells(read)).toEqual(cells(ours));
      const packed = Buffer.from(hdr.encodeIntoCompressedBase64(theirs), "base64");
      const raw = inflateSync(packed.subarray(8));
      expect(Buffer.from(encode(ours)).subarray(40)).toEqual(raw.subarray(40));
    }
  });

  test("reads our log, tags and intervals included", () => {
    const histogram = filled([1000, 2_000_000, 3_000_000_000]);
    const base = Date.UTC(2024, 0, 2, 3, 4, 5);
    const log = hdrLogHeader(base, "2024-01-02T03:04:05Z") + hdrLogLine("cache", 7, 1, histogram);
    const reader = new hdr.HistogramLogReader(log, 64);
    const next = reader.nextIntervalHistogram() as hdr.Histogram;
    expect(next.totalCount).toBe(3);
    expect(next.tag).toBe("cache");
    expect(next.startTimeStampMsec).toBe(base + 7000);
    expect(next.endTimeStampMsec).toBe(base + 8000);
  });
});

describe("encoding", () => {
  test("begins as every HdrHistogram V2 does", () => {
    expect(toBase64(filled([1, 2, 3]))).toStartWith("HISTFAAA");
  });

  test("keeps counts up to 2^53 - 1", () => {
    for (const count of [1, 63, 64, 8191, 8192, 2 ** 31, 2 ** 32 + 1, 2 ** 53 - 1]) {
      const histogram = new Histogram();
      histogram.addCell(1234, count);
      const read = new Histogram();
      expect(mergeEncoded(encode(histogram), read)).toBe(true);
      expect(cells(read)).toEqual(cells(histogram));
    }
  });

  test("of an empty histogram merges as nothing", () => {
    const read = filled([5]);
    expect(mergeEncoded(encode(new Histogram()), read)).toBe(true);
    expect(cells(read)).toEqual(cells(filled([5])));
  });

  test("adds to what is there already", () => {
    const random = randomFrom(seedOf("codec merge"));
    const first = latencies(random, 500, 1e8);
    const second = latencies(random, 700, 1e11);
    const merged = filled(first);
    expect(mergeEncoded(encode(filled(second)), merged)).toBe(true);
    expect(cells(merged)).toEqual(cells(filled([...first, ...second])));
  });
});

describe("percentiles straight from the bytes", () => {
  test("are those of the histogram that the bytes unpack to", () => {
    const random = randomFrom(seedOf("encoded percentiles"));
    for (let round = 0; round < 200 * scale; round++) {
      const histogram = filled(latencies(random, 1 + Math.floor(random() * 2000)));
      // Now and then a cell that takes several bytes.
      if (random() < 0.3)
        histogram.record(Math.floor(random() * 1e6), 2 ** Math.floor(random() * 40));
      const asked = [0, ...percents];
      const expected = new Float64Array(asked.length);
      histogram.percentilesInto(asked, expected, 0);
      const out = new Float64Array(asked.length);
      expect(encodedPercentilesInto(encode(histogram), histogram, asked, out)).toBe(true);
      expect(out).toEqual(expected);
    }
  });

  test("are refused where the bytes are cut, damaged, or of another number of values", () => {
    const random = randomFrom(seedOf("encoded percentiles fuzz"));
    const histogram = filled(latencies(random, 300));
    const bytes = encode(histogram);
    const out = new Float64Array(percents.length);
    for (let length = 0; length < bytes.length; length++) {
      expect(encodedPercentilesInto(bytes.subarray(0, length), histogram, percents, out)).toBe(
        false,
      );
    }
    const facts = { ...histogram, count: histogram.count + 1 };
    expect(encodedPercentilesInto(bytes, facts, percents, out)).toBe(false);
    for (let round = 0; round < 3000 * scale; round++) {
      const damaged = bytes.slice();
      damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256);
      const read = new Histogram();
      const whole = mergeEncoded(damaged, read) && read.count === histogram.count;
      expect(encodedPercentilesInto(damaged, histogram, percents, out)).toBe(whole);
    }
  });
});

describe("bytes that are no histogram", () => {
  test("cut at every length are refused, or are a shorter histogram that says so", () => {
    const bytes = encode(filled([3, 500, 70_000, 9e9, 9e9]));
    for (let length = 0; length < bytes.length; length++) {
      expect(mergeEncoded(bytes.subarray(0, length), new Histogram())).toBe(false);
    }
    const packed = compress(filled([3, 500, 70_000]));
    for (let length = 0; length < packed.length; length++) {
      expect(mergeCompressed(packed.subarray(0, length), new Histogram())).toBe(false);
    }
  });

  test("of another layout are refused", () => {
    const other = hdr.build({ numberOfSignificantValueDigits: 3, useWebAssembly: false });
    other.recordValue(77);
    expect(mergeBase64(hdr.encodeIntoCompressedBase64(other), new Histogram())).toBe(false);
  });

  test("with any byte changed never throw, and leave all as it was when they are refused", () => {
    const random = randomFrom(seedOf("codec fuzz"));
    const bytes = encode(filled(latencies(random, 300)));
    const before = filled(latencies(random, 100));
    for (let round = 0; round < 3000 * scale; round++) {
      const damaged = bytes.slice();
      for (let flips = 0; flips < 4; flips++) {
        damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256);
      }
      const read = new Histogram();
      read.merge(before);
      if (!mergeEncoded(damaged, read)) expect(read).toEqual(before);
      else expect(read.count).toBe(read.counts.reduce((sum, count) => sum + count, 0));
      // A cell outside these would stay behind for whatever the histogram is used for next.
      read.reset();
      expect(read.counts.every((count) => count === 0)).toBe(true);
    }
  });

  test("with a count that no double can hold are refused", () => {
    const bytes = encode(new Histogram());
    const huge = new Uint8Array(bytes.length + 9).fill(0xff, bytes.length);
    huge.set(bytes);
    huge[7] = 9;
    huge[bytes.length] = 0xfe;
    for (const last of [0xff, 0x7f, 0x01]) {
      huge[huge.length - 1] = last;
      expect(mergeEncoded(huge, new Histogram())).toBe(false);
    }
    const two = new Histogram();
    for (const cell of [0, 1]) two.addCell(cell, 2 ** 53 - 1);
    const read = filled([5]);
    expect(mergeEncoded(encode(two), read)).toBe(false);
    expect(read).toEqual(filled([5]));
  });

  test("that inflate without bound are refused", () => {
    const bomb = new Uint8Array(8 + 30_000);
    const deflated = Bun.deflateSync(new Uint8Array(20_000_000), { windowBits: 15 });
    const view = new DataView(bomb.buffer);
    view.setUint32(0, 0x1c849314);
    view.setUint32(4, deflated.length);
    bomb.set(deflated, 8);
    expect(mergeCompressed(bomb.subarray(0, 8 + deflated.length), new Histogram())).toBe(false);
  });
});
