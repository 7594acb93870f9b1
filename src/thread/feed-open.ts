/** Opens every line of every feed, the way the configuration says. */
import { PollSlots, PollWait } from "../feed/receive-poll.ts";
import { openFeedSocket } from "../feed/socket.ts";
import type { BoardWriter } from "../telemetry/board.ts";
import { Metric } from "../telemetry/metric.ts";
import { EventLine, type LineOptions, PolledLine } from "./feed-line.ts";
import { type FeedLoop, type PolledFeedLine, spin } from "./feed-loop.ts";
import type { RunPlan } from "./plan.ts";

/** Datagrams taken from one socket at once; a bound on how long another line waits. */
const slotsAtOnce = 32;

export interface OpenLines {
  ports: number[];
  notes: string[];
  /** Bytes of the smallest receive buffer. */
  receiveBufferBytes: number;
  /** Begins to spin, where lines are polled. */
  begin(): void;
}

/**
 * Throws the EdgeErrors of openFeedSocket and, polled, POLL_UNAVAILABLE. `portsBefore` are those of
 * the life before this one, in the same order, which win over the configured ones.
 */
export async function openLines(
  plan: RunPlan,
  loop: FeedLoop,
  board: BoardWriter,
  portsBefore: readonly number[] = [],
): Promise<OpenLines> {
  const { baseSeconds } = plan;
  const polled = plan.feeds.some(({ receive }) => receive === "poll");
  const slots = polled ? new PollSlots(slotsAtOnce, baseSeconds) : undefined;
  const ports: number[] = [];
  const notes: string[] = [];
  const polledLines: PolledLine[] = [];
  let receiveBufferBytes = Number.POSITIVE_INFINITY;
  for (const [index, feed] of plan.feeds.entries()) {
    for (const [line, address] of feed.lines.entries()) {
      const options: LineOptions = {
        loop,
        feed: index,
        line,
        ack: feed.ack,
        baseSeconds,
        counters: board.counters,
      };
      const input = new EventLine(options);
      const socket = await openFeedSocket({
        ...address,
        port: portsBefore[ports.length] ?? address.port,
        receiveBufferBytes: feed.receiveBufferBytes,
        busyPollUs: feed.busyPollUs,
        shareAddress: feed.shareAddress,
        // In polling mode this is heard of only what comes before the socket is taken over.
        onDatagram: (bytes, port, from, truncated) => input.take(bytes, port, from, truncated),
        onError: () => board.count(Metric.feed.socketErrors),
      });
      ports.push(socket.port);
      notes.push(...socket.warnings);
      receiveBufferBytes = Math.min(receiveBufferBytes, socket.receiveBufferBytes);
      if (slots === undefined) {
        input.socket = socket;
        loop.lines.push(input);
      } else {
        const own = new PolledLine(options, slots, socket);
        polledLines.push(own);
        loop.lines.push(own);
      }
    }
  }
  return { ports, notes, receiveBufferBytes, begin };

  function begin(): void {
    if (polledLines.length === 0) return;
    const lines: readonly PolledFeedLine[] = polledLines;
    const waiting = new PollWait(polledLines.map(({ fd }) => fd));
    const idleNs = plan.config.thread.pollSpinUs * 1000;
    setImmediate(() => spin({ loop, lines, idleNs, wait: (ms) => waiting.wait(ms) }));
  }
}
