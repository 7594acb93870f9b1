/** The two tables of `hftedge top`: stages with their latencies, and signals. */
import { count, decimal, duration, percent } from "../unit.ts";
import { line, type Code, type Span, type TopLook, type TopSort } from "./top-line.ts";
import type { TopModel, TopSignal, TopStage } from "./top-model.ts";

/** Widths; 0 leaves a column out. Where the threshold is, the mark at a time over it stays. */
interface StageColumns {
  rate: number;
  time: number;
  /** Of p99.9: the maximum tells of the same tail. */
  tail: number;
  limit: number;
}

const wideStages: StageColumns = { rate: 11, time: 10, tail: 10, limit: 10 };
const narrowStages: StageColumns = { rate: 10, time: 9, tail: 9, limit: 0 };
const tinyStages: StageColumns = { rate: 0, time: 9, tail: 0, limit: 0 };
/** The longest name that a stage has. */
const nameWidth = 24;
const successWidth = 9;

function stageColumns({ columns }: TopLook): StageColumns {
  const fits = ({ rate, time, tail, limit }: StageColumns): boolean =>
    nameWidth + rate + 3 * time + tail + successWidth + limit <= columns;
  return [wideStages, narrowStages].find(fits) ?? tinyStages;
}

function column(text: string, width: number): string {
  return width === 0 ? "" : text.padStart(width);
}

export function stageLines(model: TopModel, rows: number, look: TopLook): string[] {
  if (model.stages.length === 0) return [line([{ text: "No latencies yet.", code: "dim" }], look)];
  const widths = stageColumns(look);
  const { rate, time, tail, limit } = widths;
  const head = [
    "STAGE".padEnd(nameWidth),
    column("RATE", rate),
    column("P50", time),
    column("P99", time),
    column("P99.9", tail),
    column("MAX", time),
    column("SUCCESS", successWidth),
    column("LIMIT", limit),
  ].join("");
  const fits = model.stages.length <= rows;
  const shown = fits ? model.stages : model.stages.slice(0, Math.max(1, rows - 1));
  const more = `… and ${model.stages.length - shown.length} more, with a taller terminal`;
  return [
    line([{ text: head, code: "bold" }], look),
    ...shown.map((stage) => stageLine(stage, model.clocksAgree, widths, look)),
    ...(fits ? [] : [line([{ text: more, code: "dim" }], look)]),
  ];
}

/** Needs clocks that agree; where they do not, only its changes mean something. */
const clockStage = "network_latency";

function stageLine(
  stage: TopStage,
  clocksAgree: boolean,
  widths: StageColumns,
  look: TopLook,
): string {
  const name = stage.name === clockStage && !clocksAgree ? `${stage.name} ~` : stage.name;
  const time = (ns: number, width = widths.time): Span => {
    const over = ns > stage.thresholdNs;
    // The mark says what the colour says.
    const text = `${over ? "!" : ""}${duration(ns)}`;
    return { text: column(text, width), code: over ? "red" : undefined };
  };
  return line(
    [
      { text: name.slice(0, nameWidth).padEnd(nameWidth) },
      { text: column(`${count(stage.ratePerS)}/s`, widths.rate) },
      time(stage.p50Ns),
      time(stage.p99Ns),
      time(stage.p999Ns, widths.tail),
      time(stage.maxNs),
      { text: percent(stage.successShare).padStart(successWidth) },
      { text: column(duration(stage.thresholdNs), widths.limit) },
    ],
    look,
  );
}

/** Signals in the chosen order; equal ones by symbol, so that rows do not dance. */
export function sortSignals(signals: readonly TopSignal[], sort: TopSort): TopSignal[] {
  const key = (signal: TopSignal): number => {
    if (sort === "newest") return -signal.emittedMs;
    if (sort === "slowest") return -signal.latencyNs;
    return sort === "confidence" ? -signal.confidence : 0;
  };
  return signals.toSorted((a, b) => {
    const difference = key(a) - key(b);
    if (difference !== 0 && Number.isFinite(difference)) return difference;
    return a.symbol < b.symbol ? -1 : a.symbol > b.symbol ? 1 : 0;
  });
}

const signalHead = "SYMBOL            SIGNAL   CONF  SOURCE          AGE    LATENCY       PRICE";

export function signalLines(shown: readonly TopSignal[], look: TopLook): string[] {
  return [
    line([{ text: signalHead, code: "bold" }], look),
    ...shown.map((signal) => signalLine(signal, look)),
  ];
}

/** The offset that keeps the last page full. */
export function clampOffset(offset: number, total: number, rows: number): number {
  return Math.max(0, Math.min(offset, total - rows));
}

function signalLine(signal: TopSignal, look: TopLook): string {
  const decision = signal.signal.toUpperCase();
  const code: Code = decision === "BUY" ? "green" : decision === "SELL" ? "red" : "dim";
  const confidence = Number.isFinite(signal.confidence)
    ? `${Math.round(signal.confidence * 100)} %`
    : "-";
  return line(
    [
      { text: signal.symbol.slice(0, 16).padEnd(18) },
      { text: decision.padEnd(6), code },
      { text: confidence.padStart(7) },
      { text: `  ${signal.source.slice(0, 8).padEnd(8)}` },
      { text: duration(Math.max(0, look.nowMs - signal.emittedMs) * 1e6).padStart(11) },
      { text: duration(signal.latencyNs).padStart(11) },
      { text: decimal(signal.price).padStart(12) },
    ],
    look,
  );
}
