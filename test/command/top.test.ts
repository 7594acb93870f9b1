/** `hftedge top` in a real pseudo-terminal, against a server of the stream. */
import { afterAll, describe, expect, test } from "bun:test";
import { binaryPath } from "../support/binary.ts";
import { TopTerminal as Top } from "../support/top-terminal.ts";

const encoder = new TextEncoder();

/** A server of the stream that can be told to speak, to hang up and to come back. */
class StreamServer {
  readonly #streams = new Set<ReadableStreamDefaultController<Uint8Array>>();
  #news: Record<string, unknown> = {};
  #server = this.#listen(0);
  readonly port = this.#server.port!;

  #listen(port: number) {
    return Bun.serve({
      port,
      hostname: "127.0.0.1",
      idleTimeout: 0,
      fetch: () => {
        let mine: ReadableStreamDefaultController<Uint8Array>;
        const body = new ReadableStream<Uint8Array>({
          start: (controller) => {
            mine = controller;
            this.#streams.add(controller);
            controller.enqueue(encoder.encode(`retry: 50\n\n${this.#text()}`));
          },
          cancel: () => {
            this.#streams.delete(mine);
          },
        });
        return new Response(body, { headers: { "content-type": "text/event-stream" } });
      },
    });
  }

  #text(): string {
    return `event: status\ndata: ${JSON.stringify(this.#news)}\n\n`;
  }

  say(news: Record<string, unknown>): void {
    this.#news = { ...this.#news, ...news };
    for (const stream of this.#streams) stream.enqueue(encoder.encode(this.#text()));
  }

  async stop(): Promise<void> {
    this.#streams.clear();
    await this.#server.stop(true);
  }

  restart(): void {
    this.#server = this.#listen(this.port);
  }
}

const stage = {
  name: "total_pipeline.cached",
  ratePerS: 900,
  p50Ns: 8100,
  p99Ns: 31_000,
  p999Ns: 14e6,
  maxNs: 20e6,
  successRate: 1,
  thresholdNs: 10e6,
};

function signals(count: number): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, index) => {
    return {
      symbol: `SYM${String(index).padStart(3, "0")}`,
      signal: index % 2 === 0 ? "BUY" : "HOLD",
      confidence: index / count,
      source: "l1",
      price: 100 + index,
      emitTime: `${Date.now()}000000`,
      latencyNs: 1000 * index,
    };
  });
}

const server = new StreamServer();
server.say({
  version: "9.9.9",
  readiness: { status: "ready", reasons: [] },
  stages: [stage],
  signals: { newest: signals(40) },
});
afterAll(() => server.stop());
const url = `http://127.0.0.1:${server.port}`;

describe("in a pseudo-terminal", () => {
  test("draws frames, follows news, keys and resizes, and leaves the terminal as it was", async () => {
    const top = new Top(["--url", url]);
    // The last line comes last: with it the frame is whole.
    const first = await top.shows((text) => text.includes("SYM000") && text.includes("q quit"));
    expect(top.screen.alternate).toBe(true);
    expect(top.screen.cursorHidden).toBe(true);
    expect(first).toContain("hftedge 9.9.9");
    expect(first).toMatch(/total_pipeline\.cached .* !14\.0 ms/);
    expect(first.split("\n").at(-1)).toContain("q quit");

    const reasons = [{ part: "inference", status: "degraded", message: "ollama is down" }];
    server.say({ readiness: { status: "degraded", reasons } });
    await top.shows((text) => text.includes("why: ollama is down"));
    server.say({ readiness: { status: "ready", reasons: [] } });
    await top.shows((text) => !text.includes("why:"));

    top.type("s");
    await top.shows((text) => text.includes("sort: newest"));
    top.type("ss");
    await top.shows((text) => text.includes("sort: confidence") && text.includes("SYM039"));
    top.type("\x1b[F");
    await top.shows((text) => text.includes("of 40") && text.includes("SYM000"));
    top.type("h");
    await top.shows((text) => text.startsWith("Keys"));
    top.type("h");
    await top.shows((text) => text.includes("STAGE"));

    top.resize(132, 40);
    const large = await top.shows((text) => text.split("\n").at(-1)?.includes("q quit") === true);
    expect(large.split("\n")).toHaveLength(40);
    top.resize(50, 12);
    await top.shows((text) => text.split("\n").at(-1)?.startsWith(" q quit") === true);

    top.type("q");
    expect(await top.ended()).toBe(0);
    expect(top.screen.alternate).toBe(false);
    expect(top.screen.cursorHidden).toBe(false);
    expect(top.screen.unknown).toEqual([]);
    expect(top.screen.overflowed).toBe(false);
    expect(top.colours).toBe(true);
  });

  test("a pause freezes what is shown, and going on shows what came meanwhile", async () => {
    const top = new Top(["--url", url]);
    await top.shows((text) => text.includes("hftedge 9.9.9"));
    top.type(" ");
    await top.shows((text) => text.includes("PAUSED"));
    server.say({ version: "9.9.10" });
    top.type("s");
    expect(await top.shows((text) => text.includes("sort: newest"))).toContain("hftedge 9.9.9 ");
    top.type(" ");
    await top.shows((text) => text.includes("hftedge 9.9.10"));
    server.say({ version: "9.9.9" });
    top.type("\x03");
    expect(await top.ended()).toBe(0);
    expect(top.screen.alternate).toBe(false);
  });

  test("a server that goes away is told of, and found again when it is back", async () => {
    const own = new StreamServer();
    own.say({
      version: "1.0.0",
      readiness: { status: "ready", reasons: [] },
      stages: [stage],
      signals: { newest: signals(2) },
    });
    const top = new Top(["--url", `http://127.0.0.1:${own.port}`]);
    await top.shows((text) => text.includes("SYM001"));
    await own.stop();
    await top.shows((text) =>
      ["DISCONNECTED: nothing listens there", "what is shown is", "SYM001"].every((words) =>
        text.includes(words),
      ),
    );
    own.restart();
    await top.shows((text) => !text.includes("DISCONNECTED"));
    top.signal("SIGTERM");
    expect(await top.ended()).toBe(0);
    expect(top.screen.alternate).toBe(false);
    await own.stop();
  });

  test("a suspended view gives the terminal back, and takes it again when it goes on", async () => {
    const top = new Top(["--url", url]);
    await top.shows((text) => text.includes("SYM000"));
    top.type("\x1a");
    await top.shows(() => !top.screen.alternate && !top.screen.cursorHidden);
    top.signal("SIGCONT");
    await top.shows((text) => top.screen.alternate && text.includes("SYM000"));
    top.type("q");
    expect(await top.ended()).toBe(0);
  });

  test("without colours is complete", async () => {
    const top = new Top(["--url", url], { NO_COLOR: "1" });
    await top.shows((text) => text.includes("SYM000") && text.includes("!14.0 ms"));
    top.type("q");
    await top.ended();
    expect(top.colours).toBe(false);
  });
});

async function run(args: readonly string[]): Promise<[number, string, string]> {
  const child = Bun.spawn([binaryPath(), "top", ...args], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent" },
  });
  return await Promise.all([
    child.exited,
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
}

describe("elsewhere than on a terminal", () => {
  test("--once prints everything there is, and ends", async () => {
    const [code, text] = await run(["--url", url, "--once"]);
    expect(code).toBe(0);
    expect(text).not.toContain("\x1b");
    expect(text).toContain("SYM039");
    expect(text).not.toContain("q quit");
  });

  test("--once leaves nothing out below alerts and reasons", async () => {
    const own = new StreamServer();
    const alerts = [1, 2, 3].map((id) => ({ id, summary: `Alert ${id}.`, openedMs: 1, count: 1 }));
    const readiness = { status: "degraded", reasons: [{ message: "the disk is full" }] };
    own.say({ readiness, alerts, stages: [stage], signals: { newest: signals(12) } });
    const [, text] = await run(["--url", `http://127.0.0.1:${own.port}`, "--once"]);
    await own.stop();
    for (const words of ["Alert 3", "the disk is full", "SYM000", "SYM011"]) {
      expect(text).toContain(words);
    }
  });

  test("--json prints the same as JSON", async () => {
    const [code, text] = await run(["--url", url, "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(text)).toMatchObject({ readiness: "ready", stages: [{ p99Ns: 31_000 }] });
  });

  test("a line a second goes into a pipe, until its end", async () => {
    const child = Bun.spawn([binaryPath(), "top", "--url", url], {
      stdin: "ignore",
      stdout: "pipe",
      env: { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent" },
    });
    let text = "";
    for await (const chunk of child.stdout) {
      text += new TextDecoder().decode(chunk);
      if (text.includes("\n")) break;
    }
    child.kill("SIGINT");
    expect(await child.exited).toBe(0);
    expect(text).toMatch(/^ready {2}.*p99 31\.0 µs/);
  });

  test("no run is an error that says what to do", async () => {
    const gone = new StreamServer();
    await gone.stop();
    const [code, , words] = await run(["--url", `127.0.0.1:${gone.port}`, "--once"]);
    expect(code).toBe(1);
    expect(words).toContain("nothing listens there");
    expect(words).toContain("hftedge run");
  });
});
