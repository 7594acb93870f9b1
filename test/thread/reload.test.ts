/** SIGHUP to the compiled program: what it takes over, what it refuses, and that nothing is lost. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { start } from "../support/binary.ts";
import { emptyDirectory } from "../support/directory.ts";
import { signalsOf } from "../support/hftedge-run.ts";
import { notifySocket } from "../support/notify-socket.ts";
import { tickUntil } from "../support/tick.ts";
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

/** A run by a file, which `write` replaces. */
async function startByFile(sections: string, env: Record<string, string> = {}) {
  const folder = emptyDirectory();
  const path = join(folder.path, "hftedge.toml");
  const write = (text: string): void => {
    const fixed =
      '[[feed]]\nlines = ["udp://127.0.0.1:0"]\nsilenceMs = 60000\n[inference]\nengine = "rules"\n[memory]\nlock = false\n[tune]\ndriftLine = false\n';
    writeFileSync(path, fixed + text);
  };
  write(sections);
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
    async reload(text: string): Promise<string> {
      write(text);
      const from = running.text("stderr").length;
      running.signal("SIGHUP");
      turns++;
      const over = /the configuration was read again.*\n|the old one goes on.*\n/g;
      await until(() => [...running.text("stderr").matchAll(over)].length >= turns, 10_000);
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
    const stderr = edge.running.text("stderr");
    expect(stderr).toContain("error: alert.quietMs = -1");
    expect(stderr).toContain('error: signal.ttlMs = "soon"');
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

test("theServiceManagerHearsTheBeginningAndTheEnd", async () => {
  using folder = emptyDirectory();
  using manager = notifySocket(join(folder.path, "notify"));
  await using edge = await startByFile(`${listen}${stdout}`, { NOTIFY_SOCKET: manager.name });
  await manager.until(/^READY=1/);
  await edge.reload(`${listen}${stdout}[alert]\nforMs = 2000\n`);
  const reloading = await manager.until(/^RELOADING=1/);
  const [, us] = /MONOTONIC_USEC=(\d+)$/.exec(reloading)!;
  const [uptimeS] = (await Bun.file("/proc/uptime").text()).split(" ");
  expect(Math.abs(Number(us) / 1e6 - Number(uptimeS))).toBeLessThan(60);
  await until(() => manager.read().filter((text) => text.startsWith("READY=1")).length === 2);
});
