/**
 * A change of the configuration on the feed thread: the new sinks' sockets are opened by the event
 * loop while signals go on to the old ones, and room for new symbols is looked for, then all is
 * swapped between two datagrams.
 */
import type { BoardWriter } from "../telemetry/board.ts";
import { Metric } from "../telemetry/metric.ts";
import type { FeedCore } from "./feed-core.ts";
import { checkRoom, describeFollow } from "./feed-follow.ts";
import { failureOf, type Order, type WorkerMessage } from "./message.ts";
import type { RunPlan } from "./plan.ts";
import { openSender, UdpSink } from "./sink.ts";

/** Opens every target, or none. Throws the EdgeErrors of openSender. */
export async function openTargets(plan: RunPlan, board: BoardWriter): Promise<UdpSink[]> {
  const opened = await Promise.allSettled(
    plan.targets.map(async (target) => {
      const sender = await openSender(target, () => board.count(Metric.feed.sinkErrors));
      return new UdpSink(sender, target, board.counters);
    }),
  );
  const sinks = opened.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const refused = opened.find((result) => result.status === "rejected");
  if (refused === undefined) return sinks;
  for (const sink of sinks) sink.close();
  throw refused.reason;
}

export class FeedChange {
  readonly #core: FeedCore;
  readonly #board: BoardWriter;
  readonly #post: (message: WorkerMessage) => void;
  readonly #now: () => number;
  #prepared: { plan: RunPlan; sinks: UdpSink[] } | undefined;
  /** Counts the changes: what is opened for one that was abandoned meanwhile is closed again. */
  #turn = 0;

  constructor(
    core: FeedCore,
    board: BoardWriter,
    post: (message: WorkerMessage) => void,
    now: () => number,
  ) {
    this.#core = core;
    this.#board = board;
    this.#post = post;
    this.#now = now;
  }

  take(order: Order): void {
    if (order.kind === "prepare") void this.#prepare(order.plan);
    else if (order.kind === "commit") this.#commit();
    else if (order.kind === "abandon") this.#abandon();
  }

  async #prepare(plan: RunPlan): Promise<void> {
    this.#abandon();
    const turn = this.#turn;
    try {
      await checkRoom(this.#core.instruments, plan.feeds);
      const sinks = await openTargets(plan, this.#board);
      if (turn === this.#turn) {
        this.#prepared = { plan, sinks };
        this.#post({ kind: "prepared" });
      } else for (const sink of sinks) sink.close();
    } catch (error) {
      if (turn === this.#turn) this.#post({ kind: "refused", failure: failureOf(error) });
    }
  }

  #commit(): void {
    if (this.#prepared === undefined) return;
    const { plan, sinks } = this.#prepared;
    this.#prepared = undefined;
    for (const change of this.#core.adopt(plan, sinks, this.#now())) {
      for (const text of describeFollow(plan.feeds[change.feed]!.name, change)) {
        this.#post({ kind: "log", level: "info", text });
      }
    }
  }

  #abandon(): void {
    this.#turn++;
    for (const sink of this.#prepared?.sinks ?? []) sink.close();
    this.#prepared = undefined;
  }
}
