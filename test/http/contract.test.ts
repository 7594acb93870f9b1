/** Every resource of the compiled program, its replies held against the document that it serves. */
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { feedUntil, type RunningApi, startApi } from "../support/api.ts";

interface Operation {
  responses: Record<string, { content?: Record<string, { schema?: object }> }>;
}
interface Document {
  openapi: string;
  paths: Record<string, { get: Operation }>;
  components: { schemas: Record<string, object> };
}

let api: RunningApi;
let document: Document;
let startS: number;
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats(ajv as never);

beforeAll(async () => {
  startS = Math.floor(Date.now() / 1000) - 1;
  // Every duration is a breach, so that there are alerts to ask for, however long the tests take.
  const breach = ["--alert-data-ingestion-ms", "0.000001", "--alert-quiet-ms", "3600000"];
  api = await startApi(breach);
  document = await api.json<Document>("/openapi.json");
  ajv.addSchema(document, "api");
  await feedUntil(api, ["AAPL", "MSFT"], async () => {
    const { items } = await api.json<{ items: unknown[] }>("/api/v1/alerts");
    const signals = await api.json<{ items: unknown[] }>("/api/v1/signals?signal=SELL");
    const { feed } = await api.json<{ feed: { instruments: number } }>("/api/v1/status");
    return items.length > 0 && signals.items.length > 0 && feed.instruments === 2;
  });
  await untilWritten();
}, 60_000);

async function second(): Promise<number> {
  return (await api.json<{ seq: number }>("/api/v1/status")).seq;
}

/** Waits for two more seconds of the history: it ends there, and two questions are about the same. */
async function untilWritten(): Promise<void> {
  const last = (await second()) + 2;
  while ((await second()) < last) await Bun.sleep(100);
}

afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

function pointer(text: string): string {
  return text.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** Holds the reply against the schema of its path, status and media type. */
async function check(path: string, url: string, init?: RequestInit): Promise<Response> {
  const response = await api.get(url, init);
  const { status } = response;
  const [type = ""] = (response.headers.get("content-type") ?? "").split(";");
  const described = document.paths[path]?.get.responses[status]?.content ?? {};
  expect(Object.keys(described), `${url} answers ${status}`).toContain(type);
  if (!/^application\/(?:problem\+)?json$/.test(type)) return response;
  const place = `/paths/${pointer(path)}/get/responses/${status}/content/${pointer(type)}/schema`;
  const validate = ajv.getSchema(`api#${encodeURI(place)}`)!;
  const body: unknown = await response.clone().json();
  expect(validate(body) ? [] : validate.errors, url).toEqual([]);
  return response;
}

describe("the document", () => {
  test("is OpenAPI 3.1 that a validator accepts, and describes every resource", async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document) as never);
    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
    expect(document.openapi).toBe("3.1.0");
    expect(Object.keys(document.paths).toSorted()).toEqual(
      [
        "/api/v1/alerts",
        "/api/v1/cache",
        "/api/v1/diagnosis",
        "/api/v1/events",
        "/api/v1/feed",
        "/api/v1/inference",
        "/api/v1/latency",
        "/api/v1/latency/export",
        "/api/v1/latency/heatmap",
        "/api/v1/latency/summary",
        "/api/v1/metric",
        "/api/v1/runs",
        "/api/v1/signals",
        "/api/v1/signals/stream",
        "/api/v1/status",
        "/api/v1/stream",
        "/api/v1/symbols",
        "/api/v1/symbols/{symbol}",
        "/healthz",
        "/metrics",
        "/readyz",
      ].toSorted(),
    );
  });

  test("the page for people names every path, asks nothing from outside, and its style is allowed", async () => {
    const response = await api.get("/docs");
    const html = await response.text();
    for (const path of Object.keys(document.paths)) expect(html).toContain(`GET ${path}`);
    expect(html).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    expect(html).not.toContain("<script");
    expect(response.headers.get("content-security-policy")).toMatch(/style-src 'sha256-/);
  });
});

const replies: readonly [path: string, url: string, shows: (body: never) => void][] = [
  [
    "/api/v1/status",
    "/api/v1/status",
    (body: { feed: { datagrams: number; instruments: number }; alerts: unknown[] }) => {
      expect(body.feed.datagrams).toBeGreaterThan(0);
      expect(body.feed.instruments).toBe(2);
      expect(body.alerts.length).toBeGreaterThan(0);
    },
  ],
  [
    "/api/v1/feed",
    "/api/v1/feed",
    (body: { feeds: { totals: { messages: number }; format: string }[] }) => {
      expect(body.feeds[0]).toMatchObject({ name: "tick", format: "tick" });
      expect(body.feeds[0]!.totals.messages).toBeGreaterThan(0);
    },
  ],
  [
    "/api/v1/cache",
    "/api/v1/cache",
    (body: { l1: { hits: number; entries: number; capacity: number } }) => {
      expect(body.l1.hits).toBeGreaterThan(0);
      expect(body.l1.entries).toBe(body.l1.capacity);
    },
  ],
  [
    "/api/v1/inference",
    "/api/v1/inference",
    (body: object) => expect(body).toMatchObject({ engine: "rules", model: null }),
  ],
  [
    "/api/v1/symbols",
    "/api/v1/symbols?prefix=A",
    (body: { items: { symbol: string }[]; next: null }) =>
      expect(body.items.map(({ symbol }) => symbol)).toEqual(["AAPL"]),
  ],
  [
    "/api/v1/symbols/{symbol}",
    "/api/v1/symbols/MSFT",
    (body: { features: { label: string | null }[]; bid: number }) => {
      expect(body.bid).toBeGreaterThan(99);
      expect(body.features.some(({ label }) => label?.startsWith("spread: 1 tick"))).toBe(true);
    },
  ],
  [
    "/api/v1/latency",
    "/api/v1/latency?from=-1m&stage=data_ingestion,total_pipeline&percentiles=50,99.9",
    (body: { rows: { stage: string; p999Ns: number; count: number }[] }) => {
      expect(new Set(body.rows.map(({ stage }) => stage)).size).toBe(2);
      for (const { p999Ns, count } of body.rows) {
        expect(count).toBeGreaterThan(0);
        expect(p999Ns).toBeGreaterThan(0);
      }
    },
  ],
  [
    "/api/v1/latency",
    "/api/v1/latency?from=-1m&layout=columns&step=10s",
    (body: { atMs: number[]; series: { count: number[] }[] }) => {
      expect(body.series).toHaveLength(5);
      for (const { count } of body.series) expect(count).toHaveLength(body.atMs.length);
    },
  ],
  [
    "/api/v1/latency/summary",
    "/api/v1/latency/summary?from=-1m",
    (body: { summaries: { stage: string; count: number; p999Ns: number }[] }) => {
      const total = body.summaries.find(({ stage }) => stage === "total_pipeline")!;
      expect(total.count).toBeGreaterThan(0);
    },
  ],
  [
    "/api/v1/latency/heatmap",
    "/api/v1/latency/heatmap?from=-1m&bands=2",
    (body: { cells: unknown[]; edgesNs: number[] }) => {
      expect(body.cells.length).toBeGreaterThan(0);
      expect(body.edgesNs.length).toBeGreaterThan(1);
    },
  ],
  [
    "/api/v1/latency/export",
    "/api/v1/latency/export?from=-1m&format=json&stage=data_ingestion",
    (body: { histogram: string }[]) => expect(body[0]!.histogram).toStartWith("HISTFAAAA"),
  ],
  [
    "/api/v1/alerts",
    "/api/v1/alerts?rule=slow_data_ingestion&open=true",
    (body: { items: { count: number; worst: number; limit: number }[] }) => {
      expect(body.items).toHaveLength(1);
      expect(body.items[0]!.worst).toBeGreaterThan(body.items[0]!.limit);
    },
  ],
  [
    "/api/v1/signals",
    "/api/v1/signals?symbol=AAPL&limit=5",
    (body: { items: { symbol: string }[] }) => {
      expect(body.items.length).toBeGreaterThan(0);
      for (const { symbol } of body.items) expect(symbol).toBe("AAPL");
    },
  ],
  [
    "/api/v1/metric",
    "/api/v1/metric",
    (body: { names: string[] }) =>
      expect(body.names).toContain('hftedge_channel_messages_total{channel="tick"}'),
  ],
  [
    "/api/v1/metric",
    `/api/v1/metric?from=-1m&name=${encodeURIComponent('hftedge_channel_messages_total{channel="tick"}')}`,
    (body: { rows: { sum: number }[] }) => expect(body.rows[0]!.sum).toBeGreaterThan(0),
  ],
  [
    "/api/v1/runs",
    "/api/v1/runs",
    (body: { items: object[] }) => expect(body.items[0]).toMatchObject({ id: 1, stopMs: null }),
  ],
  ["/api/v1/events", "/api/v1/events", (body: { next: null }) => expect(body.next).toBeNull()],
  [
    "/readyz",
    "/readyz",
    (body: { status: string }) => expect(["ready", "degraded"]).toContain(body.status),
  ],
  [
    "/api/v1/diagnosis",
    "/api/v1/diagnosis",
    (body: { findings: unknown[] }) => expect(body.findings.length).toBeGreaterThan(5),
  ],
];

describe("each reply is as described, and says what is", () => {
  for (const [path, url, shows] of replies) {
    test(url, async () => {
      const response = await check(path, url);
      expect(response.status).toBe(200);
      shows((await response.json()) as never);
    });
  }

  test("/healthz", async () => {
    expect(await (await check("/healthz", "/healthz")).text()).toBe("ok\n");
  });
});

describe("forms", () => {
  test("CSV by Accept, with a heading and a row for each step", async () => {
    const response = await check(
      "/api/v1/latency",
      "/api/v1/latency?from=-1m&stage=data_ingestion",
      {
        headers: { accept: "text/csv" },
      },
    );
    const [head = "", ...rows] = (await response.text()).trimEnd().split("\r\n");
    expect(head).toBe(
      "time,atMs,stage,count,errors,successRate,breaches,minNs,meanNs,maxNs,p50Ns,p95Ns,p99Ns,p999Ns",
    );
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row.split(",")).toHaveLength(head.split(",").length);
  });

  test("NDJSON by ?format=, which wins over Accept", async () => {
    const url = "/api/v1/alerts?format=ndjson";
    const response = await check("/api/v1/alerts", url, { headers: { accept: "text/csv" } });
    const lines = (await response.text()).trimEnd().split("\n");
    for (const line of lines) expect(JSON.parse(line)).toHaveProperty("rule");
  });

  test("the HDR log is read back by hdr-histogram-js with the values of the summary", async () => {
    const hdr = await import("hdr-histogram-js");
    const from = `from=${startS}`;
    const now = Math.floor(Date.now() / 1000);
    const range = `${from}&to=${now}&stage=data_ingestion`;
    const response = await check(
      "/api/v1/latency/export",
      `/api/v1/latency/export?${range}&format=hdr`,
    );
    const lines = (await response.text()).split("\n").filter((line) => line.startsWith("Tag="));
    const sum = hdr.build({ bitBucketSize: 64, numberOfSignificantValueDigits: 2 });
    for (const line of lines) {
      sum.add(hdr.decodeFromCompressedBase64(line.slice(line.lastIndexOf(",") + 1)));
    }
    const { summaries } = await api.json<{ summaries: { count: number; p99Ns: number }[] }>(
      `/api/v1/latency/summary?${range}`,
    );
    expect(sum.totalCount).toBe(summaries[0]!.count);
    expect(Math.abs(sum.getValueAtPercentile(99) / summaries[0]!.p99Ns - 1)).toBeLessThan(0.016);
  });

  test("a past range has an ETag, and is not sent twice", async () => {
    const to = Math.floor(Date.now() / 1000) - 60;
    const url = `/api/v1/latency?from=${to - 600}&to=${to}`;
    const first = await api.get(url);
    const etag = first.headers.get("etag")!;
    expect(etag).toMatch(/^W\/".+"$/);
    const again = await api.get(url, { headers: { "if-none-match": etag } });
    expect([again.status, await again.text()]).toEqual([304, ""]);
    // Compared weakly (RFC 9110, 13.1.2): a proxy may have made it a strong one, or added its own.
    const others = { "if-none-match": `"x", ${etag.slice(2)}` };
    expect((await api.get(url, { headers: others })).status).toBe(304);
    expect((await api.get(url, { headers: { "if-none-match": '"x"' } })).status).toBe(200);
    expect((await api.get("/api/v1/latency?from=-1m")).headers.get("etag")).toBeNull();
  });

  test("pages follow one another without a gap or a repetition", async () => {
    const seen: number[] = [];
    let next: string | null = null;
    do {
      const url: string = `/api/v1/signals?limit=3${next === null ? "" : `&cursor=${next}`}`;
      const page = await api.json<{ items: { id: number }[]; next: string | null }>(url);
      seen.push(...page.items.map(({ id }) => id));
      next = page.next;
    } while (next !== null && seen.length < 12);
    expect(seen.length).toBeGreaterThanOrEqual(4);
    expect(seen).toEqual([...new Set(seen)].toSorted((a, b) => b - a));
  });

  test.each(["gzip", "zstd"])("compressed with %s where the client takes it", async (encoding) => {
    const headers = { "accept-encoding": encoding };
    const response = await fetch(`${api.url}/openapi.json`, {
      headers,
      decompress: false,
    } as never);
    expect(response.headers.get("content-encoding")).toBe(encoding);
    const bytes = new Uint8Array(await response.arrayBuffer());
    const plain = encoding === "gzip" ? Bun.gunzipSync(bytes) : Bun.zstdDecompressSync(bytes);
    expect(JSON.parse(new TextDecoder().decode(plain))).toEqual(document as never);
    expect(bytes.length).toBeLessThan(plain.length / 4);
  });
});

describe("HEAD", () => {
  test.each(["/openapi.json", "/docs", "/healthz", "/api/v1/runs?format=csv", "/api/v1/nothing"])(
    "%s has the status, type and length of GET",
    async (path) => {
      const get = await api.get(path);
      const head = await api.get(path, { method: "HEAD" });
      expect(await head.text()).toBe("");
      expect(head.status).toBe(get.status);
      for (const name of ["content-type", "content-length", "content-encoding"]) {
        expect(head.headers.get(name)).toBe(get.headers.get(name));
      }
    },
  );

  test("a stream or an export that nobody will read keeps no place", async () => {
    for (let i = 0; i < 70; i++) {
      const stream = await api.get("/api/v1/signals/stream", { method: "HEAD" });
      const file = await api.get("/api/v1/latency/export?from=-1m", { method: "HEAD" });
      expect([stream.status, file.status]).toEqual([200, 200]);
    }
    expect((await api.get("/api/v1/latency/export?from=-1m")).status).toBe(200);
    const { http } = await api.json<{ http: { subscribers: number } }>("/api/v1/status");
    expect(http.subscribers).toBe(0);
  });
});

describe("an export of everything", () => {
  test("from 1970 to 2106 comes to an end at once, and has each second once", async () => {
    const url = "/api/v1/latency/export?from=0&to=4294967295&format=json&stage=data_ingestion";
    const rows = await api.json<{ atMs: number }[]>(url);
    const times = rows.map(({ atMs }) => atMs);
    expect(times.length).toBeGreaterThan(0);
    expect(times).toEqual([...new Set(times)].toSorted((a, b) => a - b));
  });
});

describe("what cannot be is refused as a problem that says what would be right", () => {
  test.each([
    ["/api/v1/latency", "?from=yesterday", "from"],
    ["/api/v1/latency", "?from=2026-01-02&to=2026-01-01", "from"],
    ["/api/v1/latency", "?step=0", "step"],
    ["/api/v1/latency", "?step=1.5s", "step"],
    ["/api/v1/latency", "?stage=nothing", "stage"],
    ["/api/v1/latency", "?component=nothing", "component"],
    ["/api/v1/latency", "?to=0", "from"],
    ["/api/v1/latency", "?from=2026-02-30", "from"],
    ["/api/v1/latency", "?step=999999999999y", "step"],
    ["/api/v1/latency/heatmap", "?stage=all", "stage"],
    ["/api/v1/latency/heatmap", "?stage=cache_access,total_pipeline", "stage"],
    ["/api/v1/signals", "?from=now&to=-1h", "from"],
    ["/api/v1/signals/stream", "?symbol=", "symbol"],
    ["/api/v1/latency", "?percentiles=50,101", "percentiles"],
    ["/api/v1/latency", "?form=csv", "form"],
    ["/api/v1/latency", "?format=xml", "format"],
    ["/api/v1/latency/heatmap", "?bands=3", "bands"],
    ["/api/v1/alerts", "?limit=0", "limit"],
    ["/api/v1/alerts", "?cursor=abc", "cursor"],
    ["/api/v1/signals", "?signal=MAYBE", "signal"],
  ])("%s%s", async (path, search, name) => {
    const response = await check(path, path + search);
    expect(response.status).toBe(400);
    const body = (await response.json()) as { code: string; errors: { name: string }[] };
    expect(body.code).toBe("PARAMETER");
    expect(body.errors.map((error) => error.name)).toEqual([name]);
  });

  test("too many points: the remedy names a step that fits", async () => {
    const url = "/api/v1/latency?from=-1y&stage=data_ingestion";
    const refused = await check("/api/v1/latency", `${url}&step=1m`);
    const { code, hint } = (await refused.json()) as { code: string; hint: string };
    expect([refused.status, code]).toEqual([400, "TOO_MANY_POINTS"]);
    const step = /step=(\d+)/.exec(hint)![1]!;
    expect((await api.get(`${url}&step=${step}`)).status).toBe(200);
  });

  test("an unknown path, an unknown symbol", async () => {
    const nothing = await api.get("/api/v2/latency");
    expect(nothing.status).toBe(404);
    expect(nothing.headers.get("content-type")).toBe("application/problem+json");
    const symbol = await check("/api/v1/symbols/{symbol}", "/api/v1/symbols/NOPE");
    expect([symbol.status, ((await symbol.json()) as { code: string }).code]).toEqual([
      404,
      "NO_SYMBOL",
    ]);
  });

  test.each(["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])(
    "%s: the API only reads",
    async (method) => {
      const response = await api.get("/api/v1/status", { method });
      expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    },
  );
});

const promtool = Bun.which("promtool");

describe("/metrics", () => {
  test.skipIf(promtool === null)(
    "promtool accepts it (needs Debian's package prometheus)",
    async () => {
      const text = await (await api.get("/metrics")).text();
      const child = Bun.spawn([promtool!, "check", "metrics"], {
        stdin: Buffer.from(text),
        stdout: "pipe",
        stderr: "pipe",
      });
      const said =
        (await new Response(child.stdout).text()) + (await new Response(child.stderr).text());
      expect([await child.exited, said]).toEqual([0, ""]);
    },
  );

  test("buckets are cumulative and end at the count", async () => {
    const text = await (await api.get("/metrics")).text();
    const lines = text.split("\n").filter((line) => line.includes('stage="data_ingestion"'));
    const numbers = lines
      .filter((line) => line.includes("_bucket"))
      .map((line) => Number(line.split(" ").at(-1)));
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    const count = Number(
      lines
        .find((line) => line.includes("_count"))!
        .split(" ")
        .at(-1),
    );
    expect(numbers.at(-1)).toBe(count);
    expect(count).toBeGreaterThan(0);
  });
});
