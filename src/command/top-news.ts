/**
 * Keeps what the stream told last. Its `status` event is the reply of /api/v1/status; it is read
 * field by field, because the run may be of another version than this program: what is missing or
 * of another kind is unknown, and the rest is shown.
 */
import type { StreamEvent } from "../web/event-stream.ts";
import { byteCount, count, duration, percent } from "../unit.ts";
import type { TopAlert, TopModel, TopSignal, TopStage } from "./top-model.ts";

/** Bounds on what a server may make us keep and draw. */
const signalsMax = 1000;
const stagesMax = 100;
const alertsMax = 1000;
const textMax = 200;

type Json = Readonly<Record<string, unknown>>;

function object(value: unknown): Json {
  return typeof value === "object" && value !== null ? (value as Json) : {};
}

function number(value: unknown): number {
  return typeof value === "number" ? value : Number.NaN;
}

/** Without control characters: a name out of the network must not move the cursor. */
function text(value: unknown): string {
  if (typeof value !== "string") return "";
  return value.slice(0, textMax).replace(/\p{Cc}/gu, "?");
}

function list<T>(value: unknown, max: number, read: (item: Json) => T): T[] {
  return Array.isArray(value) ? value.slice(0, max).map((item) => read(object(item))) : [];
}

function stageOf(item: Json): TopStage {
  return {
    name: text(item["name"]),
    ratePerS: number(item["ratePerS"]),
    p50Ns: number(item["p50Ns"]),
    p99Ns: number(item["p99Ns"]),
    p999Ns: number(item["p999Ns"]),
    maxNs: number(item["maxNs"]),
    successShare: number(item["successRate"]),
    thresholdNs: number(item["thresholdNs"]),
  };
}

/** A value in the unit that alerts name: "ns", "bytes", "ratio", or none. */
function measure(value: number, unit: string): string {
  if (unit === "ns") return duration(value);
  if (unit === "bytes") return byteCount(value);
  return unit === "ratio" ? percent(value) : count(value);
}

function alertOf(item: Json): TopAlert {
  const unit = text(item["unit"]);
  const worst = measure(number(item["worst"]), unit);
  const limit = measure(number(item["limit"]), unit);
  return {
    severity: text(item["severity"]),
    words: `${text(item["summary"]).replace(/\.$/, "")} (worst ${worst}, limit ${limit})`,
    openedMs: number(item["openedMs"]),
    count: number(item["count"]),
  };
}

function signalOf(item: Json): TopSignal {
  const price = number(item["price"]);
  return {
    symbol: text(item["symbol"]),
    signal: text(item["signal"]),
    confidence: number(item["confidence"]),
    source: text(item["source"]),
    price: price === 0 ? Number.NaN : price,
    // Epoch ns as text, because a double cannot hold it.
    emittedMs: Number(text(item["emitTime"]).slice(0, -6) || Number.NaN),
    latencyNs: number(item["latencyNs"]),
  };
}

/** A status as the model that is drawn. */
export function modelOf(status: Json, nowMs: number): TopModel {
  const readiness = object(status["readiness"]);
  const feed = object(status["feed"]);
  const cache = object(status["cache"]);
  const inference = object(status["inference"]);
  const host = object(status["host"]);
  const store = object(status["store"]);
  const signals = object(status["signals"]);
  return {
    version: text(status["version"]),
    startedMs: number(status["startedMs"]),
    readiness: text(readiness["status"]) || "unknown",
    reasons: list(readiness["reasons"], alertsMax, (item) => text(item["message"])),
    clocksAgree: status["clocksAgree"] !== false,
    feed: {
      datagramsPerS: number(feed["datagramsPerS"]),
      messagesPerS: number(feed["messagesPerS"]),
      drops: number(feed["drops"]),
      gaps: number(feed["gaps"]),
      staleChannels: number(feed["staleChannels"]),
      channels: number(feed["channels"]),
      instruments: number(feed["instruments"]),
    },
    cache: {
      l1Share: number(cache["l1Share"]),
      l2Share: number(cache["l2Share"]),
      missesPerS: number(cache["missesPerS"]),
      pending: number(cache["pending"]),
    },
    inference: {
      model: text(inference["model"]) || text(inference["engine"]),
      answersPerS: number(inference["answersPerS"]),
      queued: number(inference["queued"]),
      inFlight: number(inference["inFlight"]),
      hosts: number(inference["hosts"]),
      hostsUp: number(inference["hostsUp"]),
      errors: number(inference["errors"]),
    },
    process: {
      memoryBytes: number(host["residentBytes"]),
      cpuShare: number(host["cpuRatio"]),
      storeBytes: number(store["bytes"]),
      store: text(store["state"]),
    },
    stages: list(status["stages"], stagesMax, stageOf),
    alerts: list(status["alerts"], alertsMax, alertOf),
    signalsPerS: number(signals["perS"]),
    signals: list(signals["newest"], signalsMax, signalOf),
    atMs: number(status["atMs"]),
    updatedMs: nowMs,
  };
}

/** Before the first news. */
export const emptyModel: TopModel = modelOf({}, Number.NaN);

export class TopNews {
  #model = emptyModel;
  /** Events that were not understood. */
  unknown = 0;

  /** True when there is something to show. */
  get complete(): boolean {
    return this.#model !== emptyModel;
  }

  model(): TopModel {
    return this.#model;
  }

  take({ event, data }: StreamEvent, nowMs: number): void {
    if (event !== "status") return;
    try {
      this.#model = modelOf(object(JSON.parse(data)), nowMs);
    } catch {
      this.unknown++;
    }
  }
}
