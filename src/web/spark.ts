/** Small pictures in a line of numbers: a sparkline, and a strip of percentiles on a log scale. */
import { svg, setAttribute } from "./dom.ts";

const width = 120;
const height = 26;
/** Values that a whole sparkline is of at least: a few do not fill it. */
const seenMin = 30;

export interface Spark {
  root: SVGSVGElement;
  draw(values: Float64Array): void;
}

/**
 * A line over the last minutes, from 0 to its own maximum; unknown seconds are left out. Before the
 * page has seen them all it is a line over what it has seen, so that there is something to see.
 */
export function spark(): Spark {
  const area = svg("path", { class: "spark-area" });
  const line = svg("path", { class: "spark-line" });
  const root = svg(
    "svg",
    {
      class: "spark",
      viewBox: `0 0 ${width} ${height}`,
      preserveAspectRatio: "none",
      "aria-hidden": "true",
    },
    area,
    line,
  );
  return {
    root,
    draw(values) {
      const { stroke, fill } = sparkPaths(values);
      setAttribute(line, "d", stroke);
      setAttribute(area, "d", fill);
    },
  };
}

export function sparkPaths(values: Float64Array): { stroke: string; fill: string } {
  let most = 0;
  for (const value of values) if (value > most) most = value;
  const scale = most > 0 ? (height - 3) / most : 0;
  const known = values.findIndex((value) => !Number.isNaN(value));
  const first = Math.max(0, Math.min(known, values.length - seenMin));
  let stroke = "";
  let fill = "";
  let startX = "";
  let lastX = "";
  for (let index = 0; index <= values.length; index++) {
    const value = values[index] ?? Number.NaN;
    if (Number.isNaN(value)) {
      if (startX !== "") fill += `L${lastX},${height}L${startX},${height}Z`;
      startX = "";
      continue;
    }
    const x = (((index - first) / (values.length - 1 - first)) * width).toFixed(1);
    const y = (height - 1.5 - value * scale).toFixed(1);
    const step = `${startX === "" ? "M" : "L"}${x},${y}`;
    stroke += step;
    fill += step;
    if (startX === "") startX = x;
    lastX = x;
  }
  return { stroke, fill };
}

export interface StripValues {
  p50Ns: number;
  p99Ns: number;
  maxNs: number;
  thresholdNs: number;
}

/** All strips share one scale, so that stages can be compared: 100 ns to 10 s. */
const decadeFirst = 2;
const decadeLast = 10;
const stripWidth = 200;
const stripHeight = 16;

function stripX(ns: number): number {
  const decades = (Math.log10(ns) - decadeFirst) / (decadeLast - decadeFirst);
  return Math.min(1, Math.max(0, decades)) * (stripWidth - 4) + 2;
}

export interface Strip {
  root: SVGSVGElement;
  draw(values: StripValues): void;
}

/** p50 to p99 as a bar, to the maximum as a line, the threshold as a tick. */
export function strip(): Strip {
  const grid = [3, 4, 5, 6, 7, 8, 9].map((decade) => {
    const x = stripX(10 ** decade).toFixed(1);
    return svg("path", {
      class: decade % 3 === 0 ? "strip-unit" : "strip-grid",
      d: `M${x},0V${stripHeight}`,
    });
  });
  const tail = svg("path", { class: "strip-tail" });
  const bar = svg("rect", { class: "strip-bar", y: "5", height: "6", rx: "1" });
  const limit = svg("path", { class: "strip-limit" });
  const root = svg(
    "svg",
    {
      class: "strip",
      viewBox: `0 0 ${stripWidth} ${stripHeight}`,
      preserveAspectRatio: "none",
      "aria-hidden": "true",
    },
    ...grid,
    tail,
    bar,
    limit,
  );
  return {
    root,
    draw({ p50Ns, p99Ns, maxNs, thresholdNs }) {
      const known = Number.isFinite(p50Ns) && Number.isFinite(p99Ns);
      const from = known ? stripX(p50Ns) : 0;
      const to = known ? Math.max(stripX(p99Ns), from + 2) : 0;
      setAttribute(bar, "x", from.toFixed(1));
      setAttribute(bar, "width", known ? (to - from).toFixed(1) : "0");
      setAttribute(tail, "d", known ? `M${from.toFixed(1)},8H${stripX(maxNs).toFixed(1)}` : "");
      const limited = Number.isFinite(thresholdNs);
      setAttribute(limit, "d", limited ? `M${stripX(thresholdNs).toFixed(1)},1V15` : "");
      root.classList.toggle("over", known && p99Ns > thresholdNs);
    },
  };
}
