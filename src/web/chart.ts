/**
 * Latency over time: the heat map of all values, percentile lines over it, the threshold, alerts,
 * and the stretches in which nothing was measured. Dragging selects a range.
 */
import uPlot from "uplot";
import { duration } from "../unit.ts";
import { emptyRuns, type HeatData, heatPixels, stepTotals } from "./heat.ts";
import { tickLabel, timeTicks } from "./instant.ts";
import type { Palette } from "./palette.ts";

export interface ChartAlert {
  openedMs: number;
  /** NaN while it is open. */
  resolvedMs: number;
  severity: string;
}

export interface ChartData {
  fromS: number;
  toS: number;
  heat: HeatData;
  /** Epoch s of each point, and beside it p50, p99, p99.9 in ns; null where nothing was measured. */
  times: number[];
  lines: (number | null)[][];
  thresholdNs: number;
  alerts: readonly ChartAlert[];
  /** Epoch s after which nothing can be known yet. */
  nowS: number;
}

export interface Cursor {
  timeS: number;
  latencyNs: number;
}

export interface ChartOptions {
  host: HTMLElement;
  palette(): Palette;
  onSelect(fromS: number, toS: number): void;
  onCursor(cursor: Cursor | undefined): void;
}

/** Narrower selections are clicks. */
const selectionPixelsMin = 6;
const alertBandPixels = 6;
const paddingRight = 12;
/** Half of "00:00:00". */
const labelPixels = 26;

export class LatencyChart {
  readonly #options: ChartOptions;
  #plot: uPlot | undefined;
  #data: ChartData | undefined;
  #image: HTMLCanvasElement | undefined;
  #empty: [number, number][] = [];

  constructor(options: ChartOptions) {
    this.#options = options;
    new ResizeObserver(() => this.#resize()).observe(options.host);
  }

  show(data: ChartData): void {
    this.#data = data;
    this.#image = heatImage(data.heat, this.#options.palette());
    this.#empty = emptyRuns(stepTotals(data.heat));
    const rows = [data.times, ...data.lines, ...data.lines] as unknown as uPlot.AlignedData;
    if (this.#plot === undefined) this.#plot = new uPlot(this.#plan(), rows, this.#options.host);
    else this.#plot.setData(rows);
  }

  /** Colours are read anew. */
  restyle(): void {
    this.#plot?.destroy();
    this.#plot = undefined;
    if (this.#data !== undefined) this.show(this.#data);
  }

  #resize(): void {
    this.#plot?.setSize(this.#size());
  }

  #size(): { width: number; height: number } {
    const { clientWidth, clientHeight } = this.#options.host;
    return { width: Math.max(240, clientWidth), height: Math.max(160, clientHeight) };
  }

  #plan(): uPlot.Options {
    const palette = this.#options.palette();
    const font = "11px " + getComputedStyle(document.body).fontFamily;
    const axis: uPlot.Axis = {
      stroke: palette.dim,
      font,
      grid: { stroke: palette.grid, width: 1 },
      ticks: { stroke: palette.grid, width: 1, size: 4 },
    };
    // A line as bright as the cells below it must still be seen: each has a dark or light seam.
    const seam = line(palette.panel, 3.5);
    return {
      ...this.#size(),
      legend: { show: false },
      padding: [10, paddingRight, 0, 0],
      scales: {
        x: { time: false, range: () => [this.#data!.fromS, this.#data!.toS] },
        y: { distr: 3, log: 10, range: () => latencyRange(this.#data!) },
      },
      series: [
        {},
        { ...seam },
        { ...seam },
        { ...seam },
        line(palette.p50, 1.75),
        line(palette.p99, 1.75, [7, 3]),
        line(palette.p999, 1.75, [2, 3]),
      ],
      axes: [
        {
          ...axis,
          size: 26,
          gap: 4,
          space: 90,
          incrs: tickIncrements,
          splits: (_, _axis, from, to, increment) => timeTicks(from, to, increment),
          values: (plot, ticks, _axis, _space, increment) =>
            ticks.map((tick) => (labelFits(plot, tick) ? tickLabel(tick, increment) : "")),
        },
        {
          ...axis,
          size: 62,
          gap: 6,
          space: 26,
          splits: (_, _axis, low, high) => latencyTicks(low, high),
          filter: (_, ticks) => ticks,
          values: (_, ticks) => ticks.map((tick) => tickText(tick)),
        },
      ],
      cursor: {
        drag: { x: true, y: false, setScale: false, dist: selectionPixelsMin },
        points: { show: false },
      },
      hooks: {
        drawClear: [(plot) => this.#drawGround(plot)],
        draw: [(plot) => this.#drawMarks(plot)],
        setSelect: [(plot) => this.#select(plot)],
        setCursor: [(plot) => this.#move(plot)],
      },
    };
  }

  /** Under the grid and the lines. */
  #drawGround(plot: uPlot): void {
    const data = this.#data!;
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    const { heat, nowS } = data;
    const atStep = (step: number): number =>
      plot.valToPos(heat.fromS + step * heat.stepS, "x", true);
    for (const [from, to] of this.#empty) {
      // What has not happened yet is not missing.
      const end = Math.min(heat.fromS + to * heat.stepS, nowS - 2);
      const right = plot.valToPos(end, "x", true);
      if (right > atStep(from)) this.#hatch(plot, atStep(from), right);
    }
    const image = this.#image;
    if (image !== undefined) {
      const left = Math.round(atStep(0));
      const width = Math.round(atStep(heat.steps)) - left;
      const bands = heat.edgesNs.length - 1;
      ctx.imageSmoothingEnabled = false;
      for (let band = 0; band < bands; band++) {
        const bottom = Math.round(plot.valToPos(Math.max(1, heat.edgesNs[band]!), "y", true));
        const top = Math.round(plot.valToPos(heat.edgesNs[band + 1]!, "y", true));
        const row = bands - 1 - band;
        ctx.drawImage(image, 0, row, heat.steps, 1, left, top, width, Math.max(1, bottom - top));
      }
    }
    ctx.restore();
  }

  #hatch({ ctx, bbox }: uPlot, left: number, right: number): void {
    const palette = this.#options.palette();
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, bbox.top, right - left, bbox.height);
    ctx.clip();
    ctx.strokeStyle = palette.hatch;
    ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    const gap = 8 * devicePixelRatio;
    // Lines start on one raster, so that neighbouring stretches look like one.
    const first = Math.floor((left - bbox.height) / gap) * gap;
    for (let x = first; x < right; x += gap) {
      ctx.moveTo(x, bbox.top + bbox.height);
      ctx.lineTo(x + bbox.height, bbox.top);
    }
    ctx.stroke();
    ctx.restore();
  }

  /** Over everything: the threshold, and when alerts were open. */
  #drawMarks(plot: uPlot): void {
    const palette = this.#options.palette();
    const { ctx, bbox } = plot;
    const { thresholdNs, alerts, toS } = this.#data!;
    const pixel = devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top - 10 * pixel, bbox.width, bbox.height + 10 * pixel);
    ctx.clip();
    if (Number.isFinite(thresholdNs)) {
      const y = Math.round(plot.valToPos(thresholdNs, "y", true));
      ctx.strokeStyle = palette.limit;
      ctx.lineWidth = pixel;
      ctx.setLineDash([10 * pixel, 4 * pixel, 2 * pixel, 4 * pixel]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
      ctx.setLineDash([]);
      ctx.fillStyle = palette.limit;
      ctx.font = `${11 * pixel}px ${getComputedStyle(document.body).fontFamily}`;
      ctx.textAlign = "right";
      ctx.textBaseline = "alphabetic";
      const above = y - bbox.top > 22 * pixel;
      const baseline = above ? y - 5 * pixel : y + 13 * pixel;
      ctx.strokeStyle = palette.panel;
      ctx.lineWidth = 3 * pixel;
      ctx.lineJoin = "round";
      ctx.strokeText(
        `limit ${duration(thresholdNs)}`,
        bbox.left + bbox.width - 4 * pixel,
        baseline,
      );
      ctx.fillText(`limit ${duration(thresholdNs)}`, bbox.left + bbox.width - 4 * pixel, baseline);
    }
    for (const { openedMs, resolvedMs, severity } of alerts) {
      const left = plot.valToPos(openedMs / 1000, "x", true);
      const end = Number.isNaN(resolvedMs) ? toS : resolvedMs / 1000;
      const right = Math.max(plot.valToPos(end, "x", true), left + 2 * pixel);
      if (right < bbox.left || left > bbox.left + bbox.width) continue;
      ctx.fillStyle = severity === "critical" ? palette.critical : palette.warning;
      ctx.fillRect(left, bbox.top, right - left, alertBandPixels * pixel * 0.5);
      ctx.globalAlpha = 0.55;
      ctx.fillRect(left, bbox.top, pixel, bbox.height);
      ctx.globalAlpha = 1;
      triangle(ctx, left, bbox.top - 1 * pixel, 5 * pixel);
    }
    ctx.restore();
  }

  #select(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < selectionPixelsMin) return;
    const fromS = plot.posToVal(left, "x");
    const toS = plot.posToVal(left + width, "x");
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.#options.onSelect(fromS, toS);
  }

  #move(plot: uPlot): void {
    const { left = -1, top = -1 } = plot.cursor;
    if (left < 0 || top < 0) this.#options.onCursor(undefined);
    else {
      const timeS = plot.posToVal(left, "x");
      this.#options.onCursor({ timeS, latencyNs: plot.posToVal(top, "y") });
    }
  }
}

/** Labels are centred at their ticks: beside the right edge there is no room for one. */
function labelFits(plot: uPlot, tick: number): boolean {
  const right = plot.bbox.width / devicePixelRatio + paddingRight;
  return right - plot.valToPos(tick, "x") >= labelPixels;
}

function line(stroke: string, width: number, dash: number[] = []): uPlot.Series {
  return { stroke, width, dash, points: { show: false }, spanGaps: false };
}

function triangle(ctx: CanvasRenderingContext2D, x: number, y: number, size: number): void {
  ctx.beginPath();
  ctx.moveTo(x, y);
  ctx.lineTo(x - size, y - size * 1.5);
  ctx.lineTo(x + size, y - size * 1.5);
  ctx.fill();
}

const tickIncrements = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
  172_800, 604_800, 1_209_600, 2_592_000, 5_184_000, 7_776_000,
];

/** Decades; 1, 2 and 5 of each where there are few of them. */
export function latencyTicks(low: number, high: number): number[] {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const parts = last - first > 4 ? [1] : [1, 2, 5];
  const ticks: number[] = [];
  for (let decade = first; decade <= last; decade++) {
    for (const part of parts) {
      const tick = part * 10 ** decade;
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  }
  return ticks;
}

/** "10 µs": whole units, without the digits that `duration` has for measured values. */
function tickText(ns: number): string {
  return duration(ns).replace(/\.0+ /, " ");
}

/** Room for all values and, where it is near, the threshold. */
function latencyRange({ heat, thresholdNs }: ChartData): [number, number] {
  const low = Math.max(1, heat.edgesNs[0] ?? 1000);
  const high = Math.max(low * 10, heat.edgesNs.at(-1) ?? 1e7);
  const near = Number.isFinite(thresholdNs) && thresholdNs < high * 30 && thresholdNs > low;
  return [low / 1.15, Math.max(high, near ? thresholdNs : 0) * 1.35];
}

function heatImage(heat: HeatData, palette: Palette): HTMLCanvasElement | undefined {
  const bands = heat.edgesNs.length - 1;
  if (bands < 1 || heat.steps < 1) return undefined;
  const canvas = document.createElement("canvas");
  canvas.width = heat.steps;
  canvas.height = bands;
  const pixels = new ImageData(heatPixels(heat, palette.heat), heat.steps, bands);
  canvas.getContext("2d")!.putImageData(pixels, 0, 0);
  return canvas;
}
