/** The feed core behind real sockets on this thread, received either way, with every state answered. */
import { loadConfig } from "../../src/config/load.ts";
import { readSignal, type Signal, signalWords } from "../../src/decision/signal.ts";
import { Origin } from "../../src/decision/answer-word.ts";
import { openTable } from "../../src/decision/table.ts";
import { realtimeNs } from "../../src/host/libc.ts";
import { openBoard } from "../../src/telemetry/board.ts";
import { Metric } from "../../src/telemetry/metric.ts";
import { Control } from "../../src/thread/control.ts";
import { createFeedCore, type FeedCore } from "../../src/thread/feed-core.ts";
import { FeedLoop } from "../../src/thread/feed-loop.ts";
import { openLines } from "../../src/thread/feed-open.ts";
import { planRun, type RunPlan } from "../../src/thread/plan.ts";
import { createShared, openSignals, type SharedMemory } from "../../src/thread/shared.ts";
import { openTestSender, type TestSender } from "./sender.ts";
import { until } from "./until.ts";

export type Receive = "event" | "poll";

export class LiveFeed implements AsyncDisposable {
  readonly plan: RunPlan;
  readonly shared: SharedMemory;
  readonly core: FeedCore;
  readonly control: Control;
  readonly counters: Uint32Array;
  readonly signals: Signal[] = [];
  readonly senders: TestSender[] = [];
  readonly loop: FeedLoop;
  readonly log: string[] = [];
  /** Of the first line. */
  port = 0;
  /** So much later than it is does the thread read its clock. */
  sleptNs = 0;
  readonly #ring;
  readonly #record = new Uint32Array(signalWords);
  #timer: ReturnType<typeof setInterval> | undefined;
  #sent = 0;

  constructor(receive: Receive, feed: string, flags: Record<string, string> = {}, lines = 1) {
    const url = `udp://127.0.0.1:0?receive=${receive}&silenceMs=3600000&name=live&${feed}`;
    const { config } = loadConfig({
      flags: {
        feed: Array.from({ length: lines }, () => url),
        "limit.symbols": "16384",
        "limit.orders": "100000",
        "limit.levels": "262144",
        "limit.signalRing": "65536",
        "signal.ratePerSymbol": "0",
        "signal.maxAgeMs": "60000",
        "signal.ttlMs": "600000",
        "thread.pollSpinUs": "1000",
        ...flags,
      },
      env: {},
      directory: "/nonexistent",
      userId: 1000,
      systemFile: "/nonexistent/hftedge.toml",
    });
    this.plan = planRun(config, "/nonexistent", Date.now());
    this.shared = createShared(this.plan);
    const now = (): number => realtimeNs(this.plan.baseSeconds) + this.sleptNs;
    const board = openBoard(this.shared.board).writer("feed");
    this.counters = board.counters;
    this.control = new Control(this.shared.control, this.plan.limits.heldSymbols);
    this.#answerEverything();
    this.core = createFeedCore(this.plan, this.shared, [], now);
    this.#ring = openSignals(this.shared.signalsOps, this.plan.limits);
    this.loop = new FeedLoop(this.core, this.control, now, () => this.#finish());
  }

  static async open(
    receive: Receive,
    feed: string,
    flags: Record<string, string> = {},
    lines = 1,
  ): Promise<LiveFeed> {
    const live = new LiveFeed(receive, feed, flags, lines);
    const board = openBoard(live.shared.board).writer("feed");
    const opened = await openLines(live.plan, live.loop, board, (_level, text) => {
      live.log.push(text);
    });
    live.port = opened.ports[0]!;
    for (const port of opened.ports) live.senders.push(await openTestSender(port));
    if (receive === "event") {
      const lateness = { record(): void {} };
      live.#timer = setInterval(() => live.loop.idle(live.loop.now(), lateness), 1);
    }
    opened.begin();
    return live;
  }

  /** Buy, sell and hold by turns over the states, so that no signal waits for inference. */
  #answerEverything(): void {
    const { table: spec, baseSeconds } = this.plan;
    const table = openTable(this.shared.table, spec);
    const key = new Uint32Array(spec.keyWords);
    for (let state = 0; state < spec.capacity; state++) {
      table.write(key, state, ((state % 3) + 1) as 1 | 2 | 3, 8000, Origin.model, baseSeconds);
    }
  }

  get received(): number {
    return this.counters[Metric.feed.receivedDatagrams]!;
  }

  /** Sends by a line, and waits now and then until what was sent has been read. */
  async send(bytes: Uint8Array, line = 0): Promise<void> {
    while (!this.senders[line]!.send(bytes)) await Bun.sleep(0);
    if (++this.#sent % 32 === 0) await this.settle();
  }

  async settle(): Promise<void> {
    await until(() => this.received >= this.#sent);
    this.collect();
  }

  /** Takes what was said since. */
  collect(): void {
    while (this.#ring.shift(this.#record, 0)) this.signals.push(readSignal(this.#record));
  }

  #finish(): void {
    clearInterval(this.#timer);
    this.loop.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.control.requestStop();
    await until(() => this.loop.stopped);
    for (const sender of this.senders) sender.close();
  }
}
