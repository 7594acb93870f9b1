/**
 * The one layout of everything that the threads share. Made by the supervisor, handed to each
 * Worker, and never resized; it outlives a Worker that is started again.
 */
import { answerWords, pendingBytes } from "../decision/pending-slot.ts";
import { Ring, ringBytes } from "../decision/ring.ts";
import { signalWords } from "../decision/signal.ts";
import { tableBytes } from "../decision/table-plane.ts";
import { boardBytes } from "../telemetry/board.ts";
import { controlBytes } from "./control.ts";
import { recordRingBytes } from "../feed/record-ring.ts";
import { recordRingSize } from "./record-file.ts";
import { gapRingBytes, lineBoardBytes } from "./line-board.ts";
import type { RunLimits, RunPlan } from "./plan.ts";
import { publicationBytes } from "./publication.ts";

export interface SharedMemory {
  /** Stop, heartbeats, held symbols. Written by the supervisor, but for each thread's heartbeat. */
  control: SharedArrayBuffer;
  /** Histograms, counters, gauges. One writing thread for each cell; read by ops. */
  board: SharedArrayBuffer;
  /** L1. Written by inference, read by the feed. */
  table: SharedArrayBuffer;
  /** States that wait. Written by the feed, read by inference. */
  pending: SharedArrayBuffer;
  /** Answers: inference → feed. */
  answers: SharedArrayBuffer;
  /** Signals: feed → supervisor (stdout) and feed → ops (history, HTTP). */
  signalsOut: SharedArrayBuffer;
  signalsOps: SharedArrayBuffer;
  /** Books, states and decisions as they are. Written by the feed, read by anybody. */
  publication: SharedArrayBuffer;
  /** Lines of feeds, and gaps that have ended: feed → ops. */
  lines: SharedArrayBuffer;
  gaps: SharedArrayBuffer;
  /** Datagrams as they came, on their way to a file: feed → ops. */
  record: SharedArrayBuffer;
}

export function sharedBytes(plan: RunPlan): Record<keyof SharedMemory, number> {
  const { limits } = plan;
  return {
    control: controlBytes(limits.heldSymbols),
    board: boardBytes(),
    table: tableBytes(plan.table),
    pending: pendingBytes(limits.pending),
    answers: ringBytes(limits.answerRing, answerWords),
    signalsOut: ringBytes(limits.signalRing, signalWords),
    signalsOps: ringBytes(limits.signalRing, signalWords),
    publication: publicationBytes(limits.instruments),
    lines: lineBoardBytes(plan.feeds.length),
    gaps: gapRingBytes(),
    record: recordRingBytes(recordRingSize(plan.config)),
  };
}

export function createShared(plan: RunPlan): SharedMemory {
  const sizes = sharedBytes(plan);
  const entries = Object.entries(sizes).map(([name, size]) => [name, new SharedArrayBuffer(size)]);
  return Object.fromEntries(entries) as SharedMemory;
}

export function openAnswers(shared: SharedMemory, limits: RunLimits): Ring {
  return new Ring(shared.answers, limits.answerRing, answerWords);
}

export function openSignals(memory: SharedArrayBuffer, limits: RunLimits): Ring {
  return new Ring(memory, limits.signalRing, signalWords);
}
