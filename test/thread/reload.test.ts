/** SIGHUP to the compiled program: what it takes over, what it refuses, and that nothing is lost. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { monotonicNs } from "../../bench/e2e/udp.ts";
import { type Running, start } from "../support/binary.ts";
import { emptyDirectory } from "../support/directory.ts";
import { signalsOf } from "../support/hftedge-run.ts";
import { notifySocket } from "../support/notify-socket.ts";
import { buyUntil, tickUntil } from "../support/tick.ts";
import { until } from "../support/until.ts";

interface Sink extends Disposable {
  url: string;
  lines: Record<string, unknown>[];
}

async function openSink(): Promise<Sink> {
  const lines: Record<string, unknown>[] = [];
  const socket = await Bun.udpSocket({
    hostname: "127.0.0.1",
    socket: { data: (_socket, bytes) => void lines.push(JSON.parse(bytes.toString())) },
  });
  const url = `udp://127.0.0.1:${socket.port}?encoding=json`;
  return { url, lines, [Symbol.dispose]: () => socket.close() };
}

function signals(sink: Sink): unknown[] {
  return sink.lines.filter(({ kind }) => kind === "signal").map(({ seq }) => seq);
}

/** A run by a file, which `reload` replaces; `feed` are options of its one feed. */
async function startByFile(sections: string, env: Record<string, string> = {}, feed = "") {
  const folder = emptyDirectory();
  const path = join(folder.path, "hftedge.toml");
  const write = (text: string, options: string): void => {
    const fixed = `[[feed]]\nlines = ["udp://127.0.0.1:0"]\nsilenceMs = 60000\n${options}
[inference]\nengine = "rules"\n[memory]\nlock = false\n[tune]\ndriftLine = false\n`;
    writeFileSync(path, fixed + text);
  };
  write(sections, feed);
  const running = start(["run", "--config", path, "--thread-warm-up-ms", "0"], { env });
  await running.until("stderr", /ready: /);
  const port = Number(/on udp:\/\/\S+:(\d+)/.exec(running.text("stderr"))![1]);
  const http = /http on (http:\S+)/.exec(running.text("stderr"))?.[1];
  let turns = 0;
  return {
    running,
    port,
    http,
    /** Writes the file, sends SIGHUP and returns what was said until the reload was over. */
    async reload(text: string, options = ""): Promise<string> {
      write(text, options);
      const from = running.text("stderr").length;
      running.signal("SIGHUP");
      turns++;
      const over = /the configuration was read again.*\n|the old one goes on.*\n/g;
      await until(() => [...running.text("stderr").matchAll(over)].length >= turns);
      return running.text("stderr").slice(from);
    },
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

const listen = '[http]\nlisten = "127.0.0.1:0"\n';
const stdout = '[[sink]]\nurl = "stdout://"\n';
const sinkTo = ({ url }: Sink): string => `[[sink]]\nurl = "${url}"\n`;

describe("a new configuration", () => {
  test("sinks are swapped between two datagrams: no signal is lost, none is said twice", async () => {
    using one = await openSink();
    using two = await openSink();
    await using edge = await startByFile(`${listen}${stdout}${sinkTo(one)}`);
    const { running, port } = edge;
    await tickUntil(port, "ACME", () => signals(one).length > 5);
    const ticking = tickUntil(port, "ACME", () => signals(two).length > 5);
    const said = await edge.reload(`${listen}${stdout}${sinkTo(two)}`);
    expect(said).toContain("the configuration was read again: sink changed");
    await ticking;
    const { code } = await running.stop();
    expect(code).toBe(0);
    const seqs = signalsOf(running).map(({ seq }) => seq);
    expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, i) => i + 1));
    await until(() => signals(one).length + signals(two).length === seqs.length);
    expect([...signals(one), ...signals(two)]).toEqual(seqs);
  });

  test("thresholds, token and log level are in force; what needs a restart is named", async () => {
    await using edge = await startByFile(`${listen}${stdout}[alert]\nforMs = 1000\n`);
    const { http, port, running } = edge;
    expect((await fetch(`${http}/api/v1/status`)).status).toBe(200);
    const said = await edge.reload(
      `${listen}token = "0123456789abcdef"\n${stdout}[alert]\nforMs = 2000\n[log]\nlevel = "debug"\n[signal]\nminConfidence = 1\n[limit]\nsymbols = 99\n`,
    );
    expect(said).toContain(
      "the configuration was read again: signal.minConfidence, http.token, alert.forMs, log.level changed",
    );
    await running.until("stderr", /warn: not taken over: limit\.symbols needs a restart/);
    expect((await fetch(`${http}/api/v1/status`)).status).toBe(401);
    const headers = { authorization: "Bearer 0123456789abcdef" };
    expect((await fetch(`${http}/api/v1/status`, { headers })).status).toBe(200);
    // No answer of the rules is this sure, so that nothing but HOLD is left.
    let turns = 0;
    await tickUntil(port, "ACME", () => turns++ > 200);
    expect((await running.stop()).code).toBe(0);
    expect(signalsOf(running).filter(({ signal }) => signal !== "HOLD")).toEqual([]);
  });

  test("an answer of a series has at most http.pointsMax points", async () => {
    await using edge = await startByFile(`${listen}pointsMax = 200\n`);
    const paths = ["latency?stage=total_pipeline&", "metric?name=hftedge_gap_total&"];
    const told = async (limit: number): Promise<void> => {
      for (const path of [...paths, "latency/heatmap?"]) {
        const ask = (seconds: number, step = ""): Promise<Response> =>
          fetch(`${edge.http}/api/v1/${path}from=-${seconds}s${step}`);
        const most = await ask(limit - 2, "&step=1");
        expect([path, most.status]).toEqual([path, 200]);
        const more = await ask(limit + 2, "&step=1");
        expect([path, more.status]).toEqual([path, 400]);
        expect(await more.text()).toContain(`an answer has at most ${limit}`);
        expect((await ask(86_400)).status).toBe(200);
      }
      const day = await fetch(`${edge.http}/api/v1/latency/heatmap?from=-1d`);
      expect(((await day.json()) as { steps: number }).steps).toBeLessThanOrEqual(limit);
    };
    await told(200);
    expect(await edge.reload(`${listen}pointsMax = 100\n`)).toContain("http.pointsMax changed");
    await told(100);
  });

  test("stdout can be taken away and given back", async () => {
    using sink = await openSink();
    await using edge = await startByFile(`${listen}${sinkTo(sink)}`);
    const { port, running } = edge;
    await tickUntil(port, "ACME", () => signals(sink).length > 3);
    expect(running.text("stdout")).toBe("");
    await edge.reload(`${listen}${stdout}`);
    await tickUntil(port, "ACME", () => signalsOf(running).length > 3);
    await edge.reload(`${listen}${sinkTo(sink)}`);
    const before = signals(sink).length;
    await tickUntil(port, "ACME", () => signals(sink).length > before + 3);
    await running.stop();
    const last = signalsOf(running).at(-1)!["seq"] as number;
    expect(signals(sink).at(-1)).toBeGreaterThan(last);
  });
});

function list(...names: string[]): string {
  return `symbols = ${JSON.stringify(names)}`;
}

function of(running: Running, symbol: string): Record<string, unknown>[] {
  return signalsOf(running).filter((signal) => signal["symbol"] === symbol);
}

describe("other symbols", () => {
  test("the new one is decided on, the old one hears HOLD, and the log says all of it", async () => {
    // A datagram that was read late is no reason for HOLD here: this machine may be busy.
    const sections = `${listen}${stdout}[signal]\nmaxAgeMs = 60000\n`;
    await using edge = await startByFile(sections, {}, list("OLD", "BOTH"));
    const { running, port } = edge;
    const standing = (symbol: string): unknown => of(running, symbol).at(-1)?.["signal"] ?? "HOLD";
    await tickUntil(port, "NEW", () => true);
    await tickUntil(port, "BOTH", () => of(running, "BOTH").length > 3);
    await buyUntil(port, "OLD", () => standing("OLD") === "BUY");
    expect(of(running, "NEW")).toEqual([]);
    const said = await edge.reload(sections, `${list("BOTH", "NEW")}\npartialBooks = true`);
    expect(said).toContain("the configuration was read again: feed[0].symbols changed");
    await running.until("stderr", /not taken over: feed\[0\]\.partialBooks needs a restart/);
    await running.until("stderr", /feed tick: 2 symbols are followed; added NEW; dropped OLD\n/);
    await until(() => standing("OLD") === "HOLD");
    expect(of(running, "OLD").at(-1)).toMatchObject({ source: "stale", reason: "not followed" });
    const [old, both] = [of(running, "OLD").length, of(running, "BOTH").length];
    let turns = 0;
    await tickUntil(port, "OLD", () => turns++ > 80);
    await tickUntil(port, "NEW", () => of(running, "NEW").length > 3);
    await tickUntil(port, "BOTH", () => of(running, "BOTH").length > both + 3);
    expect(of(running, "OLD").length).toBe(old);
    const seen = (await (await fetch(`${edge.http}/api/v1/symbols/OLD`)).json()) as object;
    expect(JSON.stringify(seen)).toContain('"reason":"not followed"');
    expect((await running.stop()).code).toBe(0);
  });

  test("a feed thread that crashes afterwards follows the new ones, under their old numbers", async () => {
    const sections = `${listen}${stdout}`;
    const env = { HFTEDGE_TEST_FAULT: "feed:throw" };
    await using edge = await startByFile(sections, env, list("OLD", "BOTH"));
    const { running, port } = edge;
    await tickUntil(port, "BOTH", () => of(running, "BOTH").length > 1);
    await edge.reload(sections, list("NEW", "BOTH"));
    await running.until("stderr", /added NEW; dropped OLD\n/);
    await tickUntil(port, "NEW", () => of(running, "NEW").length > 1);
    running.signal("SIGUSR2");
    await running.until("stderr", /the feed thread crashed[\s\S]*it is back/);
    const before = signalsOf(running).length;
    let turns = 0;
    await tickUntil(port, "OLD", () => turns++ > 40);
    await tickUntil(port, "NEW", () => of(running, "NEW").length > 3);
    await tickUntil(port, "BOTH", () => signalsOf(running).length > before + 8);
    expect(of(running, "OLD")).toEqual([]);
    await edge.reload(sections, list("OLD"));
    await tickUntil(port, "OLD", () => of(running, "OLD").length > 1);
    expect((await running.stop()).code).toBe(0);
  });

  test("more than there is room for are refused, and the old ones go on", async () => {
    const sections = `${listen}${stdout}[limit]\nsymbols = 2\n`;
    await using edge = await startByFile(sections, {}, list("ONE"));
    const said = await edge.reload(sections, list("ONE", "TWO", "THREE"));
    expect(said).toMatch(/refused, the old one goes on: feed tick: there is no room for THREE/);
    const { running, port } = edge;
    await tickUntil(port, "ONE", () => of(running, "ONE").length > 1);
    expect((await running.stop()).code).toBe(0);
  });
});

describe("what is refused is refused whole", () => {
  test("mistakes in the file: all of them are said, and the old one goes on", async () => {
    using sink = await openSink();
    await using edge = await startByFile(`${listen}${sinkTo(sink)}`);
    const said = await edge.reload(
      `${listen}${stdout}[alert]\nquietMs = -1\n[signal]\nttlMs = "soon"\nemit = "never"\n`,
    );
    const refused =
      /error: the new configuration is refused, the old one goes on: the configuration has 3 mistakes/;
    expect(said).toMatch(refused);
    await edge.running.until("stderr", /error: signal\.emit = "never"/);
    await edge.running.until("stderr", /error: alert\.quietMs = -1/);
    await edge.running.until("stderr", /error: signal\.ttlMs = "soon"/);
    await tickUntil(edge.port, "ACME", () => signals(sink).length > 3);
    expect(edge.running.text("stdout")).toBe("");
  });

  test("a sink that cannot be opened: neither it nor anything else changes", async () => {
    using sink = await openSink();
    await using edge = await startByFile(`${listen}${sinkTo(sink)}`);
    const said = await edge.reload(
      `${listen}token = "0123456789abcdef"\n${stdout}[[sink]]\nurl = "udp://239.1.1.1:9?interface=nosuch0"\n`,
    );
    expect(said).toContain("refused, the old one goes on: interface nosuch0 does not exist");
    expect((await fetch(`${edge.http}/api/v1/status`)).status).toBe(200);
    await tickUntil(edge.port, "ACME", () => signals(sink).length > 3);
    expect(edge.running.text("stdout")).toBe("");
  });

  test("an HTTP address in use: the old one serves on, and the sinks stay", async () => {
    using sink = await openSink();
    using taken = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("mine") });
    await using edge = await startByFile(`${listen}${sinkTo(sink)}`);
    const said = await edge.reload(`[http]\nlisten = "127.0.0.1:${taken.port}"\n${stdout}`);
    expect(said).toContain("refused, the old one goes on");
    expect((await fetch(`${edge.http}/api/v1/status`)).status).toBe(200);
    await tickUntil(edge.port, "ACME", () => signals(sink).length > 3);
    expect(edge.running.text("stdout")).toBe("");
    expect((await edge.running.stop()).code).toBe(0);
  });
});

/** Takes the port for itself, as soon as nobody else has it. */
async function grab(port: number): Promise<ReturnType<typeof Bun.serve>> {
  for (;;) {
    try {
      return Bun.serve({ hostname: "127.0.0.1", port, fetch: () => new Response("mine") });
    } catch {
      await Bun.sleep(1);
    }
  }
}

async function alerts(url: string | undefined): Promise<Record<string, unknown>[]> {
  const answer = await fetch(`${url}/api/v1/alerts?rule=slow_data_ingestion`);
  if (!answer.ok) throw new Error(`alerts: ${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { items: Record<string, unknown>[] }).items;
}

describe("the ops thread that a reload starts again", () => {
  // Every datagram is too slow: the alert is open as long as ticks come.
  const slow = "[alert]\ndataIngestionMs = 0.000001\n";

  test("goes on with the alert that is open, and with its count", async () => {
    await using edge = await startByFile(`${listen}${slow}`);
    let open: Record<string, unknown>[] = [];
    const counted = (count: number): Promise<void> =>
      tickUntil(edge.port, "ACME", () => {
        void alerts(edge.http).then(
          (rows) => (open = rows),
          () => undefined,
        );
        return Number(open[0]?.["count"] ?? 0) > count;
      });
    await counted(0);
    const before = open[0]!;
    expect(await edge.reload(`${listen}${slow}quietMs = 20000\n`)).toContain("quietMs changed");
    await counted(before["count"] as number);
    const { id, openedMs } = before;
    expect(open).toEqual([expect.objectContaining({ id, openedMs, resolvedMs: null })]);
    // A rule that is gone watches nothing any more.
    expect(await edge.reload(`${listen}[alert]\ndataIngestionMs = 0\n`)).toContain("changed");
    await edge.running.until("stderr", /alert slow_data_ingestion \S+ is over/);
    expect(await alerts(edge.http)).toEqual([
      expect.objectContaining({ id, resolvedMs: expect.any(Number) }),
    ]);
    expect((await edge.running.stop()).code).toBe(0);
  });

  test("between two lives: what it cannot do is refused, and the old configuration begins at once", async () => {
    using taken = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("mine") });
    await using edge = await startByFile(listen, {
      HFTEDGE_TEST_FAULT: "ops:throw",
      HFTEDGE_THREAD_RESTART_BACKOFF_MS: "60000",
    });
    edge.running.signal("SIGUSR2");
    await edge.running.until("stderr", /the ops thread crashed/);
    const said = await edge.reload(`[http]\nlisten = "127.0.0.1:${taken.port}"\n`);
    expect(said).toContain("refused, the old one goes on");
    expect((await fetch(`${edge.http}/healthz`)).status).toBe(200);
    expect((await edge.running.stop()).code).toBe(0);
  });

  test("has neither its new address nor its old one: it is tried again until one is free", async () => {
    using taken = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("mine") });
    await using edge = await startByFile(listen, { HFTEDGE_THREAD_RESTARTS_MAX: "1000" });
    const grabbed = grab(Number(new URL(edge.http!).port));
    const said = await edge.reload(`[http]\nlisten = "127.0.0.1:${taken.port}"\n`);
    expect(said).toContain("refused, the old one goes on");
    await edge.running.until("stderr", /the ops thread crashed: http\.listen \S+ is in use/);
    await (await grabbed).stop(true);
    await edge.running.until(
      "stderr",
      /crashed[\s\S]*the ops thread was started again: it is back/,
    );
    expect((await fetch(`${edge.http}/healthz`)).status).toBe(200);
    expect((await edge.running.stop()).code).toBe(0);
  });
});

test("theServiceManagerHearsTheBeginningAndTheEnd", async () => {
  using folder = emptyDirectory();
  using manager = notifySocket(join(folder.path, "notify"));
  await using edge = await startByFile(`${listen}${stdout}`, { NOTIFY_SOCKET: manager.name });
  await manager.until(/^READY=1/);
  const beforeUs = Math.floor(monotonicNs() / 1000);
  await edge.reload(`${listen}${stdout}[alert]\nforMs = 2000\n`);
  const reloading = await manager.until(/^RELOADING=1/);
  const [, us] = /MONOTONIC_USEC=(\d+)$/.exec(reloading)!;
  expect(Number(us)).toBeWithin(beforeUs, Math.ceil(monotonicNs() / 1000) + 1);
  await until(() => manager.read().filter((text) => text.startsWith("READY=1")).length === 2);
});
