/** `run --demo`: the synthetic market in a thread of its own, and what a person sees of the run. */
import { pathToFileURL } from "node:url";
import { decisionNames, sourceNames } from "../decision/signal.ts";
import { LiveView } from "../demo/live-view.ts";
import type { ViewDecision, ViewRow, ViewSnapshot } from "../demo/view.ts";
import { FeedCount } from "../feed/count.ts";
import { realtimeNs } from "../host/libc.ts";
import { StateSpace } from "../market/state.ts";
import { Metric } from "../telemetry/metric.ts";
import { Stage } from "../telemetry/stage.ts";
import { latencyOf } from "../thread/latency.ts";
import type { OpsLog } from "../thread/message.ts";
import type { DemoStart } from "../thread/demo.ts";
import type { Supervisor } from "../thread/supervisor.ts";

const drawMs = 200;
const stopMs = 1000;

/** The configuration of the demo, where the user says nothing else. */
export function demoFlags(dataDirectory: string): Record<string, string | readonly string[]> {
  return {
    feed: ["udp://127.0.0.1:0?format=itch50&name=demo&timeZone=UTC"],
    "inference.engine": "rules",
    "data.directory": dataDirectory,
  };
}

export class Demo {
  readonly #rate: number;
  readonly #seed: number;
  readonly #view = new LiveView(process.stderr, process.env);
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  readonly #held: (() => void)[] = [];
  #worker: Worker | undefined;
  #sent: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setInterval> | undefined;
  #snapshot: (() => ViewSnapshot) | undefined;

  constructor(rate: number, seed: number) {
    this.#rate = rate;
    this.#seed = seed;
  }

  /** While the view draws in place, words wait for its end. */
  quietly(log: OpsLog): OpsLog {
    return (level, text, fields) => {
      if (this.#timer === undefined || !process.stderr.isTTY) log(level, text, fields);
      else this.#held.push(() => log(level, text, fields));
    };
  }

  start(supervisor: Supervisor): void {
    const [port] = supervisor.facts("feed")["ports"] as number[];
    const worker = new Worker(new URL("./thread/demo.ts", pathToFileURL(Bun.main)).href);
    this.#worker = worker;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#sent = promise;
    worker.addEventListener("message", () => resolve());
    worker.addEventListener("close", () => resolve());
    const order: DemoStart = {
      port: port!,
      seed: this.#seed,
      rate: this.#rate,
      stop: this.#stop.buffer as SharedArrayBuffer,
    };
    worker.postMessage(order);
    this.#snapshot = snapshots(supervisor);
    this.#timer = setInterval(() => this.#view.show(this.#snapshot!()), drawMs);
  }

  /** Stops the market, draws the last state and its summary, and lets out the words that waited. */
  async end(): Promise<void> {
    Atomics.store(this.#stop, 0, 1);
    clearInterval(this.#timer);
    const bound = setTimeout(() => this.#worker?.terminate(), stopMs);
    await this.#sent;
    clearTimeout(bound);
    this.#worker?.terminate();
    if (this.#snapshot !== undefined) this.#view.end(this.#snapshot());
    this.#timer = undefined;
    for (const say of this.#held) say();
  }
}

/** Reads what the feed thread publishes; nothing asks it. */
function snapshots({ plan, board, publication }: Supervisor): () => ViewSnapshot {
  const space = new StateSpace(plan.state);
  const key = new Uint32Array(space.keyWords);
  const feed = board.writer("feed");
  const ops = board.writer("ops");
  const channel = feed.channel(0);
  const { counters } = feed;
  const startedMs = performance.now();
  const signals = (decision: number): number => {
    let sum = 0;
    for (let source = 1; source < sourceNames.length; source++) {
      sum += counters[Metric.feed.signals + (source - 1) * 4 + decision] as number;
    }
    return sum;
  };
  const row = (instrument: number, nowNs: number): ViewRow | undefined => {
    const read = publication.read(instrument);
    if (read === undefined) return undefined;
    const scale = 10 ** plan.feeds[read.feed]!.priceDecimals;
    const price = (scaled: number): number => (scaled > 0 ? scaled / scale : Number.NaN);
    key.set(read.key.subarray(0, key.length));
    return {
      symbol: read.symbol,
      bid: price(read.bidPrice),
      ask: price(read.askPrice),
      state: read.state < 0 ? "" : space.note(key),
      decision: read.decision === 0 ? "-" : (decisionNames[read.decision] as ViewDecision),
      confidence: read.confidence / 10_000,
      source: sourceNames[read.source] ?? "",
      ageNs: read.emitNs > 0 ? nowNs - read.emitNs : Number.NaN,
    };
  };
  return () => {
    const nowNs = realtimeNs(plan.baseSeconds);
    const { l1Hits, l1Misses } = Metric.feed;
    const hits = counters[l1Hits] as number;
    const lookups = hits + (counters[l1Misses] as number);
    const rows = Array.from({ length: publication.count }, (_, i) => row(i, nowNs));
    return {
      elapsedMs: performance.now() - startedMs,
      datagrams: channel[FeedCount.datagrams] as number,
      messages: channel[FeedCount.messages] as number,
      signals: { buy: signals(1), sell: signals(2), hold: signals(3) },
      rows: rows.filter((value) => value !== undefined),
      latencyNs: latencyOf(board, Stage.totalCached),
      hitRate: lookups === 0 ? Number.NaN : hits / lookups,
      gaps: channel[FeedCount.gaps] as number,
      drops: ops.counters[Metric.ops.receiveQueueDrops] as number,
    };
  };
}
