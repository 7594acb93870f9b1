/** The ops thread: history, alerts, HTTP. */
import { openSignals } from "./shared.ts";
import { realtimeNs } from "../host/libc.ts";
import { signalWords } from "../decision/signal.ts";
import { Control } from "./control.ts";
import { failureOf, type Start, type WorkerMessage } from "./message.ts";

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

const pollMs = 50;

function start({ plan, shared }: Start): void {
  const control = new Control(shared.control, plan.limits.heldSymbols);
  const signals = openSignals(shared.signalsOps, plan.limits);
  const record = new Uint32Array(signalWords);
  const timer = setInterval(() => {
    control.beat("ops", Math.floor(realtimeNs(plan.baseSeconds) / 1e6));
    while (signals.shift(record, 0));
    if (!control.stopping) return;
    clearInterval(timer);
    post({ kind: "stopped", report: null });
  }, pollMs);
  post({ kind: "ready", notes: [], facts: {} });
}
