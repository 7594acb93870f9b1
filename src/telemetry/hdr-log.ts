/**
 * The HdrHistogram log format 1.3, which HistogramLogAnalyzer, hdr-plot and others read:
 * `Tag=<stage>,<start, s since the base>,<length, s>,<maximum in ms>,<V2 compressed, base64>`.
 */
import { toBase64 } from "./codec.ts";
import type { Histogram } from "./histogram.ts";

/** The lines before the first interval. `baseMs`: epoch ms that the intervals' starts count from. */
export function hdrLogHeader(baseMs: number, baseIso: string): string {
  const seconds = (baseMs / 1000).toFixed(3);
  return [
    "#[Histogram log format version 1.3]",
    `#[BaseTime: ${seconds} (seconds since epoch)]`,
    `#[StartTime: ${seconds} (seconds since epoch), ${baseIso}]`,
    '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    "",
  ].join("\n");
}

/** One interval, with the end of its line. Times in seconds; the maximum is printed in ms. */
export function hdrLogLine(
  tag: string,
  startS: number,
  lengthS: number,
  histogram: Histogram,
): string {
  const maxMs = histogram.count === 0 ? 0 : histogram.maxNs / 1e6;
  const head = `Tag=${tag},${startS.toFixed(3)},${lengthS.toFixed(3)},${maxMs.toFixed(3)}`;
  return `${head},${toBase64(histogram)}\n`;
}
