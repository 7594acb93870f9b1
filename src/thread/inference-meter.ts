/** Inference's counters, gauges and durations on the telemetry board. */
import type { Meter, Part } from "../inference/meter.ts";
import type { BoardWriter } from "../telemetry/board.ts";
import { inferenceErrorLabels, Metric } from "../telemetry/metric.ts";
import { Stage } from "../telemetry/stage.ts";

const stageOf: Readonly<Record<Part, Stage>> = {
  processing: Stage.ollamaProcessing,
  load: Stage.ollamaLoad,
  wait: Stage.ollamaWait,
  prompt: Stage.ollamaPrompt,
  eval: Stage.ollamaEval,
  client: Stage.ollamaClient,
  l2: Stage.cacheAccessL2,
};

export function meterOn(board: BoardWriter): Meter {
  const ids = Metric.inference;
  return {
    count: (what, times = 1) => board.count(ids[what], times),
    error: (label) => board.count(ids.errors + inferenceErrorLabels.indexOf(label)),
    gauge: (what, value) => board.gauge(ids[what], value),
    record: (part, valueNs) => board.record(stageOf[part], valueNs),
    fail: (valueNs) => board.fail(Stage.ollamaProcessing, valueNs),
  };
}
