/**
 * Everything of the feed thread that needs no socket and no timer: decoders, books, engine and
 * emitter, wired to shared memory. The Worker, the tests in virtual time and the benchmarks run the
 * same one.
 */
import { Emitter, type EmitterSettings, EmitMode } from "../decision/emitter.ts";
import { Engine } from "../decision/engine.ts";
import type { AnswerSource, EngineFeed, EngineSettings, Publisher } from "../decision/port.ts";
import type { Ring } from "../decision/ring.ts";
import { PendingTable } from "../decision/pending.ts";
import { setText16 } from "../decision/signal.ts";
import { type DecisionReader, openTable } from "../decision/table.ts";
import { RecordRing } from "../feed/record-ring.ts";
import { type FormatName, formats } from "../feed/format.ts";
import { allocateHuge } from "../host/huge-page.ts";
import { type BookLimits, BookSet } from "../market/book.ts";
import { StateCoder } from "../market/coder.ts";
import { BookCount } from "../market/fault.ts";
import { FEATURE_STRIDE, FeatureSet } from "../market/feature.ts";
import { InstrumentTable } from "../market/instrument.ts";
import {
  ASK_PRICE,
  ASK_SIZE,
  BID_PRICE,
  BID_SIZE,
  DOUBLES,
  LAST_PRICE,
  LAST_SIZE,
  MARKET_NS,
  TRADES,
} from "../market/layout.ts";
import { StateSpace } from "../market/state.ts";
import { openBoard } from "../telemetry/board.ts";
import { Metric } from "../telemetry/metric.ts";
import { Stage } from "../telemetry/stage.ts";
import { Control } from "./control.ts";
import { isOver } from "./elapsed.ts";
import { describeRun, recordRingSize } from "./record-file.ts";
import { applyList, type FollowChange } from "./feed-follow.ts";
import { FeedRecovery } from "./feed-recovery.ts";
import { resumeFeed } from "./feed-resume.ts";
import { NoteWriter } from "./note-writer.ts";
import { NotedAnswers, notedCore } from "./noted-core.ts";
import { NotedTable } from "./noted-table.ts";
import { formatOptions, type RunLimits, type RunPlan } from "./plan.ts";
import { Double, doublesAt, publishedFeatures, Publication, Word } from "./publication.ts";
import { openAnswers, openSignals, type SharedMemory } from "./shared.ts";
import { SinkFan, type UdpSink } from "./sink.ts";

const gaugeIntervalNs = 1e9;

export interface FeedCore {
  engine: Engine;
  emitter: Emitter;
  instruments: InstrumentTable;
  books: readonly BookSet[];
  publication: Publication;
  pending: PendingTable;
  /** The thread's counters. */
  counters: Uint32Array;
  sinks: SinkFan;
  /** What is noted of this life, where it is recorded. */
  notes: NoteWriter | undefined;
  /** One datagram of a feed's line; see `Engine.datagram`. */
  datagram(
    feed: number,
    line: number,
    bytes: Buffer,
    length: number,
    receiveNs: number,
    nowNs: number,
  ): void;
  recoveries: readonly FeedRecovery[];
  /** Takes over what reloads, between two datagrams; the targets that it had are closed. */
  adopt(plan: RunPlan, targets: readonly UdpSink[], nowNs: number): FollowChange[];
  /**
   * Between datagrams and by timer: holds, answers, silence, gaps, repetition, heartbeats, gauges.
   * `idle`: everything that has come was read.
   */
  poll(nowNs: number, idle?: boolean): void;
  /** The last words. */
  stop(nowNs: number): void;
}

/** What comes from the inference thread, unless a replay puts something in its place. */
export interface AnswerPorts {
  table: DecisionReader;
  answers(pending: PendingTable): AnswerSource;
}

export function createFeedCore(
  plan: RunPlan,
  shared: SharedMemory,
  targets: readonly UdpSink[],
  now: () => number,
  ports: AnswerPorts = {
    table: openTable(shared.table, plan.table),
    answers: () => openAnswers(shared, plan.limits),
  },
): FeedCore {
  const { limits, config } = plan;
  const board = openBoard(shared.board).writer("feed");
  const { counters } = board;
  const space = new StateSpace(plan.state);
  // After a crash the instruments of the life before keep their numbers.
  const publication = new Publication(shared.publication, limits.instruments);
  const instruments = new InstrumentTable(limits.instruments, plan.feeds, publication.names());
  const features = new FeatureSet(limits.instruments, plan.state.windows);
  const coder = new StateCoder(space, limits.instruments);
  const books = plan.feeds.map(
    (feed, index) => new BookSet(instruments, index, bookLimits(feed.format, limits), allocateHuge),
  );
  const feeds: EngineFeed[] = plan.feeds.map((feed, index) => ({
    decoder: formats[feed.format].create(
      books[index] as BookSet,
      board.channel(index),
      formatOptions(feed, limits),
    ),
    books: books[index] as BookSet,
    quotesOptional: feed.format === "tick",
    silenceNs: feed.silenceNs,
    midnightNs: Number(feed.midnightNs - BigInt(plan.baseSeconds) * 1_000_000_000n),
    partialBooks: feed.partialBooks,
  }));
  const notes = config.record.enabled
    ? new NoteWriter(
        new RecordRing(shared.record, recordRingSize(config)),
        JSON.stringify(describeRun(plan).config),
      )
    : undefined;
  notes?.begin(now());
  const table = notes ? new NotedTable(ports.table, notes) : ports.table;
  const ringsOf = ({ stdout }: RunPlan): Ring[] => {
    const rings = [openSignals(shared.signalsOps, limits)];
    if (stdout) rings.push(openSignals(shared.signalsOut, limits));
    return rings;
  };
  const sinks = new SinkFan(ringsOf(plan), targets, counters);
  const base = BigInt(plan.baseSeconds) * 1_000_000_000n;
  const emitter = new Emitter({
    instruments,
    feeds: plan.feeds.map((feed, index) => ({
      name: feed.name,
      priceDecimals: feed.priceDecimals,
      books: books[index] as BookSet,
      midnightHi: Number(feed.midnightNs >> 32n),
      midnightLo: Number(feed.midnightNs & 0xffff_ffffn),
      receiveSampled: feed.receive === "event",
    })),
    table,
    sink: sinks,
    now,
    runId: plan.runId,
    baseHi: Number(base >> 32n),
    baseLo: Number(base & 0xffff_ffffn),
    ...emitterSettings(plan),
    keyWords: space.keyWords,
    finite: space.finite,
    counters,
  });
  const pending = new PendingTable(
    shared.pending,
    limits.pending,
    limits.instruments,
    space.keyWords,
    config.inference.retryMs,
  );
  const answers = ports.answers(pending);
  const control = new Control(shared.control, limits.heldSymbols);
  const holds = new Holds(control, instruments, notes);
  const engine = new Engine({
    feeds,
    instruments,
    features,
    coder,
    table,
    pending,
    answers: notes ? new NotedAnswers(answers, pending, space.keyWords, notes) : answers,
    emitter,
    publisher: new BookPublisher(publication, instruments, books, features, emitter, now),
    isHeld: (instrument) => holds.isHeld(instrument),
    channels: limits.channels,
    now,
    baseSeconds: plan.baseSeconds,
    ...engineSettings(plan),
    refreshAfterS: config.inference.maxAgeS,
    maxStaleS: config.inference.maxStaleS,
    counters,
    stages: {
      network: board.recorder(Stage.networkLatency),
      ingestion: board.recorder(Stage.dataIngestion),
      cache: board.recorder(Stage.cacheAccess),
      cached: board.recorder(Stage.totalCached),
      uncached: board.recorder(Stage.totalUncached),
    },
  });
  const recoveries = plan.feeds.map(
    (feed, index) =>
      new FeedRecovery(
        feed,
        index,
        plan.feeds.length,
        (feeds[index] as EngineFeed).decoder,
        engine,
        board.channel(index),
        counters,
        shared,
      ),
  );
  /** The symbols of each feed; undefined for all. */
  const followed = plan.feeds.map(({ symbols }) => symbols);
  const gauges = new Gauges(board.counters, board.gauges, books, instruments, engine, pending);
  let gaugesNs = Number.NEGATIVE_INFINITY;
  resumeFeed({ publication, instruments, emitter, engine }, now());
  // What is held is known before the first datagram, not with the first turn of the timer.
  holds.apply(engine, now());
  const core: FeedCore = {
    engine,
    emitter,
    instruments,
    books,
    publication,
    pending,
    counters,
    sinks,
    recoveries,
    notes,
    datagram(feed, line, bytes, length, receiveNs, nowNs) {
      engine.datagram(feed, line, bytes, length, receiveNs, nowNs);
      (recoveries[feed] as FeedRecovery).after(receiveNs);
    },
    adopt(next, replaced, nowNs) {
      sinks.replace(ringsOf(next), replaced);
      next.feeds.forEach(({ silenceNs }, index) => {
        feeds[index]!.silenceNs = silenceNs;
      });
      emitter.adopt(emitterSettings(next));
      const changes = next.feeds.flatMap(({ symbols }, index) => {
        if (Bun.deepEquals(symbols, followed[index])) return [];
        followed[index] = symbols;
        const [feed, recovery] = [feeds[index]!, recoveries[index]!];
        return [applyList(index, symbols, { instruments, feed, engine, recovery }, nowNs)];
      });
      engine.adopt(engineSettings(next), nowNs);
      return changes;
    },
    poll(nowNs, idle = true) {
      holds.apply(engine, nowNs);
      for (let i = 0; i < recoveries.length; i++) {
        (recoveries[i] as FeedRecovery).poll(nowNs, idle);
      }
      engine.poll(nowNs);
      sinks.heartbeat(heartbeat, nowNs);
      if (!isOver(nowNs, gaugesNs, gaugeIntervalNs)) return;
      gaugesNs = nowNs;
      gauges.update();
    },
    stop(nowNs) {
      engine.stop(nowNs);
      gauges.update();
    },
  };
  return notes === undefined ? core : notedCore(core, notes, now);
  function heartbeat(): Uint32Array {
    return emitter.heartbeat();
  }
}

function emitterSettings({ config }: RunPlan): EmitterSettings {
  const { emit, ttlMs, ratePerSymbol } = config.signal;
  return { mode: EmitMode[emit], ttlMs, ratePerSymbol };
}

function engineSettings({ config }: RunPlan): EngineSettings {
  const { maxAgeMs, ttlMs, minConfidence } = config.signal;
  return {
    maxAgeNs: maxAgeMs * 1e6,
    ttlNs: ttlMs * 1e6,
    minConfidence: Math.round(minConfidence * 10_000),
  };
}

/** A format without orders or without levels takes no room for them. */
export function bookLimits(format: FormatName, limits: RunLimits): BookLimits {
  const { healing } = formats[format];
  return {
    orders: healing === "snapshot" ? limits.orders : 1,
    levels: healing === "snapshot" || healing === "levels" ? limits.levels : 8,
    levelsPerSide: limits.levelsPerSide,
  };
}

/** Writes an instrument's record in the publication; stores only, nothing allocated. */
class BookPublisher implements Publisher {
  readonly #publication: Publication;
  readonly #instruments: InstrumentTable;
  readonly #books: readonly BookSet[];
  readonly #features: FeatureSet;
  readonly #emitter: Emitter;
  readonly #now: () => number;
  #named = 0;

  constructor(
    publication: Publication,
    instruments: InstrumentTable,
    books: readonly BookSet[],
    features: FeatureSet,
    emitter: Emitter,
    now: () => number,
  ) {
    this.#publication = publication;
    this.#instruments = instruments;
    this.#books = books;
    this.#features = features;
    this.#emitter = emitter;
    this.#now = now;
  }

  announce(instrument: number): void {
    while (this.#named < this.#instruments.count) this.#name(this.#named++);
    this.#publication.announce(instrument);
  }

  publish(instrument: number, key: Uint32Array): void {
    const { words, doubles } = this.#publication;
    const emitter = this.#emitter;
    const at = this.#publication.begin(instrument);
    const to = doublesAt(at);
    words[at + Word.decided] =
      emitter.lastDecision(instrument) |
      (emitter.lastSource(instrument) << 8) |
      (emitter.lastReason(instrument) << 16);
    words[at + Word.confidence] = emitter.lastConfidence(instrument);
    for (let i = 0; i < key.length; i++) words[at + Word.key + i] = key[i] as number;
    const feed = this.#instruments.feed[instrument] as number;
    const book = (this.#books[feed] as BookSet).doubles;
    const from = instrument * DOUBLES;
    doubles[to + Double.bidPrice] = book[from + BID_PRICE] as number;
    doubles[to + Double.bidSize] = book[from + BID_SIZE] as number;
    doubles[to + Double.askPrice] = book[from + ASK_PRICE] as number;
    doubles[to + Double.askSize] = book[from + ASK_SIZE] as number;
    doubles[to + Double.lastPrice] = book[from + LAST_PRICE] as number;
    doubles[to + Double.lastSize] = book[from + LAST_SIZE] as number;
    doubles[to + Double.marketNs] = book[from + MARKET_NS] as number;
    doubles[to + Double.trades] = book[from + TRADES] as number;
    doubles[to + Double.emitNs] = emitter.lastEmitNs(instrument);
    doubles[to + Double.updateNs] = this.#now();
    doubles[to + Double.state] = emitter.lastState(instrument);
    const { values } = this.#features;
    const features = instrument * FEATURE_STRIDE;
    for (let i = 0; i < publishedFeatures; i++) {
      doubles[to + Double.features + i] = values[features + i] as number;
    }
    this.#publication.setSignals(emitter.sequence);
    this.#publication.end(at);
  }

  #name(instrument: number): void {
    const at = this.#publication.begin(instrument);
    const { words } = this.#publication;
    words[at + Word.feed] = this.#instruments.feed[instrument] as number;
    const name = new Uint32Array(4);
    setText16(name, 0, this.#instruments.symbol(instrument));
    for (let i = 0; i < 4; i++) words[at + Word.symbol + i] = name[i] as number;
    this.#publication.end(at);
    this.#publication.setCount(instrument + 1);
  }
}

/** Brings the operator's holds to the engine when they change, and to instruments that are new. */
class Holds {
  readonly #control: Control;
  readonly #instruments: InstrumentTable;
  readonly #notes: NoteWriter | undefined;
  #sequence = 0;
  #symbols: ReadonlySet<string> = new Set();

  constructor(control: Control, instruments: InstrumentTable, notes: NoteWriter | undefined) {
    this.#control = control;
    this.#instruments = instruments;
    this.#notes = notes;
  }

  isHeld(instrument: number): boolean {
    return this.#symbols.size > 0 && this.#symbols.has(this.#instruments.symbol(instrument));
  }

  /** Allocates, but only when the operator has said something. */
  apply(engine: Engine, nowNs: number): void {
    const sequence = this.#control.holdSequence();
    if (sequence === this.#sequence) return;
    const held = this.#control.readHeld();
    if (held === undefined) return;
    this.#sequence = sequence;
    this.#symbols = new Set(held.symbols);
    this.#notes?.held(held);
    if (held.all !== engine.heldAll) engine.setHeld(-1, held.all, nowNs);
    for (let i = 0; i < this.#instruments.count; i++) engine.setHeld(i, this.isHeld(i), nowNs);
  }
}

const count = Metric.feed;
/** Book counters that the board has under names of its own. */
const bookCounters = [
  [BookCount.orphans, count.unknownOrders],
  [BookCount.ordersFull, count.ordersRefused],
  [BookCount.levelsFull, count.levelsRefused],
] as const;

/** What is copied to the board once a second rather than with every event. */
class Gauges {
  readonly #counters: Uint32Array;
  readonly #gauges: Float64Array;
  readonly #books: readonly BookSet[];
  readonly #instruments: InstrumentTable;
  readonly #engine: Engine;
  readonly #pending: PendingTable;
  readonly #seen: Uint32Array;
  #refused = 0;
  #dropped = 0;

  constructor(
    counters: Uint32Array,
    gauges: Float64Array,
    books: readonly BookSet[],
    instruments: InstrumentTable,
    engine: Engine,
    pending: PendingTable,
  ) {
    this.#counters = counters;
    this.#gauges = gauges;
    this.#books = books;
    this.#instruments = instruments;
    this.#engine = engine;
    this.#pending = pending;
    this.#seen = new Uint32Array(books.length * bookCounters.length);
  }

  update(): void {
    let liveOrders = 0;
    let limit = 0;
    this.#books.forEach((books, feed) => {
      liveOrders += books.orders.count;
      limit += books.orders.capacity;
      bookCounters.forEach(([from, to], index) => {
        const seen = feed * bookCounters.length + index;
        const value = books.counts[from] as number;
        this.#counters[to]! += value - (this.#seen[seen] as number);
        this.#seen[seen] = value;
      });
    });
    this.#counters[count.instrumentsRefused]! += this.#instruments.full - this.#refused;
    this.#refused = this.#instruments.full;
    this.#counters[count.pendingDropped]! += this.#pending.evictions - this.#dropped;
    this.#dropped = this.#pending.evictions;
    const gauges = this.#gauges;
    gauges[count.instruments] = this.#instruments.count;
    gauges[count.liveOrders] = liveOrders;
    gauges[count.liveOrdersLimit] = limit;
    gauges[count.pending] = this.#pending.size;
    const { health } = this.#engine;
    const { dormant } = this.#instruments;
    let stale = 0;
    let heldCount = 0;
    for (let i = 0; i < this.#instruments.count; i++) {
      if (dormant[i] !== 0) continue;
      const feed = this.#instruments.feed[i] as number;
      if (health.staleReason(i, feed) !== 0 || (this.#books[feed] as BookSet).bookFault(i) !== 0) {
        stale++;
      }
      if (this.#engine.isHeld(i)) heldCount++;
    }
    gauges[count.staleInstruments] = stale;
    gauges[count.heldInstruments] = heldCount;
    let channels = 0;
    let staleChannels = 0;
    for (let feed = 0; feed < this.#books.length; feed++) {
      channels += health.channels[feed] as number;
      staleChannels += health.staleChannels(feed);
    }
    gauges[count.channels] = channels;
    gauges[count.staleChannels] = staleChannels;
  }
}
