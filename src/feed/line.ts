/**
 * What each redundant line of a feed contributes. The first to bring a message wins; the others
 * confirm how much later they are and what they lose, so that a line that has become useless is seen
 * before the last good one fails.
 */
export const LineCount = {
  datagrams: 0,
  /** Datagrams that were the first to bring something new. */
  wins: 1,
  /** Datagrams of which another line had brought everything. */
  duplicates: 2,
  /** Datagrams that came after one with a higher sequence of the same line. */
  late: 3,
  /** Messages missing from this line's own sequence; one that comes late is taken off again. */
  lost: 4,
} as const;
const lineCountSize = 5;

/** How many missing ranges of a line are remembered, in case that they come late. */
const missingRanges = 64;

/** How many of the last datagrams are remembered to tell how far behind a duplicate was. */
const remembered = 256;

export class LineStats {
  readonly lines: number;
  /** The line of answers to requests: it has no sequence of its own. */
  readonly answers: number;
  /** How many ns each line's duplicates came after the winner: their sum, number and maximum. */
  readonly behindNs: Float64Array;
  readonly behindCount: Float64Array;
  readonly behindNsMax: Float64Array;
  readonly #counts: Float64Array;
  /** Per channel and line: the sequence the line itself should bring next, 0 before its first. */
  readonly #next: Float64Array;
  readonly #missingFrom: Float64Array;
  readonly #missingTo: Float64Array;
  readonly #missingAt: Uint32Array;
  readonly #winners = new Float64Array(remembered);
  readonly #wonNs = new Float64Array(remembered);

  /** `lines` redundant ones, and one more (`answers`) for what was sent again on request. */
  constructor(channels: number, redundant: number) {
    const lines = redundant + 1;
    this.lines = lines;
    this.answers = redundant;
    this.#missingFrom = new Float64Array(channels * lines * missingRanges);
    this.#missingTo = new Float64Array(channels * lines * missingRanges);
    this.#missingAt = new Uint32Array(channels * lines);
    this.behindNs = new Float64Array(lines);
    this.behindCount = new Float64Array(lines);
    this.behindNsMax = new Float64Array(lines);
    this.#counts = new Float64Array(lines * lineCountSize);
    this.#next = new Float64Array(channels * lines);
  }

  /** One of `LineCount` of a line. */
  count(line: number, which: number): number {
    return this.#counts[line * lineCountSize + which]!;
  }

  /** A line brought messages [first, next) of a channel; `won`: at least one of them was new. */
  saw(
    channel: number,
    line: number,
    first: number,
    next: number,
    won: boolean,
    nowNs: number,
  ): void {
    const counts = this.#counts;
    const at = line * lineCountSize;
    counts[at]!++;
    const own = channel * this.lines + line;
    const due = this.#next[own]!;
    if (first === due) this.#next[own] = next;
    else this.#outOfOrder(line, own, first, next, due);
    // Channels share the memory; two that meet in one place only lose a measurement.
    const place = (first + channel * 31) % remembered;
    if (won) {
      counts[at + LineCount.wins]!++;
      this.#winners[place] = first;
      this.#wonNs[place] = nowNs;
      return;
    }
    counts[at + LineCount.duplicates]!++;
    if (this.#winners[place] !== first) return;
    const behind = nowNs - this.#wonNs[place]!;
    this.behindNs[line]! += behind;
    this.behindCount[line]!++;
    if (behind > this.behindNsMax[line]!) this.behindNsMax[line] = behind;
  }

  /**
   * The channel's sequence began anew: what the lines were due to bring is void, and who won a
   * sequence of before says nothing of the same one now.
   */
  begin(channel: number): void {
    this.#winners.fill(0);
    const at = channel * this.lines;
    this.#next.fill(0, at, at + this.lines);
    this.#missingTo.fill(0, at * missingRanges, (at + this.lines) * missingRanges);
  }

  /** A line said that `next` is the next sequence of a channel. */
  heard(channel: number, line: number, next: number): void {
    if (line === this.answers) return;
    const own = channel * this.lines + line;
    const due = this.#next[own]!;
    if (next <= due) return;
    if (due !== 0) this.#lose(own, line, due, next);
    this.#next[own] = next;
  }

  #outOfOrder(line: number, own: number, first: number, next: number, due: number): void {
    if (line === this.answers) return;
    if (first > due) {
      if (due !== 0) this.#lose(own, line, due, first);
      this.#next[own] = next;
      return;
    }
    this.#counts[line * lineCountSize + LineCount.late]!++;
    this.#find(own, line, first, next);
    if (next > due) this.#next[own] = next;
  }

  #lose(own: number, line: number, from: number, to: number): void {
    this.#counts[line * lineCountSize + LineCount.lost]! += to - from;
    const at = own * missingRanges + (this.#missingAt[own]!++ % missingRanges);
    this.#missingFrom[at] = from;
    this.#missingTo[at] = to;
  }

  /** Messages [first, next) came late: those that were missing are not lost. */
  #find(own: number, line: number, first: number, next: number): void {
    const lost = line * lineCountSize + LineCount.lost;
    const end = (own + 1) * missingRanges;
    for (let at = own * missingRanges; at < end; at++) {
      const from = this.#missingFrom[at]!;
      const to = this.#missingTo[at]!;
      const found = Math.min(to, next) - Math.max(from, first);
      if (found <= 0) continue;
      this.#counts[lost]! -= found;
      this.#missingFrom[at] = first <= from ? Math.min(to, next) : from;
      if (first > from) this.#missingTo[at] = first;
      if (first > from && next < to) {
        // Found in the middle of a range: its rest is another one, counted already.
        this.#counts[lost]! -= to - next;
        this.#lose(own, line, next, to);
      }
    }
  }
}
