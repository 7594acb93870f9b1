/**
 * From inference to ops: new decisions, use counts and versions to be written, and what inference
 * has to say about itself.
 *
 * A broadcast channel, because either Worker may be started again by itself, and finds the other by
 * name. It has no bound of its own, so a delivery is acknowledged once it is taken, and no more than
 * a few may be under way: while ops is away or slow, deliveries wait in inference's bounded outbox.
 * Those that were under way when ops went away are sent again when it says that it is there.
 */
import type { Delivery } from "../inference/outbox.ts";

/** One name for a process: broadcast channels do not leave it. */
const channelName = "hftedge-decisions";
const underWayMax = 4;
/** Deliveries that nobody has acknowledged for so long are sent again. */
const acknowledgeMs = 5000;

type Message =
  | { kind: "hello" }
  | { kind: "delivery"; sender: number; sequence: number; delivery: Delivery }
  | { kind: "taken"; sender: number; sequence: number }
  | { kind: "report"; report: unknown }
  | { kind: "end" };

export class DecisionSender {
  readonly #channel = new BroadcastChannel(channelName);
  readonly #nowMs: () => number;
  /** Tells the lives of the inference thread apart. */
  readonly #sender = Bun.nanoseconds();
  /** Not acknowledged yet, oldest first. */
  #underWay: (Message & { kind: "delivery" })[] = [];
  #sequence = 0;
  #sentMs = 0;

  /** `nowMs` is monotonic. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#channel.addEventListener("message", ({ data }: MessageEvent<Message>) => {
      if (data.kind === "hello") this.#sendAll();
      if (data.kind !== "taken" || data.sender !== this.#sender) return;
      this.#underWay = this.#underWay.filter(({ sequence }) => sequence !== data.sequence);
    });
  }

  /** False when ops has not taken the ones before yet. */
  deliver(delivery: Delivery): boolean {
    if (this.#underWay.length >= underWayMax) {
      if (this.#nowMs() - this.#sentMs >= acknowledgeMs) this.#sendAll();
      return false;
    }
    const [sender, sequence] = [this.#sender, ++this.#sequence];
    const message = { kind: "delivery", sender, sequence, delivery } as const;
    this.#underWay.push(message);
    this.#sentMs = this.#nowMs();
    this.#send(message);
    return true;
  }

  #sendAll(): void {
    this.#sentMs = this.#nowMs();
    for (const message of this.#underWay) this.#send(message);
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
  let last = { sender: 0, sequence: 0 };
  channel.addEventListener("message", ({ data }: MessageEvent<Message>) => {
    if (data.kind === "report") handlers.report(data.report);
    if (data.kind === "end") end();
    if (data.kind !== "delivery") return;
    const { sender, sequence, delivery } = data;
    // What was sent again because this thread was slow is taken once.
    if (sender !== last.sender || sequence > last.sequence) {
      last = { sender, sequence };
      handlers.delivery(delivery);
    }
    channel.postMessage({ kind: "taken", sender, sequence } satisfies Message);
  });
  channel.postMessage({ kind: "hello" } satisfies Message);
  return { close: () => channel.close(), ended };
}
