/**
 * Why a signal was given: its row of the history, the state and the question behind it, and, where
 * the run was recorded, the same signal again out of the recording.
 */
import { join } from "node:path";
import type { Config } from "../config/schema.ts";
import { Outcome } from "../decision/pending-slot.ts";
import { reasonNames, type Signal } from "../decision/signal.ts";
import { assert, EdgeError } from "../error.ts";
import { createPrompt } from "../inference/prompt.ts";
import { StateSpace } from "../market/state.ts";
import { HistoryReader } from "../store/query.ts";
import type { SignalRow } from "../store/schema.ts";
import { counted } from "../unit.ts";
import { candidateFrom } from "./inference-plan.ts";
import { historyFile, planRun, type RunPlan } from "./plan.ts";
import { recordDirectory, recordingFiles } from "./record-file.ts";
import { readDescription, readRecording } from "./recording-read.ts";
import { VirtualRun } from "./virtual-run.ts";

/** How far behind the signal its step may lie: notes of a turn and receive times are not in order. */
const patienceNs = 2e9;
/** Sources of signals that rest on no state. */
const stateless: ReadonlySet<string> = new Set(["stale", "late", "held"]);
/** Sources of signals that follow a question's answer. */
const answered: ReadonlySet<string> = new Set(["model", "l2", "rules", "error", "timeout"]);
const outcomeNames: Readonly<Record<number, ExplainedAnswer["outcome"]>> = {
  [Outcome.answered]: "answered",
  [Outcome.error]: "error",
  [Outcome.timeout]: "timeout",
};

export interface ExplainedBook {
  bid: number | null;
  bidSize: number;
  ask: number | null;
  askSize: number;
  last: number | null;
  lastSize: number;
}

/** The last question that was answered before the signal, when it followed one. */
export interface ExplainedAnswer {
  outcome: "answered" | "error" | "timeout" | "unknown";
  /** Why there was no answer; empty when there was. */
  reason: string;
  /** From when the state was first missed to when its answer was taken. */
  waitedMs: number;
}

export interface ExplainReplay {
  /** Whether the same signal came out. */
  reproduced: boolean;
  datagrams: number;
  files: number;
  /** Fields of the nearest signal that differ: [of the history, of the replay]. */
  differences: Record<string, readonly [unknown, unknown]>;
  /** The book on which it was decided; null when the replay did not come to it. */
  book: ExplainedBook | null;
  /** Null for a signal that did not wait for an answer. */
  answer: ExplainedAnswer | null;
  note: string;
}

export interface Explanation {
  signal: Omit<SignalRow, "id" | "run"> & { run: string };
  /** Words for the state's features; empty for a signal without a state. */
  state: string[];
  /** Null with rules, without a state, and where the key cannot be told without a recording. */
  prompt: string | null;
  /** Whether the question and the state are those of the run's own configuration, or today's. */
  configuration: "of the run" | "of today";
  /** Null where the run has no recording. */
  replay: ExplainReplay | null;
}

/** What a signal must share with the one of the history to be the same. */
const compared = [
  "signal",
  "source",
  "reason",
  "state",
  "price",
  "confidence",
  "version",
  "exchangeTime",
] as const;

/** Throws EdgeError SIGNAL_UNKNOWN, those of the history and those of a broken recording. */
export async function explain(
  today: Config,
  dataDirectory: string,
  seq: number,
  run?: string,
): Promise<Explanation> {
  const path = join(dataDirectory, historyFile);
  const row = readSignalRow(path, seq, run);
  const directory = recordDirectory(today, dataDirectory);
  const described = readDescription(directory, row.key);
  const config = described ?? today;
  const plan = planRun(config, dataDirectory, Number.parseInt(row.key, 16));
  const files = recordingFiles(directory).filter((file) => file.run === row.key);
  const { id: _id, key, ...fields } = row;
  const space = new StateSpace(plan.state);
  const found =
    described === undefined || files.length === 0
      ? undefined
      : await replaySignal(plan, row, files);
  const stateKey = found?.key ?? keyOf(space, row);
  return {
    signal: { ...fields, run: key },
    state: stateKey === undefined ? [] : space.labels(stateKey),
    prompt: stateKey === undefined ? null : promptOf(config, space, stateKey, row.symbol),
    configuration: described === undefined ? "of today" : "of the run",
    replay: found?.replay ?? null,
  };
}

function readSignalRow(path: string, seq: number, run: string | undefined) {
  const reader = new HistoryReader(path);
  try {
    const row = reader.record.signal(seq, run);
    if (row !== undefined) return row;
  } finally {
    reader.close();
  }
  throw new EdgeError(
    "SIGNAL_UNKNOWN",
    `the history has no signal ${seq}${run === undefined ? "" : ` of run ${run}`}`,
    "It keeps changes of decision, as long as store.keepDays says: hftedge query signals lists them.",
  );
}

/** A finite space's state id is its index. */
function keyOf(space: StateSpace, { state, source }: SignalRow): Uint32Array | undefined {
  if (!space.finite || stateless.has(source)) return undefined;
  const index = Number(state);
  if (!(index < space.size)) return undefined;
  const key = new Uint32Array(space.keyWords);
  space.keyOf(index, key);
  return key;
}

function promptOf(
  { inference }: Config,
  space: StateSpace,
  key: Uint32Array,
  symbol: string,
): string | null {
  if (inference.engine === "rules") return null;
  const candidate = candidateFrom(inference, space, () => symbol);
  const mode = candidate.mode === "auto" ? "logprobs" : candidate.mode;
  return createPrompt({ ...candidate.prompt, mode }).of(key);
}

async function replaySignal(
  plan: RunPlan,
  row: SignalRow,
  files: ReturnType<typeof recordingFiles>,
): Promise<{ replay: ExplainReplay; key: Uint32Array | undefined }> {
  const emitNs = Number(BigInt(row.emitTime) - BigInt(plan.baseSeconds) * 1_000_000_000n);
  const found: {
    nearest?: Signal;
    book: ExplainedBook | null;
    key?: Uint32Array;
    answer: ExplainedAnswer | null;
    reproduced: boolean;
  } = { book: null, answer: null, reproduced: false };
  const run = new VirtualRun({
    plan,
    onSignal(signal, feed) {
      const ours = signal.symbol === row.symbol && signal.inputSeq === row.inputSeq;
      if (found.reproduced || !ours || signal.feed !== row.feed || signal.refresh) return;
      found.nearest = signal;
      found.reproduced = compared.every((field) => signal[field] === row[field]);
      Object.assign(found, bookOf(run, plan, feed, signal.symbol));
      found.answer = answered.has(signal.source) ? answerOf(run) : null;
    },
  });
  let datagrams = 0;
  for await (const step of readRecording(files, plan.baseSeconds)) {
    const { head } = step;
    const atNs = head.kind === "datagram" ? head.receivedNs : head.note.timeNs;
    if (found.reproduced || atNs > emitNs + patienceNs) break;
    if (head.kind === "datagram") datagrams++;
    run.take(step);
  }
  const { reproduced, nearest, book, key, answer } = found;
  return {
    replay: {
      reproduced,
      datagrams,
      files: files.length,
      differences: differencesOf(row, reproduced ? undefined : nearest),
      book,
      answer,
      note: noteOf(reproduced, nearest, run),
    },
    key: stateless.has(row.source) ? undefined : key,
  };
}

/** What became of the question whose answer the signal followed. */
function answerOf({ answer }: VirtualRun): ExplainedAnswer | null {
  if (answer === undefined) return null;
  const { outcome, reason, askedMs, answeredNs } = answer;
  return {
    outcome: outcomeNames[outcome] ?? "unknown",
    reason: reasonNames[reason] ?? "",
    waitedMs: Math.max(0, Math.round(answeredNs / 1e3 - askedMs * 1e3) / 1e3),
  };
}

/** The book that the signal was decided on, and its state's key. */
function bookOf(
  run: VirtualRun,
  plan: RunPlan,
  feed: number,
  symbol: string,
): { book: ExplainedBook; key: Uint32Array } {
  const { instruments, books, publication } = run.core;
  const instrument = instruments.find(feed, symbol);
  assert(instrument >= 0, "a signal is of an instrument");
  const own = books[feed]!;
  const { sizeScale } = plan.feeds[feed]!;
  const scale = instruments.priceScale[instrument]!;
  const price = (scaled: number): number | null => (scaled > 0 ? scaled / scale : null);
  const { keyWords } = run.space;
  return {
    book: {
      bid: price(own.bidPrice(instrument)),
      bidSize: own.bidSize(instrument) / sizeScale,
      ask: price(own.askPrice(instrument)),
      askSize: own.askSize(instrument) / sizeScale,
      last: price(own.lastPrice(instrument)),
      lastSize: own.lastSize(instrument) / sizeScale,
    },
    key: publication.read(instrument)?.key.slice(0, keyWords) ?? new Uint32Array(keyWords),
  };
}

function differencesOf(
  row: SignalRow,
  nearest: Signal | undefined,
): Record<string, readonly [unknown, unknown]> {
  if (nearest === undefined) return {};
  const pairs = compared
    .filter((field) => nearest[field] !== row[field])
    .map((field) => [field, [row[field], nearest[field]]] as const);
  return Object.fromEntries(pairs);
}

function noteOf(reproduced: boolean, nearest: Signal | undefined, run: VirtualRun): string {
  if (reproduced) return "";
  if (!run.isWhole) {
    return "the recording begins after the run's start: what came before it is not in these books";
  }
  if (run.missing > 0) {
    return `the recording lacks ${counted(run.missing, "record")} for which there was no room`;
  }
  if (nearest === undefined) return "no signal of this symbol came of this input in the replay";
  return "";
}
