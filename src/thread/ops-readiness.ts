/** Whether the service can be relied on right now, and if not, why. */
import type { Readiness } from "../http/status-schema.ts";
import { Metric } from "../telemetry/metric.ts";
import type { BoardReader } from "../telemetry/reader.ts";
import { type Control, heartbeatThreads } from "./control.ts";
import type { OpsStore } from "./ops-store.ts";
import { lateThreads } from "./service-notice.ts";

export interface ReadinessInputs {
  control: Control;
  board: BoardReader;
  store: Pick<OpsStore, "memoryOnly" | "problem">;
  engine: "ollama" | "rules";
  heartbeatMs: number;
  /** ms since the run's base, as heartbeats are. */
  nowMs: number;
}

type Reason = Readiness["reasons"][number];

export function readinessOf(inputs: ReadinessInputs): Readiness {
  const reasons = [
    ...threadReasons(inputs),
    ...feedReasons(inputs.board),
    ...inferenceReasons(inputs),
    ...storeReasons(inputs.store),
  ];
  const down = reasons.some(({ status }) => status === "not ready");
  const status = down ? "not ready" : reasons.length > 0 ? "degraded" : "ready";
  return { status, reasons };
}

function threadReasons({ control, nowMs, heartbeatMs }: ReadinessInputs): Reason[] {
  const late = lateThreads(control, nowMs, heartbeatMs);
  return heartbeatThreads.flatMap((thread): Reason[] => {
    const isNew = control.lastBeatMs(thread) === 0;
    if (!isNew && !late.includes(thread)) return [];
    const silent = `gives no sign of life for more than ${heartbeatMs} ms`;
    const part = thread === "feed" ? "feed" : "thread";
    const message = `the ${thread} thread ${isNew ? "has not started yet" : silent}`;
    return [{ part, status: "not ready", message }];
  });
}

function feedReasons({ gauges }: BoardReader): Reason[] {
  const { staleChannels, channels } = Metric.feed;
  const stale = gauges.feed[staleChannels]!;
  if (stale === 0) return [];
  const message = `${stale} of ${gauges.feed[channels]!} channels are stale: gap, silence, or end of session`;
  return [{ part: "feed", status: "degraded", message }];
}

function inferenceReasons({ engine, board }: ReadinessInputs): Reason[] {
  if (engine === "rules") return [];
  const { hosts, hostsUp } = Metric.inference;
  if (board.gauges.inference[hostsUp]! > 0) return [];
  const count = board.gauges.inference[hosts]!;
  const message =
    count === 0
      ? "no model server was asked yet: unknown states are HOLD"
      : `none of ${count} model servers answers with the model: unknown states are HOLD`;
  return [{ part: "inference", status: "degraded", message }];
}

function storeReasons(store: ReadinessInputs["store"]): Reason[] {
  if (!store.memoryOnly) return [];
  const why = store.problem === "" ? "the disk is full or failing" : store.problem;
  const message = `the history is kept in memory only: ${why}`;
  return [{ part: "store", status: "degraded", message }];
}
