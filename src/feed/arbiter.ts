import { assert } from "../error.ts";
import { FeedCount } from "./count.ts";
import { Verdict } from "./decoder.ts";
import { GapEnd, GapLog } from "./gap.ts";
import { LineStats } from "./line.ts";
import { ReorderBuffer, ReorderPut } from "./reorder.ts";
import { Sequencer } from "./sequencer.ts";

/** How a feed deals with what is missing. All bounds are per feed unless it says otherwise. */
export interface RecoveryOptions {
  /** Redundant lines that carry the same messages; answers to requests come by line `lines`. */
  lines: number;
  /** How long a gap waits for reordered datagrams and the other line; 0: not at all. */
  holdNs: number;
  /** ... and for how many datagrams of its channel. */
  holdDatagrams: number;
  /** Datagrams that can be kept, and the most bytes of each. */
  reorderDatagrams: number;
  reorderBytes: number;
  /** Requests for one gap at most; 0: there is nobody to ask. */
  requests: number;
  /** How long the answer to the first request may take; each next one twice as long. */
  requestTimeoutNs: number;
  /** Messages to ask for at once, and the largest gap that is asked for at all. */
  requestMessages: number;
  requestGapMessages: number;
  /** After this long a gap is given up, whatever was asked for. */
  giveUpNs: number;
  /** Ended gaps that are remembered. */
  gapRecords: number;
}

/** What the arbiter needs of the format. */
export interface ArbiterSink {
  /**
   * Applies `count` messages from `at` on, the first `skip` of them passed over; their framing was
   * checked when they came. False when a message was unusable.
   */
  apply(bytes: Buffer, at: number, count: number, skip: number, channel: number): boolean;
  /** The channel begins anew: forget its books. */
  begin(channel: number): void;
  /** Messages of the channel are lost; true when its books were forgotten for that. */
  lose(channel: number): boolean;
}

/** `replacing`: a snapshot is being read, so everything is kept and nothing applied. */
const Phase = { whole: 0, holding: 1, requesting: 2, replacing: 3 } as const;

/** Whether answers to requests have filled part of the present gap, and some since the last request. */
const Answer = { none: 0, some: 1, fresh: 2 } as const;

/**
 * First come, first served over redundant lines; what comes before its turn is kept, what is missing
 * is waited for, then asked for, then given up. Knows no protocol, takes time as a parameter and
 * allocates nothing after it was made.
 *
 * A channel with a gap does not move on: its books stand still at the last message before the gap
 * (and the engine was told at its first sign). The gap ends when it is filled, and what was kept is
 * applied at once, or when it is given up, and the books go on with messages missing.
 */
export class Arbiter {
  readonly sequencer: Sequencer;
  readonly lines: LineStats;
  readonly gaps: GapLog;
  /** Sequence of the last message applied on the channel of the last datagram. */
  sequence = 0;
  deadlineNs = Number.POSITIVE_INFINITY;

  readonly #options: RecoveryOptions;
  readonly #counters: Uint32Array;
  readonly #sink: ArbiterSink;
  readonly #reorder: ReorderBuffer;
  readonly #patient: boolean;
  /** Channels with a gap, and channels that lost messages for good. */
  #open = 0;
  #brokenCount = 0;
  readonly #phase: Uint8Array;
  readonly #broken: Uint8Array;
  /** The first sequence that such a channel lost, and when. */
  readonly #brokenFrom: Float64Array;
  readonly #brokenNs: Float64Array;
  /** Of the present gap: its bounds, when it was seen, what filled it, how long it waits for what. */
  readonly #gapFrom: Float64Array;
  readonly #gapTo: Float64Array;
  readonly #seenNs: Float64Array;
  readonly #answered: Uint8Array;
  readonly #waited: Uint32Array;
  readonly #requests: Uint32Array;
  readonly #dueNs: Float64Array;
  readonly #requestDue: Uint8Array;
  /** The highest next sequence that anything told of, and when. */
  readonly #announced: Float64Array;
  readonly #announcedNs: Float64Array;

  constructor(
    channels: number,
    maxJump: number,
    options: RecoveryOptions,
    counters: Uint32Array,
    sink: ArbiterSink,
  ) {
    this.#patient = options.holdNs > 0;
    this.sequencer = new Sequencer(channels, maxJump, this.#patient);
    this.lines = new LineStats(channels, options.lines);
    this.gaps = new GapLog(options.gapRecords);
    this.#options = options;
    this.#counters = counters;
    this.#sink = sink;
    const slots = this.#patient ? options.reorderDatagrams : 0;
    this.#reorder = new ReorderBuffer(channels, slots, options.reorderBytes);
    this.#phase = new Uint8Array(channels);
    this.#broken = new Uint8Array(channels);
    this.#brokenFrom = new Float64Array(channels);
    this.#brokenNs = new Float64Array(channels);
    this.#gapFrom = new Float64Array(channels);
    this.#gapTo = new Float64Array(channels);
    this.#seenNs = new Float64Array(channels);
    this.#answered = new Uint8Array(channels);
    this.#waited = new Uint32Array(channels);
    this.#requests = new Uint32Array(channels);
    this.#dueNs = new Float64Array(channels).fill(Number.POSITIVE_INFINITY);
    this.#requestDue = new Uint8Array(channels);
    this.#announced = new Float64Array(channels);
    this.#announcedNs = new Float64Array(channels);
  }

  /**
   * A datagram with messages [first, first + count) in `bytes[at, end)`, or a heartbeat when `count`
   * is 0. Returns bits of `Verdict`.
   */
  take(
    channel: number,
    session0: number,
    session1: number,
    session2: number,
    first: number,
    count: number,
    sentNs: number,
    line: number,
    nowNs: number,
    bytes: Buffer,
    at: number,
    end: number,
  ): number {
    const { sequencer } = this;
    const seen = sequencer.offer(channel, session0, session1, session2, first, count, sentNs);
    if (seen !== Verdict.applied || sequencer.skip > 0 || this.#open > 0) {
      return this.#takeUnusual(seen, channel, first, count, line, nowNs, bytes, at, end);
    }
    this.lines.saw(channel, line, first, first + count, true, nowNs);
    return this.#apply(bytes, at, count, 0, channel, first + count, nowNs);
  }

  #takeUnusual(
    seen: number,
    channel: number,
    first: number,
    count: number,
    line: number,
    nowNs: number,
    bytes: Buffer,
    at: number,
    end: number,
  ): number {
    const { sequencer, lines } = this;
    const { skip } = sequencer;
    const next = first + count;
    // Whether anything is held is said at the end, when it is known.
    let verdict = seen & ~Verdict.held;
    sequencer.count(seen, this.#counters);
    if ((seen & Verdict.bad) !== 0) return seen;
    if ((seen & (Verdict.restart | Verdict.sessionChange)) !== 0) {
      this.#begin(channel, nowNs);
      verdict |= Verdict.cleared;
    }
    if ((seen & Verdict.gap) !== 0) verdict |= this.#loseNow(channel, nowNs);
    // What came before the first datagram is missing as well.
    if ((seen & Verdict.joined) !== 0) verdict |= this.#break(channel, 1, nowNs);
    if (this.#phase[channel] === Phase.replacing) {
      verdict = this.#keep(seen, channel, first, count, nowNs, bytes, at, end);
    } else if ((seen & Verdict.held) !== 0) {
      verdict |= this.#hold(channel, first, count, nowNs, bytes, at, end);
    } else if ((seen & Verdict.applied) !== 0) {
      verdict |= this.#apply(bytes, at, count, skip, channel, next, nowNs);
      if (line === lines.answers) this.#answered[channel] = Answer.some | Answer.fresh;
    }
    if (count === 0) lines.heard(channel, line, next);
    else lines.saw(channel, line, first, next, (verdict & Verdict.duplicate) === 0, nowNs);
    if ((seen & Verdict.duplicate) !== 0) return verdict | this.#waiting();
    if (this.#waits(channel)) verdict |= this.#drain(channel, nowNs);
    return verdict | this.#waiting();
  }

  #apply(
    bytes: Buffer,
    at: number,
    count: number,
    skip: number,
    channel: number,
    next: number,
    nowNs: number,
  ): number {
    this.#counters[FeedCount.messages]! += count - skip;
    this.sequence = next - 1;
    if (this.#sink.apply(bytes, at, count, skip, channel)) return Verdict.applied;
    return Verdict.applied | Verdict.damaged | this.#break(channel, next - count, nowNs);
  }

  /** Messages are missing for good. The books are wrong, or were forgotten and grow anew. */
  #break(channel: number, from: number, nowNs: number): number {
    if (this.#sink.lose(channel)) return Verdict.cleared;
    if (this.#broken[channel] === 0) {
      this.#broken[channel] = 1;
      this.#brokenCount++;
      this.#brokenFrom[channel] = from;
      this.#brokenNs[channel] = nowNs;
    }
    return Verdict.broken;
  }

  /** Without patience: the sequencer has passed over a gap. */
  #loseNow(channel: number, nowNs: number): number {
    const { gapFrom, gapTo } = this.sequencer;
    this.#counters[FeedCount.gaps]!++;
    this.#counters[FeedCount.lostMessages]! += gapTo - gapFrom;
    this.gaps.add(channel, gapFrom, gapTo, GapEnd.lost, nowNs, 0);
    return this.#break(channel, gapFrom, nowNs);
  }

  #hold(
    channel: number,
    first: number,
    count: number,
    nowNs: number,
    bytes: Buffer,
    at: number,
    end: number,
  ): number {
    let verdict = 0;
    this.#announce(channel, first + count, nowNs);
    if (this.#phase[channel] === Phase.whole) {
      this.#open++;
      this.#openGap(channel, first, nowNs);
      verdict |= Verdict.gap;
    } else if (first < this.#gapTo[channel]!) {
      this.#gapTo[channel] = first;
    }
    if (count > 0) {
      const put = this.#reorder.put(channel, first, count, nowNs, bytes, at, end);
      if (put === ReorderPut.known) {
        this.#counters[FeedCount.duplicates]!++;
        return verdict | Verdict.duplicate;
      }
      if (put === ReorderPut.full) {
        return verdict | this.#overflow(channel, first, count, nowNs, bytes, at, end);
      }
    }
    if (this.#phase[channel] === Phase.holding) {
      if (++this.#waited[channel]! > this.#options.holdDatagrams) {
        verdict |= this.#step(channel, nowNs);
      }
    }
    return verdict;
  }

  #announce(channel: number, next: number, nowNs: number): void {
    if (next <= this.#announced[channel]!) return;
    this.#announced[channel] = next;
    this.#announcedNs[channel] = nowNs;
  }

  /** No room for one more: gaps are given up until there is, or until it is this one's turn. */
  #overflow(
    channel: number,
    first: number,
    count: number,
    nowNs: number,
    bytes: Buffer,
    at: number,
    end: number,
  ): number {
    const { sequencer } = this;
    const reorder = this.#reorder;
    this.#counters[FeedCount.reorderFull]!++;
    let verdict = 0;
    for (;;) {
      const expected = sequencer.expected(channel);
      if (first <= expected) {
        if (first + count > expected) {
          sequencer.pass(channel, first + count);
          const skip = expected - first;
          verdict |= this.#apply(bytes, at, count, skip, channel, first + count, nowNs);
          verdict |= this.#flush(channel, nowNs);
        }
        break;
      }
      if (reorder.put(channel, first, count, nowNs, bytes, at, end) === ReorderPut.kept) break;
      const head = reorder.head(channel);
      const to = head >= 0 ? Math.min(reorder.first[head]!, first) : first;
      verdict |= this.#loseUntil(channel, to, nowNs) | this.#flush(channel, nowNs);
    }
    return verdict | this.#next(channel);
  }

  /** While a snapshot is read: the newest datagrams, the oldest making room for them. */
  #keep(
    seen: number,
    channel: number,
    first: number,
    count: number,
    nowNs: number,
    bytes: Buffer,
    at: number,
    end: number,
  ): number {
    const reorder = this.#reorder;
    this.#announce(channel, first + count, nowNs);
    const verdict = seen & ~(Verdict.applied | Verdict.held);
    if (count === 0 || (seen & Verdict.duplicate) !== 0) return verdict;
    let put = reorder.put(channel, first, count, nowNs, bytes, at, end);
    if (put === ReorderPut.full && reorder.head(channel) >= 0) {
      this.#counters[FeedCount.reorderFull]!++;
      reorder.drop(channel);
      put = reorder.put(channel, first, count, nowNs, bytes, at, end);
    }
    if (put !== ReorderPut.known) return verdict;
    this.#counters[FeedCount.duplicates]!++;
    return verdict | Verdict.duplicate;
  }

  #openGap(channel: number, to: number, seenNs: number): void {
    this.#counters[FeedCount.gaps]!++;
    this.#phase[channel] = Phase.holding;
    this.#gapFrom[channel] = this.sequencer.expected(channel);
    this.#gapTo[channel] = to;
    this.#seenNs[channel] = seenNs;
    this.#answered[channel] = Answer.none;
    this.#waited[channel] = 0;
    this.#requests[channel] = 0;
    this.#due(channel, seenNs + this.#options.holdNs);
  }

  #due(channel: number, dueNs: number): void {
    this.#dueNs[channel] = dueNs;
    let deadline = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.sequencer.channels; i++) {
      if (this.#dueNs[i]! < deadline) deadline = this.#dueNs[i]!;
    }
    this.deadlineNs = deadline;
  }

  /** Applies what was kept as far as nothing is missing before it. */
  #flush(channel: number, nowNs: number): number {
    const { sequencer } = this;
    const reorder = this.#reorder;
    let verdict = 0;
    for (let slot = reorder.head(channel); slot >= 0; slot = reorder.head(channel)) {
      const first = reorder.first[slot]!;
      const count = reorder.count[slot]!;
      const next = first + count;
      const expected = sequencer.expected(channel);
      if (first > expected) break;
      reorder.drop(channel);
      if (next <= expected) continue;
      sequencer.pass(channel, next);
      const at = slot * reorder.slotBytes;
      verdict |= this.#apply(reorder.bytes, at, count, expected - first, channel, next, nowNs);
    }
    return verdict;
  }

  /** Goes on as far as possible, and ends gaps that are filled. */
  #drain(channel: number, nowNs: number): number {
    const { sequencer } = this;
    const verdict = this.#flush(channel, nowNs);
    const expected = sequencer.expected(channel);
    if (expected < this.#gapTo[channel]!) {
      this.#progress(channel, nowNs);
      return verdict;
    }
    this.#endGap(channel, this.#gapTo[channel]!, this.#filledBy(channel), nowNs);
    return verdict | this.#next(channel);
  }

  /** After a gap has ended: the next one, or the channel is whole. */
  #next(channel: number): number {
    const reorder = this.#reorder;
    const slot = reorder.head(channel);
    const to = slot >= 0 ? reorder.first[slot]! : this.#announced[channel]!;
    if (to > this.sequencer.expected(channel)) {
      // It waits from when it was seen, not from when the gap before it ended: otherwise many gaps
      // would be given up one wait after the other, and the books would fall behind more and more.
      this.#openGap(channel, to, slot >= 0 ? reorder.cameNs[slot]! : this.#announcedNs[channel]!);
      return 0;
    }
    this.#close(channel);
    return this.#open === 0 ? Verdict.recovered : 0;
  }

  #close(channel: number): void {
    this.#phase[channel] = Phase.whole;
    this.#requestDue[channel] = 0;
    this.#open--;
    this.#due(channel, Number.POSITIVE_INFINITY);
  }

  #filledBy(channel: number): GapEnd {
    return this.#answered[channel] === Answer.none ? GapEnd.line : GapEnd.retransmission;
  }

  #endGap(channel: number, to: number, how: GapEnd, nowNs: number): void {
    const seenNs = this.#seenNs[channel]!;
    this.gaps.add(channel, this.#gapFrom[channel]!, to, how, seenNs, nowNs - seenNs);
  }

  /** Part of a gap was filled by an answer: ask for the rest at once. */
  #progress(channel: number, nowNs: number): void {
    const fresh = (this.#answered[channel]! & Answer.fresh) !== 0;
    if (this.#phase[channel] !== Phase.requesting || !fresh) return;
    this.#answered[channel] = Answer.some;
    this.#requests[channel] = 0;
    this.#request(channel, nowNs);
  }

  poll(nowNs: number): number {
    let verdict = 0;
    for (let channel = 0; channel < this.sequencer.channels; channel++) {
      if (this.#dueNs[channel]! > nowNs || !this.#waits(channel)) continue;
      verdict |= this.#step(channel, nowNs) | this.#waiting();
    }
    return verdict;
  }

  /** Whether the channel waits for messages to come or to be sent again. */
  #waits(channel: number): boolean {
    const phase = this.#phase[channel];
    return phase === Phase.holding || phase === Phase.requesting;
  }

  /** The wait of a gap's present phase is over. */
  #step(channel: number, nowNs: number): number {
    const { requests, requestGapMessages, giveUpNs } = this.#options;
    const missing = this.#gapTo[channel]! - this.sequencer.expected(channel);
    const mayAsk =
      this.#requests[channel]! < requests &&
      missing <= requestGapMessages &&
      nowNs - this.#seenNs[channel]! < giveUpNs;
    if (!mayAsk) return this.#giveUp(channel, nowNs);
    this.#phase[channel] = Phase.requesting;
    this.#request(channel, nowNs);
    return 0;
  }

  #request(channel: number, nowNs: number): void {
    const { requestTimeoutNs, giveUpNs } = this.#options;
    const timeoutNs = requestTimeoutNs * 2 ** Math.min(this.#requests[channel]!, 20);
    this.#requests[channel]!++;
    this.#requestDue[channel] = 1;
    this.#counters[FeedCount.requests]!++;
    this.#due(channel, Math.min(nowNs + timeoutNs, this.#seenNs[channel]! + giveUpNs));
  }

  /**
   * The channel of a request that is due, -1 when there is none; `requestFrom` and `requestCount`
   * are the sequences to ask for. To be called until it says -1.
   */
  takeRequest(): number {
    if (this.#open === 0) return -1;
    for (let channel = 0; channel < this.sequencer.channels; channel++) {
      if (this.#requestDue[channel] === 0) continue;
      this.#requestDue[channel] = 0;
      return channel;
    }
    return -1;
  }

  requestFrom(channel: number): number {
    return this.sequencer.expected(channel);
  }

  requestCount(channel: number): number {
    const missing = this.#gapTo[channel]! - this.sequencer.expected(channel);
    return Math.min(missing, this.#options.requestMessages);
  }

  /** What is missing of the present gap is lost, and the channel goes on behind it. */
  #giveUp(channel: number, nowNs: number): number {
    const verdict = this.#loseUntil(channel, this.#gapTo[channel]!, nowNs);
    return verdict | this.#flush(channel, nowNs) | this.#next(channel);
  }

  /** Gives up everything before `to`. */
  #loseUntil(channel: number, to: number, nowNs: number): number {
    const from = this.sequencer.expected(channel);
    if (from > this.#gapFrom[channel]!) {
      this.#endGap(channel, from, this.#filledBy(channel), nowNs);
      this.#gapFrom[channel] = from;
    }
    this.#counters[FeedCount.lostMessages]! += to - from;
    this.#endGap(channel, to, GapEnd.lost, nowNs);
    this.#gapFrom[channel] = to;
    this.sequencer.pass(channel, to);
    return Verdict.gap | this.#break(channel, from, nowNs);
  }

  /**
   * A snapshot of the channel's books is about to be applied: forgets the books, and keeps what
   * comes from now on until `endSnapshot` or `abortSnapshot`. Only with patience.
   */
  beginSnapshot(channel: number): void {
    assert(this.#patient, "a snapshot needs the reorder buffer");
    if (this.#phase[channel] === Phase.whole) this.#open++;
    this.#phase[channel] = Phase.replacing;
    this.#requestDue[channel] = 0;
    this.#due(channel, Number.POSITIVE_INFINITY);
    this.#sink.begin(channel);
  }

  /** Whether messages of the channel are lost for good and no snapshot has healed that yet. */
  isBroken(channel: number): boolean {
    return this.#broken[channel] === 1;
  }

  /** Whether a snapshot of the channel is being read. */
  isReplacing(channel: number): boolean {
    return this.#phase[channel] === Phase.replacing;
  }

  /** The snapshot is applied; `next` is the first sequence that is not in it. Returns a verdict. */
  endSnapshot(channel: number, next: number, nowNs: number): number {
    const broken = this.#broken[channel] === 1;
    const from = broken ? this.#brokenFrom[channel]! : next;
    const seenNs = broken ? this.#brokenNs[channel]! : nowNs;
    this.gaps.add(channel, from, Math.max(from, next), GapEnd.snapshot, seenNs, nowNs - seenNs);
    if (broken) this.#brokenCount--;
    this.#broken[channel] = 0;
    this.sequencer.pass(channel, next);
    this.sequence = next - 1;
    const verdict = this.#flush(channel, nowNs) | this.#next(channel);
    return verdict | Verdict.cleared | this.#waiting();
  }

  /** The snapshot broke off: the books are worth nothing, and the channel goes on without. */
  abortSnapshot(channel: number, nowNs: number): number {
    const head = this.#reorder.head(channel);
    const at = head >= 0 ? this.#reorder.first[head]! : this.sequencer.expected(channel);
    this.sequencer.pass(channel, at);
    const lost = Verdict.gap | this.#break(channel, at, nowNs);
    return lost | this.#flush(channel, nowNs) | this.#next(channel) | this.#waiting();
  }

  /** The channel begins anew: what was missing or kept of the old sequence does not matter. */
  #begin(channel: number, nowNs: number): void {
    if (this.#phase[channel] !== Phase.whole) {
      const to = Math.max(this.#gapTo[channel]!, this.#announced[channel]!);
      this.#endGap(channel, to, GapEnd.superseded, nowNs);
      this.#close(channel);
    }
    if (this.#broken[channel] === 1) this.#brokenCount--;
    this.#broken[channel] = 0;
    this.#announced[channel] = 0;
    this.#reorder.clear(channel);
    this.lines.begin(channel);
    this.#sink.begin(channel);
  }

  /** What is to be said of the feed as long as something is missing somewhere. */
  #waiting(): number {
    let verdict = 0;
    if (this.#open > 0) verdict |= Verdict.held;
    if (this.#brokenCount > 0) verdict |= Verdict.broken;
    return verdict;
  }
}
