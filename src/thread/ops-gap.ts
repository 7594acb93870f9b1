/** Gaps that ended, as rows and words of the history. */
import { type Format, type FormatName, formats } from "../feed/format.ts";
import { GapEnd } from "../feed/gap.ts";
import type { GapHealed, NewEvent, NewGap } from "../store/batch.ts";
import { count, duration } from "../unit.ts";
import type { FeedGap } from "./line-board.ts";

/** Lost gaps of one channel that are remembered until a snapshot heals them. */
const openMax = 256;
/** Gaps told in words in one second; the rest is summed up. */
const wordsMax = 20;

const endWords: Readonly<Record<GapEnd, string>> = {
  [GapEnd.line]: "came by a line after",
  [GapEnd.retransmission]: "were sent again within",
  [GapEnd.snapshot]: "were replaced by a snapshot after",
  [GapEnd.lost]: "are lost: given up after",
  [GapEnd.superseded]: "ceased to matter with a new session after",
};

export interface GapFeed {
  name: string;
  format: FormatName;
}

export interface GapRows {
  gaps: NewGap[];
  healed: GapHealed[];
  events: NewEvent[];
}

export class GapTap {
  /** The last gap that ended, by feed. */
  readonly last: (FeedGap | undefined)[] = [];
  readonly #feeds: readonly GapFeed[];
  /** Epoch ms of the times' zero. */
  readonly #baseMs: number;
  /** Per channel: the first sequences of what is lost and not healed yet. */
  readonly #open = new Map<string, { firstSeq: number }[]>();

  constructor(feeds: readonly GapFeed[], baseMs: number) {
    this.#feeds = feeds;
    this.#baseMs = baseMs;
  }

  /** Takes what has ended since the last second; `shift` gives one at a time. */
  take(shift: () => FeedGap | undefined, limit = 4096): GapRows {
    const rows: GapRows = { gaps: [], healed: [], events: [] };
    let [untold, untoldLost] = [0, 0];
    let lastMs = 0;
    for (let taken = 0; taken < limit; taken++) {
      const gap = shift();
      if (gap === undefined) break;
      this.last[gap.feed] = gap;
      this.#row(gap, rows);
      if (rows.events.length < wordsMax) rows.events.push(this.#event(gap));
      else {
        untold++;
        if (gap.end === GapEnd.lost) untoldLost++;
        lastMs = this.#ms(gap.seenNs + gap.lastedNs);
      }
    }
    if (untold > 0) {
      const severity = untoldLost > 0 ? "warning" : "info";
      const message = `${count(untold)} more gaps in this second`;
      rows.events.push({ atMs: lastMs, kind: "gap", severity, message, detail: "" });
    }
    return rows;
  }

  #row(gap: FeedGap, rows: GapRows): void {
    const { from, to, end } = gap;
    const { name, format } = this.#feeds[gap.feed]!;
    const channel = channelOf(name, format, gap.key);
    const atMs = this.#ms(gap.seenNs);
    const endedMs = this.#ms(gap.seenNs + gap.lastedNs);
    const missing = to - from;
    const back = end === GapEnd.line || end === GapEnd.retransmission;
    if (end === GapEnd.snapshot || end === GapEnd.superseded) this.#heal(channel, endedMs, rows);
    if (missing <= 0) return;
    // A snapshot stands for messages whose loss has its own row already.
    if (end === GapEnd.snapshot) return;
    rows.gaps.push({
      atMs,
      feed: name,
      channel,
      session: sessionOf(format, gap.session),
      firstSeq: from,
      lost: missing,
      recovered: back ? missing : 0,
      healedMs: end === GapEnd.lost ? null : endedMs,
    });
    if (end === GapEnd.lost) this.#remember(channel, from);
  }

  #remember(channel: string, firstSeq: number): void {
    const open = this.#open.get(channel) ?? [];
    this.#open.set(channel, open);
    open.push({ firstSeq });
    if (open.length > openMax) open.shift();
  }

  #heal(channel: string, healedMs: number, rows: GapRows): void {
    for (const { firstSeq } of this.#open.get(channel) ?? []) {
      rows.healed.push({ channel, firstSeq, recovered: 0, healedMs });
    }
    this.#open.delete(channel);
  }

  #event(gap: FeedGap): NewEvent {
    const { from, to, end, lastedNs } = gap;
    const { name, format } = this.#feeds[gap.feed]!;
    const channel = channelOf(name, format, gap.key);
    const missing = to - from;
    const which = missing === 1 ? `message ${from}` : `messages ${from} to ${to - 1}`;
    return {
      atMs: this.#ms(gap.seenNs + lastedNs),
      kind: "gap",
      severity: end === GapEnd.lost ? "warning" : "info",
      message: `${channel}: ${which} ${endingOf(end, missing)} ${duration(lastedNs)}`,
      detail: JSON.stringify({ feed: name, channel, from, to, end, lastedNs }),
    };
  }

  #ms(ns: number): number {
    return this.#baseMs + Math.floor(ns / 1e6);
  }
}

function endingOf(end: GapEnd, missing: number): string {
  if (missing !== 1) return endWords[end];
  return endWords[end].replace(/^are /, "is ").replace(/^were /, "was ");
}

/** By the feed's name where that is its only channel, else with the number that its datagrams have. */
function channelOf(feed: string, format: FormatName, key: number): string {
  const { channelName } = formats[format] as Format;
  return channelName === undefined ? feed : `${feed}/${channelName(key)}`;
}

/** Ten characters in MoldUDP64, a number elsewhere. */
function sessionOf(format: FormatName, [word0, word1, word2]: FeedGap["session"]): string {
  if (format !== "itch50") return String(word0);
  const bytes = Buffer.alloc(10);
  bytes.writeUInt32BE(word0, 0);
  bytes.writeUInt32BE(word1, 4);
  bytes.writeUInt16BE(word2 & 0xffff, 8);
  return bytes.toString("latin1").replace(/[^\x21-\x7e]+$/, "");
}
