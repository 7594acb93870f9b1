/** Connections that hold on without asking anything, by the hundred, against the compiled program. */
import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { type RunningApi, startApi } from "../support/api.ts";
import { start } from "../support/binary.ts";
import { until } from "../support/until.ts";

interface Holder {
  socket: Socket;
  state: "connecting" | "open" | "refused" | "closed";
  /** When it came to an end, ms after it was opened. */
  afterMs: number;
  text: string;
}

/** Sends the beginning of a request, and then one byte after the other, for as long as it may. */
function hold(port: number, first: string, next: string): Holder {
  const socket = connect(port, "127.0.0.1");
  const holder: Holder = { socket, state: "connecting", afterMs: Infinity, text: "" };
  const begun = performance.now();
  const timer = setInterval(() => socket.write(next), 500);
  socket.on("connect", () => {
    holder.state = "open";
    socket.write(first);
  });
  socket.on("data", (bytes) => (holder.text += bytes.toString("latin1")));
  socket.on("error", () => {});
  socket.on("close", () => {
    clearInterval(timer);
    holder.afterMs = performance.now() - begun;
    holder.state = holder.state === "connecting" ? "refused" : "closed";
  });
  return holder;
}

function descriptorsOf({ edge }: RunningApi): number {
  return readdirSync(`/proc/${edge.running.pid}/fd`).length;
}

async function answers({ url }: { url: string }): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(10_000);
    return (await fetch(`${url}/healthz`, { keepalive: false, signal })).ok;
  } catch {
    return false;
  }
}

/** Asks again and again, one question at a time, until it is answered. */
async function untilAnswered(api: { url: string }): Promise<void> {
  let answered = false;
  let asking = false;
  await until(() => {
    if (!asking) {
      asking = true;
      void answers(api).then((ok) => {
        answered ||= ok;
        asking = false;
      });
    }
    return answered;
  });
}

test.concurrent(
  "a request that never gets whole: its connection is closed in time, however regularly it goes on",
  async () => {
    await using api = await startApi();
    const holders = [
      ["", ""],
      ["GET /", "a"],
      ["GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ", "a"],
      ["GET /healthz HTTP/1.1\r\nHost: localhost\r\n", "X: a\r\n"],
      ["POST /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n", "a"],
    ].map(([first, next]) => hold(api.port, first!, next!));
    await until(() => holders.every(({ state }) => state === "closed"));
    for (const { text } of holders) expect(text).not.toContain(" 200 ");
    expect(await answers(api)).toBe(true);
  },
  60_000,
);

describe("more connections than may be", () => {
  test.concurrent(
    "are not taken, are told in an alert, and leave the others their place when they end",
    async () => {
      const bounds = ["--http-connections-max", "50", "--http-subscribers-max", "10"];
      await using api = await startApi(bounds);
      const before = descriptorsOf(api);
      const abort = new AbortController();
      const stream = await api.get("/api/v1/stream", { signal: abort.signal });
      const events = stream.body!.getReader();
      const holders: Holder[] = [];
      let most = 0;
      await until(() => {
        if (holders.length < 400) holders.push(hold(api.port, "GET /", "a"));
        most = Math.max(most, descriptorsOf(api));
        return holders.some(({ state }) => state === "refused");
      });
      expect(most - before).toBeGreaterThan(50);
      // A stream that was there goes on, and everybody is let in again.
      for (let i = 0; i < 3; i++) expect((await events.read()).done).toBe(false);
      await untilAnswered(api);
      await until(() => holders.every(({ state }) => state === "refused" || state === "closed"));
      const { items } = await api.json<{ items: unknown[] }>("/api/v1/alerts?rule=http_full");
      expect(items).toHaveLength(1);
      abort.abort();
      const { report } = await api.edge.stop();
      expect([report.clean, report.workerRestarts]).toEqual([true, 0]);
    },
    60_000,
  );

  test.concurrent(
    "than there are descriptors for: nothing crashes, and it answers again",
    async () => {
      // The bound is above what the process may have open, so that only the system stops them.
      const limited = start(
        [
          "run",
          "--feed",
          "udp://127.0.0.1:0",
          "--inference-engine",
          "rules",
          "--log-format",
          "text",
        ].concat(["--http-listen", "127.0.0.1:0", "--http-connections-max", "100000"]),
        { wrap: ["sh", "-c", 'ulimit -n 256; exec "$0" "$@"'] },
      );
      await using running = limited;
      const [, port] = await running.until("stderr", /http on http:\/\/\S+:(\d+)/);
      await running.until("stderr", /ready: /);
      const holders = Array.from({ length: 600 }, () => hold(Number(port), "GET /", "a"));
      await until(() => holders.every(({ state }) => state !== "connecting"));
      await until(() => holders.every(({ state }) => state !== "open"), 60_000);
      await untilAnswered({ url: `http://127.0.0.1:${port}` });
      expect(running.text("stderr")).not.toContain("crashed");
    },
    120_000,
  );
});
