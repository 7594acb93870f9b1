/**
 * What a state is made of: numbers about each instrument, kept on exchange time and decayed lazily,
 * when the instrument is next evaluated. NaN stands for unknown: the feed cannot give it, or has not
 * yet.
 *
 * With d = exp(-dt / window) for the time dt since the last evaluation:
 * - spread      (ask - bid) / tick, in ticks
 * - imbalance   (bid size - ask size) / (bid size + ask size) at the best prices, -1 to 1
 * - momentum    mid - mean, in ticks; mean ← mean × d + (the mid that stood during dt) × (1 - d)
 * - flow        (bought - sold) / all volume, each decayed, -1 to 1. The divisor is never less than
 *               what a window of usual trading would hold, so an old trade fades to 0 and does not
 *               stay at ±1 for ever
 * - volatility  path ← path × d + |change of the mid|, in ticks: how far the mid walked in a window
 * - price       last trade, else the mid, in the currency
 * - volume      size of the last trade
 *
 * Where a feed gives no quotes the last trade's price stands in for the mid.
 */
import type { BookSet } from "./book.ts";
import {
  ASK_PRICE,
  ASK_SIZE,
  BID_PRICE,
  BID_SIZE,
  BOUGHT,
  DOUBLES,
  GENERATION,
  LAST_PRICE,
  LAST_SIZE,
  MARKET_NS,
  SOLD,
  TRADES,
  WORDS,
} from "./layout.ts";

/** Names are API: they appear in config, prompts and decision versions. Values index `values`. */
export const Feature = {
  spread: 0,
  imbalance: 1,
  momentum: 2,
  flow: 3,
  volatility: 4,
  price: 5,
  volume: 6,
} as const;
export type FeatureName = keyof typeof Feature;
export const featureNames = Object.keys(Feature) as FeatureName[];

/** Doubles per instrument: 8 values, then what they are made from. */
export const FEATURE_STRIDE = 16;
const MEAN_MID = 8;
const LAST_MID = 9;
const AT_NS = 10;
const FLOW = 11;
const FLOW_VOLUME = 12;
const USUAL_VOLUME = 13;
const PATH = 14;
/** Of the book that these are about: a book that was cleared is another one. */
const BOOK_GENERATION = 15;

/** Usual volume is measured over so many flow windows. */
const USUAL_WINDOWS = 10;

/** Decay times in ns of market time, each > 0. */
export interface FeatureWindows {
  readonly momentumNs: number;
  readonly flowNs: number;
  readonly volatilityNs: number;
}

export class FeatureSet {
  /** `FEATURE_STRIDE` doubles an instrument, the first by `Feature`. */
  readonly values: Float64Array;
  private readonly momentumNs: number;
  private readonly flowNs: number;
  private readonly volatilityNs: number;

  constructor(instruments: number, windows: FeatureWindows) {
    this.values = new Float64Array(instruments * FEATURE_STRIDE);
    this.momentumNs = windows.momentumNs;
    this.flowNs = windows.flowNs;
    this.volatilityNs = windows.volatilityNs;
    this.forget(-1);
  }

  static bytes(instruments: number): number {
    return instruments * FEATURE_STRIDE * 8;
  }

  /** Forgets what an instrument's features remember (all instruments', for -1). */
  forget(instrument: number): void {
    const { values } = this;
    const from = instrument < 0 ? 0 : instrument * FEATURE_STRIDE;
    const to = instrument < 0 ? values.length : from + FEATURE_STRIDE;
    for (let at = from; at < to; at += FEATURE_STRIDE) {
      values.fill(Number.NaN, at, at + AT_NS);
      values.fill(0, at + AT_NS, at + FEATURE_STRIDE);
    }
  }

  /**
   * Brings an instrument's features up to its book's last event, and takes the traded volume that
   * the book has gathered. Market time that steps back (a restart, a late message) counts as no time
   * passed, and the clock goes on from there.
   */
  update(books: BookSet, instrument: number): void {
    const { values } = this;
    const book = books.doubles;
    const at = instrument * FEATURE_STRIDE;
    const from = instrument * DOUBLES;
    const generation = books.words[instrument * WORDS + GENERATION]!;
    if (values[at + BOOK_GENERATION] !== generation) {
      this.forget(instrument);
      values[at + BOOK_GENERATION] = generation;
    }
    const tick = books.instruments.tickSize[instrument]!;
    const bidSize = book[from + BID_SIZE]!;
    const askSize = book[from + ASK_SIZE]!;
    const last = book[from + LAST_PRICE]!;
    const traded = book[from + TRADES]! !== 0;
    let mid = Number.NaN;
    if (bidSize !== 0 && askSize !== 0) {
      const bid = book[from + BID_PRICE]!;
      const ask = book[from + ASK_PRICE]!;
      values[at + Feature.spread] = (ask - bid) / tick;
      values[at + Feature.imbalance] = (bidSize - askSize) / (bidSize + askSize);
      mid = (bid + ask) / 2;
    } else {
      values[at + Feature.spread] = Number.NaN;
      values[at + Feature.imbalance] = Number.NaN;
      if (traded && bidSize === 0 && askSize === 0) mid = last;
    }

    const now = book[from + MARKET_NS]!;
    let dt = now - values[at + AT_NS]!;
    if (!(dt > 0)) dt = 0;
    values[at + AT_NS] = now;
    this.follow(at, mid, dt, tick);
    this.takeFlow(book, from, at, dt, traded);
    const price = traded ? last : mid;
    values[at + Feature.price] = price / books.instruments.priceScale[instrument]!;
    values[at + Feature.volume] = traded ? book[from + LAST_SIZE]! : Number.NaN;
  }

  private follow(at: number, mid: number, dt: number, tick: number): void {
    const { values } = this;
    const before = values[at + LAST_MID]!;
    if (before !== before) {
      values[at + MEAN_MID] = mid;
    } else if (dt > 0) {
      const keep = Math.exp(-dt / this.momentumNs);
      values[at + MEAN_MID] = values[at + MEAN_MID]! * keep + before * (1 - keep);
      values[at + PATH] = values[at + PATH]! * Math.exp(-dt / this.volatilityNs);
    }
    if (mid !== mid) {
      values[at + Feature.momentum] = Number.NaN;
      values[at + Feature.volatility] = Number.NaN;
      return;
    }
    if (before === before) values[at + PATH] = values[at + PATH]! + Math.abs(mid - before);
    values[at + LAST_MID] = mid;
    values[at + Feature.momentum] = (mid - values[at + MEAN_MID]!) / tick;
    values[at + Feature.volatility] = values[at + PATH]! / tick;
  }

  private takeFlow(
    book: Float64Array,
    from: number,
    at: number,
    dt: number,
    traded: boolean,
  ): void {
    if (!traded) return;
    const { values } = this;
    const bought = book[from + BOUGHT]!;
    const sold = book[from + SOLD]!;
    book[from + BOUGHT] = 0;
    book[from + SOLD] = 0;
    let flow = values[at + FLOW]!;
    let volume = values[at + FLOW_VOLUME]!;
    let usual = values[at + USUAL_VOLUME]!;
    if (dt > 0) {
      const keep = Math.exp(-dt / this.flowNs);
      flow *= keep;
      volume *= keep;
      usual *= Math.exp(-dt / (this.flowNs * USUAL_WINDOWS));
    }
    flow += bought - sold;
    volume += bought + sold;
    usual += bought + sold;
    values[at + FLOW] = flow;
    values[at + FLOW_VOLUME] = volume;
    values[at + USUAL_VOLUME] = usual;
    const floor = usual / USUAL_WINDOWS;
    const divisor = volume > floor ? volume : floor;
    values[at + Feature.flow] = divisor > 0 ? flow / divisor : Number.NaN;
  }
}
