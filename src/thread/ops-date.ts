/**
 * Feeds whose date is wrong, in words: their messages have times that cannot be counted from it, so
 * none of them is applied, and without a word only a counter would tell.
 */
import { FeedCount } from "../feed/count.ts";
import type { BoardReader } from "../telemetry/reader.ts";
import { count } from "../unit.ts";
import type { FeedState } from "./line-board.ts";
import type { FeedPlan } from "./plan.ts";

/** While it lasts it is said again, but not more often than this. */
const repeatMs = 600_000;
/** The feed's warning stands for so long after the last such message. */
const standsMs = 10_000;

type DatedFeed = Pick<FeedPlan, "name" | "format" | "midnightNs" | "timeZone">;

interface Found {
  text: string;
  seenMs: number;
  saidMs: number;
}

export class FeedDates {
  readonly #feeds: readonly DatedFeed[];
  readonly #found: (Found | undefined)[];
  #nowMs = 0;

  constructor(feeds: readonly DatedFeed[]) {
    this.#feeds = feeds;
    this.#found = feeds.map(() => undefined);
  }

  /** After each reading of the board: what is to be said in the log now. */
  second(
    { channels }: Pick<BoardReader, "channels">,
    stateOf: (feed: number) => FeedState | undefined,
    nowMs: number,
  ): string[] {
    this.#nowMs = nowMs;
    const said: string[] = [];
    for (const [index, feed] of this.#feeds.entries()) {
      const refused = channels[index]!.deltas[FeedCount.badTime]!;
      if (refused === 0) continue;
      const text = wordsOf(feed, refused, stateOf(index)?.strayMs ?? Number.NaN);
      const saidMs = this.#found[index]?.saidMs ?? Number.NEGATIVE_INFINITY;
      const due = nowMs - saidMs >= repeatMs || nowMs < saidMs;
      this.#found[index] = { text, seenMs: nowMs, saidMs: due ? nowMs : saidMs };
      if (due) said.push(text);
    }
    return said;
  }

  /** What is wrong with the feed now. */
  warnings(feed: number): string[] {
    const found = this.#found[feed];
    if (found === undefined || Math.abs(this.#nowMs - found.seenMs) >= standsMs) return [];
    return [found.text];
  }
}

function wordsOf(feed: DatedFeed, refused: number, strayMs: number): string {
  const { name, format, midnightNs, timeZone } = feed;
  const date = dayOf(Number(midnightNs / 1_000_000n), timeZone);
  const sent = Number.isFinite(strayMs) ? dayOf(strayMs, timeZone) : undefined;
  const messages = refused === 1 ? "1 message" : `${count(refused)} messages`;
  const what = `feed ${name}: ${messages} refused in a second: their time is too far from ${date}, the feed's date`;
  const unit = format === "tick" ? ", and check feed.timestampUnit" : "";
  if (sent === undefined) return `${what}; set feed.date to the day of the data${unit}`;
  return `${what}; they are of ${sent}: set feed.date = "${sent}", or send data of ${date}${unit}`;
}

function dayOf(epochMs: number, timeZone: string): string {
  return Temporal.Instant.fromEpochMilliseconds(Math.floor(epochMs))
    .toZonedDateTimeISO(timeZone)
    .toPlainDate()
    .toString();
}
