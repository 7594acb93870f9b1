/** /metrics in Prometheus' text format 0.0.4, with classic histograms. */
import { cellCount, highestOf } from "../telemetry/bucket.ts";
import { channelMetricName } from "../store/collect.ts";
import { labelsAt, metricSpecs } from "../telemetry/metric.ts";
import { stages } from "../telemetry/stage.ts";
import type { ApiSource } from "./source.ts";

/** Upper bounds in ns: 1, 2, 5 to each decade from 100 ns to 50 s. */
const boundsNs = Array.from(
  { length: 27 },
  (_, i) => [1, 2, 5][i % 3]! * 10 ** (2 + Math.floor(i / 3)),
);
/** The last cell of each bucket: a value of the cell that holds the bound may be 0.8 % above it. */
const lastCells = boundsNs.map((bound) => {
  let cell = 0;
  while (cell + 1 < cellCount && highestOf(cell + 1) <= bound * 1.008) cell++;
  return cell;
});

type Labels = Readonly<Record<string, string>>;

function sample(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escape(text)}"`);
  const where = pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
  return `${name}${where} ${number(value)}\n`;
}

function escape(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function number(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return String(value);
}

function head(name: string, type: string, help: string): string {
  const text = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return `# HELP ${name} ${text}\n# TYPE ${name} ${type}\n`;
}

export function metricsText({ board, channelNames, channelHelp, build }: ApiSource): string {
  let text = head("hftedge_build_info", "gauge", "Version and commit of the program.");
  text += sample("hftedge_build_info", build, 1);
  for (const spec of metricSpecs) {
    const { name, kind, help, thread, id, cells } = spec;
    text += head(name, kind, help);
    const values = kind === "counter" ? board.counters[thread].totals : board.gauges[thread];
    for (let i = 0; i < cells; i++) text += sample(name, labelsAt(spec, i), values[id + i]!);
  }
  channelNames.counts.forEach((count, cell) => {
    const name = channelMetricName(count);
    text += head(name, "counter", channelHelp[cell] ?? count);
    channelNames.channels.forEach((channel, index) => {
      text += sample(name, { channel }, board.channels[index]!.totals[cell]!);
    });
  });
  return text + stageText(board);
}

function stageText(board: ApiSource["board"]): string {
  const name = "hftedge_stage_duration_seconds";
  let text = head(name, "histogram", "Durations by stage; bounds hold to within 0.8 %.");
  for (const { id, name: stage } of stages) {
    const { cells, count, sumNs } = board.stageTotals[id]!;
    let cell = 0;
    let below = 0;
    boundsNs.forEach((bound, index) => {
      for (; cell <= lastCells[index]!; cell++) below += cells[cell]!;
      text += sample(`${name}_bucket`, { stage, le: number(bound / 1e9) }, below);
    });
    text += sample(`${name}_bucket`, { stage, le: "+Inf" }, count);
    text += sample(`${name}_sum`, { stage }, sumNs / 1e9);
    text += sample(`${name}_count`, { stage }, count);
  }
  const errors = "hftedge_stage_errors_total";
  text += head(errors, "counter", "Failures by stage, with or without a duration.");
  for (const { id, name: stage } of stages) {
    text += sample(errors, { stage }, board.stageTotals[id]!.errors);
  }
  const breaches = "hftedge_stage_breaches_total";
  text += head(breaches, "counter", "Durations above the stage's threshold.");
  for (const { id, name: stage } of stages) {
    text += sample(breaches, { stage }, board.stageTotals[id]!.breaches);
  }
  return text;
}
