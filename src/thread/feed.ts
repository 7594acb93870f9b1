/**
 * The feed thread: sockets and a 1 ms timer around the feed core. It never waits, and touches
 * neither disk nor stdout nor HTTP. A flood starves its event loop, so stop and hold switches,
 * answers and silence are looked at in the data callback as well.
 */
import {
  pinThread,
  realtimeNs,
  setRealtimePriority,
  setThreadSlice,
  threadId,
} from "../host/libc.ts";
import type { Config } from "../config/schema.ts";
import { openBoard } from "../telemetry/board.ts";
import { Metric } from "../telemetry/metric.ts";
import { Stage } from "../telemetry/stage.ts";
import { QuietCollector } from "./collector.ts";
import { Control } from "./control.ts";
import { createFeedCore } from "./feed-core.ts";
import { FeedChange, openTargets } from "./feed-change.ts";
import { FeedLoop, timerMs } from "./feed-loop.ts";
import { openLines } from "./feed-open.ts";
import { type FeedReport, reportFeed } from "./feed-report.ts";
import { warmUp } from "./feed-warm.ts";
import { failureOf, type Order, type Start, type WorkerMessage } from "./message.ts";
import { touchTables } from "./touch.ts";
import { failOnDemand } from "./test-fault.ts";

const count = Metric.feed;

declare const self: Worker;

failOnDemand(self);
self.addEventListener("message", (event: MessageEvent<Start>) => {
  if (event.data.kind !== "start") return;
  start(event.data).catch((error: unknown) => {
    post({ kind: "failed", failure: failureOf(error) });
  });
});

function post(message: WorkerMessage): void {
  self.postMessage(message);
}

async function start({ plan, shared, attempt, before }: Start): Promise<void> {
  const { baseSeconds, config } = plan;
  const now = (): number => realtimeNs(baseSeconds);
  const control = new Control(shared.control, plan.limits.heldSymbols);
  const board = openBoard(shared.board).writer("feed");
  const notes = place(config.thread);
  const targets = await openTargets(plan, board);
  // A thread that is started again has no time to lose: its datagrams are coming in already.
  if (attempt === 0) warmUp(plan, config.thread.warmUpMs, now);
  const core = createFeedCore(plan, shared, targets, now);
  if (config.memory.touch) touchTables(core.books);
  const change = new FeedChange(core, board, post, now);
  self.addEventListener("message", ({ data }: MessageEvent<Order>) => change.take(data));
  const loop = new FeedLoop(core, control, now, () => finish());
  // A free port that the system chose is known to others by now: the next life keeps it.
  const portsBefore = (before["ports"] ?? []) as readonly number[];
  const log = (level: "warn" | "info", text: string): void => post({ kind: "log", level, text });
  const lines = await openLines(plan, loop, board, log, portsBefore);
  notes.push(...lines.notes);
  board.gauge(count.receiveBufferBytes, lines.receiveBufferBytes);
  const { quietMs, collectAfterMb } = config.memory;
  const collector = new QuietCollector({
    control,
    counters: board.counters,
    pauses: board.recorder(Stage.collectorPause),
    quietNs: quietMs * 1e6,
    garbageBytes: collectAfterMb * 1024 ** 2,
    now,
  });
  const timer = setInterval(() => {
    const startedNs = now();
    loop.idle(startedNs, board.recorder(Stage.eventLoopFeed));
    if (!loop.stopped) collector.idle(now());
  }, timerMs);
  post({
    kind: "ready",
    notes,
    facts: { ports: lines.ports, threadId: threadId() },
  });
  lines.begin();

  function finish(): void {
    clearInterval(timer);
    loop.close();
    core.stop(now());
    const report: FeedReport = reportFeed(plan, core, board);
    core.sinks.close();
    post({ kind: "stopped", report });
  }
}

/** Places the thread among the others; what was refused becomes a note. */
function place({ feedCpu, feedPriority, feedSliceUs }: Config["thread"]): string[] {
  const notes: string[] = [];
  if (feedCpu >= 0 && pinThread([feedCpu]) !== 0) {
    notes.push(`feed thread was not pinned to CPU ${feedCpu}: check thread.feedCpu against nproc`);
  }
  if (feedPriority > 0) {
    if (setRealtimePriority(feedPriority) !== 0) {
      notes.push("feed thread has no real-time priority: run as root, or raise LimitRTPRIO");
    }
  } else if (feedSliceUs > 0 && setThreadSlice(feedSliceUs * 1000) !== 0) {
    notes.push("feed thread keeps the system's time slice: the kernel refused thread.feedSliceUs");
  }
  return notes;
}
