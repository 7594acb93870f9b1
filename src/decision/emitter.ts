/**
 * From a decision to a signal: whether it is said at all (change, state or every), the per-symbol
 * rate limit, the record, and the memory of what was said last. Writes into one preallocated record.
 */
import type { BookSet } from "../market/book.ts";
import type { InstrumentTable } from "../market/instrument.ts";
import { Metric } from "../telemetry/metric.ts";
import {
  Decision,
  Field,
  initialiseRecord,
  Reason,
  RecordKind,
  setEpochNs,
  setKindAndFlags,
  setText16,
  setU64,
  SignalFlag,
  signalWords,
  Source,
  unknownAgeMs,
} from "./signal.ts";
import { Standing } from "./standing.ts";
import { hashKey } from "./table-plane.ts";
import type { DecisionReader } from "./table.ts";

export const EmitMode = { change: 0, state: 1, every: 2 } as const;
export type EmitMode = (typeof EmitMode)[keyof typeof EmitMode];

/** Where records go: other threads' rings, sockets. Called on the hot path. */
export interface SignalSink {
  /** One finished record; valid until the call returns. */
  take(record: Uint32Array): void;
  /** The batch is over: send what was gathered. */
  flush(): void;
}

export interface EmitterFeed {
  name: string;
  /** Decimals of a scaled price. */
  priceDecimals: number;
  books: BookSet;
  /** Epoch ns of the feed's midnight, in two halves. */
  midnightHi: number;
  midnightLo: number;
  /** Receive times are of the last datagram of a burst, rather than of each. */
  receiveSampled: boolean;
}

/** What may change while it runs. */
export interface EmitterSettings {
  mode: EmitMode;
  ttlMs: number;
  /** BUY and SELL of one symbol in a second at most; 0 for no limit. */
  ratePerSymbol: number;
}

export interface EmitterOptions extends EmitterSettings {
  instruments: InstrumentTable;
  feeds: readonly EmitterFeed[];
  table: DecisionReader;
  sink: SignalSink;
  now: () => number;
  runId: number;
  /** Epoch ns of the run's base, in two halves. */
  baseHi: number;
  baseLo: number;
  keyWords: number;
  finite: boolean;
  counters: Uint32Array;
}

/** The mid with one decimal more than prices have, so that it is exact; without quotes the last trade. */
function midTimesTen(books: BookSet, instrument: number): number {
  const bid = books.bidPrice(instrument);
  const ask = books.askPrice(instrument);
  if (bid > 0 && ask > 0) return (bid + ask) * 5;
  return Math.max(0, books.lastPrice(instrument) * 10);
}

const count = Metric.feed;
const noKey = new Uint32Array(8);
const stateUnknown = -1;

export class Emitter {
  readonly standing: Standing;
  /** Signals emitted in this run, and when the last of them was. */
  sequence = 0;
  emittedNs = 0;
  readonly #options: EmitterOptions;
  readonly #record = new Uint32Array(signalWords);
  readonly #heartbeat = new Uint32Array(signalWords);
  readonly #names: Uint32Array;
  readonly #symbols: Uint32Array;
  readonly #named: Uint8Array;
  readonly #decision: Uint8Array;
  readonly #source: Uint8Array;
  readonly #reason: Uint8Array;
  readonly #confidence: Uint16Array;
  readonly #state: Float64Array;
  readonly #emitNs: Float64Array;
  readonly #rateSecond: Float64Array;
  readonly #rateCount: Uint32Array;
  readonly #counters: Uint32Array;
  #causeFeed = 0;
  #causeSequence = 0;
  #causeNs = 0;

  constructor(options: EmitterOptions) {
    const { feeds } = options;
    const instruments = options.instruments.capacity;
    this.#options = options;
    this.#counters = options.counters;
    this.standing = new Standing(instruments);
    this.#decision = new Uint8Array(instruments);
    this.#source = new Uint8Array(instruments);
    this.#reason = new Uint8Array(instruments);
    this.#confidence = new Uint16Array(instruments);
    this.#state = new Float64Array(instruments).fill(stateUnknown);
    this.#emitNs = new Float64Array(instruments);
    this.#rateSecond = new Float64Array(instruments);
    this.#rateCount = new Uint32Array(instruments);
    this.#symbols = new Uint32Array(instruments * 4);
    this.#named = new Uint8Array(instruments);
    this.#names = new Uint32Array(feeds.length * 4);
    feeds.forEach((feed, index) => setText16(this.#names, index * 4, feed.name));
    initialiseRecord(this.#record, 0, options.runId);
    initialiseRecord(this.#heartbeat, 0, options.runId);
    setKindAndFlags(this.#heartbeat, 0, RecordKind.heartbeat, 0);
  }

  /** What the next decisions are caused by: a feed's message and its receive time. */
  cause(feed: number, sequence: number, receiveNs: number): void {
    this.#causeFeed = feed;
    this.#causeSequence = sequence;
    this.#causeNs = receiveNs;
  }

  lastDecision(instrument: number): Decision {
    return this.#decision[instrument] as Decision;
  }

  lastSource(instrument: number): Source {
    return this.#source[instrument] as Source;
  }

  lastReason(instrument: number): number {
    return this.#reason[instrument] as number;
  }

  /** 0–10,000. */
  lastConfidence(instrument: number): number {
    return this.#confidence[instrument] as number;
  }

  /** The last state's id; -1 when it had none. */
  lastState(instrument: number): number {
    return this.#state[instrument] as number;
  }

  lastEmitNs(instrument: number): number {
    return this.#emitNs[instrument] as number;
  }

  adopt(settings: EmitterSettings): void {
    Object.assign(this.#options, settings);
  }

  /** A thread that was started again takes up what the one before it had said last. */
  resume(instrument: number, decision: Decision): void {
    this.#decision[instrument] = decision;
    if (decision === Decision.buy || decision === Decision.sell) this.standing.touch(instrument);
  }

  /** HOLD without an answer. */
  hold(
    instrument: number,
    source: Source,
    reason: number,
    key: Uint32Array = noKey,
    index = stateUnknown,
  ): void {
    const known = index !== stateUnknown;
    const state = known ? this.#stateId(key, index) : stateUnknown;
    this.#say(instrument, Decision.hold, 0, source, reason, unknownAgeMs, state, false, false);
  }

  /** An answer: `confidence` 0–10,000, `ageMs` of the answer. */
  decide(
    instrument: number,
    decision: Decision,
    confidence: number,
    source: Source,
    reason: Reason,
    ageMs: number,
    key: Uint32Array,
    index: number,
    aged: boolean,
    repeat: boolean,
  ): void {
    const state = this.#stateId(key, index);
    this.#say(instrument, decision, confidence, source, reason, ageMs, state, aged, repeat);
  }

  #stateId(key: Uint32Array, index: number): number {
    return this.#options.finite ? index : hashKey(key, this.#options.keyWords);
  }

  #say(
    instrument: number,
    decided: Decision,
    confidence: number,
    decidedSource: Source,
    decidedReason: number,
    ageMs: number,
    state: number,
    aged: boolean,
    repeat: boolean,
  ): void {
    let decision = decided;
    let source = decidedSource;
    let reason = decidedReason;
    const last = (this.#decision[instrument] as number) || Decision.hold;
    if (decision !== last && decision !== Decision.hold && this.#overRate(instrument)) {
      this.#counters[count.signalsLimited]!++;
      decision = Decision.hold;
      source = Source.held;
      reason = Reason.rateLimit;
    }
    const changed = decision !== last;
    const moved = state !== this.#state[instrument];
    if (moved) this.#counters[count.stateChanges]!++;
    this.#decision[instrument] = decision;
    this.#source[instrument] = source;
    this.#reason[instrument] = reason;
    this.#confidence[instrument] = confidence;
    this.#state[instrument] = state;
    const { mode } = this.#options;
    const due = repeat && decision !== Decision.hold;
    if (!changed && !due && mode !== EmitMode.every && !(moved && mode === EmitMode.state)) {
      this.#counters[count.signalsSuppressed]!++;
      return;
    }
    const flags = (due && !changed ? SignalFlag.refresh : 0) | (aged ? SignalFlag.revalidating : 0);
    this.#emit(instrument, decision, confidence, source, reason, ageMs, state, flags);
  }

  /** Counts a BUY or SELL against the symbol's allowance for this second. */
  #overRate(instrument: number): boolean {
    const limit = this.#options.ratePerSymbol;
    if (limit === 0) return false;
    const second = Math.floor(this.#causeNs / 1e9);
    if (this.#rateSecond[instrument] !== second) {
      this.#rateSecond[instrument] = second;
      this.#rateCount[instrument] = 0;
    }
    if ((this.#rateCount[instrument] as number) >= limit) return true;
    this.#rateCount[instrument]!++;
    return false;
  }

  #emit(
    instrument: number,
    decision: Decision,
    confidence: number,
    source: Source,
    reason: number,
    ageMs: number,
    state: number,
    flags: number,
  ): void {
    const { feeds, table, baseHi, baseLo, ttlMs, sink } = this.#options;
    const record = this.#record;
    const feed = feeds[this.#causeFeed] as EmitterFeed;
    const emitNs = this.#options.now();
    this.emittedNs = emitNs;
    this.sequence++;
    const sampled = feed.receiveSampled ? SignalFlag.receiveSampled : 0;
    setKindAndFlags(record, 0, RecordKind.signal, flags | sampled);
    setU64(record, Field.seq, this.sequence);
    setU64(record, Field.inputSeq, this.#causeSequence);
    const marketNs = feed.books.marketNs(instrument);
    if (marketNs > 0) {
      setEpochNs(record, Field.exchange, feed.midnightHi, feed.midnightLo, marketNs);
    } else setU64(record, Field.exchange, 0);
    setEpochNs(record, Field.receive, baseHi, baseLo, this.#causeNs);
    setEpochNs(record, Field.emit, baseHi, baseLo, emitNs);
    record[Field.ttlMs] = ttlMs;
    record[Field.ageMs] = ageMs;
    setU64(record, Field.price, midTimesTen(feed.books, instrument));
    setU64(record, Field.state, state < 0 ? 0 : state);
    record[Field.version] = table.versionLo();
    record[Field.version + 1] = table.versionHi();
    record[Field.feedDecisionSource] = this.#causeFeed | (decision << 16) | (source << 24);
    record[Field.reasonDecimalsConfidence] =
      reason | ((feed.priceDecimals + 1) << 8) | (confidence << 16);
    this.#writeNames(record, instrument);
    this.#emitNs[instrument] = emitNs;
    if (decision === Decision.hold) this.standing.remove(instrument);
    else this.standing.touch(instrument);
    this.#counters[count.signals + (source - 1) * 4 + decision]!++;
    sink.take(record);
  }

  #writeNames(record: Uint32Array, instrument: number): void {
    const symbols = this.#symbols;
    const at = instrument * 4;
    if (this.#named[instrument] === 0) {
      this.#named[instrument] = 1;
      setText16(symbols, at, this.#options.instruments.symbol(instrument));
    }
    const name = this.#causeFeed * 4;
    for (let word = 0; word < 4; word++) {
      record[Field.symbol + word] = symbols[at + word] as number;
      record[Field.feedName + word] = this.#names[name + word] as number;
    }
  }

  flush(): void {
    this.#options.sink.flush();
  }

  /** A sign of life with the last sequence: the same record each time, valid until the next call. */
  heartbeat(): Uint32Array {
    const { baseHi, baseLo } = this.#options;
    setU64(this.#heartbeat, Field.seq, this.sequence);
    setEpochNs(this.#heartbeat, Field.emit, baseHi, baseLo, this.#options.now());
    return this.#heartbeat;
  }
}
