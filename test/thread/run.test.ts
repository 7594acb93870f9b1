/**
 * The main job through the program, compiled or (HFTEDGE_TEST_PROGRAM=source) from its source: real
 * sockets, real files, real signals.
 */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { closeSync, constants, existsSync, openSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { isRecord, readSignal } from "../../src/decision/signal.ts";
import { programCommand, run } from "../support/binary.ts";
import { capturePath, hasCapture } from "../support/capture.ts";
import { emptyDirectory } from "../support/directory.ts";
import { type RunningEdge, signalsOf, startRun } from "../support/hftedge-run.ts";
import { openTestSender } from "../support/sender.ts";
import { tick, tickUntil } from "../support/tick.ts";
import { until } from "../support/until.ts";

const itchFile = "aapl-20200130.itch50";
const deepFile = "iex-deep-20231002.pcap.gz";

async function replay(edge: RunningEdge, file: string, ...args: string[]) {
  const to = `udp://127.0.0.1:${edge.ports[0]}`;
  const done = await run([
    "replay",
    file,
    "--to",
    to,
    "--speed",
    "max",
    "--ack",
    "--json",
    ...args,
  ]);
  expect(done.stderr).toBe("");
  return JSON.parse(done.stdout) as { datagrams: number; ack: { unacknowledged: number } };
}

function openFifo(path: string): number {
  Bun.spawnSync(["mkfifo", path]);
  return openSync(path, constants.O_RDWR);
}

function onlySignals<T extends { kind?: unknown }>(list: readonly T[]): T[] {
  return list.filter(({ kind }) => kind === "signal");
}

/** BUY and SELL signals so far. */
function decided(edge: RunningEdge): Record<string, unknown>[] {
  return signalsOf(edge.running).filter(({ signal }) => signal !== "HOLD");
}

describe("real captures at full speed", () => {
  test.skipIf(!hasCapture(itchFile))(
    "10,000 messages of AAPL: nothing lost, no orphan, the book at 320.14 / 320.30 (needs the captures)",
    async () => {
      await using edge = await startRun("udp://127.0.0.1:0?format=itch50&ack=true&date=2020-01-30");
      const sent = await replay(edge, capturePath(itchFile));
      expect(sent.ack.unacknowledged).toBe(0);
      const { report, stdout } = await edge.stop();
      const { counts } = report.feed!.feeds[0]!;
      expect(counts).toMatchObject({ messages: 10_000, gaps: 0, lostMessages: 0, duplicates: 0 });
      expect(report.feed!.counts["unknownOrders"]).toBe(0);
      expect(report.feed!.books).toMatchObject([
        { symbol: "AAPL", bid: 320.14, ask: 320.3, condition: "ok" },
      ]);
      expect(report.clean).toBe(true);
      const signals = stdout.trimEnd().split("\n");
      expect(signals.length).toBeGreaterThan(50);
      expect(signals.length).toBe(report.feed!.signals.total);
      const seqs = signals.map((line) => (JSON.parse(line) as { seq: number }).seq);
      expect(seqs).toEqual(Array.from({ length: seqs.length }, (_, i) => i + 1));
    },
  );

  test.skipIf(!hasCapture(deepFile))(
    "5,000 packets of DEEP: 48,325 messages, 11,309 symbols, no gap, none lost (needs the captures)",
    async () => {
      await using edge = await startRun(
        "udp://127.0.0.1:0?format=iex&ack=true&date=2023-10-02&partialBooks=true",
      );
      const sent = await replay(edge, capturePath(deepFile));
      expect(sent.datagrams).toBe(5000);
      const { report } = await edge.stop();
      const { counts } = report.feed!.feeds[0]!;
      expect(counts).toMatchObject({
        datagrams: 5000,
        messages: 48_325,
        gaps: 0,
        lostMessages: 0,
      });
      expect(report.feed!.instruments).toBe(11_309);
      expect(report.feed!.signals.total).toBeGreaterThan(0);
    },
  );
});

describe("a feed in the API", () => {
  test("shows the port that the system chose, its interface, and that its date is wrong", async () => {
    await using edge = await startRun(
      "udp://127.0.0.1:0?format=tick&name=old&date=2020-01-30&symbols=ACME",
    );
    const sender = await openTestSender(edge.ports[0]!);
    await until(() => {
      sender.send(tick("ACME", 100, 100));
      return edge.running.text("stderr").includes("set feed.date");
    });
    sender.close();
    const [, origin] = await edge.running.until("stderr", /http on (http:\/\/\S+)/);
    const reply = (await (await fetch(`${origin}/api/v1/feed`)).json()) as { feeds: unknown[] };
    expect(reply.feeds).toMatchObject([
      {
        lines: [`udp://127.0.0.1:${edge.ports[0]}`],
        interfaces: [{ name: "lo", totals: {} }],
        warnings: [expect.stringContaining("too far from 2020-01-30")],
      },
    ]);
    const { stderr } = await edge.stop();
    expect(stderr.match(/set feed\.date/g)).toHaveLength(1);
  });
});

describe("sinks", () => {
  test("binary and JSON datagrams say the same as stdout", async () => {
    const binary: ReturnType<typeof readSignal>[] = [];
    const json: Record<string, unknown>[] = [];
    const binarySocket = await Bun.udpSocket({
      hostname: "127.0.0.1",
      socket: {
        data(_socket, bytes) {
          const words = new Uint32Array(new Uint8Array(bytes).buffer);
          for (let at = 0; at < words.length; at += 32) {
            expect(isRecord(words, at)).toBe(true);
            binary.push(readSignal(words, at));
          }
        },
      },
    });
    const jsonSocket = await Bun.udpSocket({
      hostname: "127.0.0.1",
      socket: { data: (_socket, bytes) => void json.push(JSON.parse(bytes.toString())) },
    });
    await using edge = await startRun("udp://127.0.0.1:0?format=tick", [
      "--sink",
      "stdout://",
      "--sink",
      `udp://127.0.0.1:${binarySocket.port}`,
      "--sink",
      `udp://127.0.0.1:${jsonSocket.port}?encoding=json`,
    ]);
    await tickUntil(edge.ports[0]!, "ACME", () => signalsOf(edge.running).length >= 4);
    await until(() => binary.some(({ kind }) => kind === "heartbeat"));
    const { stdout } = await edge.stop();
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const isWhole = (list: readonly { kind?: unknown }[]): boolean =>
      onlySignals(list).length === lines.length;
    await until(() => isWhole(binary) && isWhole(json));
    expect(onlySignals(binary)).toEqual(lines);
    expect(onlySignals(json)).toEqual(lines);
    binarySocket.close();
    jsonSocket.close();
  });

  test("a reader of stdout that stops reading stops nothing, and what it misses is counted", async () => {
    using folder = emptyDirectory();
    const directory = folder.path;
    const pipe = openFifo(join(directory, "pipe"));
    const child = Bun.spawn(
      [
        ...programCommand(),
        "run",
        "--feed",
        "udp://127.0.0.1:0?format=tick&ack=true",
        "--inference-engine",
        "rules",
        "--http-listen",
        "127.0.0.1:0",
        "--signal-emit",
        "every",
        "--limit-stdout-bytes",
        "65536",
        "--thread-stop-ms",
        "500",
        "--data-directory",
        directory,
        "--summary",
        join(directory, "stalled.json"),
      ],
      // Both ends of the pipe are open here, and nobody ever reads.
      { stdout: pipe, stderr: "pipe", cwd: directory },
    );
    let words = "";
    const reading = (async () => {
      const decoder = new TextDecoder();
      for await (const chunk of child.stderr) words += decoder.decode(chunk);
    })();
    await until(() => words.includes("ready: "));
    const port = Number(/on udp:\/\/\S+:(\d+)/.exec(words)![1]);
    const socket = await openTestSender(port);
    // No more under way than any receive buffer holds, so that every one of them arrives.
    for (let sent = 0; sent < 6000; sent += 50) {
      await until(() => socket.acknowledged >= sent - 50);
      for (let i = sent; i < sent + 50; i++) socket.send(tick("ACME", 100 + (i % 7), 300));
    }
    await until(() => socket.acknowledged === 6000);
    socket.close();
    child.kill("SIGTERM");
    await child.exited;
    await reading;
    closeSync(pipe);
    const report = JSON.parse(readFileSync(join(directory, "stalled.json"), "utf8"));
    expect(report.feed.counts.receivedDatagrams).toBe(6000);
    expect(report.stdout.dropped).toBeGreaterThan(0);
    expect(report.stdout.lines + report.stdout.dropped + report.feed.counts.ringDrops).toBe(
      report.feed.signals.total,
    );
  });
});

describe("the operator", () => {
  test("heldSurvivesRestart: hold, restart, still held; release lifts it", async () => {
    using folder = emptyDirectory();
    const directory = folder.path;
    const args = ["--data-directory", directory];
    {
      await using edge = await startRun("udp://127.0.0.1:0?format=tick", args);
      const held = await run(["hold", "ACME", ...args]);
      expect(held.stdout).toBe("ACME is on hold; no feed has brought a symbol of this name yet\n");
      const socket = join(directory, "control.sock");
      expect(statSync(socket).mode & 0o777).toBe(0o600);
      await edge.stop();
      expect(existsSync(socket)).toBe(false);
    }
    {
      await using edge = await startRun("udp://127.0.0.1:0?format=tick", args);
      expect(edge.running.text("stderr")).toContain("on hold: ACME");
      // BBB is not held: when it has signals, ACME had its chances too.
      let turns = 0;
      await tickUntil(edge.ports[0]!, "ACME", () => turns++ > 200);
      await tickUntil(edge.ports[0]!, "BBB", () => decided(edge).length > 0);
      expect(decided(edge).filter(({ symbol }) => symbol === "ACME")).toEqual([]);
      const released = await run(["release", "ACME", "--json", ...args]);
      expect(JSON.parse(released.stdout)).toMatchObject({
        running: true,
        held: { all: false, symbols: [] },
      });
      await tickUntil(edge.ports[0]!, "ACME", () =>
        decided(edge).some(({ symbol }) => symbol === "ACME"),
      );
      await edge.stop();
    }
  });

  test("a hold without a run is kept for the next start", async () => {
    const done = await run(["hold", "--json"]);
    expect(JSON.parse(done.stdout)).toEqual({
      running: false,
      pid: null,
      held: { all: true, symbols: [] },
    });
    const inWords = await run(["hold", "ACME"]);
    expect([inWords.code, inWords.stdout]).toEqual([0, ""]);
    expect(inWords.stderr).toContain("in force from the next start");
  });
});

describe("the end", () => {
  test("SIGTERM in the middle of a flood drains within the bound and says what it did", async () => {
    await using edge = await startRun("udp://127.0.0.1:0?format=tick&receiveBufferBytes=1048576");
    const flood = Bun.spawn(
      [process.execPath, join(import.meta.dir, "../support/flood.ts"), String(edge.ports[0]), "20"],
      { stdout: "ignore", stderr: "inherit" },
    );
    await until(() => signalsOf(edge.running).length > 0);
    const { report, code } = await edge.stop();
    flood.kill();
    await flood.exited;
    expect(code).toBe(0);
    expect(report).toMatchObject({ clean: true, reason: "SIGTERM" });
    expect(report.feed!.counts["receivedDatagrams"]).toBeGreaterThan(0);
    // The last word on every symbol is HOLD.
    expect(report.feed!.books.every(({ decision }) => decision === "HOLD")).toBe(true);
  });

  test("the last word on every symbol is in the history", async () => {
    using folder = emptyDirectory();
    await using edge = await startRun("udp://127.0.0.1:0?format=tick&silenceMs=60000", [
      "--data-directory",
      folder.path,
    ]);
    const symbols = Array.from({ length: 400 }, (_, i) => `S${i}`);
    const standing = (): number => {
      const said = new Map(signalsOf(edge.running).map((one) => [one["symbol"], one["signal"]]));
      return [...said.values()].filter((signal) => signal !== "HOLD").length;
    };
    const socket = await openTestSender(edge.ports[0]!);
    for (let turn = 0; standing() < symbols.length / 2; turn++) {
      const heavy = turn % 40 >= 20;
      const price = 100 + Math.abs((turn % 40) - 20) / 10;
      for (const [index, symbol] of symbols.entries()) {
        socket.send(tick(symbol, heavy ? 900 : 100, heavy ? 100 : 900, price));
        if (index % 40 === 0) await Bun.sleep(1);
      }
    }
    socket.close();
    const { report } = await edge.stop();
    const database = new Database(join(folder.path, "history.db"), { readonly: true });
    const rows = database.query("select seq, symbol, signal from signal order by seq").all();
    database.close();
    const said = rows as { seq: number; symbol: string; signal: string }[];
    expect(said.at(-1)?.seq).toBe(report.feed!.signals.total);
    const last = new Map(said.map(({ symbol, signal }) => [symbol, signal]));
    expect([...last.values()].filter((signal) => signal !== "HOLD")).toEqual([]);
  });

  test("--for ends it by itself", async () => {
    const done = await run([
      "run",
      "--feed",
      "udp://127.0.0.1:0",
      "--inference-engine",
      "rules",
      "--http-listen",
      "127.0.0.1:0",
      "--for",
      "300ms",
    ]);
    expect([done.code, done.stdout]).toEqual([0, ""]);
    expect(done.stderr).toContain("the time is up");
  });
});

describe("what cannot start says so in one line, with the remedy", () => {
  test("a feed port in use", async () => {
    await using edge = await startRun("udp://127.0.0.1:0?format=tick");
    const [port] = edge.ports;
    const done = await run([
      "run",
      "--feed",
      `udp://127.0.0.1:${port}`,
      "--http-listen",
      "127.0.0.1:0",
    ]);
    expect(done.code).toBe(1);
    const error = done.stderr.split("\n").slice(-3);
    expect(error[0]).toBe(
      `hftedge: feed address udp://127.0.0.1:${port} is in use by another process`,
    );
    expect(error[1]).toContain("ss -ulpn");
  });

  test("an unknown interface names those that there are", async () => {
    const done = await run([
      "run",
      "--feed",
      "udp://239.1.1.1:26400?interface=nosuch0",
      "--http-listen",
      "127.0.0.1:0",
    ]);
    expect(done.code).toBe(1);
    expect(done.stderr).toContain("hftedge: interface nosuch0 does not exist");
    expect(done.stderr).toContain("Choose one of: lo");
  });

  test("and is no unclean stop of the history: the next start has nothing to say of it", async () => {
    using folder = emptyDirectory();
    await using edge = await startRun("udp://127.0.0.1:0?format=tick");
    const start = (...args: string[]) =>
      run([
        "run",
        "--http-listen",
        "127.0.0.1:0",
        "--inference-engine",
        "rules",
        "--data-directory",
        folder.path,
        ...args,
      ]);
    const inUse = await start("--feed", `udp://127.0.0.1:${edge.ports[0]}`);
    expect(inUse.stderr).toContain("is in use by another process");
    const free = ["--feed", "udp://127.0.0.1:0", "--for", "1ms"];
    expect((await start(...free)).stderr).not.toContain("without warning");
    const noToken = await start(...free, "--http-token-file", join(folder.path, "none"));
    expect(noToken.stderr).toContain("cannot be read");
    expect((await start(...free)).stderr).not.toContain("without warning");
  });

  test("an unreadable configuration file", async () => {
    const done = await run(["run", "--config", "/nonexistent/x.toml"]);
    expect(done.code).toBe(1);
    expect(done.stderr).toContain("/nonexistent/x.toml");
    expect(done.stderr.trimEnd().split("\n")).toHaveLength(2);
  });

  test("a second run on one data directory is refused with the pid of the first", async () => {
    await using edge = await startRun("udp://127.0.0.1:0?format=tick");
    const done = await run([
      "run",
      "--feed",
      "udp://127.0.0.1:0",
      "--http-listen",
      "127.0.0.1:0",
      "--data-directory",
      edge.running.directory,
    ]);
    expect(done.code).toBe(1);
    expect(done.stderr).toContain(`with pid ${edge.running.pid}`);
  });

  test("a held list that cannot be understood", async () => {
    using folder = emptyDirectory();
    const directory = folder.path;
    await Bun.write(join(directory, "held.json"), "{");
    const done = await run(["run", "--feed", "udp://127.0.0.1:0", "--data-directory", directory]);
    expect(done.code).toBe(1);
    expect(done.stderr).toContain("is not a list of held symbols");
  });

  test("a held list with more symbols than there is room for: none of them may go unheld", async () => {
    using folder = emptyDirectory();
    const directory = folder.path;
    await Bun.write(join(directory, "held.json"), '{"all":false,"symbols":["AAA","BBB"]}');
    const args = ["--data-directory", directory, "--limit-held-symbols", "1"];
    const done = await run(["run", "--feed", "udp://127.0.0.1:0", ...args]);
    expect(done.code).toBe(1);
    expect(done.stderr).toContain("holds 2 symbols, and limit.heldSymbols allows 1");
  });
});
