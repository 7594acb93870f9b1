/**
 * The dashboard over an API whose every number is chosen by the test: shapes as the service has
 * them, values from a seed, so that rare things (hostile text, clocks that disagree, gaps in the
 * data) can be shown at will. `bun test/support/dashboard-server.ts [port]` serves it to look at.
 */
import type { AlertNews, SignalNews, StageStatus, Status, SymbolNews } from "../../src/web/api.ts";
import { pageResponse } from "../../src/web/page.ts";

export interface FixtureOptions {
  port?: number;
  /** Changes the status before it is sent. */
  change?(status: Status): Status;
  /** Heat map columns in which nothing was measured: [from, to) as shares of the range. */
  gap?: readonly [number, number];
  /** Asked of every request but the page itself. */
  token?: string;
  /** One status, and then only heartbeats. */
  silent?: boolean;
  /** Answers in place of the fixture, when it likes; undefined leaves the fixture's answer. */
  answer?(url: URL): Response | Promise<Response> | undefined;
  /** Seconds pass only by `pass`, at any speed. */
  byHand?: boolean;
  /** Statuses of so many seconds past that every stream begins with. */
  pastS?: number;
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

const firstMs = Date.now();

export function fixtureAlerts(nowMs: number): AlertNews[] {
  // Moments of the past stay where they are.
  const atMs = firstMs;
  const base = { subject: "", severity: "warning", limit: 5e6, unit: "ns" };
  return [
    {
      ...base,
      id: 3,
      rule: "slow_ollama_processing",
      subject: "ollama_processing",
      summary: "ollama_processing took longer than its threshold.",
      openedMs: atMs - 96_000,
      lastMs: nowMs - 400,
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

export function fixtureSymbol(symbol: string, index: number): SymbolNews {
  const { signal, confidence, source, reason, price } = fixtureSignal(symbol, index, Date.now());
  return {
    symbol,
    feed: "nasdaq",
    bid: price - 0.01,
    bidSize: 400 + index * 100,
    ask: price + 0.01,
    askSize: 300,
    last: price,
    lastSize: 100,
    trades: 91_200 + index,
    signal,
    confidence,
    source,
    reason,
    state:
      source === "stale"
        ? null
        : `spread: 2 ticks, imbalance: ${index % 3 === 0 ? "bids lead" : "even"}, momentum: up, flow: buyers, volatility: low`,
    held: index === 7,
    signalAgeMs: index * 700,
    updateAgeMs: 3 * index,
  };
}

function feature(name: string, value: number, bucket: number, words: string) {
  return { name, value, bucket, label: `${name}: ${words}` };
}

function fixtureDetail(name: string) {
  const index = Math.max(0, symbols.indexOf(name));
  const symbol = fixtureSymbol(name, index);
  return {
    ...symbol,
    stateId: 1742,
    key: [2, 0, 3, 1, 4],
    features: [
      feature("spread", 2, 1, "2 ticks"),
      feature("imbalance", 0.4137, 3, "bids lead"),
      feature("momentum", 1.27, 4, "up"),
      feature("flow", 0.31, 3, "buyers"),
      feature("volatility", 0.0412, 1, "low"),
    ],
    exchangeTime: new Date().toISOString(),
    prompt:
      "You are the decision stage of a trading system. You are given the state of one market, measured over the last moments. Decide what it calls for:\nBUY when the price is more likely to rise,\nSELL when the price is more likely to fall,\nHOLD when neither is clear or trading would cost more than it can bring.\nAnswer with one word: BUY, SELL or HOLD.\nMarket state:\nspread: 2 ticks\nimbalance: bids lead\nmomentum: up\nflow: buyers\nvolatility: low\nDecision:",
    answer: {
      version: "5b1f0e2a77c3d911",
      signal: "BUY",
      confidence: 0.71,
      probabilities: { BUY: 0.7113, SELL: 0.0921, HOLD: 0.1966 },
      decidedAtMs: Date.now() - 3_600_000,
      uses: 4812,
    },
  };
}

const fixtureParts: Readonly<Record<string, unknown>> = {
  "/api/v1/feed": {
    feeds: [
      {
        name: "nasdaq",
        format: "itch50",
        lines: [
          "udp://233.54.12.111:26400?interface=eth1",
          "udp://233.49.196.111:26400?interface=eth2",
        ],
        interfaces: ["eth1", "eth2"].map((name) => ({
          name,
          state: "nothing dropped since the start",
          perS: { rx_dropped: 0, rx_missed_errors: 0 },
          totals: { rx_dropped: 0, rx_missed_errors: 0 },
        })),
        warnings: [],
        state: "receiving",
        lastDatagramMs: Date.now() + 1e9,
        silenceMs: 3000,
        perS: { datagrams: 11_904, bytes: 1_142_000, messages: 27_410, duplicates: 11_902 },
        totals: {
          datagrams: 81_204_117,
          bytes: 7_791_000_000,
          messages: 186_201_331,
          duplicates: 81_100_000,
          gaps: 0,
          lostMessages: 0,
        },
      },
    ],
    receiveBufferBytes: 33_554_432,
    drops: 0,
    kernelStamps: { samples: 812_041, errors: 0 },
    totals: { evaluations: 190_201_331, signals: 90_112 },
    help: {
      datagrams: "Datagrams received.",
      gaps: "Times that the sequence jumped ahead, seen by a message or by a heartbeat.",
    },
  },
  "/api/v1/cache": {
    l1: {
      hits: 119_000_000,
      misses: 2100,
      share: 0.9999,
      form: "dense",
      entries: 3112,
      capacity: 4320,
      evictions: 0,
      writes: 3200,
      generations: 1,
    },
    l2: { hits: 1500, misses: 600, share: 0.714, errors: 0, promotions: 1500 },
    pending: { states: 4, capacity: 1024, added: 2100, coalesced: 9120, full: 0, dropped: 0 },
    refreshes: 0,
    expired: 0,
    preset: "microstructure",
    features: ["spread", "imbalance", "momentum", "flow", "volatility"],
    states: 4320,
    accessNs: { l1P50Ns: 310, l1P99Ns: 900, l2P50Ns: 3800, l2P99Ns: 21_000 },
  },
  "/api/v1/inference": {
    state: "2 of 2 model servers up",
    engine: "ollama",
    version: "5b1f0e2a77c3d911",
    model: "llama3.2:3b",
    mode: "logprobs",
    hosts: ["http://127.0.0.1:11434", "http://10.0.0.5:11434"].map((url) => {
      return {
        url,
        status: "ready",
        serverVersion: "0.14.2",
        digest: "sha256:a80c4f17acd5",
        contextLength: 1024,
        vramRatio: 1,
        breaker: "closed",
        inFlight: 1,
        meanMs: 38.2,
        lastError: "",
      };
    }),
    queued: 4,
    queueMax: 1024,
    inFlight: 2,
    warm: { done: 3112, failed: 2, total: 4320, ratePerS: 21.4, leftS: 57, finished: false },
    shadow: null,
    totals: { requests: 3204, ok: 3200 },
    errors: { timeout: 1 },
    stages: [
      { name: "ollama_processing", count: 214, p50Ns: 38e6, p99Ns: 71e6 },
      { name: "ollama_processing.prompt", count: 214, p50Ns: 30e6, p99Ns: 55e6 },
    ],
  },
  "/api/v1/diagnosis": {
    atMs: Date.now(),
    windowMs: 1000,
    machine: {
      machine: "Dell Inc. PowerEdge R650",
      cpu: "Intel Xeon Gold 6354",
      cores: 36,
      system: "Debian GNU/Linux 12",
      kernel: "6.1.0-32-amd64",
      temperatureC: 61,
      disks: [{ name: "nvme0n1", kind: "NVMe", sizeBytes: 960e9, health: "Ok" }],
    },
    worst: "warning",
    counts: { ok: 31, info: 1, warning: 1 },
    findings: [
      {
        id: "cpu.governor",
        area: "cpu",
        subject: "",
        severity: "warning",
        title: "The governor is not performance",
        evidence: "36 of 36 cores use schedutil.",
        values: {},
        why: "A core that clocks up late answers late.",
        remedy: "sudo hftedge tune apply",
      },
      {
        id: "clock.sync",
        area: "clock",
        subject: "",
        severity: "info",
        title: "The clock is synchronised by NTP",
        evidence: "estimated error 212 µs.",
        values: {},
        why: "network_latency is no better than the clocks.",
        remedy: "",
      },
      {
        id: "tune.drift",
        area: "tune",
        subject: "",
        severity: "ok",
        title: "Tuning",
        evidence: "41 settings are as applied.",
        values: {},
        why: "",
        remedy: "",
      },
    ],
    notApplicable: [{ id: "gpu", area: "gpu", subject: "", reason: "there is no GPU" }],
    incomplete: [],
  },
  "/api/v1/events": {
    items: [
      {
        id: 1,
        run: 1,
        atMs: Date.now() - 3_600_000,
        kind: "start",
        severity: "info",
        message: "The run started.",
      },
    ],
    next: null,
  },
  "/api/v1/runs": {
    items: [
      {
        id: 1,
        key: "0000019ab3c4d5e6",
        startMs: Date.now() - 7_200_000,
        lastMs: Date.now() - 3_700_000,
        stopMs: Date.now() - 3_700_000,
        clean: true,
        version: "0.1.0",
        commit: "abcdef123456",
        configHash: "00",
      },
    ],
    next: null,
  },
};

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
  readonly #timer: Timer | undefined;
  /** The server's time where seconds pass by hand. */
  #handMs = Date.now();
  #server: Bun.Server<undefined>;
  readonly port: number;

  constructor(options: FixtureOptions = {}) {
    this.#options = options;
    this.#server = this.#listen(options.port ?? 0);
    this.port = this.#server.port!;
    if (options.byHand !== true) this.#timer = setInterval(() => this.#tick(), 1000);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#streams.clear();
    await this.#server.stop(true);
  }

  /** So many seconds later: a status for each of them to every stream. */
  pass(seconds: number): void {
    for (let second = 0; second < seconds; second++) {
      this.#handMs += 1000;
      for (const stream of this.#streams) stream.enqueue(this.#event());
    }
  }

  get nowMs(): number {
    return this.#options.byHand === true ? this.#handMs : Date.now();
  }

  /** Streams that are open. */
  get streams(): number {
    return this.#streams.size;
  }

  #status(atMs = this.nowMs): Status {
    const status = fixtureStatus(atMs, this.#startedMs);
    return this.#options.change?.(status) ?? status;
  }

  #event(atMs = this.nowMs): Uint8Array {
    const text = JSON.stringify(this.#status(atMs));
    return encoder.encode(`event: status\ndata: ${text}\n\n`);
  }

  #tick(): void {
    const bytes = this.#options.silent === true ? encoder.encode(": heartbeat\n\n") : this.#event();
    for (const stream of this.#streams) stream.enqueue(bytes);
  }

  #listen(port: number): Bun.Server<undefined> {
    return Bun.serve({
      port,
      hostname: "127.0.0.1",
      idleTimeout: 0,
      fetch: (request) => {
        const url = new URL(request.url);
        const { token } = this.#options;
        const given = request.headers.get("authorization");
        if (token === undefined || url.pathname === "/" || given === `Bearer ${token}`) {
          return this.#answer(url);
        }
        return Response.json({ detail: "a token is needed" }, { status: 401 });
      },
    });
  }

  async #answer(url: URL): Promise<Response> {
    const own = this.#options.answer?.(url);
    if (own !== undefined) return await own;
    const { pathname, searchParams } = url;
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
      case "/api/v1/signals/stream":
        return this.#stream();
      case "/api/v1/signals": {
        const now = Date.now();
        const items = [0, 1, 2, 3, 4, 5].map((i) => fixtureSignal("AAPL", i, now - i * 9000));
        return Response.json({ items, next: null });
      }
      case "/api/v1/symbols":
        return Response.json({ items: symbols.map(fixtureSymbol), next: null });
      default: {
        const symbol = /^\/api\/v1\/symbols\/(.+)$/.exec(pathname)?.[1];
        if (symbol !== undefined) return Response.json(fixtureDetail(decodeURIComponent(symbol)));
        const part = fixtureParts[pathname];
        if (part !== undefined) return Response.json(part);
        return Response.json({ detail: `there is nothing at ${pathname}` }, { status: 404 });
      }
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
        const { pastS = 0 } = this.#options;
        for (let ago = pastS; ago >= 0; ago--) {
          controller.enqueue(this.#event(this.nowMs - ago * 1000));
        }
      },
      cancel: () => {
        this.#streams.delete(mine);
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }
}

if (import.meta.main) {
  const server = new DashboardServer({
    port: Number(Bun.argv[2] ?? 8099),
    gap: [0.3, 0.36],
    pastS: 300,
  });
  console.log(`the dashboard over made-up numbers: ${server.url}`);
}
