/**
 * The dashboard over an API whose every number is chosen by the test: shapes as the service has
 * them, values from a seed, so that rare things (hostile text, clocks that disagree, gaps in the
 * data) can be shown at will. `bun test/support/dashboard-server.ts [port]` serves it to look at.
 */
import type { AlertNews, SignalNews, StageStatus, Status } from "../../src/web/api.ts";
import { pageResponse } from "../../src/web/page.ts";

export interface FixtureOptions {
  port?: number;
  /** Changes the status before it is sent. */
  change?(status: Status): Status;
  /** Heat map columns in which nothing was measured: [from, to) as shares of the range. */
  gap?: readonly [number, number];
}

const encoder = new TextEncoder();
const symbols = [
  "AAPL",
  "AMD",
  "AMZN",
  "GOOG",
  "INTC",
  "META",
  "MSFT",
  "NFLX",
  "NVDA",
  "QQQ",
  "SPY",
  "TSLA",
];

/** A repeatable number in [0, 1) for any integer (splitmix32). */
function noise(index: number): number {
  let value = (index * 0x9e3779b9) | 0;
  value = Math.imul(value ^ (value >>> 16), 0x21f0aaad);
  value = Math.imul(value ^ (value >>> 15), 0x735a2d97);
  return ((value ^ (value >>> 15)) >>> 0) / 2 ** 32;
}

/** Sums of noise are near enough to normal. */
function normal(index: number): number {
  let sum = 0;
  for (let i = 0; i < 6; i++) sum += noise(index * 6 + i);
  return (sum - 3) * Math.SQRT2;
}

const centreNs: Readonly<Record<string, number>> = {
  network_latency: 41_000,
  data_ingestion: 6800,
  cache_access: 310,
  ollama_processing: 38e6,
  total_pipeline: 9400,
  "total_pipeline.cached": 9300,
  "total_pipeline.uncached": 41e6,
};

function stage(name: string, thresholdNs: number | null, atS: number): StageStatus {
  const centre = centreNs[name] ?? 10_000;
  const wobble = 1 + 0.05 * normal(atS + name.length);
  const count = name.startsWith("ollama") ? 214 : 119_000;
  return {
    name,
    headline: !name.includes("."),
    ratePerS: name.startsWith("ollama") ? 21 : 11_904 + Math.round(200 * normal(atS)),
    count,
    errors: 0,
    p50Ns: centre * wobble,
    p99Ns: centre * 3.1 * wobble,
    p999Ns: centre * 9 * wobble,
    maxNs: centre * 30 * (1 + noise(atS)),
    successRate: name.startsWith("ollama") ? 0.9953 : 1,
    thresholdNs,
    total: count * 100,
  };
}

export function fixtureSignal(symbol: string, index: number, atMs: number): SignalNews {
  const signal = ["BUY", "SELL", "HOLD", "BUY", "HOLD"][index % 5]!;
  return {
    seq: 90_000 + index,
    feed: "nasdaq",
    inputSeq: 4_000_000 + index,
    symbol,
    signal,
    confidence: signal === "HOLD" ? 0.41 : 0.6 + 0.3 * noise(index),
    source: ["l1", "l1", "stale", "l2", "l1"][index % 5]!,
    reason: index % 5 === 2 ? "gap" : "",
    ageMs: 60_000,
    version: "5b1f0e2a77c3d911",
    state: String(1000 + index * 17),
    price: 100 + index * 37.61,
    emitTime: `${atMs - index * 700}123456`,
    ttlMs: 2000,
    latencyNs: 8000 + 900 * index,
  };
}

export function fixtureStatus(atMs: number, startedMs: number): Status {
  const atS = Math.floor(atMs / 1000);
  const rate = Math.round(11_904 + 900 * Math.sin(atS / 20) + 300 * normal(atS));
  return {
    seq: atS - Math.floor(startedMs / 1000),
    atMs,
    startedMs,
    version: "0.1.0",
    commit: "abcdef123456",
    run: "0000019ab3c4d5e6",
    windowS: 10,
    readiness: { status: "ready", reasons: [] },
    threads: ["main", "feed", "inference", "ops"].map((name) => {
      return { name, beatAgeMs: Math.round(40 * noise(atS)), restarts: 0 };
    }),
    stages: [
      stage("network_latency", 2e6, atS),
      stage("data_ingestion", 1e6, atS),
      stage("cache_access", 5e5, atS),
      stage("ollama_processing", 5e6, atS),
      stage("total_pipeline", 1e7, atS),
      stage("total_pipeline.cached", 1e7, atS),
      stage("total_pipeline.uncached", 1e7, atS),
      stage("event_loop.feed", null, atS),
      stage("store_commit", null, atS),
    ],
    clocksAgree: true,
    feed: {
      state: "receiving",
      datagramsPerS: rate,
      messagesPerS: Math.round(rate * 2.3),
      bytesPerS: rate * 96,
      datagrams: 81_204_117,
      messages: 186_201_331,
      drops: 0,
      gaps: 0,
      lostMessages: 0,
      channels: 1,
      staleChannels: 0,
      instruments: symbols.length,
      staleInstruments: 0,
      heldInstruments: 0,
    },
    cache: {
      hitsPerS: rate - 21,
      missesPerS: 21,
      l1Share: 0.9982 - 0.0005 * noise(atS),
      l2Share: 0.714,
      entries: 3112,
      entriesLimit: 4320,
      pending: 4,
    },
    inference: {
      state: "2 of 2 model servers up",
      engine: "ollama",
      model: "llama3.2:3b",
      version: "5b1f0e2a77c3d911",
      answersPerS: 21,
      queued: 4,
      inFlight: 2,
      errors: 1,
      hosts: 2,
      hostsUp: 2,
      p50Ns: 38e6,
      p99Ns: 71e6 * (1 + 0.1 * normal(atS)),
    },
    store: { state: "written every second", bytes: 412e6, diskFreeBytes: 81e9, waitingSeconds: 0 },
    host: {
      cpuRatio: 0.31,
      loadOne: 2.14,
      memoryRatio: 0.42,
      residentBytes: 188e6,
      memoryLimitBytes: 2e9,
      memoryLocked: true,
    },
    signals: {
      perS: Math.round(31 + 9 * noise(atS)),
      total: 90_112,
      newest: symbols.map((symbol, index) => fixtureSignal(symbol, index, atMs)),
    },
    alerts: fixtureAlerts(atMs).filter(({ resolvedMs }) => resolvedMs === null),
    http: { subscribers: 1, requests: 1204 },
  };
}

export function fixtureAlerts(atMs: number): AlertNews[] {
  const base = { subject: "", severity: "warning", limit: 5e6, unit: "ns" };
  return [
    {
      ...base,
      id: 3,
      rule: "slow_ollama_processing",
      subject: "ollama_processing",
      summary: "ollama_processing took longer than its threshold.",
      openedMs: atMs - 96_000,
      lastMs: atMs - 400,
      resolvedMs: null,
      count: 2017,
      worst: 113e6,
    },
    {
      ...base,
      id: 2,
      rule: "gap",
      subject: "nasdaq",
      severity: "critical",
      summary: "A channel lost datagrams: its books are stale until they are rebuilt.",
      limit: 0,
      unit: "",
      openedMs: atMs - 210_000,
      lastMs: atMs - 209_000,
      resolvedMs: atMs - 179_000,
      count: 2,
      worst: 1,
    },
  ];
}

/** Values of a stage in each step, as bands of a quarter of a doubling. */
function heatOf(
  name: string,
  fromS: number,
  toS: number,
  stepS: number,
  gap?: readonly [number, number],
) {
  const steps = Math.ceil((toS - fromS) / stepS);
  const centre = centreNs[name] ?? 10_000;
  const first = Math.floor(Math.log2(centre) * 4) - 8;
  const bands = 44;
  const cells: [number, number, number][] = [];
  const percentile: (number | null)[][] = [[], [], []];
  const maxNs: (number | null)[] = [];
  for (let step = 0; step < steps; step++) {
    const share = step / steps;
    const away = gap !== undefined && share >= gap[0] && share < gap[1];
    const t = Math.floor(fromS / stepS) + step;
    const shift = 3 * Math.sin(t / 40) + 0.4 * normal(t);
    const burst = noise(t) > 0.965 ? 7 : 0;
    if (away) {
      percentile.forEach((line) => line.push(null));
      maxNs.push(null);
      continue;
    }
    const edge = (offset: number): number => 2 ** ((first + 8 + shift / 3 + offset) / 4);
    percentile[0]!.push(edge(0));
    percentile[1]!.push(edge(6.5 + burst * 0.8));
    percentile[2]!.push(edge(12 + burst + noise(t * 3) * 3));
    maxNs.push(edge(18 + burst + noise(t * 5) * 4));
    for (let band = 0; band < bands; band++) {
      const distance = band - 8 - shift / 3;
      const body = 4000 * Math.exp(-((distance / 2.2) ** 2));
      const tail = distance > 0 ? 260 * Math.exp(-distance / (2.6 + burst * 0.6)) : 0;
      const expected = body + tail;
      const value = expected > 3 ? expected : noise(t * 97 + band) < expected ? 1 : 0;
      if (value > 0) cells.push([step, band, Math.round(value * stepS)]);
    }
  }
  const edgesNs = Array.from({ length: bands + 1 }, (_, band) => 2 ** ((first + band) / 4));
  const [p50Ns, p99Ns, p999Ns] = percentile;
  const atMs = Array.from({ length: steps }, (_, step) => (fromS + step * stepS) * 1000);
  const head = { fromMs: fromS * 1000, stepMs: stepS * 1000, steps };
  return {
    body: { ...head, stage: name, edgesNs, cells },
    series: { ...head, atMs, series: [{ stage: name, maxNs, p50Ns, p99Ns, p999Ns }] },
  };
}

export class DashboardServer {
  readonly #options: FixtureOptions;
  readonly #startedMs = Date.now() - 3_600_000;
  readonly #streams = new Set<ReadableStreamDefaultController<Uint8Array>>();
  readonly #timer: Timer;
  #server: Bun.Server<undefined>;
  readonly port: number;

  constructor(options: FixtureOptions = {}) {
    this.#options = options;
    this.#server = this.#listen(options.port ?? 0);
    this.port = this.#server.port!;
    this.#timer = setInterval(() => this.#tick(), 1000);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#streams.clear();
    await this.#server.stop(true);
  }

  #status(): Status {
    const status = fixtureStatus(Date.now(), this.#startedMs);
    return this.#options.change?.(status) ?? status;
  }

  #event(): Uint8Array {
    return encoder.encode(`event: status\ndata: ${JSON.stringify(this.#status())}\n\n`);
  }

  #tick(): void {
    const bytes = this.#event();
    for (const stream of this.#streams) stream.enqueue(bytes);
  }

  #listen(port: number): Bun.Server<undefined> {
    return Bun.serve({
      port,
      hostname: "127.0.0.1",
      idleTimeout: 0,
      fetch: (request) => this.#answer(new URL(request.url)),
    });
  }

  async #answer({ pathname, searchParams }: URL): Promise<Response> {
    switch (pathname) {
      case "/":
        return await pageResponse("", "");
      case "/api/v1/status":
        return Response.json(this.#status());
      case "/api/v1/stream":
        return this.#stream();
      case "/api/v1/latency/heatmap":
        return Response.json(this.#heat(searchParams).body);
      case "/api/v1/latency":
        return Response.json(this.#heat(searchParams).series);
      case "/api/v1/alerts":
        return Response.json({ items: fixtureAlerts(Date.now()), next: null });
      default:
        return Response.json({ detail: `there is nothing at ${pathname}` }, { status: 404 });
    }
  }

  #heat(query: URLSearchParams) {
    const number = (name: string): number => Number(query.get(name));
    const name = query.get("stage") ?? "total_pipeline";
    return heatOf(name, number("from"), number("to"), number("step"), this.#options.gap);
  }

  #stream(): Response {
    let mine: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        mine = controller;
        this.#streams.add(controller);
        controller.enqueue(encoder.encode("retry: 200\n\n"));
        controller.enqueue(this.#event());
      },
      cancel: () => {
        this.#streams.delete(mine);
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }
}

if (import.meta.main) {
  const server = new DashboardServer({ port: Number(Bun.argv[2] ?? 8099), gap: [0.3, 0.36] });
  console.log(`the dashboard over made-up numbers: ${server.url}`);
}
