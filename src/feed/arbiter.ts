import { assert } from "../error.ts";
import { BrokenChannels } from "./broken.ts";
import { FeedCount } from "./count.ts";
import { Verdict } from "./decoder.ts";
import { GapEnd, GapLog } from "./gap.ts";
import { GapState, Phase } from "./gap-state.ts";
import { LineStats } from "./line.ts";
import type { ArbiterSink, RecoveryOptions } from "./recovery.ts";
import { ReorderBuffer, ReorderPut } from "./reorder.ts";
import { Sequencer } from "./sequencer.ts";

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
  /** Sequence of the last message applied on the channel that the last verdict was about. */
  sequence = 0;

  readonly #options: RecoveryOptions;
  readonly #counters: Uint32Array;
  readonly #sink: ArbiterSink;
  readonly reorder: ReorderBuffer;
  readonly #patient: boolean;
  readonly #maxJump: number;
  readonly #gap: GapState;
  readonly #broken: BrokenChannels;

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
    this.#maxJump = maxJump;
    this.#counters = counters;
    this.#sink = sink;
    const slots = this.#patient ? options.reorderDatagrams : 0;
    this.reorder = new ReorderBuffer(channels, slots, options.reorderBytes);
    this.#gap = new GapState(channels);
    this.#broken = new BrokenChannels(channels);
  }

  /** When `poll` has something to do; Infinity when it has not. */
  get deadlineNs(): number {
    return this.#gap.deadlineNs;
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
    if (seen !== Verdict.applied || sequencer.skip > 0 || !this.#gap.isWhole(channel)) {
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
    this.#turnTo(channel);
    sequencer.count(seen, this.#counters);
    if ((seen & Verdict.bad) !== 0) return seen;
    if ((seen & (Verdict.restart | Verdict.sessionChange)) !== 0) {
      this.#begin(channel, nowNs);
      verdict |= Verdict.cleared;
    }
    if ((seen & Verdict.gap) !== 0) verdict |= this.#loseNow(channel, nowNs);
    // What came before the first datagram is missing as well.
    if ((seen & Verdict.joined) !== 0) verdict |= this.#break(channel, 1, nowNs);
    if (this.#gap.phase[channel] === Phase.replacing) {
      verdict = this.#keep(seen, channel, first, count, nowNs, bytes, at, end);
    } else if ((seen & Verdict.held) !== 0) {
      verdict |= this.#hold(channel, first, count, nowNs, bytes, at, end);
    } else if ((seen & Verdict.applied) !== 0) {
      verdict |= this.#apply(bytes, at, count, skip, channel, next, nowNs);
      if (line === lines.answers) this.#gap.answer(channel);
    }
    // What a line says of the past says nothing of what it should bring next.
    if (sequencer.past) return verdict | this.#waiting(channel);
    if (count === 0) lines.heard(channel, line, next);
    else lines.saw(channel, line, first, next, (verdict & Verdict.duplicate) === 0, nowNs);
    if ((seen & Verdict.duplicate) !== 0) return verdict | this.#waiting(channel);
    if (this.#gap.waits(channel)) verdict |= this.#drain(channel, nowNs);
    return verdict | this.#waiting(channel);
  }

  /** The sequence that the channel's books have reached, 0 before its first message. */
  sequenceOf(channel: number): number {
    return Math.max(0, this.sequencer.expected(channel) - 1);
  }

  #turnTo(channel: number): void {
    this.sequence = this.sequenceOf(channel);
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
    this.#broken.begin(channel, from, nowNs);
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
    const gap = this.#gap;
    let verdict = 0;
    gap.announce(channel, first + count, nowNs);
    if (gap.phase[channel] === Phase.whole) {
      this.#openGap(channel, first, nowNs);
      verdict |= Verdict.gap;
    } else if (count > 0 && first < gap.to[channel]!) {
      // A heartbeat that lags tells of nothing that has come.
      gap.to[channel] = first;
    }
    if (count > 0) {
      const put = this.reorder.put(channel, first, count, nowNs, bytes, at, end);
      if (put === ReorderPut.known) {
        this.#counters[FeedCount.duplicates]!++;
        return verdict | Verdict.duplicate;
      }
      if (put === ReorderPut.full) {
        return verdict | this.#overflow(channel, first, count, nowNs, bytes, at, end);
      }
    }
    if (gap.phase[channel] !== Phase.holding) return verdict;
    if (++gap.kept[channel]! <= this.#options.holdDatagrams) return verdict;
    return verdict | this.#step(channel, nowNs);
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
    const reorder = this.reorder;
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
    const reorder = this.reorder;
    this.#gap.announce(channel, first + count, nowNs);
    const verdict = seen & ~(Verdict.applied | Verdict.held);
    if (count === 0 || (seen & Verdict.duplicate) !== 0) return verdict;
    let put = reorder.put(channel, first, count, nowNs, bytes, at, end);
    if (put === ReorderPut.full) {
      this.#counters[FeedCount.reorderFull]!++;
      // One that no slot is long enough for drives out no other.
      if (end - at <= reorder.slotBytes && reorder.head(channel) >= 0) {
        reorder.drop(channel);
        put = reorder.put(channel, first, count, nowNs, bytes, at, end);
      }
    }
    if (put !== ReorderPut.known) return verdict;
    this.#counters[FeedCount.duplicates]!++;
    return verdict | Verdict.duplicate;
  }

  /** Everything before `to` is missing since `seenNs`. */
  #openGap(channel: number, to: number, seenNs: number): void {
    this.#counters[FeedCount.gaps]!++;
    const from = this.sequencer.expected(channel);
    this.#gap.begin(channel, from, to, seenNs, seenNs + this.#options.holdNs);
  }

  /** Applies what was kept as far as nothing is missing before it. */
  #flush(channel: number, nowNs: number): number {
    const { sequencer } = this;
    const reorder = this.reorder;
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
    const gap = this.#gap;
    const verdict = this.#flush(channel, nowNs);
    if (this.sequencer.expected(channel) < gap.to[channel]!) {
      // An answer has filled a part: the rest is asked for at once.
      if (gap.takeAnswer(channel)) this.#request(channel, nowNs);
      return verdict;
    }
    this.#endGap(channel, gap.to[channel]!, gap.filledBy(channel), nowNs);
    return verdict | this.#next(channel);
  }

  /** After a gap has ended: the next one, or the channel is whole. */
  #next(channel: number): number {
    const gap = this.#gap;
    const reorder = this.reorder;
    const slot = reorder.head(channel);
    const to = slot >= 0 ? reorder.first[slot]! : gap.announced[channel]!;
    if (to > this.sequencer.expected(channel)) {
      // It waits from when it was seen, not from when the gap before it ended: otherwise many gaps
      // would be given up one wait after the other, and the books would fall behind more and more.
      this.#openGap(channel, to, slot >= 0 ? reorder.cameNs[slot]! : gap.announcedNs[channel]!);
      return 0;
    }
    gap.close(channel);
    return Verdict.recovered;
  }

  #endGap(channel: number, to: number, how: GapEnd, nowNs: number): void {
    const seenNs = this.#gap.seenNs[channel]!;
    this.gaps.add(channel, this.#gap.from[channel]!, to, how, seenNs, nowNs - seenNs);
  }

  /** The channel that `poll` would turn to; -1 when none waits. */
  get dueChannel(): number {
    return this.#gap.dueChannel;
  }

  /**
   * Does what is due by now on `dueChannel`, the one that is most overdue. Returns bits of `Verdict`
   * of that channel; what is due on others, or next, is for another call.
   */
  poll(nowNs: number): number {
    const channel = this.#gap.dueChannel;
    if (channel < 0 || nowNs < this.deadlineNs) return 0;
    this.#turnTo(channel);
    return this.#step(channel, nowNs) | this.#waiting(channel);
  }

  /** The wait of a gap's present phase is over. */
  #step(channel: number, nowNs: number): number {
    const { requests, requestGapMessages, giveUpNs } = this.#options;
    const gap = this.#gap;
    const missing = gap.to[channel]! - this.sequencer.expected(channel);
    const mayAsk =
      gap.requests[channel]! < requests &&
      missing <= requestGapMessages &&
      nowNs - gap.seenNs[channel]! < giveUpNs;
    if (!mayAsk) return this.#giveUp(channel, nowNs);
    this.#request(channel, nowNs);
    return 0;
  }

  #request(channel: number, nowNs: number): void {
    const { requestTimeoutNs, giveUpNs } = this.#options;
    const gap = this.#gap;
    const timeoutNs = requestTimeoutNs * 2 ** Math.min(gap.requests[channel]!, 20);
    this.#counters[FeedCount.requests]!++;
    gap.request(channel, Math.min(nowNs + timeoutNs, gap.seenNs[channel]! + giveUpNs));
  }

  /**
   * The channel of a request that is due, -1 when there is none; `requestFrom` and `requestCount`
   * are the sequences to ask for. To be called until it says -1.
   */
  takeRequest(): number {
    return this.#gap.takeRequest(this.sequencer.channels);
  }

  requestFrom(channel: number): number {
    return this.sequencer.expected(channel);
  }

  requestCount(channel: number): number {
    const missing = this.#gap.to[channel]! - this.sequencer.expected(channel);
    return Math.min(missing, this.#options.requestMessages);
  }

  /** What is missing of the present gap is lost, and the channel goes on behind it. */
  #giveUp(channel: number, nowNs: number): number {
    const verdict = this.#loseUntil(channel, this.#gap.to[channel]!, nowNs);
    return verdict | this.#flush(channel, nowNs) | this.#next(channel);
  }

  /** Gives up everything before `to`. */
  #loseUntil(channel: number, to: number, nowNs: number): number {
    const gap = this.#gap;
    const from = this.sequencer.expected(channel);
    if (from > gap.from[channel]!) {
      this.#endGap(channel, from, gap.filledBy(channel), nowNs);
      gap.from[channel] = from;
    }
    this.#counters[FeedCount.lostMessages]! += to - from;
    this.#endGap(channel, to, GapEnd.lost, nowNs);
    gap.from[channel] = to;
    this.sequencer.pass(channel, to);
    return Verdict.gap | this.#break(channel, from, nowNs);
  }

  /**
   * A snapshot of the channel's books is about to be applied: forgets the books, and keeps what
   * comes from now on until `endSnapshot` or `abortSnapshot`. Only with patience.
   */
  beginSnapshot(channel: number): void {
    assert(this.#patient, "a snapshot needs the reorder buffer");
    const gap = this.#gap;
    // A gap that still waited is the snapshot's to heal, and stays when that breaks off.
    if (gap.waits(channel)) this.#broken.begin(channel, gap.from[channel]!, gap.seenNs[channel]!);
    gap.replace(channel);
    this.#sink.begin(channel);
  }

  /** Whether messages of the channel are lost for good and no snapshot has healed that yet. */
  isBroken(channel: number): boolean {
    return this.#broken.has(channel);
  }

  get isAnyBroken(): boolean {
    return this.#broken.count > 0;
  }

  /** Whether a snapshot of the channel is being read. */
  isReplacing(channel: number): boolean {
    return this.#gap.phase[channel] === Phase.replacing;
  }

  /**
   * Whether a snapshot may say that the channel goes on from `next`: not further ahead than a jump
   * that a datagram would be believed, or everything that follows would look like a duplicate.
   */
  isPlausible(channel: number, next: number): boolean {
    const known = Math.max(this.sequencer.expected(channel), this.#gap.announced[channel]!);
    return next >= 1 && next - known <= this.#maxJump;
  }

  /** The snapshot is applied; `next` is the first sequence that is not in it. Returns a verdict. */
  endSnapshot(channel: number, next: number, nowNs: number): number {
    // A snapshot may also be asked for where nothing was lost.
    if (this.#broken.has(channel)) {
      const from = this.#broken.from[channel]!;
      const seenNs = this.#broken.seenNs[channel]!;
      this.gaps.add(channel, from, Math.max(from, next), GapEnd.snapshot, seenNs, nowNs - seenNs);
      this.#broken.end(channel);
    }
    // What was known before the snapshot is missing when that is older.
    this.#gap.announce(channel, this.sequencer.expected(channel), nowNs);
    this.sequencer.pass(channel, next);
    this.sequence = next - 1;
    const verdict = this.#flush(channel, nowNs) | this.#next(channel);
    return verdict | Verdict.cleared | this.#waiting(channel);
  }

  /** The snapshot broke off: the books are worth nothing, and the channel goes on without. */
  abortSnapshot(channel: number, nowNs: number): number {
    const head = this.reorder.head(channel);
    const expected = this.sequencer.expected(channel);
    const at = head >= 0 ? this.reorder.first[head]! : expected;
    if (at > expected) {
      this.#counters[FeedCount.lostMessages]! += at - expected;
      this.gaps.add(channel, expected, at, GapEnd.lost, nowNs, 0);
    }
    this.sequencer.pass(channel, at);
    const lost = Verdict.gap | this.#break(channel, at, nowNs);
    return lost | this.#flush(channel, nowNs) | this.#next(channel) | this.#waiting(channel);
  }

  /** The channel begins anew: what was missing or kept of the old sequence does not matter. */
  #begin(channel: number, nowNs: number): void {
    const gap = this.#gap;
    if (gap.phase[channel] !== Phase.whole) {
      // Behind a snapshot that was being read there is no gap yet.
      if (gap.waits(channel)) {
        const to = Math.max(gap.to[channel]!, gap.announced[channel]!);
        this.#endGap(channel, to, GapEnd.superseded, nowNs);
      }
      gap.close(channel);
    }
    this.#broken.end(channel);
    gap.announced[channel] = 0;
    this.reorder.clear(channel);
    this.lines.begin(channel);
    this.#sink.begin(channel);
  }

  /** What is to be said of the channel as long as something of it is missing. */
  #waiting(channel: number): number {
    let verdict = 0;
    if (!this.#gap.isWhole(channel)) verdict |= Verdict.held;
    if (this.#broken.has(channel)) verdict |= Verdict.broken;
    return verdict;
  }
}
