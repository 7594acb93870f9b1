/**
 * The inference thread: answers states that wait, and is the only writer of the decision table.
 * With the rules engine a finite space is filled before the first datagram, so nothing ever waits.
 */
import { Outcome, PendingView } from "../decision/pending.ts";
import { Reason } from "../decision/signal.ts";
import { openTable, Origin } from "../decision/table.ts";
import { realtimeNs } from "../host/libc.ts";
import { createRules, rulesRevision } from "../inference/rules.ts";
import { StateSpace } from "../market/state.ts";
import { openBoard } from "../telemetry/board.ts";
import { Metric } from "../telemetry/metric.ts";
import { Control } from "./control.ts";
import { failureOf, type Start, type WorkerMessage } from "./message.ts";
import { openAnswers } from "./shared.ts";

declare const self: Worker;

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

const pollMs = 1;

function start({ plan, shared }: Start): void {
  const space = new StateSpace(plan.state);
  const table = openTable(shared.table, plan.table);
  const rules = createRules(space);
  const answers = openAnswers(shared, plan.limits);
  const pending = new PendingView(shared.pending, plan.limits.pending);
  const control = new Control(shared.control, plan.limits.heldSymbols);
  const board = openBoard(shared.board).writer("inference");
  const key = new Uint32Array(space.keyWords);
  const version = Bun.hash(`${rulesRevision}\n${space.fingerprint}`);

  table.clearShadow();
  if (space.finite) {
    const nowS = epochS();
    for (let index = 0; index < space.size; index++) {
      space.keyOf(index, key);
      const { decision, confidence } = rules(key);
      table.writeShadow(key, index, asDecision(decision), scaled(confidence), Origin.rules, nowS);
    }
    board.count(Metric.inference.rulesDecisions, space.size);
  }
  table.activate(Number(BigInt(version) & 0xffff_ffffn), Number(BigInt(version) >> 32n));

  const told = new Uint32Array(plan.limits.pending);
  const answer = new Uint32Array(4);
  const timer = setInterval(() => {
    control.beat("inference", Math.floor(realtimeNs(plan.baseSeconds) / 1e6));
    if (control.stopping) {
      clearInterval(timer);
      post({ kind: "stopped", report: null });
      return;
    }
    for (let slot = 0; slot < pending.capacity; slot++) {
      const asked = pending.version(slot);
      if (asked === 0 || told[slot] === asked || !pending.readKey(slot, asked, key)) continue;
      const { decision, confidence } = rules(key);
      table.write(
        key,
        pending.index(slot),
        asDecision(decision),
        scaled(confidence),
        Origin.rules,
        epochS(),
      );
      board.count(Metric.inference.rulesDecisions);
      answer[0] = slot;
      answer[1] = asked;
      answer[2] = Outcome.answered;
      answer[3] = Reason.none;
      if (answers.push(answer, 0)) told[slot] = asked;
    }
  }, pollMs);
  post({ kind: "ready", notes: [], facts: { engine: "rules" } });
}

function epochS(): number {
  return Math.floor(Date.now() / 1000);
}

function asDecision(decision: number): 1 | 2 | 3 {
  return decision as 1 | 2 | 3;
}

function scaled(confidence: number): number {
  return Math.round(confidence * 10_000);
}
