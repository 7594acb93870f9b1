/**
 * A feed's new list of symbols (SIGHUP), swapped between two datagrams. New symbols become instruments
 * in that moment and not before, so that a replay of the recording gives them the same numbers.
 */
import type { Engine } from "../decision/engine.ts";
import type { EngineFeed } from "../decision/port.ts";
import { EdgeError } from "../error.ts";
import type { InstrumentTable } from "../market/instrument.ts";
import type { FeedRecovery } from "./feed-recovery.ts";
import type { FeedPlan } from "./plan.ts";

/** Names that are looked for in one turn of the event loop. */
const namesAtOnce = 256;
/** Names in one line of the log. */
const namesSaid = 10;

export interface FollowChange {
  feed: number;
  /** Symbols followed by now; undefined when all are. */
  followed: number | undefined;
  added: string[];
  dropped: string[];
  /** Those of the added ones whose older orders are unknown. */
  partial: string[];
  /** Those that found no room: a feed that follows all symbols has taken it since it was looked for. */
  refused: string[];
  /** A snapshot was asked for, which will replace the feed's books. */
  snapshot: boolean;
}

/** Whether all of the new symbols fit, a few names at a time. Throws EdgeError SYMBOLS_FULL. */
export async function checkRoom(
  instruments: InstrumentTable,
  feeds: readonly FeedPlan[],
): Promise<void> {
  const { capacity } = instruments;
  let count = 0;
  for (const [feed, { name, symbols: list }] of feeds.entries()) {
    const fresh = new Set<string>();
    for (const [index, symbol] of (list ?? []).entries()) {
      if (index % namesAtOnce === namesAtOnce - 1) await new Promise(setImmediate);
      if (!instruments.knows(feed, symbol)) fresh.add(symbol);
      if (instruments.count + count + fresh.size > capacity) throw full(name, symbol, capacity);
    }
    count += fresh.size;
  }
}

function full(feed: string, symbol: string, capacity: number): EdgeError {
  return new EdgeError(
    "SYMBOLS_FULL",
    `feed ${feed}: there is no room for ${symbol}: ${capacity} symbols were followed in this run`,
    "Restart, so that symbols of before are forgotten, or raise limit.symbols, which needs a restart too.",
  );
}

export interface FollowTargets {
  instruments: InstrumentTable;
  feed: EngineFeed;
  engine: Engine;
  recovery: FeedRecovery;
}

/** Swaps the list; time grows with the instruments known and, more so, with those that change. */
export function applyList(
  feed: number,
  symbols: readonly string[] | undefined,
  { instruments, feed: { decoder, books, partialBooks }, engine, recovery }: FollowTargets,
  nowNs: number,
): FollowChange {
  const refused: string[] = [];
  const wanted = symbols === undefined ? undefined : new Uint8Array(instruments.capacity);
  for (const symbol of symbols ?? []) {
    const instrument = instruments.enlist(feed, symbol);
    if (instrument >= 0) wanted![instrument] = 1;
    else refused.push(symbol);
  }
  instruments.full += refused.length;
  const known = instruments.count;
  const before = instruments.dormant.slice(0, known);
  instruments.follow(feed, wanted);
  const dropped: number[] = [];
  const added: number[] = [];
  for (let i = 0; i < known; i++) {
    if (instruments.dormant[i] === before[i]) continue;
    (before[i] === 0 ? dropped : added).push(i);
  }
  decoder.follow(dropped, added, known);
  // Where all are followed now, the decoder may have brought symbols that nobody has named.
  for (let i = known; i < instruments.count; i++) added.push(i);
  const partial = partialBooks ? [] : added.filter((i) => books.isPartial(i));
  engine.follow(feed, dropped, added, nowNs);
  const snapshot = partial.length > 0 && recovery.requestSnapshot();
  const names = (list: number[]): string[] => list.map((i) => instruments.symbol(i));
  return {
    feed,
    followed: wanted?.reduce((sum, one) => sum + one, 0),
    added: names(added),
    dropped: names(dropped),
    partial: names(partial),
    refused,
    snapshot,
  };
}

/** The words for the log. */
export function describeFollow(name: string, change: FollowChange): string[] {
  const { followed, added, dropped, partial, refused, snapshot } = change;
  const parts = [
    followed === undefined ? "all symbols are followed" : `${counted(followed)} followed`,
    ...(added.length === 0 ? [] : [`added ${listed(added)}`]),
    ...(dropped.length === 0 ? [] : [`dropped ${listed(dropped)}`]),
    ...(refused.length === 0 ? [] : [`no room for ${listed(refused)}: raise limit.symbols`]),
  ];
  const lines = [`feed ${name}: ${parts.join("; ")}`];
  if (partial.length === 0) return lines;
  const until = snapshot
    ? "a snapshot is asked for, and until it has replaced all books of the feed these are HOLD"
    : "HOLD until a new session, or with feed.partialBooks";
  lines.push(`feed ${name}: older orders are unknown of ${listed(partial)}: ${until}`);
  return lines;
}

function counted(count: number): string {
  return count === 1 ? "1 symbol is" : `${count} symbols are`;
}

function listed(names: readonly string[]): string {
  const rest = names.length - namesSaid;
  return names.slice(0, namesSaid).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
