/** What a feed's lines contribute and what is missing, for the API: from shared memory only. */
import type { FeedBody } from "../http/part-schema.ts";
import { GapEnd } from "../feed/gap.ts";
import type { FeedGap, FeedState, LineState } from "./line-board.ts";

export type RecoveryBody = NonNullable<FeedBody["feeds"][number]["recovery"]>;

const endNames: Readonly<Record<GapEnd, string>> = {
  [GapEnd.line]: "line",
  [GapEnd.retransmission]: "retransmission",
  [GapEnd.snapshot]: "snapshot",
  [GapEnd.lost]: "lost",
  [GapEnd.superseded]: "superseded",
};

/** Null before the feed thread has shown anything. */
export function recoveryBody(
  state: FeedState | undefined,
  lastGap: FeedGap | undefined,
): RecoveryBody | null {
  if (state === undefined) return null;
  const { sequence, waiting, broken, gapsEnded, requests, snapshots, lines } = state;
  return {
    channels: state.channels,
    staleChannels: state.staleChannels,
    sequence,
    waiting,
    broken,
    gaps: gapsEnded,
    requests,
    snapshots,
    lastGap:
      lastGap === undefined
        ? null
        : {
            from: lastGap.from,
            to: lastGap.to,
            end: endNames[lastGap.end],
            lastedNs: lastGap.lastedNs,
          },
    lines: lines.map((line, index) => lineBody(line, index === lines.length - 1)),
  };
}

function lineBody(line: LineState, answers: boolean): RecoveryBody["lines"][number] {
  const { datagrams, wins, duplicates, late, lost, behindNs, behindCount, behindNsMax } = line;
  return {
    answers,
    datagrams,
    wins,
    duplicates,
    late,
    lost,
    behindMeanNs: behindCount === 0 ? null : behindNs / behindCount,
    behindMaxNs: behindCount === 0 ? null : behindNsMax,
    drops: line.overflow < 0 ? null : line.overflow,
  };
}
