/**
 * From inference to ops: new decisions, use counts and versions to be written, and what inference
 * has to say about itself.
 *
 * A broadcast channel, because either Worker may be started again by itself, and finds the other by
 * name. It has no bound of its own, so a delivery is acknowledged once it is taken, and no more than
 * a few may be under way: while ops is away or slow, deliveries wait in inference's bounded outbox.
 */
import type { Delivery } from "../inference/outbox.ts";

/** One name for a process: broadcast channels do not leave it. */
const channelName = "hftedge-decisions";
const unacknowledgedMax = 4;
/** A delivery that was not acknowledged for so long went to nobody, or ops was started again. */
const acknowledgeMs = 5000;

type Message =
  | { kind: "delivery"; sequence: number; delivery: Delivery }
  | { kind: "taken"; sequence: number }
  | { kind: "report"; report: unknown }
  | { kind: "end" };

export class DecisionSender {
  readonly #channel = new BroadcastChannel(channelName);
  readonly #nowMs: () => number;
  #sequence = 0;
  #taken = 0;
  #sentMs = 0;

  /** `nowMs` is monotonic. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#channel.addEventListener("message", ({ data }: MessageEvent<Message>) => {
      if (data.kind !== "taken") return;
      // What ops had of the life before this one is taken late, and says nothing of ours.
      if (data.sequence <= this.#sequence) this.#taken = Math.max(this.#taken, data.sequence);
    });
  }

  /** False when ops has not taken the ones before yet. */
  deliver(delivery: Delivery): boolean {
    if (this.#sequence - this.#taken >= unacknowledgedMax) {
      if (this.#nowMs() - this.#sentMs < acknowledgeMs) return false;
      this.#taken = this.#sequence - 1;
    }
    this.#sentMs = this.#nowMs();
    this.#send({ kind: "delivery", sequence: ++this.#sequence, delivery });
    return true;
  }

  report(report: unknown): void {
    this.#send({ kind: "report", report });
  }

  /** The last word: ops may stop now. */
  close(): void {
    this.#send({ kind: "end" });
    this.#channel.close();
  }

  #send(message: Message): void {
    this.#channel.postMessage(message);
  }
}

/**
 * Ops' end. The handlers return before the delivery counts as taken; `ended` resolves when inference
 * has stopped in order, with its last use counts delivered.
 */
export function receiveDecisions(handlers: {
  delivery(delivery: Delivery): void;
  report(report: unknown): void;
}): { close(): void; ended: Promise<void> } {
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const channel = new BroadcastChannel(channelName);
  channel.addEventListener("message", ({ data }: MessageEvent<Message>) => {
    if (data.kind === "report") handlers.report(data.report);
    if (data.kind === "end") end();
    if (data.kind !== "delivery") return;
    handlers.delivery(data.delivery);
    channel.postMessage({ kind: "taken", sequence: data.sequence } satisfies Message);
  });
  return { close: () => channel.close(), ended };
}
