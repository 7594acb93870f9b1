/**
 * What a careless or hostile client can do to the compiled program: it is answered rightly, memory
 * stays bounded, and the feed does not lose a datagram meanwhile.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { run } from "../support/binary.ts";
import { feedUntil, type RunningApi, startApi } from "../support/api.ts";
import { emptyDirectory } from "../support/directory.ts";
import { openTestSender } from "../support/sender.ts";
import { until } from "../support/until.ts";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const subscribersMax = 64;
let api: RunningApi;

beforeAll(async () => {
  // Every datagram makes a signal, so that streams have much to carry.
  const every = ["--signal-emit", "every", "--signal-rate-per-symbol", "0"];
  api = await startApi(["--http-rate-per-second", "100000", ...every]);
  await feedUntil(api, ["AAPL"], async () => {
    const { feed } = await api.json<{ feed: { messages: number } }>("/api/v1/status");
    return feed.messages > 0;
  });
}, 60_000);

afterAll(async () => {
  const { report } = await api.edge.stop();
  // Whatever the tests did: every datagram that was sent was read and none was dropped.
  expect(report.feed!.counts["ringDrops"]).toBe(0);
  expect(report.clean).toBe(true);
  expect(report.workerRestarts).toBe(0);
});

function residentMb(): number {
  const status = readFileSync(`/proc/${api.edge.running.pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)![1]) / 1024;
}

interface Raw {
  socket: Socket;
  text(): string;
  closed(): boolean;
}

/** A connection of our own, for what fetch would never send. */
async function raw(): Promise<Raw> {
  const socket = connect(api.port, "127.0.0.1");
  let text = "";
  let closed = false;
  socket.on("data", (bytes) => (text += bytes.toString("latin1")));
  socket.on("close", () => (closed = true));
  socket.on("error", () => {});
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  return { socket, text: () => text, closed: () => closed };
}

interface Now {
  seq: number;
  feed: { messages: number };
}

async function messages(): Promise<number> {
  return (await api.json<Now>("/api/v1/status")).feed.messages;
}

/** Messages counted, once a whole second has passed without one. */
async function settledMessages(): Promise<number> {
  let last = await api.json<Now>("/api/v1/status");
  for (;;) {
    const now = await api.json<Now>("/api/v1/status");
    if (now.seq > last.seq && now.feed.messages === last.feed.messages) return now.feed.messages;
    if (now.seq > last.seq) last = now;
    await Bun.sleep(20);
  }
}

/** Sends a thousand ticks and sees every one of them counted. */
async function expectFeedUntouched(): Promise<void> {
  const before = await settledMessages();
  const sender = await openTestSender(api.edge.ports[0]!);
  for (let i = 0; i < 1000; i++) {
    const timestamp = Date.now();
    sender.send(JSON.stringify({ symbol: "AAPL", timestamp, price: 100, volume: 1 }));
    // No more under way than any receive buffer holds.
    if (i % 50 === 49) await until(() => sender.acknowledged >= i - 50);
  }
  let counted = 0;
  let looking = false;
  await until(() => {
    if (!looking) {
      looking = true;
      void messages().then((now) => {
        counted = now - before;
        looking = false;
      });
    }
    return counted === 1000;
  });
  sender.close();
}

describe("requests that are no questions", () => {
  test("a foreign Host", async () => {
    const { socket, text } = await raw();
    socket.write("GET /api/v1/status HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    await until(() => text().includes("HOST_REFUSED"));
    expect(text()).toStartWith("HTTP/1.1 421 ");
    socket.destroy();
  });

  test("no Host at all", async () => {
    const { socket, text, closed } = await raw();
    socket.write("GET /api/v1/status HTTP/1.1\r\n\r\n");
    await until(() => text() !== "" || closed());
    expect(text()).not.toContain("startedMs");
    socket.destroy();
  });

  test("a body of 100 MB is refused before it is read", async () => {
    const before = residentMb();
    const { socket, text, closed } = await raw();
    const length = 100 * 1024 ** 2;
    socket.write(
      `POST /api/v1/status HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${length}\r\n\r\n`,
    );
    const chunk = Buffer.alloc(1 << 20, 0x20);
    let sent = 0;
    await until(() => {
      if (sent < length && !closed() && socket.writableLength < 4 << 20) {
        socket.write(chunk);
        sent += chunk.length;
      }
      return text() !== "" || closed();
    });
    expect(text()).toMatch(/^(?:HTTP\/1\.1 (?:405|413) |$)/);
    socket.destroy();
    expect(residentMb() - before).toBeLessThan(48);
  });

  test("headers of 1 MB", async () => {
    const { socket, text, closed } = await raw();
    socket.write(`GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${"y".repeat(1 << 20)}\r\n\r\n`);
    await until(() => text() !== "" || closed());
    expect(text()).toMatch(/^(?:HTTP\/1\.1 431 |$)/);
    socket.destroy();
  });

  test("bytes that are no HTTP", async () => {
    const { socket, text, closed } = await raw();
    socket.write(Buffer.from("160301020001000001fc0303\r\n\r\n", "latin1"));
    await until(() => text() !== "" || closed());
    expect(text()).toMatch(/^(?:HTTP\/1\.1 400 |$)/);
    socket.destroy();
  });
});

describe("many and slow", () => {
  test("200 connections that trickle their headers do not keep others out", async () => {
    const slow = await Promise.all(Array.from({ length: 200 }, () => raw()));
    for (const { socket } of slow) socket.write("GET /healthz HT");
    expect(await (await api.get("/healthz")).text()).toBe("ok\n");
    await expectFeedUntouched();
    for (const { socket } of slow) socket.destroy();
  });

  test("1,000 attempts at a stream: as many as may are let in, the others are told", async () => {
    const abort = new AbortController();
    const { signal } = abort;
    const answers = await Promise.all(
      Array.from({ length: 1000 }, async () => {
        const response = await api.get("/api/v1/stream", { signal });
        if (response.status !== 200) await response.body?.cancel();
        return response;
      }),
    );
    const counts = Map.groupBy(answers, ({ status }) => status);
    expect([...counts.keys()].toSorted()).toEqual([200, 503]);
    expect(counts.get(200)).toHaveLength(subscribersMax);
    const [refused] = counts.get(503)!;
    expect(refused!.headers.get("retry-after")).toBe("5");
    await expectFeedUntouched();
    abort.abort();
    // Those who leave make room.
    let open = Infinity;
    await until(() => {
      void api
        .json<{ http: { subscribers: number } }>("/api/v1/status")
        .then(({ http }) => (open = http.subscribers));
      return open === 0;
    });
  });

  test("readers that read nothing cost a bounded memory, and lose events that are counted", async () => {
    const stalled = await Promise.all(Array.from({ length: 32 }, () => raw()));
    for (const { socket } of stalled) {
      socket.pause();
      socket.write("GET /api/v1/signals/stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    const before = residentMb();
    const symbols = Array.from({ length: 10 }, (_, i) => `S${i}`);
    // More than the kernel's buffers of a connection take: what is left would have to be in memory.
    await feedUntil(api, symbols, async () => {
      const { signals } = await api.json<{ signals: { total: number } }>("/api/v1/status");
      return signals.total > 40_000;
    });
    const text = await (await api.get("/metrics")).text();
    const drops = Number(/^hftedge_http_subscriber_drops_total (\d+)/m.exec(text)![1]);
    console.log(`resident ${(residentMb() - before).toFixed(0)} MiB more, ${drops} events dropped`);
    expect(residentMb() - before).toBeLessThan(160);
    await expectFeedUntouched();
    for (const { socket } of stalled) socket.destroy();
  });
});

describe("the start", () => {
  test("an address that is in use: one clear error, exit code 1", async () => {
    const done = await run([
      "run",
      "--feed",
      "udp://127.0.0.1:0",
      "--inference-engine",
      "rules",
      "--http-listen",
      `127.0.0.1:${api.port}`,
    ]);
    expect(done.code).toBe(1);
    expect(done.stderr).toContain(
      `hftedge: http.listen 127.0.0.1:${api.port} is in use by another program\n` +
        "  Stop it, choose another address with --http-listen HOST:PORT",
    );
    expect(done.stderr).not.toContain("    at ");
  });

  test("a token: from a file, wrong ones refused, the right one let in", async () => {
    using folder = emptyDirectory();
    const file = join(folder.path, "token");
    writeFileSync(file, "a-token-of-enough-length\n");
    await using own = await startApi(["--http-token-file", file]);
    expect((await own.get("/api/v1/status")).status).toBe(401);
    const wrong = { headers: { authorization: "Bearer a-token-of-enough-lengtH" } };
    expect((await own.get("/metrics", wrong)).status).toBe(401);
    const right = { headers: { authorization: "Bearer a-token-of-enough-length" } };
    expect((await own.get("/api/v1/status", right)).status).toBe(200);
    expect((await own.get("/healthz")).status).toBe(200);
    expect(own.edge.running.text("stderr")).not.toContain("a-token-of");
  });

  test("a history of a newer version is refused, one that cannot be opened is not", async () => {
    using folder = emptyDirectory();
    const { Database } = await import("bun:sqlite");
    const path = join(folder.path, "history.db");
    const database = new Database(path, { create: true });
    database.run("PRAGMA user_version = 99");
    database.run("PRAGMA application_id = 1212568645");
    database.run("CREATE TABLE x (y)");
    database.close();
    const args = ["run", "--feed", "udp://127.0.0.1:0", "--inference-engine", "rules"];
    const listen = ["--http-listen", "127.0.0.1:0", "--data-directory", folder.path];
    const refused = await run([...args, ...listen]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("has schema version 99");
    using other = emptyDirectory();
    // A directory in the file's place: no permission can help, whoever runs this.
    (await import("node:fs")).mkdirSync(join(other.path, "history.db"));
    await using going = await startApi(["--data-directory", other.path]);
    const ready = await going.get("/readyz");
    expect(ready.status).toBe(200);
    const body = (await ready.json()) as { status: string; reasons: { part: string }[] };
    expect(body.status).toBe("degraded");
    expect(body.reasons.map(({ part }) => part)).toContain("store");
    expect(((await going.json("/api/v1/latency")) as { code: string }).code).toBe("STORE_MISSING");
    await feedUntil(going, ["AAPL"], async () => {
      const { signals } = await going.json<{ signals: { total: number } }>("/api/v1/status");
      return signals.total > 0;
    });
  });
});
