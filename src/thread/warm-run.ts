/**
 * Warming without a run: asks about states until each has an answer, keeps the answers in the
 * history, and ends. The next run finds them there.
 *
 * One thread is enough: there is no feed to be kept waiting. The data directory is held as a run
 * holds it, because the history has one writer.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pendingBytes } from "../decision/pending-slot.ts";
import { PendingView } from "../decision/pending-view.ts";
import { tableBytes } from "../decision/table-plane.ts";
import { openTable } from "../decision/table.ts";
import { EdgeError } from "../error.ts";
import { Inference } from "../inference/engine.ts";
import { SqliteSecondLevel } from "../inference/l2.ts";
import type { Meter } from "../inference/meter.ts";
import type { Delivery } from "../inference/outbox.ts";
import type { InferenceReport } from "../inference/port.ts";
import type { WarmProgress } from "../inference/warm.ts";
import { StateSpace } from "../market/state.ts";
import { emptyBatch } from "../store/batch.ts";
import { Store } from "../store/store.ts";
import { serveControl } from "./control-socket.ts";
import { candidateFrom, limitsFrom } from "./inference-plan.ts";
import { historyFile, type RunPlan } from "./plan.ts";
import { storeOptionsFrom } from "./store-plan.ts";

export interface WarmRunOptions {
  plan: RunPlan;
  what: "observed" | "all";
  /** For the history's list of runs. */
  program: { version: string; commit: string };
  notice(words: string): void;
  progress(progress: WarmProgress): void;
  /** Ends it early; what was answered is kept, and the next time goes on from there. */
  signal: AbortSignal;
}

export interface WarmOutcome extends WarmProgress {
  version: string;
  model: string;
}

const pollMs = 1;
const writeEveryMs = 500;
/** No server with the model for so long, not even one that is loading it: there is no hope. */
const hopelessMs = 15_000;
/** A server that cannot show its model for so long loses its last answers, a second's or two. */
const provenMs = 5000;
const nothing = { done: 0, failed: 0, total: 0, ratePerS: 0, leftS: null, finished: false };

/** Throws EdgeError WARM_NOTHING, ALREADY_RUNNING, MODEL_UNREACHABLE and those of the history. */
export async function warmRun(options: WarmRunOptions): Promise<WarmOutcome> {
  const { plan } = options;
  const space = new StateSpace(plan.state);
  refuse(options, space);
  mkdirSync(plan.dataDirectory, { recursive: true, mode: 0o700 });
  const lock = await serveControl(plan.dataDirectory, () => ({
    ok: false,
    pid: process.pid,
    message: "hftedge warm uses this data directory; it takes no holds",
    held: { all: false, symbols: [] },
  }));
  try {
    return await warmLocked(options, space);
  } finally {
    lock.stop();
  }
}

function refuse({ plan, what }: WarmRunOptions, space: StateSpace): void {
  if (plan.config.inference.engine === "rules") {
    throw new EdgeError(
      "WARM_NOTHING",
      "the rules decide every state at the start, so there is nothing to warm",
      "Set inference.engine to ollama.",
    );
  }
  if (what === "all" && (!space.finite || space.symbolInKey)) {
    throw new EdgeError(
      "WARM_NOTHING",
      "this state space has no list of all states: it is not finite, or has the symbol in its key",
      "Warm what earlier runs have observed: hftedge warm observed.",
    );
  }
}

async function warmLocked(options: WarmRunOptions, space: StateSpace): Promise<WarmOutcome> {
  const { plan, program } = options;
  const path = join(plan.dataDirectory, historyFile);
  const { inference: config } = plan.config;
  const store = new Store(storeOptionsFrom(plan.config.store, path), {
    key: plan.runId.toString(16).padStart(16, "0"),
    startMs: plan.runId,
    ...program,
    configHash: "",
    host: "{}",
  });
  const secondLevel = new SqliteSecondLevel(path);
  const deliveries: Delivery[] = [];
  // A space with symbols is warmed by the names that the history has: the n-th name, instrument n.
  const names = seenNames();
  const inference = new Inference({
    space,
    names,
    table: openTable(new SharedArrayBuffer(tableBytes(plan.table)), plan.table),
    waiting: new PendingView(new SharedArrayBuffer(pendingBytes(1)), 1),
    answer: () => true,
    clock: {
      nowMs: () => Math.floor(performance.now()),
      nowNs: () => Bun.nanoseconds(),
      epochS: () => Math.floor(Date.now() / 1000),
    },
    fetch: (url, init) => fetch(url, init),
    secondLevel,
    deliver(delivery) {
      deliveries.push(delivery);
      return true;
    },
    meter: silentMeter,
    notice: options.notice,
    limits: { ...limitsFrom(config), warm: options.what },
    candidate: candidateFrom(config, space, names.symbolOf),
    shadow: null,
  });
  const write = (): void => {
    const nowMs = Date.now();
    const batch = emptyBatch(Math.floor(nowMs / 1000));
    for (const { versions, decisions, uses } of deliveries.splice(0)) {
      batch.versions.push(...versions);
      batch.decisions.push(...decisions);
      batch.uses.push(...uses);
    }
    store.commit(batch, nowMs);
    for (const { message } of store.notices()) options.notice(message);
  };
  try {
    return await untilWarm(inference, options, write);
  } finally {
    inference.close();
    write();
    secondLevel.close();
    store.close(Date.now());
  }
}

async function untilWarm(
  inference: Inference,
  { progress, signal }: WarmRunOptions,
  write: () => void,
): Promise<WarmOutcome> {
  let hopefulMs = performance.now();
  let writtenMs = 0;
  for (;;) {
    inference.poll();
    const nowMs = performance.now();
    if (nowMs - writtenMs >= writeEveryMs) {
      writtenMs = nowMs;
      write();
      const report = inference.report();
      if (report.warm !== null) progress(report.warm);
      if (isHopeful(report)) hopefulMs = nowMs;
      if (nowMs - hopefulMs > hopelessMs) throw unreachable(report);
    }
    const { warm, version, model } = inference.report();
    if (warm?.finished === true || signal.aborted) {
      await untilProven(inference);
      return { ...(warm ?? nothing), version, model };
    }
    await Bun.sleep(pollMs);
  }
}

/** The last answers are kept once their server has shown that it still has the same model. */
async function untilProven(inference: Inference): Promise<void> {
  const endMs = performance.now() + provenMs;
  while (inference.unproven > 0 && performance.now() < endMs) {
    inference.recheck();
    inference.poll();
    await Bun.sleep(pollMs);
  }
}

function isHopeful({ hosts }: InferenceReport): boolean {
  return hosts.some(({ status }) => ["loading", "warming", "ready"].includes(status));
}

function unreachable({ hosts, model }: InferenceReport): EdgeError {
  const words = hosts.map(({ url, status, lastError }) => `${url} is ${status} (${lastError})`);
  return new EdgeError(
    "MODEL_UNREACHABLE",
    `no server answers for ${model}: ${words.join(", ")}`,
    "Start Ollama, or name its address with --inference-hosts; hftedge doctor says more.",
  );
}

/** Numbers for names, in the order in which they are met. */
function seenNames() {
  const names: string[] = [];
  const numbers = new Map<string, number>();
  return {
    symbolOf: (instrument: number) => names[instrument] ?? null,
    instrumentOf(symbol: string): number {
      const known = numbers.get(symbol);
      if (known !== undefined) return known;
      numbers.set(symbol, names.length);
      return names.push(symbol) - 1;
    },
  };
}

const silentMeter: Meter = {
  count: () => undefined,
  error: () => undefined,
  gauge: () => undefined,
  record: () => undefined,
  fail: () => undefined,
};
