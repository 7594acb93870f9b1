import { expect, test } from "bun:test";
import { FeedCount, feedCountSize } from "../../src/feed/count.ts";
import { Verdict } from "../../src/feed/decoder.ts";
import { Sequencer } from "../../src/feed/sequencer.ts";
import { random } from "../support/random.ts";
import { scaled, testSeed } from "../support/scale.ts";

/** What one channel has seen, with a set of numbers in place of arithmetic. */
interface Seen {
  session: number;
  applied: Set<number>;
  highest: number;
  sentNs: number;
  /** When the sender last began again, and the session before this one. */
  restartNs: number;
  previous: number | undefined;
  /** Where that one was left, and what of it came beyond since the present one spoke. */
  left: number;
  strays: number;
}

/** The same rules, spelled out over sets: what is new in a datagram, and what is missing before it. */
function model(
  channels: Map<number, Seen>,
  key: number,
  session: number,
  first: number,
  count: number,
  sentNs: number,
): { fresh: number[]; missing: number[]; restart: boolean; change: boolean } {
  let seen = channels.get(key);
  let restart = false;
  let change = false;
  const begun = (previous?: Seen): Seen => ({
    session,
    applied: new Set(),
    highest: 0,
    sentNs: Number.NEGATIVE_INFINITY,
    restartNs: Number.NEGATIVE_INFINITY,
    previous: previous?.session,
    left: (previous?.highest ?? 0) + 1,
    strays: 0,
  });
  if (seen === undefined) {
    seen = begun();
    seen.highest = first - 1;
    for (let i = 1; i < first; i++) seen.applied.add(i);
  } else if (seen.session !== session) {
    const again = first === 1 && sentNs > seen.sentNs;
    if (seen.previous === session && !again) {
      const news = count > 0 && first >= seen.left;
      if (!news || ++seen.strays < 32) return { fresh: [], missing: [], restart, change };
    }
    seen = begun(seen);
    change = true;
  } else if (sentNs < seen.restartNs) {
    return { fresh: [], missing: [], restart, change };
  } else if (first === 1 && first <= seen.highest && sentNs > seen.sentNs) {
    const { previous, left } = seen;
    seen = { ...begun(), previous, left, restartNs: sentNs };
    restart = true;
  }
  seen.strays = 0;
  channels.set(key, seen);
  const fresh: number[] = [];
  const missing: number[] = [];
  for (let i = seen.highest + 1; i < first; i++) {
    missing.push(i);
    seen.applied.add(i);
  }
  for (let i = first; i < first + count; i++) {
    if (!seen.applied.has(i)) fresh.push(i);
    seen.applied.add(i);
  }
  // A heartbeat that announces what is expected anyway is as current as a message.
  const current = fresh.length + missing.length > 0 || (count === 0 && first > seen.highest);
  seen.highest = Math.max(seen.highest, first + count - 1);
  if (current && sentNs > seen.sentNs) seen.sentNs = sentNs;
  return { fresh, missing, restart, change };
}

test("agreesWithANaiveModelOverRandomStreams", () => {
  const seed = testSeed("sequencer model");
  for (let run = 0; run < scaled(400); run++) {
    const rng = random(seed + run);
    const sequencer = new Sequencer(3, 1_000, false);
    const channels = new Map<number, Seen>();
    const next = [1, 1, 1];
    const session = [5, 5, 5];
    for (let step = 0; step < 200; step++) {
      const key = rng.int(3);
      const kind = rng.int(20);
      let first = next[key]!;
      if (kind === 0) first += rng.int(5);
      else if (kind === 1) first = Math.max(1, first - rng.int(8));
      else if (kind === 2) first = 1;
      else if (kind === 3) session[key] = 5 + rng.int(3);
      const count = rng.int(4);
      const sentNs = rng.int(10) === 0 ? step - rng.int(50) : step;
      const channel = sequencer.channel(key);
      const verdict = sequencer.offer(channel, session[key]!, 0, 0, first, count, sentNs);
      const expected = model(channels, key, session[key]!, first, count, sentNs);
      const where = `seed ${seed} run ${run} step ${step}`;
      const applied = (verdict & Verdict.applied) !== 0 ? count - sequencer.skip : 0;
      expect(applied, where).toBe(expected.fresh.length);
      if (applied > 0) expect(first + sequencer.skip, where).toBe(expected.fresh[0]!);
      expect((verdict & Verdict.restart) !== 0, where).toBe(expected.restart);
      expect((verdict & Verdict.sessionChange) !== 0, where).toBe(expected.change);
      const gap = (verdict & Verdict.gap) !== 0;
      const lost = gap ? sequencer.gapTo - sequencer.gapFrom : 0;
      expect(lost, where).toBe(expected.missing.length);
      if (gap) expect(sequencer.gapFrom, where).toBe(expected.missing[0]!);
      next[key] = sequencer.expected(channel);
    }
  }
});

test("theTableOfChannelsIsBounded", () => {
  const sequencer = new Sequencer(2, 1_000, false);
  expect(sequencer.channel(7)).toBe(0);
  expect(sequencer.channel(9)).toBe(1);
  expect(sequencer.channel(8)).toBe(-1);
  expect(sequencer.channel(9)).toBe(1);
  expect(sequencer.channels).toBe(2);
});

test("everythingUnusualIsCounted", () => {
  const counters = new Uint32Array(feedCountSize);
  const sequencer = new Sequencer(1, 1_000, false);
  const channel = sequencer.channel(0);
  const offer = (session: number, first: number, count: number, sentNs = Number.NaN): void => {
    sequencer.count(sequencer.offer(channel, session, 0, 0, first, count, sentNs), counters);
  };
  offer(1, 1, 5, 10);
  offer(1, 6, 0);
  offer(1, 3, 2);
  offer(1, 4, 4);
  offer(1, 10, 1);
  offer(1, 100_000, 1);
  offer(1, 1, 1, 20);
  offer(2, 1, 1);
  const expected = {
    heartbeats: 1,
    duplicates: 1,
    overlaps: 1,
    badSequence: 1,
    restarts: 1,
    sessionChanges: 1,
  };
  for (const [name, count] of Object.entries(expected)) {
    expect(counters[FeedCount[name as keyof typeof expected]], name).toBe(count);
  }
});

test("whatWasSentBeforeARestartIsLateWhereverItBegins", () => {
  const sequencer = new Sequencer(1, 1_000, false);
  const channel = sequencer.channel(0);
  const offer = (first: number, count: number, sentNs: number): number =>
    sequencer.offer(channel, 1, 0, 0, first, count, sentNs);
  offer(1, 5, 10);
  expect(offer(1, 5, 30)).toBe(Verdict.applied | Verdict.restart);
  // The other line still brings the old messages 6 to 9, and 6 is what comes next.
  expect(offer(6, 4, 20)).toBe(Verdict.duplicate);
  expect(sequencer.past).toBe(true);
  expect(offer(6, 4, 40)).toBe(Verdict.applied);
});

test("aStraySessionDoesNotEndTheOneThatGoesOn", () => {
  const sequencer = new Sequencer(1, 1_000, false);
  const channel = sequencer.channel(0);
  const offer = (session: number, first: number, count = 1): number =>
    sequencer.offer(channel, session, 0, 0, first, count, Number.NaN);
  offer(1, 1, 100);
  expect(offer(2, 1)).toBe(Verdict.applied | Verdict.sessionChange);
  // What was there before the change proves nothing, and neither do signs of life.
  for (let i = 0; i < 100; i++) expect(offer(1, 1 + i)).toBe(Verdict.duplicate);
  for (let i = 0; i < 100; i++) expect(offer(1, 101, 0)).toBe(Verdict.duplicate);
  for (let i = 0; i < 31; i++) expect(offer(1, 101 + i)).toBe(Verdict.duplicate);
  expect(offer(1, 132)).toBe(Verdict.applied | Verdict.sessionChange | Verdict.gap);
  expect([sequencer.gapFrom, sequencer.gapTo]).toEqual([1, 132]);
  expect(offer(1, 133)).toBe(Verdict.applied);
  expect(offer(2, 2)).toBe(Verdict.duplicate);
});

test("aLineThatLagsFarBehindASessionChangeBringsNothingBack", () => {
  const sequencer = new Sequencer(1, 1_000, false);
  const channel = sequencer.channel(0);
  const offer = (session: number, first: number): number =>
    sequencer.offer(channel, session, 0, 0, first, 1, Number.NaN);
  offer(1, 1);
  offer(2, 1);
  for (let i = 0; i < 100; i++) {
    expect(offer(1, 2 + i)).toBe(Verdict.duplicate);
    expect(offer(2, 2 + i)).toBe(Verdict.applied);
  }
});
