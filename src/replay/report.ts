/** A replay in words and as JSON: pure functions of its state. */
import { isClean, type ImpairmentCounts, type ImpairmentOptions } from "./impairment.ts";
import type { LineCounts } from "./line.ts";
import type { PaceCounts } from "./pace.ts";
import type { PlayState } from "./play.ts";
import type { ServerCounts } from "./server-state.ts";
import { byteCount, count, duration } from "../unit.ts";

export interface ReplaySummary {
  file: string;
  /** How it ended. */
  end: "complete" | "limit" | "stopped" | "broken";
  passes: number;
  elapsedSeconds: number;
  /** Taken from the file, before impairment. */
  datagrams: number;
  bytes: number;
  datagramsPerSecond: number;
  /** Capture time of the last datagram, in seconds after the first. */
  positionSeconds: number;
  heartbeats: number;
  source: Record<string, number>;
  lines: (LineCounts & { to: string; impairment: ImpairmentCounts })[];
  pace: PaceCounts;
  /** null without --ack. */
  ack: { acknowledged: number; unacknowledged: number; silences: number } | null;
  /** null where nothing is served. */
  server: ServerCounts | null;
  /** What cut the file short. */
  cut: string | null;
  error: { code: string; message: string; hint: string } | null;
}

/** One line for a person: what was sent, how fast, and where in the capture it is. */
export function progressLine(state: PlayState): string {
  const seconds = state.elapsedNs / 1e9;
  const rate = seconds > 0 ? state.datagrams / seconds : 0;
  const parts = [
    `${count(state.datagrams)} datagrams`,
    byteCount(state.bytes),
    `${count(rate)}/s`,
    position(state),
  ];
  if (state.pass > 1) parts.push(`pass ${state.pass}`);
  if (!Number.isNaN(state.progress)) parts.push(`${Math.floor(state.progress * 100)} %`);
  return parts.join("  ");
}

/** Time in the capture: the clock where the file has one, else the time since its first packet. */
function position({ originMs, positionNs }: PlayState): string {
  if (Number.isNaN(originMs)) return `+${duration(positionNs)}`;
  const iso = new Date(originMs + Math.floor(positionNs / 1e6)).toISOString();
  const day = iso.slice(0, 10);
  // Before 1971 it is a time since midnight of a file that has no date.
  return day < "1971" ? iso.slice(11, 23) : `${day} ${iso.slice(11, 23)} UTC`;
}

export function summaryLines(summary: ReplaySummary, impairment: ImpairmentOptions): string[] {
  const rate = count(summary.datagramsPerSecond);
  const passes = summary.passes === 1 ? "" : ` in ${summary.passes} passes`;
  const lines = [
    `${summary.file}: ${count(summary.datagrams)} datagrams (${byteCount(summary.bytes)})${passes} in ` +
      `${duration(summary.elapsedSeconds * 1e9)}, ${rate}/s${ending[summary.end]}`,
    `  read: ${countsInWords(summary.source)}`,
  ];
  for (const line of summary.lines) {
    const faults = countsInWords({ refused: line.refused, failed: line.failed });
    lines.push(
      `  to ${line.to}: ${count(line.datagrams)} sent${faults === "" ? "" : `, ${faults}`}`,
    );
    if (!isClean(impairment)) {
      lines.push(
        `    impaired by seed ${impairment.seed}: ${countsInWords({ ...line.impairment })}`,
      );
    }
  }
  const { pace, ack } = summary;
  if (pace.late > 0) {
    lines.push(
      `  late by more than 1 ms: ${count(pace.late)}, at most ${duration(pace.lateNsMax)}`,
    );
  }
  if (pace.moved > 0) {
    lines.push(`  the schedule was moved ${pace.moved} times, by ${duration(pace.movedNs)} in all`);
  }
  if (ack !== null) {
    lines.push(`  acknowledged: ${count(ack.acknowledged)}, not: ${count(ack.unacknowledged)}`);
    if (ack.acknowledged === 0) {
      lines.push("  The receiver acknowledged nothing: does its feed have ack = true?");
    }
  }
  if (summary.server !== null)
    lines.push(`  server: ${countsInWords({ ...summary.server }) || "nobody asked"}`);
  if (summary.lines.some((line) => line.refused > 0)) {
    lines.push("  Nothing listened there at times; what was refused is lost.");
  }
  if (summary.cut !== null) lines.push(`  ${summary.cut}; everything before it was sent.`);
  return lines;
}

const ending: Record<ReplaySummary["end"], string> = {
  complete: "",
  limit: ", ended by --limit",
  stopped: ", stopped",
  broken: ", ended by an error",
};

/** "5,000 packets, 3 fragments": what is not zero, with its name in words. */
function countsInWords(counts: Record<string, number>): string {
  return Object.entries(counts)
    .filter(([, seen]) => seen > 0)
    .map(
      ([name, seen]) => `${count(seen)} ${name.replaceAll(/[A-Z]/g, (c) => ` ${c.toLowerCase()}`)}`,
    )
    .join(", ");
}
