/**
 * What the feed thread shows of its lines and of what is missing, in shared memory: a record per feed
 * under a sequence lock, written a few times a second, and a ring of gaps that have ended.
 *
 * A feed's record is `recordDoubles` doubles: those of `FeedValue`, then `lineMax` times those of
 * `LineValue`. The last line in use is that of answers to retransmission requests.
 */
import { Ring, ringBytes } from "../decision/ring.ts";
import type { Gap, GapEnd } from "../feed/gap.ts";

export const FeedValue = {
  /** Sequence of the last message applied. */
  sequence: 0,
  /** ns since the run's base; NaN before the first datagram. */
  lastSeenNs: 1,
  /** 1 while messages are missing that may still come; while some are lost for good. */
  waiting: 2,
  broken: 3,
  gapsEnded: 4,
  requests: 5,
  snapshots: 6,
  snapshotAttempts: 7,
  /** `GlimpseFault` of the last attempt. */
  snapshotFault: 8,
  /** Datagrams kept until their turn, and the most there ever were. */
  reorderUsed: 9,
  reorderUsedMax: 10,
  lines: 11,
  /** Channels (units, sessions) that were heard of, and how many of them are stale. */
  channels: 12,
  staleChannels: 13,
  /** A time that was too far from the feed's date, epoch ms; NaN without any. */
  strayMs: 14,
} as const;
const feedValues = 16;

export const LineValue = {
  datagrams: 0,
  wins: 1,
  duplicates: 2,
  late: 3,
  /** Messages missing from the line's own sequence. */
  lost: 4,
  /** Its duplicates came so many ns after the winner: sum, number, maximum. */
  behindNs: 5,
  behindCount: 6,
  behindNsMax: 7,
  /** Datagrams that the kernel had no room for, where the socket tells; -1 where it does not. */
  overflow: 8,
  /** The port that the line's socket is bound to; 0 before. */
  port: 9,
} as const;
const lineValues = 12;
/** Redundant lines at most, and the one of answers. */
export const lineMax = 5;
const recordDoubles = feedValues + lineMax * lineValues;

const gapDoubles = 11;
const gapWords = gapDoubles * 2;
const gapCapacity = 1024;

export function lineBoardBytes(feeds: number): number {
  return feeds * (8 + recordDoubles * 8);
}

export function gapRingBytes(): number {
  return ringBytes(gapCapacity, gapWords);
}

export interface LineState {
  datagrams: number;
  wins: number;
  duplicates: number;
  late: number;
  lost: number;
  behindNs: number;
  behindCount: number;
  behindNsMax: number;
  overflow: number;
}

export interface FeedState {
  sequence: number;
  lastSeenNs: number;
  waiting: boolean;
  broken: boolean;
  gapsEnded: number;
  requests: number;
  snapshots: number;
  snapshotAttempts: number;
  snapshotFault: number;
  reorderUsed: number;
  reorderUsedMax: number;
  channels: number;
  staleChannels: number;
  strayMs: number;
  /** Of the redundant lines, also where the format does not tell them apart; 0 before they are open. */
  ports: number[];
  /** The redundant ones, then the line of answers. */
  lines: LineState[];
}

export class LineBoard {
  readonly #locks: Int32Array;
  readonly #values: Float64Array;

  constructor(memory: SharedArrayBuffer, feeds: number) {
    this.#locks = new Int32Array(memory, 0, feeds * 2);
    this.#values = new Float64Array(memory, feeds * 8, feeds * recordDoubles);
  }

  /** Writer. A life of the thread that ended in the middle of a record has left it open. */
  begin(feed: number): void {
    Atomics.or(this.#locks, feed * 2, 1);
  }

  set(feed: number, value: number, to: number): void {
    this.#values[feed * recordDoubles + value] = to;
  }

  setLine(feed: number, line: number, value: number, to: number): void {
    this.#values[feed * recordDoubles + feedValues + line * lineValues + value] = to;
  }

  end(feed: number): void {
    Atomics.add(this.#locks, feed * 2, 1);
  }

  /** Reader. Undefined before the first time, and while it is written all the time. */
  read(feed: number): FeedState | undefined {
    for (let attempt = 0; attempt < 64; attempt++) {
      const before = Atomics.load(this.#locks, feed * 2);
      if (before === 0) return undefined;
      if ((before & 1) !== 0) continue;
      const values = this.#values.slice(feed * recordDoubles, (feed + 1) * recordDoubles);
      if (Atomics.load(this.#locks, feed * 2) === before) return decode(values);
    }
    return undefined;
  }
}

function decode(values: Float64Array): FeedState {
  const feed = (value: number): number => values[value]!;
  const lines = Array.from({ length: feed(FeedValue.lines) }, (_, line): LineState => {
    const own = (value: number): number => values[feedValues + line * lineValues + value]!;
    return {
      datagrams: own(LineValue.datagrams),
      wins: own(LineValue.wins),
      duplicates: own(LineValue.duplicates),
      late: own(LineValue.late),
      lost: own(LineValue.lost),
      behindNs: own(LineValue.behindNs),
      behindCount: own(LineValue.behindCount),
      behindNsMax: own(LineValue.behindNsMax),
      overflow: own(LineValue.overflow),
    };
  });
  return {
    sequence: feed(FeedValue.sequence),
    lastSeenNs: feed(FeedValue.lastSeenNs),
    waiting: feed(FeedValue.waiting) !== 0,
    broken: feed(FeedValue.broken) !== 0,
    gapsEnded: feed(FeedValue.gapsEnded),
    requests: feed(FeedValue.requests),
    snapshots: feed(FeedValue.snapshots),
    snapshotAttempts: feed(FeedValue.snapshotAttempts),
    snapshotFault: feed(FeedValue.snapshotFault),
    reorderUsed: feed(FeedValue.reorderUsed),
    reorderUsedMax: feed(FeedValue.reorderUsedMax),
    channels: feed(FeedValue.channels),
    staleChannels: feed(FeedValue.staleChannels),
    strayMs: feed(FeedValue.strayMs),
    ports: Array.from({ length: lineMax - 1 }, (_, line): number => {
      return values[feedValues + line * lineValues + LineValue.port]!;
    }),
    lines,
  };
}

export interface FeedGap extends Gap {
  feed: number;
  /** What the feed's datagrams call the channel: a unit's number, say. */
  key: number;
  /** The three words of the session that it was in, or that took its place. */
  session: readonly [number, number, number];
}

/** Gaps that have ended: the feed thread writes, ops reads. */
export class GapRing {
  readonly #ring: Ring;
  readonly #record = new Float64Array(gapDoubles);
  readonly #words = new Uint32Array(this.#record.buffer);

  constructor(memory: SharedArrayBuffer) {
    this.#ring = new Ring(memory, gapCapacity, gapWords);
  }

  push(feed: number, gap: Gap, key: number, word0: number, word1: number, word2: number): void {
    const record = this.#record;
    record[0] = feed;
    record[1] = gap.channel;
    record[2] = gap.from;
    record[3] = gap.to;
    record[4] = gap.end;
    record[5] = gap.seenNs;
    record[6] = gap.lastedNs;
    record[7] = word0;
    record[8] = word1;
    record[9] = word2;
    record[10] = key;
    this.#ring.push(this.#words, 0);
  }

  shift(): FeedGap | undefined {
    if (!this.#ring.shift(this.#words, 0)) return undefined;
    const [feed, channel, from, to, end, seenNs, lastedNs, word0, word1, word2, key] = this.#record;
    return {
      feed: feed!,
      channel: channel!,
      from: from!,
      to: to!,
      end: end as GapEnd,
      seenNs: seenNs!,
      lastedNs: lastedNs!,
      key: key!,
      session: [word0!, word1!, word2!],
    };
  }

  /** Gaps that found the ring full. */
  get dropped(): number {
    return this.#ring.dropped;
  }
}
