import { FeedCount } from "./count.ts";
import { Verdict } from "./decoder.ts";

/** The previous session is back after so many datagrams with news in a row; no line lags so far. */
const returnDatagrams = 32;

/**
 * Follows the sequence of each channel of a feed and says of every datagram what it means. It knows
 * no protocol: a channel is a u32 key (an IEX-TP channel, a PITCH unit, 0 for MoldUDP64) in a bounded
 * table, a session is three u32 words.
 *
 * Rules, in the order in which they are tried:
 * - another session is believed at once, except the previous one, which is a redundant line that lags
 *   behind the change, unless it begins anew as in the next rule, or goes on while nothing of the
 *   present one comes: then the change was a stray datagram of some other sender;
 * - the sequence going back is a duplicate, unless it begins at 1 and was sent later than anything
 *   before: then the sender began again, and what was sent before that is late;
 * - a jump ahead is a gap; without patience it is passed over at once, and with it the datagram is to
 *   be held until what is missing comes or `pass` gives it up; a jump of more than `maxJump` beyond
 *   all that was believed is believed only when the next datagram goes on from there, because one such
 *   datagram by mistake would make everything that follows look like a duplicate.
 */

export class Sequencer {
  /** How many channels have been seen. */
  channels = 0;
  /** After `offer`: how many leading messages of the datagram are known already. */
  skip = 0;
  /** After `offer`: the datagram is of the session, or of the time, before the present one. */
  past = false;
  /** After a gap: the first missing sequence and the one after the last missing one. */
  gapFrom = 0;
  gapTo = 0;

  readonly #keys: Uint32Array;
  readonly #session: Uint32Array;
  readonly #previous: Uint32Array;
  /** The sequence each channel expects next; 0 before its first datagram. */
  readonly #expected: Float64Array;
  readonly #hasPrevious: Uint8Array;
  /** The latest time at which anything was sent, and that of the last restart. */
  readonly #sentNs: Float64Array;
  readonly #restartNs: Float64Array;
  /** The sequence that would confirm a jump which was not believed. */
  readonly #doubted: Float64Array;
  /** The sequence behind everything that was believed, be it held back. */
  readonly #reached: Float64Array;
  /** Where the previous session was left, and its datagrams beyond that since the present one spoke. */
  readonly #left: Float64Array;
  readonly #strays: Uint8Array;
  readonly #maxJump: number;
  readonly #patient: boolean;

  /** Room for `capacity` channels; `maxJump` in messages; `patient` as said above. */
  constructor(capacity: number, maxJump: number, patient: boolean) {
    this.#patient = patient;
    this.#maxJump = maxJump;
    this.#doubted = new Float64Array(capacity);
    this.#reached = new Float64Array(capacity);
    this.#left = new Float64Array(capacity);
    this.#strays = new Uint8Array(capacity);
    this.#keys = new Uint32Array(capacity);
    this.#session = new Uint32Array(3 * capacity);
    this.#previous = new Uint32Array(3 * capacity);
    this.#expected = new Float64Array(capacity);
    this.#hasPrevious = new Uint8Array(capacity);
    this.#sentNs = new Float64Array(capacity).fill(Number.NEGATIVE_INFINITY);
    this.#restartNs = new Float64Array(capacity).fill(Number.NEGATIVE_INFINITY);
  }

  /** The index of the channel with this key, -1 when the table has no room for one more. */
  channel(key: number): number {
    const known = this.find(key);
    if (known >= 0 || this.channels === this.#keys.length) return known;
    this.#keys[this.channels] = key;
    return this.channels++;
  }

  /** The same without making room for a new one: -1 when it is not known. */
  find(key: number): number {
    const keys = this.#keys;
    for (let i = 0; i < this.channels; i++) if (keys[i] === key) return i;
    return -1;
  }

  /** The key that the channel was made with. */
  key(channel: number): number {
    return this.#keys[channel]!;
  }

  /** The sequence that the channel expects next, 0 before its first datagram. */
  expected(channel: number): number {
    return this.#expected[channel]!;
  }

  /**
   * Takes note of messages [first, first + count) on a channel; a count of 0 is a heartbeat that
   * announces `first` as the next sequence. `sentNs` is the sender's time, NaN where unknown.
   * Returns bits of `Verdict` and leaves `skip`, `gapFrom` and `gapTo`.
   */
  offer(
    channel: number,
    session0: number,
    session1: number,
    session2: number,
    first: number,
    count: number,
    sentNs: number,
  ): number {
    const next = first + count;
    const expected = this.#expected[channel]!;
    const session = this.#session;
    const at = 3 * channel;
    this.skip = 0;
    this.past = false;
    if (
      expected === first &&
      session[at] === session0 &&
      session[at + 1] === session1 &&
      session[at + 2] === session2 &&
      !(sentNs < this.#restartNs[channel]!)
    ) {
      this.#expected[channel] = next;
      this.#strays[channel] = 0;
      if (sentNs > this.#sentNs[channel]!) this.#sentNs[channel] = sentNs;
      return count === 0 ? Verdict.heartbeat : Verdict.applied;
    }
    return this.#offerOutOfLine(channel, session0, session1, session2, first, next, sentNs);
  }

  #offerOutOfLine(
    channel: number,
    session0: number,
    session1: number,
    session2: number,
    first: number,
    next: number,
    sentNs: number,
  ): number {
    const outcome = next === first ? Verdict.heartbeat : Verdict.applied;
    const expected = this.#expected[channel]!;
    if (expected === 0) {
      this.#begin(channel, session0, session1, session2, next, sentNs);
      return first > 1 ? outcome | Verdict.joined : outcome;
    }
    if (!sameSession(this.#session, channel, session0, session1, session2)) {
      const again = first === 1 && sentNs > this.#sentNs[channel]!;
      const late =
        this.#hasPrevious[channel] === 1 &&
        sameSession(this.#previous, channel, session0, session1, session2);
      if (late && !again && !this.#returns(channel, first, next)) {
        this.past = true;
        return Verdict.duplicate;
      }
      this.#endSession(channel);
      if (first === 1) {
        this.#begin(channel, session0, session1, session2, next, sentNs);
        return outcome | Verdict.sessionChange;
      }
      this.#gap(1, first);
      const reached = this.#patient ? 1 : next;
      this.#begin(channel, session0, session1, session2, reached, sentNs);
      return Verdict.sessionChange | this.#ahead(outcome);
    }
    // A redundant line may still bring what was sent before a restart.
    if (sentNs < this.#restartNs[channel]!) {
      this.past = true;
      return Verdict.duplicate;
    }
    this.#strays[channel] = 0;
    if (first < expected) {
      if (first === 1 && sentNs > this.#sentNs[channel]!) {
        this.#expected[channel] = next;
        this.#reached[channel] = next;
        this.#sentNs[channel] = sentNs;
        this.#restartNs[channel] = sentNs;
        return outcome | Verdict.restart;
      }
      if (next <= expected) return outcome === Verdict.heartbeat ? outcome : Verdict.duplicate;
      this.skip = expected - first;
      this.#advance(channel, next, sentNs);
      return Verdict.applied;
    }
    const reached = Math.max(expected, this.#reached[channel]!);
    if (first - reached > this.#maxJump && this.#doubted[channel] !== first) {
      this.#doubted[channel] = next;
      return Verdict.bad;
    }
    this.#reached[channel] = Math.max(reached, next);
    this.#gap(expected, first);
    // Even what is held back shows that the sender is past its beginning: without that a late copy
    // of the very first datagram would look like a restart.
    this.#advance(channel, this.#patient ? expected : next, sentNs);
    return this.#ahead(outcome);
  }

  /** Counts what a verdict of `offer` other than `applied` alone means. */
  count(verdict: number, counters: Uint32Array): void {
    if ((verdict & Verdict.bad) !== 0) counters[FeedCount.badSequence]!++;
    if ((verdict & Verdict.heartbeat) !== 0) counters[FeedCount.heartbeats]!++;
    if ((verdict & Verdict.duplicate) !== 0) counters[FeedCount.duplicates]!++;
    if ((verdict & Verdict.restart) !== 0) counters[FeedCount.restarts]!++;
    if ((verdict & Verdict.sessionChange) !== 0) counters[FeedCount.sessionChanges]!++;
    if (this.skip > 0) counters[FeedCount.overlaps]!++;
  }

  /** Goes on from `next`, which what was held back or given up has reached. */
  pass(channel: number, next: number): void {
    this.#expected[channel] = next;
  }

  /** The three words of the channel's session. */
  session(channel: number, word: number): number {
    return this.#session[3 * channel + word]!;
  }

  #advance(channel: number, next: number, sentNs: number): void {
    this.#expected[channel] = next;
    if (sentNs > this.#sentNs[channel]!) this.#sentNs[channel] = sentNs;
  }

  /** Whether the previous session turns out to be the one that goes on. */
  #returns(channel: number, first: number, next: number): boolean {
    if (next === first || first < this.#left[channel]!) return false;
    return ++this.#strays[channel]! >= returnDatagrams;
  }

  /** What a datagram behind a gap is. */
  #ahead(outcome: number): number {
    if (!this.#patient) return outcome | Verdict.gap;
    return Verdict.held | (outcome & Verdict.heartbeat);
  }

  #gap(from: number, to: number): void {
    this.gapFrom = from;
    this.gapTo = to;
  }

  #begin(
    channel: number,
    session0: number,
    session1: number,
    session2: number,
    next: number,
    sentNs: number,
  ): void {
    const at = 3 * channel;
    this.#session[at] = session0;
    this.#session[at + 1] = session1;
    this.#session[at + 2] = session2;
    this.#expected[channel] = next;
    this.#reached[channel] = next;
    this.#doubted[channel] = 0;
    this.#strays[channel] = 0;
    this.#restartNs[channel] = Number.NEGATIVE_INFINITY;
    this.#sentNs[channel] = sentNs === sentNs ? sentNs : Number.NEGATIVE_INFINITY;
  }

  #endSession(channel: number): void {
    const at = 3 * channel;
    for (let i = 0; i < 3; i++) this.#previous[at + i] = this.#session[at + i]!;
    this.#hasPrevious[channel] = 1;
    this.#left[channel] = Math.max(this.#expected[channel]!, this.#reached[channel]!);
  }
}

function sameSession(
  words: Uint32Array,
  channel: number,
  session0: number,
  session1: number,
  session2: number,
): boolean {
  const at = 3 * channel;
  return words[at] === session0 && words[at + 1] === session1 && words[at + 2] === session2;
}
