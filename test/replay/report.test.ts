import { expect, test } from "bun:test";
import { progressLine, summaryLines, type ReplaySummary } from "../../src/replay/report.ts";
import { clean, stage } from "../support/replay.ts";

test("the progress line says how much, how fast, and where in the capture", () => {
  const { state } = stage([], 1).player;
  Object.assign(state, {
    datagrams: 12_345,
    bytes: 1_500_000,
    elapsedNs: 2e9,
    positionNs: 61e9,
    progress: 0.426,
    pass: 1,
  });
  expect(progressLine(state)).toBe("12,345 datagrams  1.5 MB  6,173/s  +61.0 s  42 %");
  Object.assign(state, { originMs: 34_200_000, pass: 2, progress: Number.NaN });
  expect(progressLine(state)).toBe("12,345 datagrams  1.5 MB  6,173/s  09:31:01.000  pass 2");
  state.originMs = 1_700_000_000_000;
  expect(progressLine(state)).toContain("2023-11-14 22:14:21.000 UTC");
});

test("the summary says what was sent, lost and left out", () => {
  const summary: ReplaySummary = {
    file: "day.pcap",
    end: "limit",
    passes: 2,
    elapsedSeconds: 1.5,
    datagrams: 3000,
    bytes: 450_000,
    datagramsPerSecond: 2000,
    positionSeconds: 60,
    heartbeats: 0,
    source: { packets: 3005, udp: 3000, fragments: 5, cutBySnapLength: 0 },
    lines: [
      {
        to: "udp://127.0.0.1:26400",
        datagrams: 2990,
        bytes: 440_000,
        refused: 2,
        failed: 0,
        impairment: { dropped: 10, duplicated: 0, reordered: 0, truncated: 0 },
      },
    ],
    pace: { late: 3, lateNsMax: 2_500_000, moved: 1, movedNs: 2e9 },
    ack: { acknowledged: 0, unacknowledged: 2990, silences: 3 },
    server: null,
    cut: "the file ends inside a packet at byte 77",
    error: null,
  };
  expect(summaryLines(summary, { ...clean, seed: 9, drop: 0.01 })).toEqual([
    "day.pcap: 3,000 datagrams (450.0 kB) in 2 passes in 1.5 s, 2,000/s, ended by --limit",
    "  read: 3,005 packets, 3,000 udp, 5 fragments",
    "  to udp://127.0.0.1:26400: 2,990 sent, 2 refused",
    "    impaired by seed 9: 10 dropped",
    "  late by more than 1 ms: 3, at most 2.50 ms",
    "  the schedule was moved 1 times, by 2.0 s in all",
    "  acknowledged: 0, not: 2,990",
    "  The receiver acknowledged nothing: does its feed have ack = true?",
    "  Nothing listened there at times; what was refused is lost.",
    "  the file ends inside a packet at byte 77; everything before it was sent.",
  ]);
});
