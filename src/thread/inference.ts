/**
 * The inference thread: answers states that wait, and is the only writer of the decision table.
 * Its engine is the model on Ollama or, where config says so, the rules.
 */
import { join } from "node:path";
import { PendingView } from "../decision/pending-view.ts";
import { openTable } from "../decision/table.ts";
import { realtimeNs } from "../host/libc.ts";
import { Inference } from "../inference/engine.ts";
import { type SecondLevel, SqliteSecondLevel } from "../inference/l2.ts";
import { RulesInference } from "../inference/rules-engine.ts";
import type { SymbolNames } from "../inference/state-text.ts";
import { StateSpace } from "../market/state.ts";
import { openBoard } from "../telemetry/board.ts";
import { Stage } from "../telemetry/stage.ts";
import { collectOnDemand } from "./collector.ts";
import { Control } from "./control.ts";
import { DecisionSender } from "./decision-channel.ts";
import { inferenceClock } from "./inference-clock.ts";
import { meterOn } from "./inference-meter.ts";
import { candidateFrom, limitsFrom, shadowFrom } from "./inference-plan.ts";
import { failureOf, type Start, type WorkerMessage } from "./message.ts";
import { historyFile } from "./plan.ts";
import { Publication } from "./publication.ts";
import { openAnswers } from "./shared.ts";
import { failOnDemand } from "./test-fault.ts";

declare const self: Worker;

failOnDemand(self);
self.addEventListener("message", (event: MessageEvent<Start>) => {
  if (event.data.kind !== "start") return;
  try {
    start(event.data);
  } catch (error) {
    post({ kind: "failed", failure: failureOf(error) });
  }
});

function post(message: WorkerMessage): void {
  self.postMessage(message);
}

function notice(text: string): void {
  post({ kind: "log", level: "info", text });
}

/** What either engine does. */
interface Engine {
  poll(): void;
  report(): object;
  close(): void;
}

const pollMs = 1;
const reportEveryNs = 500e6;

function start(begin: Start): void {
  const { plan, shared } = begin;
  const control = new Control(shared.control, plan.limits.heldSymbols);
  const board = openBoard(shared.board).writer("inference");
  const sender = new DecisionSender(() => performance.now());
  const engine = createEngine(begin, meterOn(board), sender);
  const collect = collectOnDemand(control);
  let dueNs = Bun.nanoseconds();
  let reportNs = 0;
  const timer = setInterval(() => {
    const nowNs = Bun.nanoseconds();
    board.record(Stage.eventLoopInference, Math.max(0, nowNs - dueNs));
    dueNs = nowNs + pollMs * 1e6;
    control.beat("inference", Math.floor(realtimeNs(plan.baseSeconds) / 1e6));
    engine.poll();
    collect();
    if (nowNs >= reportNs) {
      reportNs = nowNs + reportEveryNs;
      sender.report(engine.report());
    }
    if (!control.stopping) return;
    clearInterval(timer);
    engine.close();
    post({ kind: "stopped", report: engine.report() });
    sender.close();
  }, pollMs);
  // A finite space of the rules is decided before the first datagram.
  engine.poll();
  post({ kind: "ready", notes: [], facts: { engine: plan.config.inference.engine } });
}

function createEngine(
  { plan, shared }: Start,
  meter: ReturnType<typeof meterOn>,
  sender: DecisionSender,
): Engine {
  const { limits, config } = plan;
  const space = new StateSpace(plan.state);
  const answers = openAnswers(shared, limits);
  const record = new Uint32Array(4);
  const common = {
    table: openTable(shared.table, plan.table),
    waiting: new PendingView(shared.pending, limits.pending),
    answer(slot: number, version: number, outcome: number, reason: number): boolean {
      record[0] = slot;
      record[1] = version;
      record[2] = outcome;
      record[3] = reason;
      return answers.push(record, 0);
    },
    clock: inferenceClock(plan.baseSeconds),
    meter,
  };
  if (config.inference.engine === "rules") return new RulesInference({ ...common, space });
  const names = publishedNames(new Publication(shared.publication, limits.instruments));
  const candidate = candidateFrom(config.inference, space, names.symbolOf);
  return new Inference({
    ...common,
    space,
    names,
    fetch: (url, init) => fetch(url, init),
    secondLevel: openSecondLevel(join(plan.dataDirectory, historyFile)),
    deliver: (delivery) => sender.deliver(delivery),
    notice,
    limits: limitsFrom(config.inference),
    candidate,
    shadow: shadowFrom(config.inference, candidate),
  });
}

/** Without a history the run goes on: answers are kept in memory only. */
function openSecondLevel(path: string): SecondLevel | null {
  try {
    return new SqliteSecondLevel(path);
  } catch (error) {
    notice(`answers of earlier runs are not used: ${(error as Error).message}`);
    return null;
  }
}

/** Tickers as the feed thread has published them; each is looked up once. */
function publishedNames(publication: Publication): SymbolNames {
  const names = new Map<number, string>();
  const instruments = new Map<string, number>();
  let scanned = 0;
  const symbolOf = (instrument: number): string | null => {
    const known = names.get(instrument);
    if (known !== undefined) return known;
    const symbol = publication.read(instrument)?.symbol ?? "";
    if (symbol === "") return null;
    names.set(instrument, symbol);
    instruments.set(symbol, instrument);
    return symbol;
  };
  return {
    symbolOf,
    instrumentOf(symbol) {
      for (; scanned < publication.count; scanned++) symbolOf(scanned);
      return instruments.get(symbol) ?? -1;
    },
  };
}
