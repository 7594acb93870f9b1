/**
 * What the feed thread shows of each instrument: best prices, features, state, decision and times,
 * in shared memory under a sequence lock. The feed thread writes and never waits; a reader that
 * finds the sequence odd, or changed when it is done, reads again.
 *
 * Record, 256 bytes: u32 words [sequence, feed, decision | source | reason, confidence, symbol ×4,
 * key ×8], then doubles from word 16 on (`Double`). Before the records, 64 bytes: i32 instruments, i32
 * announced instrument + 1, and at byte 8 a double that counts the run's signals.
 */
import { getText16 } from "../decision/signal.ts";
import { assert } from "../error.ts";

const recordWords = 64;
const recordDoubles = recordWords / 2;
const headerBytes = 64;
const countAt = 0;
const announcedAt = 1;
const signalsAt = 8;

export const Word = { sequence: 0, feed: 1, decided: 2, confidence: 3, symbol: 4, key: 8 } as const;
export const Double = {
  bidPrice: 8,
  bidSize: 9,
  askPrice: 10,
  askSize: 11,
  lastPrice: 12,
  lastSize: 13,
  marketNs: 14,
  emitNs: 15,
  updateNs: 16,
  state: 17,
  trades: 18,
  features: 20,
} as const;
/** Features shown, in the order of the market's own enumeration. */
export const publishedFeatures = 8;

export function publicationBytes(instruments: number): number {
  return headerBytes + instruments * recordWords * 4;
}

export interface PublishedInstrument {
  instrument: number;
  feed: number;
  symbol: string;
  decision: number;
  source: number;
  reason: number;
  /** 0–10,000. */
  confidence: number;
  key: Uint32Array;
  /** Scaled prices; 0 for an empty side. */
  bidPrice: number;
  bidSize: number;
  askPrice: number;
  askSize: number;
  lastPrice: number;
  lastSize: number;
  /** ns since the feed's midnight. */
  marketNs: number;
  /** Last signal, and last update, ns since the run's base; 0 for never. */
  emitNs: number;
  updateNs: number;
  /** State id, -1 when there is none. */
  state: number;
  trades: number;
  features: Float64Array;
}

export class Publication {
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly capacity: number;
  readonly #header: Int32Array;
  readonly #signals: Float64Array;

  constructor(memory: SharedArrayBuffer, capacity: number) {
    this.capacity = capacity;
    this.#header = new Int32Array(memory, 0, headerBytes / 4);
    this.#signals = new Float64Array(memory, signalsAt, 1);
    this.words = new Int32Array(memory, headerBytes, capacity * recordWords);
    this.doubles = new Float64Array(memory, headerBytes, capacity * recordDoubles);
  }

  /** Writer. What is said of the instrument from now on is not in its record until that is closed. */
  announce(instrument: number): void {
    this.#header[announcedAt] = instrument + 1;
  }

  /** Writer, after a crash: of whom something may have been said that the record has not; -1 for none. */
  get announced(): number {
    return (this.#header[announcedAt] as number) - 1;
  }

  /**
   * Writer. Opens the record and returns the index of its first word. A life of the thread that ended
   * in the middle of a record has left it open.
   */
  begin(instrument: number): number {
    const at = instrument * recordWords;
    Atomics.store(this.words, at, (this.words[at] as number) | 1);
    return at;
  }

  /** Writer, after a crash: closes a record that the writer before it left open. */
  mend(instrument: number): void {
    const at = instrument * recordWords;
    if (((this.words[at] as number) & 1) !== 0) this.#close(at);
  }

  /** Writer. Closes the record that `begin` opened. */
  end(at: number): void {
    this.#close(at);
    this.#header[announcedAt] = 0;
  }

  #close(at: number): void {
    Atomics.store(this.words, at, (this.words[at] as number) + 1);
  }

  /** Writer. Instruments that have a record. */
  setCount(count: number): void {
    Atomics.store(this.#header, countAt, count);
  }

  /** Writer. The sequence of the last signal. */
  setSignals(sequence: number): void {
    this.#signals[0] = sequence;
  }

  /** Writer, after a crash: signals of all lives of the thread in this run. */
  get signals(): number {
    return this.#signals[0] as number;
  }

  /** Instruments known to the feed thread. */
  get count(): number {
    return Atomics.load(this.#header, countAt);
  }

  /** Writer, after a crash: the instruments that the writer before it has published, in order. */
  names(): { feed: number; symbol: string }[] {
    return Array.from({ length: this.count }, (_, instrument) => {
      this.mend(instrument);
      const before = this.read(instrument);
      assert(before !== undefined, `instrument ${instrument} was never published`);
      return { feed: before.feed, symbol: before.symbol };
    });
  }

  /** Reader. Whether a feed has brought the symbol; not for the hot path. */
  has(symbol: string): boolean {
    const words = new Uint32Array(this.words.buffer, headerBytes, this.count * recordWords);
    for (let at = 0; at < words.length; at += recordWords) {
      if (getText16(words, at + Word.symbol) === symbol) return true;
    }
    return false;
  }

  /**
   * Reader. Undefined for an instrument that was never published, and, after a bounded number of
   * tries, for one that is being written all the time.
   */
  read(instrument: number): PublishedInstrument | undefined {
    const at = instrument * recordWords;
    const words = new Int32Array(recordWords);
    for (let attempt = 0; attempt < 64; attempt++) {
      const before = Atomics.load(this.words, at);
      if (before === 0) return undefined;
      if ((before & 1) !== 0) continue;
      words.set(this.words.subarray(at, at + recordWords));
      if (Atomics.load(this.words, at) === before) return decode(instrument, words);
    }
    return undefined;
  }
}

function decode(instrument: number, words: Int32Array): PublishedInstrument {
  const unsigned = new Uint32Array(words.buffer);
  const doubles = new Float64Array(words.buffer);
  const decided = unsigned[Word.decided] as number;
  const value = (index: number): number => doubles[index] as number;
  return {
    instrument,
    feed: unsigned[Word.feed] as number,
    symbol: getText16(unsigned, Word.symbol),
    decision: decided & 0xff,
    source: (decided >>> 8) & 0xff,
    reason: (decided >>> 16) & 0xff,
    confidence: unsigned[Word.confidence] as number,
    key: unsigned.slice(Word.key, Word.key + 8),
    bidPrice: value(Double.bidPrice),
    bidSize: value(Double.bidSize),
    askPrice: value(Double.askPrice),
    askSize: value(Double.askSize),
    lastPrice: value(Double.lastPrice),
    lastSize: value(Double.lastSize),
    marketNs: value(Double.marketNs),
    emitNs: value(Double.emitNs),
    updateNs: value(Double.updateNs),
    state: value(Double.state),
    trades: value(Double.trades),
    features: doubles.slice(Double.features, Double.features + publishedFeatures),
  };
}

/** Where a record's doubles begin, for the writer. */
export function doublesAt(firstWord: number): number {
  return firstWord >> 1;
}
