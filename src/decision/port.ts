/** What the engine is made with: everything it touches is handed in. */
import type { DatagramDecoder } from "../feed/decoder.ts";
import type { BookSet } from "../market/book.ts";
import type { StateCoder } from "../market/coder.ts";
import type { FeatureSet } from "../market/feature.ts";
import type { InstrumentTable } from "../market/instrument.ts";
import type { Recorder } from "../telemetry/recorder.ts";
import type { Emitter } from "./emitter.ts";
import type { PendingTable } from "./pending.ts";
import type { DecisionReader } from "./table.ts";

/** Shows an instrument's book, state and decision to other threads. */
export interface Publisher {
  /**
   * Something may be said of the instrument before it is published: a life of the thread after a crash
   * in between must not trust what it finds published.
   */
  announce(instrument: number): void;
  /** `key` is the state's, where the instrument has one; it is read before the call returns. */
  publish(instrument: number, key: Uint32Array): void;
}

/** Where answers come from: the reader's end of a ring of `answerWords` words. */
export interface AnswerSource {
  shift(target: Uint32Array, at: number): boolean;
}

export interface EngineFeed {
  decoder: DatagramDecoder;
  books: BookSet;
  /** The feed tells only trades, or may: a book without quotes has a state then. */
  quotesOptional: boolean;
  /** No datagram for this long makes the channel stale. */
  silenceNs: number;
  /** The feed's midnight, ns since the run's base. */
  midnightNs: number;
  /** Books joined in mid-session, or with lost messages behind them, may be used as they are. */
  partialBooks: boolean;
}

/** What may change while it runs. */
export interface EngineSettings {
  /** A datagram that waited longer is late. */
  maxAgeNs: number;
  ttlNs: number;
  /** Below this, 0–10,000, a BUY or SELL becomes HOLD. */
  minConfidence: number;
}

export interface EngineOptions extends EngineSettings {
  feeds: readonly EngineFeed[];
  instruments: InstrumentTable;
  features: FeatureSet;
  coder: StateCoder;
  table: DecisionReader;
  pending: PendingTable;
  answers: AnswerSource;
  emitter: Emitter;
  publisher: Publisher;
  /** Whether a symbol that has just become known is held by the operator. */
  isHeld: (instrument: number) => boolean;
  /** The most channels of one feed. */
  channels: number;
  /** ns since the run's base. */
  now: () => number;
  /** Epoch seconds of the run's base. */
  baseSeconds: number;
  /** Answers older than this are asked for again while they still serve; 0 for never. */
  refreshAfterS: number;
  /** Answers older than this are HOLD; 0 for never. */
  maxStaleS: number;
  counters: Uint32Array;
  stages: {
    network: Recorder;
    ingestion: Recorder;
    cache: Recorder;
    cached: Recorder;
    uncached: Recorder;
  };
}
